"""A server-side rate limit: so many requests per window, then 429 until the window ends."""

import math
from collections.abc import Callable

import msgspec

from holystone.embedded.errors import error_reply


class RateLimit(msgspec.Struct, frozen=True):
    requests: int
    window: float = 1.0
    """Seconds."""


class FixedWindow:
    """`clock` is monotonic, in seconds."""

    def __init__(self, limit: RateLimit, clock: Callable[[], float]) -> None:
        self._limit = limit
        self._clock = clock
        self._ends = 0.0
        self._left = 0

    def take(self) -> None:
        """Counts one request. Raises ErrorReply if it is one too many."""
        now = self._clock()
        if now >= self._ends:
            self._ends, self._left = now + self._limit.window, self._limit.requests
        if self._left <= 0:
            raise error_reply("TOOMANYREQUESTS", headers={"Retry-After": str(math.ceil(self._ends - now))})
        self._left -= 1
