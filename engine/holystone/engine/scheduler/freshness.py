"""For how long what was seen may be acted upon. A request may queue for minutes, and wait between two attempts for as
long as the server says; whoever compares first and then changes something says until when that may be sent."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

from holystone.engine.scheduler.clock import moment, suspended

FRESH: Final = 60.0
"""Seconds for which a look stands."""
ROUNDS: Final = 16
"""Times that it is looked again and sent again: together about as long as a server may say "later"."""
_UNTIL: Final[ContextVar[float]] = ContextVar("until", default=math.inf)
"""By `moment`."""


@contextmanager
def sent_within(seconds: float) -> Iterator[None]:
    """No attempt of a request that is made in this block begins later than that after now: then the lane raises Overdue
    in its place. An attempt that has to wait for something else, such as a connection, raises it by itself. What is on
    its way by then is waited for."""
    token = _UNTIL.set(min(_UNTIL.get(), moment() + seconds))
    try:
        yield
    finally:
        _UNTIL.reset(token)


@contextmanager
def sent_at_any_time() -> Iterator[None]:
    """What is asked for in this block, such as a token, changes nothing, and others wait for it too: the time of
    whoever asks says nothing about it."""
    token = _UNTIL.set(math.inf)
    try:
        yield
    finally:
        _UNTIL.reset(token)


def until() -> float:
    """After what nothing is sent, by `anyio.current_time`; infinite outside of such a block."""
    return _UNTIL.get() - suspended()
