"""Locks are told by their tags alone, so that whoever lists a repository sees them for nothing."""

import re
import time
from collections.abc import Iterable
from typing import Final

import msgspec

from holystone.engine.model.references import Tag

_PREFIX: Final = "holystone-lock-"
_REST: Final = re.compile(r"(?P<until>[0-9]{1,12})-(?P<run>[0-9A-Za-z-]{1,64})", re.ASCII)


class LockTag(msgspec.Struct, frozen=True, order=True):
    until: int
    """Unix seconds. Afterwards the lock is stale: its run has died, or it would have renewed it."""
    run: str

    def __str__(self) -> str:
        ends = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(self.until))
        return f"run {self.run}, until {ends}"


def lock_tag(lock: LockTag) -> Tag:
    return Tag.parse(f"{_PREFIX}{lock.until}-{lock.run}")


def parse_lock_tag(tag: str) -> LockTag | None:
    """None if it is no lock."""
    found = _REST.fullmatch(tag.removeprefix(_PREFIX)) if is_lock_tag(tag) else None
    return LockTag(int(found["until"]), found["run"]) if found else None


def is_lock_tag(tag: str) -> bool:
    return tag.startswith(_PREFIX)


def live_lock(tags: Iterable[str], now: float, run: str | None = None) -> LockTag | None:
    """The lock of another run than `run` that is not stale; of several, the one that lasts longest."""
    locks = (parse_lock_tag(tag) for tag in tags)
    return max((lock for lock in locks if lock and lock.run != run and lock.until > now), default=None)
