"""Locks are told by their tags alone, so that whoever lists a repository sees them for nothing.

Whoever may push can make such a tag, and put any manifest under it. So a tag counts as a lock for as long only as a
lock can last, and what it points to is a lock's manifest only if that says the same as the tag.
"""

import datetime as dt
import re
from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from holystone.engine.model.layerless import layerless_image
from holystone.engine.model.manifests import RawManifest
from holystone.engine.model.references import Tag

LASTS: Final = 1800
"""Seconds until a lock is stale that is not renewed. Clocks may differ by minutes."""
_SKEW: Final = 5 * 60
"""Seconds that the clock of whoever made a lock may be ahead of ours."""
_SHOWN: Final = 5
_LAST_SECOND: Final = 253_402_300_799
"""Of the year 9999: a tag can say more than a calendar has."""
_PREFIX: Final = "holystone-lock-"
_REST: Final = re.compile(r"(?P<until>0|[1-9][0-9]{0,11})-(?P<run>[0-9A-Za-z-]{1,64})", re.ASCII)


class LockTag(msgspec.Struct, frozen=True, order=True):
    until: int
    """Unix seconds. Afterwards the lock is stale: its run has died, or it would have renewed it."""
    run: str

    def __str__(self) -> str:
        ends = dt.datetime.fromtimestamp(min(self.until, _LAST_SECOND), dt.UTC)
        return f"run {self.run}, until {ends:%Y-%m-%d %H:%M:%S} UTC"


def lock_tag(lock: LockTag) -> Tag:
    return Tag.parse(f"{_PREFIX}{lock.until}-{lock.run}")


def lock_image(tag: Tag) -> tuple[RawManifest, bytes]:
    """The manifest of this lock, and its configuration. Its digest is of this run and this moment alone, so that no
    other tag is on it, and it can go alone on servers that delete by digest only."""
    return layerless_image({"holystone.lock": tag}, oci=True)


def parse_lock_tag(tag: str) -> LockTag | None:
    """The lock that the tag is; None if it is none."""
    found = _REST.fullmatch(tag.removeprefix(_PREFIX)) if is_lock_tag(tag) else None
    return LockTag(int(found["until"]), found["run"]) if found else None


def is_lock_tag(tag: str) -> bool:
    return tag.startswith(_PREFIX)


def live_lock(tags: Iterable[str], now: float, run: str | None = None) -> LockTag | None:
    """The lock of another run than `run` that is not stale; of several, the one that lasts longest."""
    locks = (parse_lock_tag(tag) for tag in tags)
    return max((lock for lock in locks if lock and lock.run != run and _is_live(lock, now)), default=None)


def false_locks(tags: Iterable[Tag], now: float) -> tuple[Tag, ...]:
    """Tags that are named like locks, and which no run can have made: they say nothing, or that they last for longer
    than any lock does. Sorted."""
    return tuple(sorted(tag for tag in tags if is_lock_tag(tag) and _is_false(parse_lock_tag(tag), now)))


def _is_live(lock: LockTag, now: float) -> bool:
    return lock.until > now and not _is_false(lock, now)


def _is_false(lock: LockTag | None, now: float) -> bool:
    return lock is None or lock.until > now + LASTS + _SKEW


def false_locks_text(tags: Sequence[Tag]) -> str:
    """What people are told of tags that are named like locks and are none; not empty."""
    more = len(tags) - _SHOWN
    names = f"{', '.join(tags[:_SHOWN])}{f' and {more:,} more' if more > 0 else ''}"
    return (
        f"{names}: named like a lock of Holystone, and not what a run leaves behind. It locks nothing and is left "
        "alone. Remove the tag by hand, and the tag alone: deleting its digest would take everything else that is on it"
    )
