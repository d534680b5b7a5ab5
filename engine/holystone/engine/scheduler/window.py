"""The server's own count: so many requests left until the window resets."""

import math

import msgspec

_SCARCE = 0.1
"""The last tenth of a window is spread over the time that is left: others live on the same credential."""


class RateHint(msgspec.Struct, frozen=True):
    """What the headers of one reply say, e.g. X-RateLimit-Remaining. None where they do not."""

    remaining: int | None
    limit: int | None = None
    resets_in: float | None = None
    """Seconds. Without it a hint cannot be used: nobody knows when the count starts again."""


class Window:
    __slots__ = ("_left", "_next_at", "_resets_at", "_scarce")

    def __init__(self) -> None:
        self._left = math.inf
        self._scarce = 0.0
        self._resets_at = -math.inf
        self._next_at = -math.inf

    def learn(self, hint: RateHint, others: int, now: float) -> None:
        """Takes in what a reply says. `others` are the requests in flight whose replies are still to come: the server
        may not have counted them."""
        if hint.remaining is None or hint.resets_in is None:
            return
        self._left = max(0.0, hint.remaining - others)
        self._scarce = (hint.limit or 0) * _SCARCE
        self._resets_at = now + max(0.0, hint.resets_in)

    def ready_at(self, now: float) -> float:
        if now >= self._resets_at:
            return now
        return self._resets_at if self._left < 1 else min(self._next_at, self._resets_at)

    def take(self, now: float) -> None:
        if now >= self._resets_at:
            return
        self._left -= 1
        if self._left < self._scarce:
            self._next_at = now + (self._resets_at - now) / (self._left + 1)

    def give_back(self) -> None:
        self._left += 1
        self._next_at = -math.inf
