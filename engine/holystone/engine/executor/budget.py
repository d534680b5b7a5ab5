"""How much one attempt at a run may take: until when it begins anything, and how many requests it sends. Whoever is
about to begin something asks; what has begun is ended, and checked, whatever that takes."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from holystone.engine.errors import BudgetSpent
from holystone.engine.executor.results import Limit
from holystone.engine.scheduler import moment
from holystone.engine.scheduler.clock import Clock

_WORDS: Final[dict[Limit, str]] = {
    "time": "The time that it was given is over.",
    "requests": "The requests that it was given are sent.",
}


def _none() -> int:
    return 0


@dataclass(frozen=True, slots=True)
class Budget:
    ends: float = math.inf
    """By `clock`."""
    requests: float = math.inf
    sent: Callable[[], int] = _none
    """Gives how many requests the attempt has sent."""
    clock: Clock = moment

    @property
    def is_limited(self) -> bool:
        return min(self.ends, self.requests) < math.inf

    @property
    def spent(self) -> Limit | None:
        """What of it is used up; once it is, it stays so."""
        if self.clock() >= self.ends:
            return "time"
        return "requests" if self.sent() >= self.requests else None

    def ask(self) -> None:
        """Raises BudgetSpent."""
        if spent := self.spent:
            raise BudgetSpent(_WORDS[spent])


ENDLESS: Final = Budget()
