"""How much one attempt at a run may take: until when it begins anything, and how many requests it sends. Whoever is
about to begin something asks; what has begun is ended, and checked, whatever that takes."""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from holystone.engine.errors import BudgetSpent
from holystone.engine.executor.results import Limit
from holystone.engine.scheduler import moment
from holystone.engine.scheduler.clock import Clock

_WORDS: Final[dict[Limit, str]] = {
    "time": "The time that it was given is over.",
    "requests": "The requests that it was given are sent.",
}
_EACH: Final = 2
"""Requests that whatever is in hand is about to send: a look and a deletion."""


def _none() -> int:
    return 0


class Budget:
    def __init__(
        self,
        ends: float = math.inf,
        requests: float = math.inf,
        *,
        sent: Callable[[], int] = _none,
        clock: Clock = moment,
    ) -> None:
        """`ends` is by `clock`. `sent` gives how many requests the attempt has sent."""
        self.ends = ends
        self.requests = requests
        self._sent = sent
        self._clock = clock
        self._in_hand = 0
        self._spent: Limit | None = None

    def __repr__(self) -> str:
        return f"<Budget {self.requests} requests, until {self.ends}{', spent' if self._spent else ''}>"

    def counting(self, sent: Callable[[], int]) -> "Budget":
        """The same for another attempt, whose requests `sent` gives."""
        return Budget(self.ends, self.requests, sent=sent, clock=self._clock)

    @property
    def is_limited(self) -> bool:
        return min(self.ends, self.requests) < math.inf

    def spent(self) -> Limit | None:
        """What of it is used up. Once somebody was told so it stays so: what he left is left."""
        if self._spent is None:
            if self._clock() >= self.ends:
                self._spent = "time"
            elif self._sent() + _EACH * self._in_hand >= self.requests:
                self._spent = "requests"
        return self._spent

    @contextmanager
    def in_hand(self) -> Iterator[None]:
        """Something is at work, and has not sent all of its requests."""
        self._in_hand += 1
        try:
            yield
        finally:
            self._in_hand -= 1

    def ask(self) -> None:
        """Raises BudgetSpent."""
        if spent := self.spent():
            raise BudgetSpent(_WORDS[spent])
