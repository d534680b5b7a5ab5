"""Bounded fan-out: few tasks, few items in hand, one exception."""

from collections.abc import AsyncIterator, Iterator
from functools import partial

import anyio
import anyio.lowlevel
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holystone.engine.scheduler import for_each, map_each
from tests.support.virtual_time import Deadlock, clock, run


@settings(max_examples=30, deadline=None)
@given(latencies=st.lists(st.floats(0, 9), max_size=50), workers=st.integers(1, 9))
def test_results_come_in_order_whatever_ends_first(latencies: list[float], workers: int) -> None:
    async def main() -> None:
        busy = most = 0

        async def work(latency: float) -> float:
            nonlocal busy, most
            busy += 1
            most = max(most, busy)
            await anyio.sleep(latency)
            busy -= 1
            return latency

        assert await map_each(latencies, work, workers=workers) == latencies
        assert most <= workers

    run(main)


@pytest.mark.parametrize("awaited", [True, False])
def test_items_are_read_only_as_fast_as_they_are_worked_on(awaited: bool) -> None:
    async def main() -> None:
        read = done = 0

        def items() -> Iterator[int]:
            nonlocal read
            for number in range(1000):
                read += 1
                yield number

        async def awaited_items() -> AsyncIterator[int]:
            for number in items():
                yield number

        async def work(_: int) -> None:
            nonlocal done
            assert read - done <= 5
            await anyio.sleep(1)
            done += 1

        begun = clock()
        await for_each(awaited_items() if awaited else items(), work, workers=4)
        assert done == 1000
        assert clock() - begun == 250

    run(main)


def test_work_that_never_waits_lets_others_go_on() -> None:
    async def main() -> None:
        done: list[int] = []

        async def work(number: int) -> None:
            done.append(number)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(partial(for_each, range(1000), work, workers=2))
            await anyio.lowlevel.checkpoint()
            await anyio.lowlevel.checkpoint()
            assert len(done) < 100
            tasks.cancel_scope.cancel()
        assert len(done) < 100

    run(main)


def test_the_first_exception_cancels_the_rest_and_comes_alone() -> None:
    async def main() -> None:
        cancelled, closed = 0, False

        async def items() -> AsyncIterator[int]:
            nonlocal closed
            try:
                for number in range(1000):
                    yield number
            finally:
                closed = True

        async def work(number: int) -> None:
            nonlocal cancelled
            if number == 5:
                await anyio.sleep(1)
                raise KeyError("five")
            try:
                await anyio.sleep_forever()
            except anyio.get_cancelled_exc_class():
                cancelled += 1
                raise

        with pytest.raises(KeyError, match="five"):
            await for_each(items(), work, workers=8)
        assert cancelled == 7
        assert closed

    run(main)


def test_an_exception_of_the_items_comes_alone_too() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise OSError("page 2 of 9 failed")

    async def main() -> None:
        with pytest.raises(OSError, match="page 2 of 9"):
            await for_each(items(), lambda _: anyio.sleep(5), workers=2)

    run(main)


def test_cancelled_from_outside_it_leaves_no_task() -> None:
    async def main() -> None:
        busy = 0

        async def work(_: int) -> None:
            nonlocal busy
            busy += 1
            try:
                await anyio.sleep_forever()
            finally:
                busy -= 1

        with anyio.move_on_after(3) as scope:
            await for_each(range(100), work, workers=10)
        assert scope.cancelled_caught
        assert busy == 0

    run(main)


def test_no_items_no_task_and_no_worker_is_an_error() -> None:
    async def main() -> None:
        assert await map_each([], anyio.sleep, workers=3) == []
        with pytest.raises(ValueError, match="worker"):
            await for_each([1.0], anyio.sleep, workers=0)

    run(main)


def test_virtual_time_says_when_everybody_waits_forever() -> None:
    with pytest.raises(Deadlock):
        run(_forever)


async def _forever() -> None:
    await anyio.Event().wait()
