"""Images that records name and their registry does not show: a tag that is listed and cannot be read, or a repository
without any tag. They may be there all the same, so that what may hang on them stays: their records, and each stage that
nothing else needs, since only the image itself says on which one it is built."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping

import msgspec

from holystone.cleanup.inventory import ProjectInventory
from holystone.engine.model.project import Signature, StagesStorage
from holystone.engine.model.references import ImageName, Tag
from holystone.engine.report.words import count


class Unseen(msgspec.Struct, frozen=True):
    """Of one image."""

    signatures: frozenset[Signature]
    """Content signatures, by its records."""
    records: int
    tags: tuple[Tag, ...]
    """That are listed; none where the repository shows no tag at all."""


def unseen_images(
    inventory: ProjectInventory, ours: Collection[ImageName], storage: StagesStorage
) -> Mapping[ImageName, Unseen]:
    """`ours`: whose records are the project's. A tag is known by its name alone, as werf makes it of the content
    signature. Records that do not say of which content they are, or are of one of several images, stay for ever: they
    name nothing."""
    named: defaultdict[ImageName, list[Signature]] = defaultdict(list)
    for record in storage.metadata:
        if record.signature and record.image in ours and record.tag not in storage.ambiguous_metadata:
            named[record.image].append(record.signature)
    found: dict[ImageName, Unseen] = {}
    for image, each in sorted(named.items()):
        at, layout = inventory.of_image(image), inventory.layout
        broken = {layout.without_image(image, tag): tag for tag in at.broken if layout.is_candidate(image, tag)}
        hidden = frozenset(each) & broken.keys() if at.names else frozenset(each)
        if hidden:
            tags = tuple(sorted(broken[signature] for signature in hidden & broken.keys()))
            found[image] = Unseen(hidden, len(each), tags)
    return found


def unseen_notices(inventory: ProjectInventory, unseen: Mapping[ImageName, Unseen]) -> Iterator[str]:
    for image, each in unseen.items():
        at, stay = inventory.layout.repository(image), "stay, and so does each stage that nothing else needs"
        if each.tags:
            yield (
                f"image {image.shown}: {count(len(each.tags), 'tag')} that records name cannot be read in {at}, e.g. "
                f"{each.tags[0]}: its records {stay}. Publish it again, or delete the tag by hand"
            )
        else:
            yield (
                f"image {image.shown}: {at} has no tag, though {count(each.records, 'record')} in {inventory.storage} "
                f"name images that were published there: they {stay}. If it was deleted on purpose, leave the image "
                f"out of werf.yaml and run `holystone managed-images rm {image.shown}`"
            )
