"""How much git history is asked about: whoever may push to git can make as many branches as he likes."""

from collections.abc import Collection, Iterable, Mapping
from typing import Final

from holystone.engine.errors import IncompleteSource
from holystone.engine.model.references import ImageName
from holystone.policies.git_references import SelectedReference
from holystone.policies.werf.v1.project import ImageTag

_PAIRS: Final = 50_000_000
"""Of a branch or git tag and a content of an image: some minutes, in which nothing else can happen, and four bytes for
each pair of one image."""


def refuse_too_many(
    selected: Collection[SelectedReference], tags: Mapping[ImageName, Iterable[ImageTag]], most: int = _PAIRS
) -> None:
    """Raises IncompleteSource."""
    contents = sum(len({tag.signature for tag in of_image}) for of_image in tags.values())
    if len(selected) * contents > most:
        raise IncompleteSource(
            f"The keep policies select {len(selected):,} branches and git tags, and {contents:,} contents of images "
            "would have to be looked for in each: that is more than is judged.",
            not_deleted="No image was deleted, because git history decides about images.",
            what_to_do="Find out who made so many and delete those that nobody needs, or give the policies a limit of "
            "references, as in `limit: {last: 1000}`.",
        )
