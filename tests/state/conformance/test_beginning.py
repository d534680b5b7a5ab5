"""A run whose plan is just being written is its own process' and nobody else's business."""

import asyncio
import threading

import pytest

from holystone.engine.errors import Busy
from holystone.engine.model.plan import Plan
from tests.state.conformance.meanwhile import Interrupted, Meanwhile
from tests.state.conformance.stand import Stand
from tests.state.conformance.verbs import FIRST, OTHER_PLAN, PLAN, seen
from tests.support.small_plans import plan, repository_plan


@pytest.mark.parametrize("before", [0, 1, 2])
async def test_a_run_that_is_just_beginning_is_another_process_own(stand: Stand, before: int) -> None:
    heard: list[object] = []

    async def another() -> None:
        async with stand.store() as store:
            heard.append(await store.runs())
            with pytest.raises(Busy):
                await store.begin(plan(repository_plan(FIRST)), "cleanup")
            await (await store.begin(OTHER_PLAN, "prune")).finish()

    plans = Interrupted(PLAN.repositories, before, lambda: asyncio.run(another()))
    async with stand.store() as store:
        run = await store.begin(Plan.of(PLAN.head, plans), "cleanup")
        assert heard == [()], "another began meanwhile, and heard of nothing"
        assert {each.command for each in await store.runs()} == {"cleanup", "prune"}
    found = await seen(stand)
    assert [*found[run.id].plans] == [*PLAN.repositories]


async def test_a_run_that_has_begun_a_moment_ago_is_not_forgotten(stand: Stand) -> None:
    """It was half-written when it was looked for, and its owner has done all of it before it is locked."""
    found, has_begun = threading.Event(), threading.Event()

    async def until_it_has_begun() -> None:
        found.set()
        has_begun.wait(10)

    async def another() -> None:
        async with stand.store(locks=lambda locks: Meanwhile(locks, until_it_has_begun)) as store:
            await (await store.begin(OTHER_PLAN, "prune")).finish()

    thread = threading.Thread(target=lambda: asyncio.run(another()))

    def look() -> None:
        thread.start()
        found.wait(10)

    async with stand.store() as store:
        run = await store.begin(Plan.of(PLAN.head, Interrupted(PLAN.repositories, 1, look)), "cleanup")
        run.release()
        has_begun.set()
        await asyncio.to_thread(thread.join)
        assert {each.command for each in await store.runs()} == {"cleanup", "prune"}
    assert [*(await seen(stand))[run.id].plans] == [*PLAN.repositories]
