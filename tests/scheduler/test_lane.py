"""Lanes as adapters use them, in virtual time."""

import contextlib
import random
from collections.abc import Awaitable, Callable
from typing import NoReturn

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holystone.engine.model.capabilities import Quota
from holystone.engine.model.references import RegistryHost
from holystone.engine.scheduler import (
    Lane,
    LaneCounts,
    Limits,
    RateHint,
    RateLimited,
    RetriesExhausted,
    Scheduler,
    Transient,
    for_each,
)
from tests.support.virtual_time import clock, run

HOST = RegistryHost.parse("ghcr.io")
OTHER = RegistryHost.parse("quay.io")


def scheduler(limits: Limits | None = None, *, seed: int = 1) -> Scheduler:
    return Scheduler(limits, clock=clock, rng=random.Random(seed))


def lane(limits: Limits | None = None, quota: Quota | None = None, *, seed: int = 1) -> Lane:
    return scheduler(limits, seed=seed).lane(HOST, "ci", "delete", quota)


def taking(seconds: float) -> Callable[[], Awaitable[None]]:
    async def attempt() -> None:
        await anyio.sleep(seconds)

    return attempt


class Server:
    """Answers from a script, then with success; notes when it was asked."""

    def __init__(self, *script: Exception, latency: float = 0.1) -> None:
        self.script = list(script)
        self.latency = latency
        self.asked: list[float] = []

    async def __call__(self) -> str:
        self.asked.append(clock())
        fault = self.script.pop(0) if self.script else None
        await anyio.sleep(self.latency)
        if fault:
            raise fault
        return "ok"


async def refused() -> NoReturn:
    raise Transient("connection refused", host_down=True)


def test_a_result_comes_through() -> None:
    async def main() -> None:
        one, server = lane(), Server()
        assert await one.run(server, timeout=5) == "ok"
        assert one.counts() == LaneCounts(requests=1)
        assert repr(one) == "<Lane ghcr.io delete 0/4 active, 0 queued>"

    run(main)


def test_anything_else_goes_straight_through() -> None:
    async def main() -> None:
        one, server = lane(), Server(KeyError("x"))
        with pytest.raises(KeyError):
            await one.run(server, timeout=5)
        assert len(server.asked) == 1
        assert one.in_flight == 0

    run(main)


def test_faults_are_tried_again_until_they_pass() -> None:
    async def main() -> None:
        one, server = lane(), Server(Transient("502"), RateLimited("429"), Transient("reset"))
        assert await one.run(server, timeout=5) == "ok"
        counts = one.counts()
        assert (counts.requests, counts.retries, counts.throttled) == (4, 3, 1)
        assert counts.waited > 0

    run(main)


def test_attempts_are_bounded_and_the_last_fault_is_told() -> None:
    async def main() -> None:
        one = lane(Limits(attempts=3))
        server = Server(Transient("501"), Transient("502"), Transient("503"), Transient("504"))
        begun = clock()
        with pytest.raises(RetriesExhausted) as caught:
            await one.run(server, timeout=5)
        error = caught.value
        assert (error.reason, error.attempts, error.elapsed) == ("503", 3, clock() - begun)
        assert error.__cause__ is error.fault
        assert isinstance(error.fault, Transient)
        assert str(error).startswith("503 (gave up after 3 attempts in ")
        assert len(server.asked) == 3

    run(main)


def test_without_retry_there_is_one_attempt() -> None:
    async def main() -> None:
        server = Server(RateLimited("429"))
        with pytest.raises(RetriesExhausted) as caught:
            await lane().run(server, timeout=5, retry=False)
        assert caught.value.attempts == len(server.asked) == 1
        assert isinstance(caught.value.fault, RateLimited)

    run(main)


def test_each_attempt_has_its_own_timeout_and_queueing_does_not_count() -> None:
    async def main() -> None:
        one = lane(Limits(in_flight=1))
        async with anyio.create_task_group() as tasks:
            for _ in range(5):
                tasks.start_soon(lambda: one.run(taking(4), timeout=5))
        with pytest.raises(RetriesExhausted, match="no answer within 5 s") as caught:
            await one.run(taking(6), timeout=5)
        assert isinstance(caught.value.fault, Transient)
        assert caught.value.fault.host_down
        assert one.in_flight == 0

    run(main)


def test_an_attempts_own_timeout_error_is_not_ours() -> None:
    async def main() -> None:
        with pytest.raises(TimeoutError):
            await lane().run(Server(TimeoutError("a programming error")), timeout=5)

    run(main)


@settings(max_examples=40, deadline=None)
@given(after=st.floats(0.01, 800), callers=st.integers(1, 12), seed=st.integers(0, 99))
def test_nothing_is_sent_before_the_servers_word(after: float, callers: int, seed: int) -> None:
    async def main() -> None:
        lanes = scheduler(seed=seed)
        server = Server(RateLimited("429", after=after), latency=0.0)
        reading, deleting = lanes.lane(HOST, "ci", "read"), lanes.lane(HOST, "ci", "delete")
        begun = clock()
        async with anyio.create_task_group() as tasks:
            for number in range(callers):
                tasks.start_soon(lambda one: one.run(server, timeout=5), (reading, deleting)[number % 2])
                await anyio.sleep(after / callers / 2)
        assert all(asked >= begun + after for asked in server.asked[1:])
        assert len(server.asked) == callers + 1

    run(main)


