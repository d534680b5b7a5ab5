"""Time as arguments. The clock must tick with the event loop's timers: both are monotonic seconds."""

from collections.abc import Awaitable, Callable
from typing import TypeAlias

Clock: TypeAlias = Callable[[], float]
Sleep: TypeAlias = Callable[[float], Awaitable[None]]


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
