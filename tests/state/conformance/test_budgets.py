"""How many requests a second, as a lane asks before it sends: never more than the quota, and nearly as many."""

import time

import anyio
import anyio.lowlevel
import pytest

from holystone.engine.model.capabilities import Quota
from holystone.engine.ports import RateBudget
from tests.state.conformance.stand import Stand

QUOTA = Quota(100, 5)
LONG = 0.5


async def _send(budget: RateBudget, sent: list[float], until: float) -> None:
    """As a lane does, for as long as there is time."""
    while (now := time.monotonic()) < until:
        if (ready := budget.ready_at(now)) > now:
            await anyio.sleep(min(ready - now, until - now) + 0.001)
            continue
        budget.take(now)
        sent.append(now)
        budget.accepted(now)
        await anyio.lowlevel.checkpoint()


@pytest.mark.parametrize("processes", [1, 3])
async def test_no_more_is_sent_than_the_quota_lets_through(stand: Stand, processes: int) -> None:
    sent: list[float] = []
    begun = time.monotonic()
    async with anyio.create_task_group() as tasks:
        for _ in range(processes):
            tasks.start_soon(_send, stand.budget(QUOTA, begun), sent, begun + LONG)
    quotas = 1 if stand.shares_budgets else processes
    for first, at in enumerate(sent):
        for number, later in enumerate(sent[first:], start=1):
            assert number <= quotas * (QUOTA.burst + QUOTA.rate * (later - at)) + 1e-6
    assert len(sent) >= quotas * QUOTA.burst


async def test_a_request_that_was_never_sent_costs_nothing(stand: Stand) -> None:
    now = time.monotonic()
    budget = stand.budget(Quota(0.001, 1), now)
    for _ in range(3):
        assert budget.ready_at(now) <= now
        budget.take(now)
        assert budget.ready_at(now) > now + 100
        budget.give_back()


async def test_who_is_throttled_sends_less_from_then_on(stand: Stand) -> None:
    now = time.monotonic()
    budget = stand.budget(Quota(100, 50), now)
    budget.take(now)
    budget.accepted(now)
    budget.throttled(now, now + 0.01)
    assert budget.ready_at(now + 0.01) > now + 0.02, "neither what is left of the burst nor at the old rate"


async def test_a_quota_that_is_told_later_counts_from_then_on(stand: Stand) -> None:
    now = time.monotonic()
    budget = stand.budget(Quota(1000, 1000), now)
    budget.declare(Quota(0.001, 2), now)
    for _ in range(2):
        assert budget.ready_at(now) <= now
        budget.take(now)
    assert budget.ready_at(now) > now + 100
