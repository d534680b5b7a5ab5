"""How much there is to judge: whoever may push can make as many branches and managed images as he likes."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Final

from holystone.engine.errors import IncompleteSource, shell_word
from holystone.engine.model.references import Commit, ImageName
from holystone.policies.git_references import SelectedReference
from holystone.policies.keep_policies import KeepPolicy
from holystone.policies.werf.v1 import image_metadata_tag
from holystone.policies.werf.v1.project import ImageTag

_PAIRS: Final = 50_000_000
"""Of a branch or git tag and a content of an image: some minutes, in which nothing else can happen, and a byte or two
for each pair of one image."""
_STEPS: Final = 10_000_000_000
"""Of expressions, over the bytes of names that are held against them: some minutes likewise, where RE2 has to take each
for each byte."""
_COMMITS: Final = (Commit("0" * 40), Commit("0" * 64))
"""Names are cut to the room that a commit of SHA-1, or of SHA-256, leaves."""
_ALIKE: Final = 4
"""Images whose long names werf cuts to one. Two would be an accident; each record of one counts for all of them."""


def refuse_too_many(
    selected: Collection[SelectedReference], tags: Mapping[ImageName, Iterable[ImageTag]], most: int = _PAIRS
) -> None:
    """Raises IncompleteSource."""
    contents = sum(len({tag.signature for tag in of_image}) for of_image in tags.values())
    refuse_pairs(len(selected), contents, most)


def refuse_pairs(selected: int, contents: int, most: int = _PAIRS) -> None:
    """`selected`: branches and git tags; `contents`: what is looked for in each. Raises IncompleteSource."""
    if selected * contents > most:
        raise IncompleteSource(
            f"The keep policies select {selected:,} branches and git tags, and {contents:,} contents of images "
            "would have to be looked for in each: that is more than is judged.",
            not_deleted="No image was deleted, because git history decides about images.",
            what_to_do="Find out who made so many and delete those that nobody needs, or give the policies a limit of "
            "references, as in `limit: {last: 1000}`.",
        )


def bounded(policies: Iterable[KeepPolicy], most: int = _STEPS) -> Callable[[str], None]:
    """What counts the names of branches and git tags that are held against the policies. It raises IncompleteSource."""
    of_each = sum(each.references.steps for each in policies)
    size = 0

    def count(name: str) -> None:
        nonlocal size
        size += len(name.encode(errors="surrogateescape"))
        if size * of_each > most:
            raise IncompleteSource(
                f"The keep policies' expressions take {of_each:,} steps for each letter, and there are {size:,} and "
                "more in the names of branches and git tags: that is more than is judged.",
                not_deleted="No image was deleted, because git history decides about images.",
                what_to_do="Write shorter expressions, or find out who made so many branches and delete those that "
                "nobody needs.",
            )

    return count


def refuse_alike(images: Iterable[ImageName]) -> None:
    """Raises IncompleteSource."""
    records: defaultdict[str, list[ImageName]] = defaultdict(list)
    for image in images:
        for commit in _COMMITS:
            records[image_metadata_tag(image, commit)].append(image)
    for alike in records.values():
        if len(alike) > _ALIKE:
            raise IncompleteSource(
                f"werf cuts the long names of {len(alike):,} images to the same one, e.g. {alike[0]} and {alike[1]}: "
                "whose their metadata records are, cannot be told. That is no accident.",
                what_to_do="Find out who made so many managed images, and remove those that are none: holystone "
                f"managed-images rm {shell_word(alike[0])} …",
            )
