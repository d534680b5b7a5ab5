"""A budget that is handed in: two machines, here two schedulers, keep within one quota together."""

import anyio

from holystone.engine.model.capabilities import Quota
from holystone.engine.model.references import RegistryHost
from holystone.engine.ports import RateBudget
from holystone.engine.scheduler import Scheduler
from holystone.engine.scheduler.bucket import Bucket
from holystone.engine.scheduler.lane import LaneKey
from tests.support.virtual_time import clock, run

HOST = RegistryHost("registry.example")
QUOTA = Quota(10, 5)


def test_two_schedulers_share_what_a_quota_lets_through() -> None:
    sent: list[float] = []
    asked_for: list[tuple[str, Quota | None]] = []

    async def main() -> None:
        bucket = Bucket(QUOTA, clock())

        def shared(key: LaneKey, quota: Quota | None, _: float) -> RateBudget:
            asked_for.append((key.api, quota))
            return bucket

        async def attempt() -> None:
            sent.append(clock())

        async def work(scheduler: Scheduler) -> None:
            lane = scheduler.lane(HOST, "test", "read", QUOTA)
            for _ in range(50):
                await lane.run(attempt, timeout=5.0)

        begun = clock()
        async with anyio.create_task_group() as group:
            for _ in range(2):
                group.start_soon(work, Scheduler(clock=clock, budgets=shared))
        assert 9.5 - 0.2 <= clock() - begun <= 9.5 + 0.2, "a hundred, of which five at once, at ten a second"

    run(main)
    assert asked_for == [("read", QUOTA)] * 2
    assert all(sum(start <= at < start + 1 for at in sent) <= QUOTA.rate + QUOTA.burst for start in sent), (
        "whoever counts at the other end"
    )
