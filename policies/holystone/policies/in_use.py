"""What runs somewhere stays, whatever the other policies say, and takes no place in their limits."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import Protocol

from holystone.engine.model.in_use import UsedImage, User
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


class Usage:
    """Who uses what, by name and by content. A digest protects whatever repository it was pulled from: a mirror or
    another spelling of the registry does not change what runs."""

    def __init__(self, used: Iterable[UsedImage]) -> None:
        self._by_name: defaultdict[tuple[Repository, Tag], dict[User, None]] = defaultdict(dict)
        self._by_digest: defaultdict[Digest, dict[User, None]] = defaultdict(dict)
        for each in sorted(used, key=repr):
            if each.repository and each.tag:
                _add(self._by_name[each.repository.canonical, each.tag], each.by)
            if each.digest:
                _add(self._by_digest[each.digest], each.by)

    def of(self, reference: Reference, digests: Iterable[Digest]) -> tuple[InUse, ...]:
        """Who uses the tag, or anything that is behind it."""
        users = dict(self._by_name.get((reference.repository.canonical, reference.tag), {}))
        for digest in digests:
            users |= self._by_digest.get(digest, {})
        return tuple(map(InUse, users))[:_SHOWN]

    def has(self, digests: Iterable[Digest]) -> bool:
        """Whether somebody uses one of them, by its digest."""
        return any(digest in self._by_digest for digest in digests)


def protect(tags: Iterable[Image], used: Collection[UsedImage]) -> Mapping[Reference, tuple[InUse, ...]]:
    """The tags that are in use, by name or by content."""
    usage = Usage(used)
    found = ((tag.reference, usage.of(tag.reference, (tag.digest, tag.image_id))) for tag in tags)
    return {reference: users for reference, users in found if users}


def _add(users: dict[User, None], by: User) -> None:
    """No more than are shown: whoever may make workloads can name one digest by thousands of names, and whoever may
    push can put thousands of tags on it."""
    if len(users) < _SHOWN:
        users[by] = None