def test_after_the_servers_word_one_request_goes_first() -> None:
    async def main() -> None:
        one, server = lane(), Server(RateLimited("429", after=30), latency=2)
        begun = clock()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(lambda: one.run(server, timeout=5))
            await anyio.sleep(3)
            for _ in range(3):
                tasks.start_soon(lambda: one.run(server, timeout=5))
            await anyio.sleep(1)
            assert repr(one) == "<Lane ghcr.io delete 0/2 active, 3 queued, paused 28 s>"
            await anyio.sleep(28.5)
            assert repr(one) == "<Lane ghcr.io delete 1/2 active, 3 queued, probing>"
        assert server.asked[1] == pytest.approx(begun + 32)
        assert server.asked[2] == pytest.approx(begun + 34, abs=0.5)

    run(main)


def test_a_later_that_is_too_long_fails_everybody_at_once() -> None:
    async def main() -> None:
        one, begun = lane(Limits(in_flight=1, longest_wait=60)), clock()
        server, errors = Server(RateLimited("quota used up", after=3600)), list[RetriesExhausted]()

        async def call() -> None:
            try:
                await one.run(server, timeout=5)
            except RetriesExhausted as error:
                errors.append(error)

        async with anyio.create_task_group() as tasks:
            for _ in range(10):
                tasks.start_soon(call)
        await call()
        assert [(error.reason, error.attempts) for error in errors] == [("quota used up", 1)] + [
            ("quota used up", 0)
        ] * 10
        assert clock() - begun < 1

    run(main)


def test_a_used_up_window_holds_the_lane_and_no_other() -> None:
    async def main() -> None:
        lanes = scheduler()
        one, other = lanes.lane(HOST, "ci", "delete"), lanes.lane(HOST, "ci", "read")
        begun = clock()

        async def last() -> None:
            one.hint(RateHint(remaining=0, limit=5, resets_in=50))

        await one.run(last, timeout=5)
        assert repr(one) == "<Lane ghcr.io delete 0/4 active, 0 queued, paused 50 s>"
        await other.run(taking(1), timeout=5)
        assert clock() == begun + 1
        await one.run(taking(0), timeout=5)
        assert clock() == begun + 50

    run(main)


def test_a_window_that_resets_too_late_fails_at_once() -> None:
    async def main() -> None:
        one = lane()

        async def last() -> None:
            one.hint(RateHint(remaining=0, limit=5000, resets_in=2700))

        await one.run(last, timeout=5)
        with pytest.raises(RetriesExhausted, match="the rate limit is used up for 2700 s") as caught:
            await one.run(taking(0), timeout=5)
        assert caught.value.attempts == 0

    run(main)


def test_good_news_in_a_hint_wakes_who_waits() -> None:
    async def main() -> None:
        one, begun = lane(), clock()

        async def hinting(remaining: int) -> None:
            one.hint(RateHint(remaining=remaining, limit=10, resets_in=100))
            await anyio.sleep(5)
            one.hint(RateHint(remaining=10, limit=10, resets_in=100))
            await anyio.sleep(5)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(lambda: one.run(lambda: hinting(0), timeout=60))
            await anyio.sleep(1)
            await one.run(taking(0), timeout=5)
            assert clock() == begun + 5

    run(main)


def test_a_declared_quota_paces() -> None:
    async def main() -> None:
        one, server = lane(quota=Quota(rate=2, burst=3)), Server(latency=0.0)
        begun = clock()
        await for_each(range(103), lambda _: one.run(server, timeout=5), workers=20)
        assert clock() - begun == pytest.approx(50)
        assert one.counts().waited > 0

    run(main)


def test_a_host_that_stays_down_fails_everybody_in_bounded_time() -> None:
    async def main() -> None:
        lanes, begun = scheduler(Limits(host_patience=120)), clock()
        errors: list[RetriesExhausted] = []
        asked: list[float] = []

        async def attempt() -> None:
            asked.append(clock())
            await refused()

        async def call(number: int) -> None:
            try:
                await lanes.lane(HOST, "ci", ("read", "delete")[number % 2]).run(attempt, timeout=10)
            except RetriesExhausted as error:
                errors.append(error)

        await for_each(range(500), call, workers=60)
        assert len(errors) == 500
        assert {error.reason for error in errors} == {"connection refused"}
        assert 100 < clock() - begun < 140
        assert len(asked) < 40, "probes, no storm"

    run(main)


