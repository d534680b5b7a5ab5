"""A host that never answered is given up sooner than one that was there a moment ago."""

import math
import random
from typing import NoReturn

import anyio
import pytest

from holystone.engine.model.references import RegistryHost
from holystone.engine.scheduler import Limits, RetriesExhausted, Scheduler, Transient
from holystone.engine.scheduler.pause import HostPause
from tests.support.virtual_time import clock, run

HOST = RegistryHost.parse("registry.example")
LIMITS = Limits(first_patience=5)


async def refused() -> NoReturn:
    raise Transient("connection refused", host_down=True)


async def answered() -> str:
    return "answer"


def scheduler() -> Scheduler:
    return Scheduler(LIMITS, clock=clock, rng=random.Random(1))


def test_a_first_contact_that_is_refused_fails_after_a_few_seconds() -> None:
    async def main() -> None:
        begun = clock()
        with pytest.raises(RetriesExhausted, match="connection refused"):
            await scheduler().lane(HOST, "ci", "read").run(refused, timeout=60)
        assert 4 < clock() - begun < 6

    run(main)


def test_a_first_contact_that_hangs_is_tried_once_more() -> None:
    async def main() -> None:
        begun = clock()
        with pytest.raises(RetriesExhausted):
            await scheduler().lane(HOST, "ci", "read").run(anyio.sleep_forever, timeout=15)
        assert clock() - begun < 40

    run(main)


def test_a_short_restart_before_the_first_answer_is_waited_out() -> None:
    async def main() -> None:
        begun = clock()

        async def attempt() -> str:
            return await (answered() if clock() - begun > 2 else refused())

        assert await scheduler().lane(HOST, "ci", "read").run(attempt, timeout=60) == "answer"

    run(main)


def test_an_outage_in_mid_run_is_waited_out() -> None:
    async def main() -> None:
        lanes, begun = scheduler(), clock()
        read, write = lanes.lane(HOST, "ci", "read"), lanes.lane(HOST, "ci", "write")
        assert await read.run(answered, timeout=60) == "answer"

        async def attempt() -> str:
            return await (answered() if clock() - begun > 20 else refused())

        assert await write.run(attempt, timeout=60) == "answer", "the host is known from its other lane"

    run(main)


def test_an_answer_that_is_an_error_is_an_answer() -> None:
    pause = HostPause(120, 5)
    pause.failed(Transient("502"), 0, 0.0)
    for _ in range(3):
        pause.failed(Transient("refused", host_down=True), 0, 1.0)
    assert pause.ends_at() == 120.0


def test_without_a_first_patience_nothing_is_down_before_three_strikes() -> None:
    pause = HostPause(120)
    assert not pause.failed(Transient("refused", host_down=True), 0, 0.0)
    assert pause.ends_at() == math.inf
    first = HostPause(120, 5)
    assert first.failed(Transient("refused", host_down=True), 0, 0.0)
    assert first.ends_at() == 5.0
