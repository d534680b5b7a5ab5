"""Images that their registry does not show: a tag that is listed and cannot be read, or a repository without any tag
though records name images in it. They may be there all the same, so that what may hang on them stays: their records,
and each stage that nothing else needs, since only the image itself says on which one it is built."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from typing import Final

import msgspec

from holystone.engine.closure.graph import is_attached_name
from holystone.engine.model.inventory import RepositorySnapshot
from holystone.engine.model.notices import ImageUnseen
from holystone.engine.model.references import ImageName, Repository, Tag
from holystone.policies.werf.v1 import is_stored
from holystone.policies.werf.v1.claims import names_its_content
from holystone.policies.werf.v1.project import Signature, StagesStorage
from holystone.workflows.inventory import ProjectInventory

_CONFIG: Final = "werf.yaml"
"""Where people name the project's images."""


class UnseenTags(msgspec.Struct, frozen=True):
    """What of one image its repository does not show."""

    signatures: frozenset[Signature]
    """Content signatures, by its records, that a tag is named after."""
    possible: frozenset[Signature]
    """Others that a tag may be of, since its name does not say."""
    records: int
    tags: tuple[Tag, ...]
    """The tags that are listed; none where the repository shows no tag at all."""
    blind: bool
    """Any stage may hang on what is not seen. Not if all of it was read and only makes no sense."""


def unseen_images(
    inventory: ProjectInventory, ours: Collection[ImageName], storage: StagesStorage
) -> Mapping[ImageName, UnseenTags]:
    """What each image's repository does not show although records name it. `ours`: whose records are the project's. A
    tag is known by its name alone, where werf makes it of the content signature; behind any other there may be an image
    of any content. Records that do not say of which content they are, or are of one of several images, stay for ever:
    they name nothing."""
    named: defaultdict[ImageName, list[Signature]] = defaultdict(list)
    ours, ambiguous = frozenset(ours), frozenset(storage.ambiguous_metadata)
    for record in storage.metadata:
        if record.signature and record.image in ours and record.tag not in ambiguous:
            named[record.image].append(record.signature)
    of_image = _broken(inventory)
    found: dict[ImageName, UnseenTags] = {}
    for image in inventory.images:
        each, broken, at = frozenset(named[image]), of_image.get(image, {}), inventory.of_image(image)
        lost = {tag for tag in broken.values() if _may_be_an_image(at, tag)}
        # Named after a branch, say, so that any content may be behind it.
        unnamed = {
            tag
            for signature, tag in broken.items()
            if not (names_its_content(signature) or is_attached_name(signature))
        }
        unnamed = {tag for tag in unnamed if tag in lost or tag not in at.tags}
        hidden = each & broken.keys() if at.tags or at.broken else each
        possible = each - hidden if unnamed else frozenset[Signature]()
        lost |= {tag for signature, tag in broken.items() if signature in hidden and at.image(tag) is None}
        tags = tuple(sorted(lost or unnamed | {broken[signature] for signature in hidden & broken.keys()}))
        if hidden or possible or lost:
            found[image] = UnseenTags(hidden, possible, len(named[image]), tags, blind=bool(lost) or not tags)
    return found


def _broken(inventory: ProjectInventory) -> Mapping[ImageName, Mapping[str, Tag]]:
    """For each image, the tags that may be its own and are broken, by what they are without its name."""
    there: defaultdict[Repository, set[ImageName]] = defaultdict(set)
    for image in inventory.images:
        there[inventory.layout.repository(image)].add(image)
    found: defaultdict[ImageName, dict[str, Tag]] = defaultdict(dict)
    for repository, images in there.items():
        for tag in inventory.snapshots[repository].broken:
            if repository != inventory.storage or not is_stored(tag):
                for image in inventory.layout.candidates(tag, images):
                    found[image][inventory.layout.without_image(image, tag)] = tag
    return found


def _may_be_an_image(at: RepositorySnapshot, tag: Tag) -> bool:
    """The registry has it, and does not give out all that it takes to know whether it is one of ours. A tag without a
    manifest is no image any more, and bytes that are there and make no sense are none that werf has written."""
    digest = at.tags.get(tag)
    if tag in at.unread or digest in at.unread:
        return True
    manifest = at.manifests.get(digest) if digest else None
    return manifest is not None and manifest.config is not None and manifest.config not in at.configs


def empty_notices(inventory: ProjectInventory, unseen: Mapping[ImageName, UnseenTags]) -> Iterator[ImageUnseen]:
    """Notices of repositories that show no tag; tags that cannot be read are told as broken."""
    for image, each in unseen.items():
        if not each.tags:
            at = inventory.layout.repository(image)
            yield ImageUnseen(at, image, each.records, inventory.storage, _CONFIG)
