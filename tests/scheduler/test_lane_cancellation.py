"""Cancelled at any point, a request leaves nothing behind: no slot, no token, no probe; and whoever waits goes on."""

import random

import anyio
import anyio.lowlevel
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holystone.engine.model.capabilities import Quota
from holystone.engine.model.references import RegistryHost
from holystone.engine.scheduler import Lane, Limits, RateLimited, Scheduler, Transient
from tests.support.virtual_time import clock, run

HOST = RegistryHost.parse("ghcr.io")


def _lane(limits: Limits | None = None, quota: Quota | None = None) -> Lane:
    return Scheduler(limits, clock=clock, rng=random.Random(1)).lane(HOST, "ci", "delete", quota)


async def _quick() -> None:
    await anyio.sleep(0.01)


async def _assert_clean(lane: Lane) -> None:
    assert (lane.in_flight, lane.queued) == (0, 0)
    with anyio.fail_after(60):
        for _ in range(5):
            await lane.run(_quick, timeout=5)


@pytest.mark.parametrize("hang_at", range(4))
@pytest.mark.parametrize("fault", [None, RateLimited("429", after=2), RateLimited("429"), Transient("502")])
def test_an_attempt_that_hangs_at_each_of_its_awaits_can_be_cancelled(hang_at: int, fault: Exception | None) -> None:
    async def main() -> None:
        lane, tries = _lane(Limits(in_flight=1)), 0

        async def attempt() -> None:
            nonlocal tries
            tries += 1
            if fault and tries == 1:
                raise fault
            for phase in range(4):
                if phase == hang_at:
                    await anyio.sleep_forever()
                await anyio.sleep(0.1)

        async with anyio.create_task_group() as tasks:
            hung = anyio.CancelScope()

            async def victim() -> None:
                with hung:
                    await lane.run(attempt, timeout=10_000)

            tasks.start_soon(victim)
            await anyio.sleep(30)
            tasks.start_soon(lambda: lane.run(_quick, timeout=5))
            await anyio.sleep(1)
            assert repr(lane).startswith("<Lane ghcr.io delete 1/1 active, 1 queued")
            hung.cancel()
        await _assert_clean(lane)

    run(main)


@pytest.mark.parametrize("steps", range(40))
@pytest.mark.parametrize("quota", [None, Quota(rate=10, burst=1)])
def test_cancelled_after_each_step_of_the_loop(steps: int, quota: Quota | None) -> None:
    """The victim is cancelled after so many turns of the event loop, which meets every await it has, and each moment
    between being woken and going on."""

    async def main() -> None:
        lane, done = _lane(Limits(in_flight=1), quota), 0

        async def attempt() -> None:
            for _ in range(3):
                await anyio.lowlevel.checkpoint()

        async def other() -> None:
            nonlocal done
            await lane.run(attempt, timeout=5)
            done += 1

        scope = anyio.CancelScope()

        async def victim() -> None:
            with scope:
                await lane.run(attempt, timeout=5)

        async with anyio.create_task_group() as tasks:
            for task in (other, victim, other, other):
                tasks.start_soon(task)
            for _ in range(steps):
                await anyio.lowlevel.checkpoint()
            scope.cancel()
        assert done == 3
        await _assert_clean(lane)

    run(main)


def test_a_grant_to_a_cancelled_waiter_goes_on_at_once() -> None:
    """Woken and cancelled in the same turn of the loop: its place must not wait for anybody's next request."""

    async def main() -> None:
        lane = _lane(Limits(in_flight=1), Quota(rate=0.1, burst=2))
        scope, release, begun = anyio.CancelScope(), anyio.Event(), clock()

        async def holder() -> None:
            await lane.run(release.wait, timeout=50)
            assert (lane.in_flight, lane.queued) == (1, 1), "granted to the victim, which has not gone on yet"
            scope.cancel()

        async def victim() -> None:
            with scope:
                await lane.run(_quick, timeout=5)
            assert scope.cancelled_caught

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(holder)
            await anyio.sleep(1)
            tasks.start_soon(victim)
            await anyio.sleep(1)
            tasks.start_soon(lambda: lane.run(_quick, timeout=5))
            await anyio.sleep(1)
            release.set()
        assert clock() - begun < 4, "neither the place nor the token was lost"
        assert (lane.in_flight, lane.queued) == (0, 0)

    run(main)


def test_when_the_first_in_the_queue_is_cancelled_another_minds_the_clock() -> None:
    async def main() -> None:
        lane, begun = _lane(quota=Quota(rate=0.1, burst=1)), clock()
        await lane.run(_quick, timeout=5)
        async with anyio.create_task_group() as tasks:
            for patience in (1, 2, 3):

                async def impatient(seconds: float = patience) -> None:
                    with anyio.move_on_after(seconds):
                        await lane.run(_quick, timeout=5)

                tasks.start_soon(impatient)
            await anyio.sleep(0.5)
            tasks.start_soon(lambda: lane.run(_quick, timeout=5))
        assert clock() - begun == pytest.approx(10.01)

    run(main)


@settings(max_examples=60, deadline=None)
@given(
    calls=st.lists(st.tuples(st.floats(0, 5), st.floats(0, 20)), min_size=1, max_size=25),
    quota=st.one_of(st.none(), st.just(Quota(rate=2, burst=2))),
    ceiling=st.integers(1, 4),
    seed=st.integers(0, 10_000),
)
def test_cancelled_at_any_moment_nothing_leaks(
    calls: list[tuple[float, float]], quota: Quota | None, ceiling: int, seed: int
) -> None:
    """Half of the requests are cancelled at arbitrary moments, on a server that throttles and fails at random; all the
    others succeed."""

    async def main() -> None:
        lane, chance, succeeded = _lane(Limits(in_flight=ceiling, attempts=100), quota), random.Random(seed), set[int]()

        async def attempt() -> None:
            await anyio.sleep(chance.random())
            luck = chance.random()
            if luck < 0.05:
                raise RateLimited("429", after=chance.random() * 5)
            if luck < 0.1:
                raise Transient("reset", host_down=True)

        async def call(number: int, begin: float, patience: float) -> None:
            await anyio.sleep(begin)
            with anyio.move_on_after(patience if number % 2 else float("inf")):
                await lane.run(attempt, timeout=5)
                succeeded.add(number)

        async with anyio.create_task_group() as tasks:
            for number, (begin, patience) in enumerate(calls):
                tasks.start_soon(call, number, begin, patience)
        assert succeeded >= set(range(0, len(calls), 2))
        await _assert_clean(lane)

    run(main)


def test_a_cancelled_run_leaves_nothing_on_any_lane_of_the_host() -> None:
    async def main() -> None:
        lanes = Scheduler(clock=clock, rng=random.Random(1))

        async def attempt() -> None:
            await anyio.sleep(1)
            raise Transient("connection refused", host_down=True)

        for seconds in (0.5, 1.5, 2.3, 7.0, 60.0):
            with anyio.move_on_after(seconds):
                async with anyio.create_task_group() as tasks:
                    for number in range(30):
                        tasks.start_soon(lambda n: lanes.lane(HOST, "ci", str(n)).run(attempt, timeout=5), number % 3)
            assert repr(lanes) == "<Scheduler 3 lanes, 0 active, 0 queued>"

    run(main)
