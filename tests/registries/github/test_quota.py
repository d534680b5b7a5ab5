"""GitHub's secondary limit, in simulated time: reads and writes take from the same points."""

import anyio

from holystone.adapters.registries.github.profile import PROFILE, READ_QUOTA, WRITE_QUOTA
from holystone.engine.model.references import RegistryHost
from holystone.engine.scheduler import Scheduler, for_each
from tests.support.virtual_time import clock, run


def test_reads_and_writes_together_stay_below_nine_hundred_points_in_any_minute() -> None:
    spent: list[tuple[float, int]] = []

    async def main() -> None:
        scheduler = Scheduler(clock=clock)
        host = RegistryHost("api.github.com")
        lanes = {
            1: scheduler.lane(host, "ci", "api", READ_QUOTA),
            5: scheduler.lane(host, "ci", "api-write", WRITE_QUOTA),
        }

        async def send(points: int) -> None:
            async def attempt() -> None:
                spent.append((clock(), points))
                await anyio.sleep(0.1)

            await lanes[points].run(attempt, timeout=5)

        async def work(points: int, number: int) -> None:
            await for_each(range(number), lambda _: send(points), workers=16)

        async with anyio.create_task_group() as tasks:  # beside each other, and then alone
            tasks.start_soon(work, 1, 500)
            tasks.start_soon(work, 5, 400)

    run(main)
    for begin, _ in spent:
        assert sum(points for at, points in spent if begin <= at < begin + 60) <= 900
    assert sum(points for _, points in spent) == 2_500
    assert spent[-1][0] - spent[0][0] <= 1.05 * (2_500 / 15), "and not far below"
    half = [points for _, points in spent[: len(spent) // 2]]
    assert 100 <= half.count(5) <= len(half) - 100, "neither takes the other's turns away"


def test_what_a_plan_says_of_the_rate_is_a_deletion_s() -> None:
    assert PROFILE.can.quota == WRITE_QUOTA
