"""What runs somewhere stays, whatever the other policies say, and takes no place in their limits."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import Protocol

from holystone.engine.model.in_use import UsedImage
from holystone.engine.model.reasons import InUse
from holystone.engine.model.references import Digest, Reference, Repository, Tag

_SHOWN = 3
"""Users of one image that the reasons name."""


class Image(Protocol):
    """A final image or a stage, as far as it matters whether somebody uses it."""

    @property
    def reference(self) -> Reference: ...
    @property
    def digest(self) -> Digest: ...
    @property
    def image_id(self) -> Digest: ...


def protect(tags: Iterable[Image], used: Collection[UsedImage]) -> Mapping[Reference, tuple[InUse, ...]]:
    """The tags that are in use, by name or by content. A digest protects whatever repository it was pulled from: a
    mirror or another spelling of the registry does not change what runs."""
    by_name: defaultdict[tuple[Repository, Tag], list[UsedImage]] = defaultdict(list)
    by_digest: defaultdict[Digest, list[UsedImage]] = defaultdict(list)
    for each in sorted(used, key=repr):
        if each.repository and each.tag:
            by_name[each.repository.canonical, each.tag].append(each)
        if each.digest:
            by_digest[each.digest].append(each)
    found: dict[Reference, tuple[InUse, ...]] = {}
    for tag in tags:
        named = by_name.get((tag.reference.repository.canonical, tag.reference.tag), [])
        users = [*named, *by_digest.get(tag.digest, ()), *by_digest.get(tag.image_id, ())]
        if users:
            found[tag.reference] = tuple(InUse(by) for by in dict.fromkeys(each.by for each in users))[:_SHOWN]
    return found
