"""Time as arguments. The clock must tick with the event loop's timers: both are monotonic seconds."""

import sys
import time
from collections.abc import Awaitable, Callable
from typing import Final, TypeAlias

import anyio

Clock: TypeAlias = Callable[[], float]
Sleep: TypeAlias = Callable[[float], Awaitable[None]]
if sys.platform == "darwin":
    GOES_ON: Final = time.CLOCK_MONOTONIC
    _STOPS: Final = time.CLOCK_UPTIME_RAW
else:
    GOES_ON: Final[int] = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
    _STOPS: Final = time.CLOCK_MONOTONIC
"""The first counts what the machine is suspended for, the second does not (clock_gettime(2) and its page in macOS)."""


def moment() -> float:
    """When something was seen, in seconds of the event loop's clock and of those for which the machine was suspended,
    which that leaves out: a lid may be closed in the midst of a run, and opened the next morning."""
    return anyio.current_time() + suspended()


def suspended() -> float:
    """Seconds for which this machine was suspended, since some moment in the past."""
    return time.clock_gettime(GOES_ON) - time.clock_gettime(_STOPS)


def steady(clock: Clock) -> Clock:
    """One that goes on where `clock` leaps back, as the monotonic clock of some machines does after a suspension:
    whoever waits for a moment must not wait for the whole leap too."""
    last, ahead = clock(), 0.0

    def now() -> float:
        nonlocal last, ahead
        told = clock()
        if told < last:
            ahead += last - told
        last = told
        return told + ahead

    return now
