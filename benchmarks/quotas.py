"""Whether a run takes little more time than a quota asks for, and is seldom told to come later. The lanes are the real
ones; the server is a count, and the clock is simulated, so that an hour takes seconds and is the same each time."""

import math
import random
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Final

import anyio
import anyio.to_thread

from benchmarks.lines import Line, line
from holystone.adapters.registries.github.profile import READ_QUOTA, WRITE_QUOTA
from holystone.engine.model.capabilities import Quota
from holystone.engine.model.references import RegistryHost
from holystone.engine.scheduler import Lane, RateLimited, Scheduler, for_each
from tests.support.virtual_time import clock, run

_LATENCY: Final = 0.08
"""Seconds to answer."""
_WORKERS: Final = 32
_REQUESTS: Final = 20_000
_QUOTA: Final = Quota(rate=15.0, burst=30.0)
_POINTS, _MINUTE = 900, 60.0
_PAGES, _DELETIONS = 500, 10_000


@dataclass
class _TokenBucket:
    quota: Quota
    says_when: bool
    tokens: float = math.inf
    at: float = 0.0

    def refuses(self, _: int) -> RateLimited | None:
        now = clock()
        self.tokens = min(self.quota.burst, self.tokens + self.quota.rate * (now - self.at))
        self.at = now
        if self.tokens < 1:
            return RateLimited("429", after=1.0 if self.says_when else None)
        self.tokens -= 1
        return None


@dataclass
class _AnyMinute:
    """So many points in any sixty seconds: the strictest reading of GitHub's "no more than 900 points per minute"."""

    taken: deque[tuple[float, int]] = field(default_factory=deque)
    used: int = 0

    def refuses(self, points: int) -> RateLimited | None:
        now = clock()
        while self.taken and self.taken[0][0] <= now - _MINUTE:
            self.used -= self.taken.popleft()[1]
        if self.used + points > _POINTS:
            return RateLimited("403", after=math.ceil(self.taken[0][0] + _MINUTE - now))
        self.taken.append((now, points))
        self.used += points
        return None


@dataclass(frozen=True, slots=True)
class _Run:
    seconds: float
    requests: int
    throttled: int


_Sends = Callable[[Lane, int], Awaitable[None]]


def _run(work: Callable[[Scheduler, _Sends], Awaitable[None]], server: _TokenBucket | _AnyMinute) -> _Run:
    async def send(lane: Lane, points: int) -> None:
        async def attempt() -> None:
            refused = server.refuses(points)
            await anyio.sleep(_LATENCY)
            if refused:
                raise refused

        await lane.run(attempt, timeout=30)

    async def main() -> _Run:
        scheduler = Scheduler(clock=clock, rng=random.Random(1))
        begun = clock()
        await work(scheduler, send)
        counts = scheduler.counts().values()
        return _Run(clock() - begun, sum(one.requests for one in counts), sum(one.throttled for one in counts))

    return run(main)


def _plain(declared: Quota | None) -> Callable[[Scheduler, _Sends], Awaitable[None]]:
    async def work(scheduler: Scheduler, send: _Sends) -> None:
        lane = scheduler.lane(RegistryHost("registry.example.com"), "bench", "read", declared)
        await for_each(range(_REQUESTS), partial(_one, send, lane, 1), workers=_WORKERS)

    return work


async def _github(scheduler: Scheduler, send: _Sends) -> None:
    """A listing, one more right before the deletions, the deletions, and the check after them."""
    host = RegistryHost("api.github.com")
    reads = scheduler.lane(host, "bench", "api", READ_QUOTA)
    writes = scheduler.lane(host, "bench", "api-write", WRITE_QUOTA)
    for lane, points, number in ((reads, 1, 2 * _PAGES), (writes, 5, _DELETIONS), (reads, 1, _PAGES)):
        await for_each(range(number), partial(_one, send, lane, points), workers=_WORKERS)


async def _one(send: _Sends, lane: Lane, points: int, _: int) -> None:
    await send(lane, points)


async def measure_quotas() -> AsyncIterator[Line]:
    floor = (_REQUESTS - _QUOTA.burst) / _QUOTA.rate
    where = f"{_QUOTA.rate:g}/s with a burst of {_QUOTA.burst:g}"
    for declared, says_when, known in (
        (_QUOTA, True, "declared"),
        (None, True, "not declared, Retry-After"),
        (None, False, "not declared, bare 429"),
    ):
        found = await anyio.to_thread.run_sync(_run, _plain(declared), _TokenBucket(_QUOTA, says_when))
        for each in _lines(f"{where}, {known}", found, floor):
            yield each
    points = 3 * _PAGES + 5 * _DELETIONS
    found = await anyio.to_thread.run_sync(_run, _github, _AnyMinute())
    for each in _lines("GitHub, 900 points in any minute", found, (points - _POINTS) / (_POINTS / _MINUTE)):
        yield each


def _lines(where: str, found: _Run, floor: float) -> tuple[Line, Line]:
    how = (
        f"{found.seconds:,.0f} s of a simulated clock, of which the quota asks for {floor:,.0f}; {found.throttled} of "
        f"{found.requests:,} replies were 'later'. Real lanes, {_WORKERS} workers, {1000 * _LATENCY:.0f} ms a reply."
    )
    share = 100 * found.throttled / found.requests
    return (
        line(f"{where}: run time, times the quota's", found.seconds / floor, how, goal=1.05),
        line(f"{where}: replies that say later, %", share, how, goal=0.5),
    )
