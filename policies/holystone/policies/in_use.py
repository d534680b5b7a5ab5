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


def protect(tags: Iterable[Image], used: Collection[UsedImage]) -> Mapping[Reference, tuple[InUse, ...]]:
    """The tags that are in use, by name or by content. A digest protects whatever repository it was pulled from: a
    mirror or another spelling of the registry does not change what runs."""
    by_name: defaultdict[tuple[Repository, Tag], dict[User, None]] = defaultdict(dict)
    by_digest: defaultdict[Digest, dict[User, None]] = defaultdict(dict)
    for each in sorted(used, key=repr):
        if each.repository and each.tag:
            _add(by_name[each.repository.canonical, each.tag], each.by)
        if each.digest:
            _add(by_digest[each.digest], each.by)
    found: dict[Reference, tuple[InUse, ...]] = {}
    for tag in tags:
        named = by_name.get((tag.reference.repository.canonical, tag.reference.tag), ())
        users = dict.fromkeys((*named, *by_digest.get(tag.digest, ()), *by_digest.get(tag.image_id, ())))
        if users:
            found[tag.reference] = tuple(map(InUse, users))[:_SHOWN]
    return found


def _add(users: dict[User, None], by: User) -> None:
    """No more than are shown: whoever may make workloads can name one digest by thousands of names, and whoever may
    push can put thousands of tags on it."""
    if len(users) < _SHOWN:
        users[by] = None
