"""When to try again, as a tenacity policy: full jitter, the server's own "later", a bound and a budget."""

import random
from typing import Any, NoReturn

import anyio
from tenacity import AsyncRetrying, RetryCallState

from holystone.engine.scheduler.budget import RetryBudget
from holystone.engine.scheduler.clock import Clock, Sleep
from holystone.engine.scheduler.faults import Overdue, RateLimited, RetriesExhausted, Transient
from holystone.engine.scheduler.freshness import until
from holystone.engine.scheduler.limits import Limits

_BASE = 0.5
_CAP = 30.0
"""Seconds: the first and the longest wait that jitter is drawn from."""


class Retrying:
    """The policy of one request that was sent in vain. `attempts` counts what was really sent."""

    __slots__ = ("_again", "_begun", "_budget", "_clock", "_late", "_limits", "_rng", "_sleep", "attempts", "why")

    def __init__(
        self,
        limits: Limits,
        budget: RetryBudget,
        begun: float,
        *,
        clock: Clock,
        sleep: Sleep,
        rng: random.Random,
        again: bool,
    ) -> None:
        self._limits = limits
        self._budget = budget
        self._clock = clock
        self._sleep = sleep
        self._rng = rng
        self._again = again
        self._begun = begun
        self._late = False
        self.attempts = 1
        self.why = ""
        """The last one failed."""

    def policy(self) -> AsyncRetrying:
        return AsyncRetrying(
            retry=self._is_passing,
            wait=self._wait,
            stop=self._stop,
            sleep=self._sleep,
            retry_error_callback=self._exhausted,
        )

    def gave_up(self, fault: RateLimited | Transient) -> RetriesExhausted:
        return RetriesExhausted(fault.reason, self.attempts, self._clock() - self._begun, fault=fault)

    @staticmethod
    def _is_passing(state: RetryCallState) -> bool:
        return isinstance(_fault(state), RateLimited | Transient)

    def _wait(self, state: RetryCallState) -> float:
        fault = _fault(state)
        self.why = fault.reason if isinstance(fault, RateLimited | Transient) else ""
        jitter = self._rng.uniform(0.0, min(_CAP, _BASE * 2.0 ** (state.attempt_number - 1)))
        return jitter + (fault.after or 0.0) if isinstance(fault, RateLimited) else jitter

    def _stop(self, state: RetryCallState) -> bool:
        """Tenacity asks last, after `_wait`, so that what is spent here is really used."""
        fault = _fault(state)
        too_late = isinstance(fault, RateLimited) and (fault.after or 0.0) > self._limits.longest_wait
        if not self._again or too_late or state.attempt_number >= self._limits.attempts:
            return True
        self._late = anyio.current_time() + state.upcoming_sleep >= until()
        return self._late or not self._budget.spend()

    def _exhausted(self, state: RetryCallState) -> NoReturn:
        fault: Any = _fault(state)
        raise (Overdue(fault) if self._late else self.gave_up(fault)) from fault


def _fault(state: RetryCallState) -> BaseException | None:
    return state.outcome.exception() if state.outcome else None
