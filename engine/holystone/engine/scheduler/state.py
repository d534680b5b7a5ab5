"""One lane's decisions as a synchronous state machine: who may send now, and when to ask again. No waiting, no I/O."""

import math
from collections import OrderedDict
from typing import NamedTuple

from holystone.engine.ports import RateBudget
from holystone.engine.scheduler.concurrency import AdaptiveLimit
from holystone.engine.scheduler.faults import RateLimited, Transient
from holystone.engine.scheduler.pause import HostPause
from holystone.engine.scheduler.window import RateHint, Window


class Ticket:
    """One request's place in a lane: queued, then granted or refused."""

    __slots__ = ("granted", "probe", "queued_at", "refusal", "sent_at")

    def __init__(self, now: float) -> None:
        self.queued_at = now
        self.sent_at = now
        self.granted = False
        self.probe = 0
        self.refusal: RateLimited | Transient | None = None
        """Why waiting is of no use."""


class Turn(NamedTuple):
    """What changed: whoever waits with one of these tickets goes on; the rest asks again at `wake` or after the next
    event, whichever comes first."""

    settled: list[Ticket]
    wake: float


class LaneState:
    """First in, first out. After every call that reports something, call `next`."""

    __slots__ = ("_budget", "_concurrency", "_in_flight", "_longest_wait", "_pause", "_queue", "_window")

    def __init__(self, budget: RateBudget, concurrency: AdaptiveLimit, pause: HostPause, longest_wait: float) -> None:
        self._budget = budget
        self._concurrency = concurrency
        self._pause = pause
        self._longest_wait = longest_wait
        self._window = Window()
        # Not a dict: taking its first key again and again scans over the deleted ones, which is quadratic.
        self._queue: OrderedDict[Ticket, None] = OrderedDict()
        self._in_flight = 0

    @property
    def in_flight(self) -> int:
        return self._in_flight

    @property
    def queued(self) -> int:
        return len(self._queue)

    @property
    def limit(self) -> int:
        return self._concurrency.limit

    @property
    def first(self) -> Ticket | None:
        return next(iter(self._queue), None)

    def paused_until(self, now: float) -> float:
        """Before this nothing is sent, even if the lane is empty: infinitely late while the host is probed."""
        return max(self._pause.opens_at(), self._window.ready_at(now), self._budget.ready_at(now))

    def join(self, now: float) -> Ticket:
        ticket = Ticket(now)
        self._queue[ticket] = None
        return ticket

    def next(self, now: float) -> Turn:
        settled: list[Ticket] = []
        while self._queue:
            ready = self._pause.opens_at()
            if ready <= now:
                ready = max(self._budget.ready_at(now), self._window.ready_at(now))
            if ready <= now and self._in_flight < self._concurrency.limit:
                ticket, _ = self._queue.popitem(last=False)
                self._grant(ticket, now)
                settled.append(ticket)
                continue
            end = self._pause.ends_at()
            refusal = self._refusal(ready, end, now)
            if refusal is None:
                return Turn(settled, min(ready if ready > now else math.inf, end))
            for ticket in self._queue:
                ticket.refusal = refusal
            settled.extend(self._queue)
            self._queue.clear()
        return Turn(settled, math.inf)

    def leave(self, ticket: Ticket) -> bool:
        """A ticket's owner was cancelled before it could send; whatever it held goes on to the next. This and the four
        fates below return True if the other lanes of the host are concerned."""
        if not ticket.granted:
            self._queue.pop(ticket, None)
            return False
        self._budget.give_back()
        self._window.give_back()
        return self.abandoned(ticket)

    def answered(self, ticket: Ticket, now: float) -> bool:
        self._concurrency.answered(ticket.sent_at, self._in_flight, now)
        self._budget.accepted(now)
        self._in_flight -= 1
        return self._pause.answered(ticket.probe, now)

    def throttled(self, ticket: Ticket, fault: RateLimited, now: float) -> bool:
        self._concurrency.troubled(ticket.sent_at, now)
        self._budget.throttled(ticket.sent_at, now)
        self._in_flight -= 1
        if fault.after is None or fault.after <= 0:
            return self._pause.answered(ticket.probe, now)
        return self._pause.later(fault, fault.after, ticket.probe, now)

    def failed(self, ticket: Ticket, fault: Transient, now: float) -> bool:
        self._concurrency.troubled(ticket.sent_at, now)
        self._in_flight -= 1
        return self._pause.failed(fault, ticket.probe, now)

    def abandoned(self, ticket: Ticket) -> bool:
        """A request was cancelled after it was sent."""
        self._in_flight -= 1
        return self._pause.abandoned(ticket.probe)

    def hint(self, hint: RateHint, now: float) -> None:
        self._window.learn(hint, max(0, self._in_flight - 1), now)

    def _grant(self, ticket: Ticket, now: float) -> None:
        self._in_flight += 1
        self._budget.take(now)
        self._window.take(now)
        ticket.probe = self._pause.enter()
        ticket.granted = True
        ticket.sent_at = now

    def _refusal(self, ready: float, end: float, now: float) -> RateLimited | Transient | None:
        if now >= end:
            return self._pause.fault
        if ready == math.inf or ready - now <= self._longest_wait:
            return None
        if self._pause.opens_at() == ready:
            return self._pause.fault
        if self._in_flight:
            return None  # their replies may tell of more
        return RateLimited(f"the rate limit is used up for {ready - now:.0f} s", ready - now)
