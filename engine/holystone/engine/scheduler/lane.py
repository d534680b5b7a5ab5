"""A lane: the thin shell around `LaneState` that waits, sends and tries again."""

import math
import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

import anyio
import anyio.lowlevel
import msgspec

from holystone.engine.events import tell
from holystone.engine.model.capabilities import Quota
from holystone.engine.model.events import Paused, Retried, Sent, Throttled
from holystone.engine.model.references import RegistryHost
from holystone.engine.ports import RateBudget
from holystone.engine.scheduler.budget import RetryBudget
from holystone.engine.scheduler.clock import Clock, Sleep
from holystone.engine.scheduler.concurrency import AdaptiveLimit
from holystone.engine.scheduler.faults import Overdue, RateLimited, RetriesExhausted, Transient
from holystone.engine.scheduler.freshness import until
from holystone.engine.scheduler.limits import Limits
from holystone.engine.scheduler.pause import HostPause
from holystone.engine.scheduler.retry import Retrying
from holystone.engine.scheduler.state import LaneState, Ticket
from holystone.engine.scheduler.window import RateHint

T = TypeVar("T")

_RETRY_RATIO = 0.2
_RETRY_RESERVE = 100
"""Enough for every request in flight to fail three times at the default ceiling."""

_TICK = 1e-6


class LaneKey(msgspec.Struct, frozen=True, order=True):
    host: RegistryHost
    credential: str
    """A name for it, never the secret."""
    api: str
    """API class: requests that a registry counts together, e.g. `read` or `delete`."""


class LaneCounts(msgspec.Struct, frozen=True):
    requests: int = 0
    """Sent, first attempts and retries alike."""
    retries: int = 0
    throttled: int = 0
    waited: float = 0.0
    """Seconds that requests spent queued or between attempts, summed up over all of them."""


class Host:
    """What the lanes of one host share."""

    def __init__(self, limits: Limits) -> None:
        self.pause = HostPause(limits.host_patience, limits.first_patience)
        self.lanes: list[Lane] = []


class _NoUseWaiting(Exception):
    def __init__(self, fault: RateLimited | Transient) -> None:
        super().__init__(fault.reason)
        self.fault = fault


