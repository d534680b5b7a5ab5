"""What is remembered of a run's sources, from one run to the next."""

import anyio

from holystone.engine.model.references import RegistryHost, Repository, RepositoryPath
from holystone.engine.model.sources import Counted, Key, Remembered
from tests.state.conformance.stand import Stand

STAGES = Repository(RegistryHost("r.example"), RepositoryPath("shop/stages"))
TAGS = Key("tags", STAGES)
SHOP, OTHER = Key("references", STAGES, "shop"), Key("references", STAGES, "other")


async def test_what_is_left_is_remembered(stand: Stand) -> None:
    assert await stand.baselines().read([TAGS]) == {}
    await stand.baselines().remember([Counted(TAGS, 70, 50), Counted(SHOP, 9, 9)], 1_000, "run-1")
    assert await stand.baselines().read([TAGS, SHOP, OTHER]) == {
        TAGS: Remembered(50, 1_000, "run-1"),
        SHOP: Remembered(9, 1_000, "run-1"),
    }
    await stand.baselines().remember([Counted(TAGS, 60, 40)], 2_000, "")
    assert await stand.baselines().read([TAGS]) == {TAGS: Remembered(40, 2_000)}
    assert await stand.baselines().read([SHOP]) == {SHOP: Remembered(9, 1_000, "run-1")}, "it was not read that time"
    assert await stand.baselines().read([]) == {}


async def test_nothing_that_was_counted_changes_nothing(stand: Stand) -> None:
    await stand.baselines().remember([Counted(TAGS, 50, 50)], 1_000, "run-1")
    await stand.baselines().remember([], 2_000, "run-2")
    assert await stand.baselines().read([TAGS]) == {TAGS: Remembered(50, 1_000, "run-1")}


async def test_a_plan_that_is_resumed_late_takes_nothing_back(stand: Stand) -> None:
    await stand.baselines().remember([Counted(TAGS, 50, 50)], 2_000, "new")
    await stand.baselines().remember([Counted(TAGS, 90, 10)], 1_000, "old")
    assert await stand.baselines().read([TAGS]) == {TAGS: Remembered(50, 2_000, "new")}


async def test_what_was_counted_at_a_time_that_is_yet_to_come_is_taken_back(stand: Stand) -> None:
    await stand.baselines().remember([Counted(TAGS, 50, 50)], 9_999_999_999, "ahead")
    await stand.baselines().remember([Counted(TAGS, 90, 10)], 1_000, "old")
    assert await stand.baselines().read([TAGS]) == {TAGS: Remembered(10, 1_000, "old")}


async def test_of_many_at_once_the_latest_stays(stand: Stand) -> None:
    async with anyio.create_task_group() as tasks:
        for as_of in (1_003, 1_009, 1_001, 1_007):
            tasks.start_soon(stand.baselines().remember, [Counted(TAGS, as_of, as_of)], as_of, f"{as_of}")
    assert await stand.baselines().read([TAGS]) == {TAGS: Remembered(1_009, 1_009, "1009")}
