"""What time registries say it is, beside what our clock said when they said it."""

import time
from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from functools import lru_cache

import msgspec
from multidict import CIMultiDictProxy


class Reading(msgspec.Struct, frozen=True):
    """A clock's time beside ours, in Unix seconds."""

    theirs: int
    ours: int

    @property
    def apart(self) -> int:
        return abs(self.theirs - self.ours)


class Dates:
    """What time each host says it is: of all its replies the one whose `Date` is nearest to our clock: a cache on the
    way may hand out old ones, and none that are new."""

    def __init__(self) -> None:
        self._nearest: dict[str, Reading | None] = {}

    def saw(self, host: str, headers: CIMultiDictProxy[str]) -> None:
        before = self._nearest.setdefault(host, None)
        theirs = date_of(headers)
        if theirs is None:
            return
        reading = Reading(theirs, int(time.time()))
        if before is None or reading.apart < before.apart:
            self._nearest[host] = reading

    @property
    def nearest(self) -> Mapping[str, Reading | None]:
        """The nearest reading by host. None: the host was asked and never said what time it is, at least not in a way
        that can be understood."""
        return self._nearest

    def now(self, host: str) -> float:
        """Unix seconds by the clock of this host, which all who talk to it share; by ours where it never said."""
        reading = self._nearest.get(host)
        return time.time() + (reading.theirs - reading.ours if reading else 0)


def date_of(headers: CIMultiDictProxy[str]) -> int | None:
    """RFC 9110, 6.6.1, in all three forms; a reply out of a cache (`Age`, RFC 9111, 5.1) tells when it was made, not
    what time it is."""
    dates, ages = set(headers.getall("Date", [])), headers.getall("Age", [])
    if len(dates) != 1 or any(age.strip() != "0" for age in ages):
        return None
    return _seconds(dates.pop())


@lru_cache(8)  # dozens of replies come in a second, and all of them say the same
def _seconds(date: str) -> int | None:
    try:
        moment = parsedate_to_datetime(date)
        return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
    except (TypeError, ValueError, IndexError, OverflowError):
        return None