def test_a_host_that_comes_back_loses_nobody() -> None:
    async def main() -> None:
        lanes, begun = scheduler(), clock()

        async def attempt() -> None:
            await anyio.sleep(0.1)
            if clock() < begun + 60:
                raise Transient("502")

        await for_each(range(300), lambda n: lanes.lane(HOST, "ci", str(n % 3)).run(attempt, timeout=10), workers=60)
        assert 60 < clock() - begun < 120

    run(main)


def test_a_cancelled_probe_leaves_its_place_to_another_lane() -> None:
    async def main() -> None:
        lanes = scheduler()
        one, other = lanes.lane(HOST, "ci", "read"), lanes.lane(HOST, "ci", "delete")
        with pytest.raises(RetriesExhausted):
            await one.run(Server(RateLimited("429", after=10)), timeout=5, retry=False)
        begun = clock()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(lambda: other.run(taking(0), timeout=5))
            with anyio.move_on_after(15):
                await one.run(taking(60), timeout=60)
            assert repr(other) == "<Lane ghcr.io delete 1/4 active, 0 queued, probing>"
        assert clock() == begun + 15

    run(main)


def test_a_paused_host_does_not_slow_another() -> None:
    async def main() -> None:
        lanes = scheduler()
        slow, fast = lanes.lane(HOST, "ci", "read"), lanes.lane(OTHER, "ci", "read")
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(lambda: slow.run(Server(RateLimited("429", after=500)), timeout=5))
            await anyio.sleep(1)
            begun = clock()
            for _ in range(100):
                await fast.run(taking(0.1), timeout=5)
            assert clock() - begun == pytest.approx(10)
            assert repr(slow) == "<Lane ghcr.io read 0/2 active, 0 queued, paused 490 s>"

    run(main)


@settings(max_examples=12, deadline=None)
@given(st.floats(0, 1), st.integers(1, 8), st.integers(0, 1000))
def test_the_retry_budget_bounds_all_attempts(health: float, ceiling: int, seed: int) -> None:
    async def main() -> None:
        one, chance = lane(Limits(in_flight=ceiling), seed=seed), random.Random(seed)

        async def attempt() -> None:
            if chance.random() > health:
                raise RateLimited("429")

        async def call(_: int) -> None:
            with contextlib.suppress(RetriesExhausted):
                await one.run(attempt, timeout=5)

        await for_each(range(200), call, workers=40)
        counts = one.counts()
        assert counts.retries <= 100 + 0.2 * 200
        assert counts.requests - counts.retries <= 200

    run(main)


@settings(max_examples=30, deadline=None)
@given(
    ceiling=st.integers(1, 10),
    latencies=st.lists(st.floats(0, 3), min_size=1, max_size=60),
    quota=st.one_of(st.none(), st.builds(Quota, rate=st.floats(0.5, 50), burst=st.floats(1, 5))),
    faults=st.integers(0, 5),
)
def test_never_more_in_flight_than_allowed_first_come_first_served_and_nobody_starves(
    ceiling: int, latencies: list[float], quota: Quota | None, faults: int
) -> None:
    async def main() -> None:
        one, now_in_flight, begun = lane(Limits(in_flight=ceiling), quota), 0, list[int]()
        script = random.Random(3).sample(range(len(latencies)), min(faults, len(latencies)))

        async def attempt(number: int) -> None:
            nonlocal now_in_flight
            now_in_flight += 1
            assert now_in_flight <= one.in_flight <= ceiling
            if number not in begun:
                begun.append(number)
            try:
                await anyio.sleep(latencies[number])
            finally:
                now_in_flight -= 1
            if number in script:
                script.remove(number)
                raise Transient("502")

        async with anyio.create_task_group() as tasks:
            for number in range(len(latencies)):
                tasks.start_soon(lambda n: one.run(lambda: attempt(n), timeout=9), number)
        assert begun == list(range(len(latencies)))
        assert (one.in_flight, one.queued) == (0, 0)

    run(main)


def test_thousands_of_waiters_leave_nothing_behind() -> None:
    async def main() -> None:
        one = lane(quota=Quota(rate=100, burst=1))
        with anyio.move_on_after(5):
            async with anyio.create_task_group() as tasks:
                for _ in range(2_000):
                    tasks.start_soon(lambda: one.run(taking(0.01), timeout=5))
                await anyio.sleep(4.9)
                assert 1_400 < one.queued < 1_600
        assert (one.in_flight, one.queued) == (0, 0)

    run(main)


def test_the_scheduler_knows_its_lanes() -> None:
    async def main() -> None:
        lanes = scheduler()
        one = lanes.lane(HOST, "ci", "read")
        assert lanes.lane(HOST, "ci", "read", Quota(rate=1, burst=1)) is one
        assert lanes.lane(HOST, "bot", "read") is not one
        await one.run(taking(0), timeout=5)
        begun = clock()
        await one.run(taking(0), timeout=5)
        assert clock() == begun + 1, "the quota that came later holds"
        assert [(key.credential, counts.requests) for key, counts in lanes.counts().items()] == [("bot", 0), ("ci", 2)]
        assert repr(lanes) == "<Scheduler 2 lanes, 0 active, 0 queued>"

    run(main)
