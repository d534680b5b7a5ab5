"""Hands out the lanes and shows what they do."""

import math
import random
import time
from collections.abc import Callable
from typing import TypeAlias

import anyio

from holystone.engine.model.capabilities import Quota
from holystone.engine.model.references import RegistryHost
from holystone.engine.ports import RateBudget
from holystone.engine.scheduler.bucket import Bucket, Share
from holystone.engine.scheduler.clock import Clock, Sleep, steady
from holystone.engine.scheduler.lane import Host, Lane, LaneCounts, LaneKey
from holystone.engine.scheduler.limits import Limits

Budgets: TypeAlias = Callable[[LaneKey, Quota | None, float], RateBudget]
"""For a lane, with its declared quota and the time."""


class Buckets:
    """One for each lane, but for lanes of one credential whose quotas name the same pool."""

    def __init__(self) -> None:
        self._shared: dict[tuple[RegistryHost, str, str], Bucket] = {}

    def __call__(self, key: LaneKey, quota: Quota | None, now: float) -> RateBudget:
        if quota is None or not quota.pool:
            return Bucket(quota, now)
        bucket = self._shared.setdefault((key.host, key.credential, quota.pool), Bucket(None, now))
        return Share(bucket, quota, now)


class Scheduler:
    """All lanes of one process. Belongs to one event loop."""

    def __init__(
        self,
        limits: Limits | None = None,
        *,
        clock: Clock = time.monotonic,
        sleep: Sleep = anyio.sleep,
        rng: random.Random | None = None,
        budgets: Budgets | None = None,
    ) -> None:
        """`budgets`: what a new lane asks before it sends, if it is no bucket of this process."""
        self._limits = limits or Limits()
        self._clock = steady(clock)
        self._sleep = sleep
        self._rng = rng or random.Random()  # noqa: S311 - jitter, nothing secret
        self._budgets = budgets or Buckets()
        self._hosts: dict[RegistryHost, Host] = {}
        self._lanes: dict[LaneKey, Lane] = {}

    @property
    def lanes(self) -> tuple[Lane, ...]:
        return tuple(self._lanes.values())

    def lane(self, host: RegistryHost, credential: str, api: str, quota: Quota | None = None) -> Lane:
        """The lane to send by: the same one for the same host, credential and API class. `credential` is a name for it,
        never the secret. Raises ValueError for a quota that lets nothing through."""
        key = LaneKey(host, credential, api)
        lane = self._lanes.get(key)
        if lane is None:
            shared = self._hosts.get(host) or Host(self._limits)
            budget = self._budgets(key, quota, self._clock())
            lane = Lane(key, quota, budget, shared, self._limits, clock=self._clock, sleep=self._sleep, rng=self._rng)
            self._hosts[host] = shared
            self._lanes[key] = lane
        elif quota is not None:
            lane.declare(quota)
        return lane

    @property
    def requests(self) -> int:
        """How many were sent, first attempts and retries alike."""
        return sum(lane.counts().requests for lane in self._lanes.values())

    def counts(self) -> dict[LaneKey, LaneCounts]:
        return {key: lane.counts() for key, lane in sorted(self._lanes.items())}

    def pauses(self) -> dict[RegistryHost, float]:
        """Hosts for which requests wait, with the seconds until the next one is sent, where that is known."""
        found: dict[RegistryHost, float] = {}
        for key, lane in sorted(self._lanes.items()):
            if lane.waiting and 0 < lane.paused < math.inf:
                found[key.host] = max(lane.paused, found.get(key.host, 0.0))
        return found

    def __repr__(self) -> str:
        active = sum(lane.in_flight for lane in self.lanes)
        queued = sum(lane.queued for lane in self.lanes)
        return f"<Scheduler {len(self._lanes)} lanes, {active} active, {queued} queued>"
