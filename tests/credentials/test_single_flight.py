"""One call for many, and its failure for those who waited for it."""

import math

import anyio
import pytest

from holystone.adapters.credentials.single_flight import SingleFlight
from holystone.engine.scheduler import sent_within, until


async def test_who_comes_later_tries_again_though_somebody_still_has_the_failure() -> None:
    flights = SingleFlight[str, int]()
    calls = 0

    async def call() -> int:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise ValueError("not today")
        return calls

    with pytest.raises(ValueError, match="not today") as held:
        await flights.run("key", lambda: None, call)
    assert await flights.run("key", lambda: None, call) == 2
    assert held.value.__traceback__ is not None, "as long as that is there, so is its call"


async def test_what_is_known_is_not_asked_for() -> None:
    async def call() -> int:
        raise AssertionError

    assert await SingleFlight[str, int]().run("key", lambda: 7, call) == 7


async def test_who_comes_while_a_call_is_on_its_way_shares_its_failure() -> None:
    flights = SingleFlight[str, int]()
    began, end = anyio.Event(), anyio.Event()
    calls = 0

    async def call() -> int:
        nonlocal calls
        calls += 1
        began.set()
        await end.wait()
        raise ValueError("not today")

    async def ask() -> None:
        with pytest.raises(ValueError, match="not today"):
            await flights.run("key", lambda: None, call)

    async with anyio.create_task_group() as group:
        group.start_soon(ask)
        await began.wait()
        group.start_soon(ask)
        await anyio.wait_all_tasks_blocked()
        end.set()
    assert calls == 1


async def test_who_waited_for_a_call_that_was_cancelled_does_not_share_the_failure_of_one_before() -> None:
    flights = SingleFlight[str, int]()
    began = anyio.Event()
    found: list[int] = []

    async def fail() -> int:
        raise ValueError("not today")

    async def hang() -> int:
        began.set()
        await anyio.sleep_forever()
        raise AssertionError

    async def answer() -> int:
        return 7

    async def wait() -> None:
        found.append(await flights.run("key", lambda: None, answer))

    with pytest.raises(ValueError, match="not today") as held:
        await flights.run("key", lambda: None, fail)
    async with anyio.create_task_group() as group, anyio.create_task_group() as cancelled:
        cancelled.start_soon(flights.run, "key", lambda: None, hang)
        await began.wait()
        group.start_soon(wait)
        await anyio.wait_all_tasks_blocked()
        cancelled.cancel_scope.cancel()
    assert (found, held.value.args) == ([7], ("not today",))


async def test_what_is_known_waits_for_nobody() -> None:
    flights = SingleFlight[str, int]()
    began = anyio.Event()

    async def hang() -> int:
        began.set()
        await anyio.sleep_forever()
        raise AssertionError

    async with anyio.create_task_group() as group:
        group.start_soon(flights.run, "key", lambda: None, hang)
        await began.wait()
        with anyio.fail_after(1):
            assert await flights.run("key", lambda: 7, hang) == 7
        group.cancel_scope.cancel()


async def test_a_call_does_not_end_with_the_time_of_who_makes_it() -> None:
    """Others, who have all the time, would share its failure."""

    async def call() -> float:
        return until()

    with sent_within(0):
        assert await SingleFlight[str, float]().run("key", lambda: None, call) == math.inf
        assert until() < math.inf
