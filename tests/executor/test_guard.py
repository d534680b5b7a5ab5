"""The look before something goes, by itself."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest

from holystone.engine.errors import Doubtful, HolystoneError, IncompleteSource
from holystone.engine.executor.guard import Guard, find_holds
from holystone.engine.executor.tally import Tally
from holystone.engine.executor.work import RepositoryWork
from holystone.engine.inventory.knowledge import DigestKnowledge
from holystone.engine.journal import Journal
from holystone.engine.model.plan import Kept, RepositoryPlan
from holystone.engine.model.reasons import Unreadable
from holystone.engine.model.references import Tag
from tests.support.journals import begin_repository
from tests.support.memory_registry import CAPABILITIES, TELLING, MemoryRegistry, Point, repository
from tests.support.small_plans import level, plan, remove, repository_plan

APP = repository()
UNREAD = Tag("unread")


@asynccontextmanager
async def working(folder: Path, registry: MemoryRegistry, made: RepositoryPlan) -> AsyncIterator[RepositoryWork]:
    with Journal.open(folder) as journal:
        run = await journal.begin(plan(made), "cleanup")
        yield RepositoryWork(
            made,
            registry,
            DigestKnowledge(None),
            registry.capabilities,
            await begin_repository(run, APP, [], None),
            Tally(made, {}),
            manifests={},
            unreadable={},
            progress=lambda *_: None,
        )


async def test_after_a_contradiction_it_is_looked_at_once_more_and_then_no_more(tmp_path: Path) -> None:
    registry = MemoryRegistry(TELLING)
    made = repository_plan(APP, level(remove(registry.image(APP, "old", "old"), "old")))
    async with working(tmp_path, registry, made) as work:
        guard = Guard(work, clock=lambda: 1.0)
        for contradicted, looks in ((False, 1), (False, 1), (True, 2), (True, 2)):
            work.contradicted = contradicted
            await guard.holds()
            assert registry.count("list_tags") == looks


@pytest.mark.parametrize(
    ("error", "planned", "raised"),
    [
        (IncompleteSource("not today"), False, False),
        (IncompleteSource("not today"), True, True),
        (Doubtful("somebody answers twice"), False, True),
    ],
)
async def test_a_tag_that_could_not_be_read_for_the_plan_either_holds_nothing_that_only_this_run_has_pushed(
    tmp_path: Path, error: HolystoneError, planned: bool, raised: bool
) -> None:
    registry = MemoryRegistry(CAPABILITIES)
    old, tombstone = registry.image(APP, "old", "old", "unread"), registry.image(APP, "tombstone")
    kept = (Kept(UNREAD, None, (Unreadable("not today"),)),)
    made = msgspec.structs.replace(repository_plan(APP, level(remove(old, "old"))), kept=kept)

    async def refuse(point: Point) -> None:
        if point.verb.startswith("resolve") and point.arguments[1] == UNREAD:
            raise error

    registry.hook = refuse
    async with working(tmp_path, registry, made) as work:
        going = {old} if planned else {tombstone}
        if raised:
            with pytest.raises(type(error), match=str(error)):
                await find_holds(work, going, {})
        else:
            assert tombstone not in (await find_holds(work, going, {})).digests


async def test_a_tag_that_is_read_by_now_and_was_not_for_the_plan_holds_what_it_is_on(tmp_path: Path) -> None:
    registry = MemoryRegistry(CAPABILITIES)
    old = registry.image(APP, "old", "old", "unread")
    kept = (Kept(UNREAD, None, (Unreadable("not today"),)),)
    made = msgspec.structs.replace(repository_plan(APP, level(remove(old, "old"))), kept=kept)
    async with working(tmp_path, registry, made) as work:
        holds = await find_holds(work, {old}, {Tag("old"): (old,)})
        assert {digest: hold.by for digest, hold in holds.digests.items()} == {old: UNREAD}


async def test_a_tag_whose_manifest_is_gone_by_now_holds_only_that(tmp_path: Path) -> None:
    registry = MemoryRegistry(CAPABILITIES)
    old, gone = registry.image(APP, "old", "old"), registry.image(APP, "gone", "new")
    del registry.contents[APP].manifests[gone]
    made = repository_plan(APP, level(remove(old, "old")))
    async with working(tmp_path, registry, made) as work:
        assert (await find_holds(work, {old}, {Tag("old"): (old,)})).digests.keys() == {gone}
