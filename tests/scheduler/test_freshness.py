"""What was seen a minute ago is not acted upon, in virtual time."""

import math
from collections.abc import Awaitable, Callable
from functools import partial

import anyio
import pytest

from holystone.engine.model.capabilities import Quota
from holystone.engine.model.references import RegistryHost
from holystone.engine.scheduler import (
    Lane,
    Limits,
    Overdue,
    RateLimited,
    RetriesExhausted,
    Scheduler,
    Transient,
    for_each,
    sent_within,
)
from tests.support.suspension import suspend
from tests.support.virtual_time import clock, run


def lane(quota: Quota | None = None, limits: Limits | None = None) -> Lane:
    return Scheduler(limits, clock=clock).lane(RegistryHost.parse("ghcr.io"), "ci", "delete", quota)


def answering(*script: Exception) -> tuple[Callable[[], Awaitable[float]], list[float]]:
    """An attempt that fails so often, and when it was made."""
    left, sent = list(script), list[float]()

    async def attempt() -> float:
        sent.append(clock())
        await anyio.sleep(0.1)
        if left:
            raise left.pop(0)
        return clock()

    return attempt, sent


def test_what_would_wait_for_too_long_in_the_queue_is_not_sent() -> None:
    async def main() -> None:
        one, begun = lane(Quota(rate=1, burst=1)), clock()
        attempt, sent = answering()
        late: list[int] = []

        async def ask(number: int) -> None:
            try:
                with sent_within(10):
                    await one.run(attempt, timeout=60)
            except Overdue:
                late.append(number)

        await for_each(range(30), ask, workers=30)
        assert len(sent) + len(late) == 30
        assert 10 <= len(sent) <= 12
        assert max(sent) <= begun + 10
        assert (one.in_flight, one.queued) == (0, 0)
        assert await one.run(attempt, timeout=60)

    run(main)


@pytest.mark.parametrize(("after", "comes"), [(5.0, True), (30.0, False), (5000.0, False)])
def test_what_a_server_puts_off_for_too_long_is_not_sent_again(after: float, comes: bool) -> None:
    async def main() -> None:
        one = lane(limits=Limits(longest_wait=10_000))
        attempt, sent = answering(RateLimited("429 Too Many Requests", after))
        begun = clock()
        with sent_within(20):
            if comes:
                await one.run(attempt, timeout=60)
                assert len(sent) == 2
                return
            with pytest.raises(Overdue, match="429 Too Many Requests"):
                await one.run(attempt, timeout=60)
        assert len(sent) == 1
        assert clock() - begun < 1, "it is known at once"

    run(main)


def test_faults_that_pass_are_tried_again_in_that_time() -> None:
    async def main() -> None:
        attempt, sent = answering(*[Transient("502 Bad Gateway")] * 20)
        begun = clock()
        with sent_within(2), pytest.raises(Overdue, match="502 Bad Gateway"):
            await lane(limits=Limits(attempts=50)).run(attempt, timeout=60)
        assert 1 < len(sent) < 20
        assert sent[-1] - begun < 2

    run(main)


def test_what_is_on_its_way_is_waited_for_and_the_inner_time_may_be_shorter() -> None:
    async def main() -> None:
        async def slow() -> str:
            await anyio.sleep(50)
            return "done"

        with sent_within(1):
            assert await lane().run(slow, timeout=60) == "done"
            with pytest.raises(Overdue), sent_within(1000):
                await lane().run(slow, timeout=60)
        assert await lane().run(slow, timeout=60) == "done"

    run(main)


def test_what_was_seen_before_the_machine_was_suspended_is_old(monkeypatch: pytest.MonkeyPatch) -> None:
    """The event loop's clock stood still meanwhile."""

    async def main() -> None:
        attempt, sent = answering(Transient("connection reset"))
        with sent_within(60):
            suspend(monkeypatch, 8 * 3600)
            with pytest.raises(Overdue):
                await lane().run(attempt, timeout=60)
        assert not sent
        with sent_within(60):
            await lane().run(attempt, timeout=60)
        assert len(sent) == 2

    run(main)


def test_what_was_not_sent_after_all_says_nothing_of_a_host_that_is_down() -> None:
    async def main() -> None:
        async def late() -> float:
            raise Overdue

        one = lane(limits=Limits(attempts=1))
        attempt, _ = answering(*[Transient("connection refused", host_down=True)] * 3)
        for _ in range(3):
            with pytest.raises(RetriesExhausted):
                await one.run(attempt, timeout=60)
        with pytest.raises(Overdue):
            await one.run(late, timeout=60)
        async with anyio.create_task_group() as group:
            group.start_soon(partial(one.run, attempt, timeout=60))
            await anyio.sleep(0.05)
            assert one.paused == math.inf, "one is asked at a time"

    run(main)