class Lane:
    """Made by `Scheduler.lane`."""

    def __init__(
        self,
        key: LaneKey,
        quota: Quota | None,
        budget: RateBudget,
        host: Host,
        limits: Limits,
        *,
        clock: Clock,
        sleep: Sleep,
        rng: random.Random,
    ) -> None:
        now = clock()
        self.key = key
        self._host = host
        self._limits = limits
        self._clock = clock
        self._sleep = sleep
        self._rng = rng
        self._rate = budget
        self.declared = quota
        self._state = LaneState(self._rate, AdaptiveLimit(limits.in_flight, now), host.pause, limits.longest_wait)
        self._budget = RetryBudget(ratio=_RETRY_RATIO, reserve=max(_RETRY_RESERVE, 3 * limits.in_flight))
        self._waiting: dict[Ticket, anyio.Event] = {}
        self._alarm: tuple[Ticket, float] | None = None
        """Who sleeps until the next moment to ask at: always the first in the queue, so that there is one timer a lane
        and no task of its own."""
        self._requests = self._retries = self._throttled = 0
        self._resting = 0
        self._waited = 0.0
        host.lanes.append(self)

    @property
    def in_flight(self) -> int:
        return self._state.in_flight

    @property
    def queued(self) -> int:
        return self._state.queued

    @property
    def waiting(self) -> int:
        """Requests that are not under way, for the first time or between two attempts."""
        return self.queued + self._resting

    @property
    def paused(self) -> float:
        """Seconds in which nothing is sent: infinitely many while the host is probed."""
        return max(0.0, self._state.paused_until(self._clock()) - self._clock())

    def counts(self) -> LaneCounts:
        return LaneCounts(self._requests, self._retries, self._throttled, self._waited)

    async def run(self, attempt: Callable[[], Awaitable[T]], *, timeout: float, retry: bool = True) -> T:
        """Sends when it is this request's turn, and again while it raises RateLimited or Transient. `timeout` is for
        each attempt, in seconds, queueing left out. An attempt must not run another request on its own lane: it would
        wait for the place that it holds.

        Raises RetriesExhausted, and Overdue where it could not be sent in time (see `freshness`); whatever else the
        attempt raises goes straight through."""
        self._budget.first_attempt()
        begun = self._clock()
        # Nearly every request succeeds at once, and tenacity would cost it more than all the rest of the lane.
        try:
            ticket = await self._admitted_in_time()
            self._requests += 1
            tell(Sent(self.key.host, self.key.api))
            return await self._send(ticket, attempt, timeout)
        except (RateLimited, Transient) as fault:
            failed = [fault]
        except _NoUseWaiting as refused:
            why = refused.fault
            raise RetriesExhausted(why.reason, 0, self._clock() - begun, fault=why) from why
        retrying = Retrying(
            self._limits, self._budget, begun, clock=self._clock, sleep=self._rest, rng=self._rng, again=retry
        )

        async def first_told_again() -> T:
            if failed:
                raise failed.pop()
            tell(Retried(self.key.host, self.key.api, retrying.attempts + 1, retrying.why))
            ticket = await self._admitted_in_time()
            retrying.attempts += 1
            self._requests += 1
            self._retries += 1
            tell(Sent(self.key.host, self.key.api))
            return await self._send(ticket, attempt, timeout)

        try:
            return await retrying.policy()(first_told_again)
        except _NoUseWaiting as refused:
            raise retrying.gave_up(refused.fault) from refused.fault

    def hint(self, hint: RateHint) -> None:
        """What the headers of a reply said. Call it inside the attempt, while its request still counts as in flight."""
        self._state.hint(hint, self._clock())
        self.turn()

    def declare(self, quota: Quota) -> None:
        """A quota that was learned after the lane was made. Raises ValueError if it lets nothing through."""
        self._rate.declare(quota, self._clock())
        self.declared = quota
        self.turn()

    def allow(self, rate: float) -> None:
        """The server says that it lets through so many requests a second: more than was declared is declared. Nothing
        where no quota was."""
        if self.declared and rate > self.declared.rate:
            self.declare(Quota(rate, max(rate, self.declared.burst)))

    def turn(self) -> None:
        """Lets everything go that may go now, and sees to it that somebody asks again in time."""
        if not self._state.queued:
            self._alarm = None
            return
        settled, wake = self._state.next(self._clock())
        for ticket in settled:
            if event := self._waiting.get(ticket):
                event.set()
        first = self._state.first if wake < math.inf else None
        if first is None:
            self._alarm = None
        elif self._alarm is None or self._alarm[0] is not first or wake < self._alarm[1] - _TICK:
            self._alarm = (first, wake)
            if event := self._waiting.get(first):
                event.set()

    def _admitted_in_time(self) -> Awaitable[Ticket]:
        latest = until()
        return self._admitted() if latest == math.inf else self._admitted_by(latest)

    async def _admitted_by(self, latest: float) -> Ticket:
        ticket = None
        if anyio.current_time() < latest:
            with anyio.CancelScope(deadline=latest):
                ticket = await self._admitted()
        if ticket is None:
            raise Overdue
        return ticket

    async def _admitted(self) -> Ticket:
        ticket = self._state.join(self._clock())
        try:
            self.turn()
            while not (ticket.granted or ticket.refusal):
                await self._wait(ticket)
                if self._alarm and self._alarm[0] is ticket:
                    self._alarm = None  # rung; the turn sets it anew if it is still too early
                self.turn()
                # Cancelled in the moment it was woken: nothing is begun, so that its token goes on too.
                await anyio.lowlevel.checkpoint_if_cancelled()
        except BaseException:
            self._after(self._state.leave(ticket))
            raise
        finally:
            self._waiting.pop(ticket, None)
            self._waited += self._clock() - ticket.queued_at
        if ticket.refusal:
            raise _NoUseWaiting(ticket.refusal)
        return ticket

    async def _wait(self, ticket: Ticket) -> None:
        event = self._waiting[ticket] = anyio.Event()
        if self._alarm and self._alarm[0] is ticket:
            with anyio.move_on_after(max(0.0, self._alarm[1] - self._clock())):
                await event.wait()
        else:
            await event.wait()

    async def _send(self, ticket: Ticket, attempt: Callable[[], Awaitable[T]], timeout: float) -> T:
        state = self._state
        concerned = False
        try:
            with anyio.move_on_after(timeout):
                result = await attempt()
                concerned = state.answered(ticket, self._clock())
                return result
            raise Transient(f"no answer within {timeout:g} s", host_down=True)
        except RateLimited as fault:
            self._throttled += 1
            tell(Throttled(self.key.host, self.key.api, fault.reason, fault.after))
            concerned = self._paused_by(fault, state.throttled(ticket, fault, self._clock()))
            raise
        except Transient as fault:
            concerned = self._paused_by(fault, state.failed(ticket, fault, self._clock()))
            raise
        except Overdue:  # it was not sent
            concerned = state.abandoned(ticket)
            raise
        except Exception:
            concerned = state.answered(ticket, self._clock())
            raise
        except BaseException:
            concerned = state.abandoned(ticket)
            raise
        finally:
            self._after(concerned)

    def _paused_by(self, fault: RateLimited | Transient, concerned: bool) -> bool:
        if concerned and self.paused:
            tell(Paused(self.key.host, fault.reason, self.paused))
        return concerned

    def _after(self, concerned: bool) -> None:
        for lane in self._host.lanes if concerned else (self,):
            lane.turn()

    async def _rest(self, seconds: float) -> None:
        begun = self._clock()
        self._resting += 1
        try:
            await self._sleep(seconds)
        finally:
            self._resting -= 1
            self._waited += self._clock() - begun

    def __repr__(self) -> str:
        paused = self.paused
        pause = ", probing" if paused == math.inf else f", paused {math.ceil(paused)} s" if paused >= 1 else ""
        counts = f"{self.in_flight}/{self._state.limit} active, {self.queued} queued"
        return f"<Lane {self.key.host} {self.key.api} {counts}{pause}>"
