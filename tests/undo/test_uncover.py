"""What a run that nobody should go on with had pushed over is put back by itself."""

import sqlite3
from contextlib import closing
from pathlib import Path

import anyio.lowlevel
import msgspec
import pytest

from holystone.adapters.state.sqlite import Journal
from holystone.adapters.state.sqlite.digest_cache import SqliteDigestCache
from holystone.engine.errors import PlanDoubtful
from holystone.engine.executor import RunResult, execute_plan
from holystone.engine.model.manifests import blobs_of
from holystone.engine.model.outcomes import Deleted
from holystone.engine.model.plan import Pass, RepositoryPlan, StepId
from holystone.engine.model.records import Tombstone
from holystone.engine.model.references import Digest, Tag
from holystone.engine.ports import Run
from holystone.engine.undo import uncover
from tests.support.execution import after, once
from tests.support.journals import begin_repository
from tests.support.memory_registry import MemoryRegistry
from tests.support.small_plans import level, plan, remove, repository_plan, tombstone, untag
from tests.support.small_worlds import APP
from tests.support.spools import results

TAGS = ("a", "b", "c", "stage")


class Doubtful:
    """A run that has pushed over some tags when one of them, which nobody moves, is seen elsewhere."""

    def __init__(self) -> None:
        self.registry = MemoryRegistry()
        self.was = {tag: self.registry.image(APP, tag, tag) for tag in TAGS}
        self.other = self.registry.image(APP, "other", "other")
        steps = Pass("tombstone", tuple(tombstone(tag, digest) for tag, digest in self.was.items()))
        planned = repository_plan(APP, steps, kept={"other": self.other})
        self.plan: RepositoryPlan = msgspec.structs.replace(planned, doomed_written_once=(Tag("stage"),))

    @property
    def tags(self) -> dict[Tag, Digest]:
        return self.registry.contents[APP].tags

    def move(self) -> None:
        self.tags[Tag("stage")] = self.other

    async def execute(self, run: Run) -> RunResult:
        self.registry.hook = once(after("push_manifest"), self.move)
        result = await execute_plan(run, self.registry.planned, SqliteDigestCache(None), results())
        assert result.repositories[0].is_stopped_by(PlanDoubtful)
        assert {self.tags[Tag(tag)] for tag in ("a", "b", "c")} != {self.was[tag] for tag in ("a", "b", "c")}
        return result


async def no_time(_: float) -> None:
    await anyio.lowlevel.checkpoint()


@pytest.fixture
def doubtful() -> Doubtful:
    return Doubtful()


async def test_tags_come_back_and_the_tombstone_goes(doubtful: Doubtful, tmp_path: Path) -> None:
    with Journal.open(tmp_path) as journal:
        run = await journal.begin(plan(doubtful.plan), "cleanup")
        await doubtful.execute(run)
        before = doubtful.registry.count("resolve alone")
        await uncover(run, doubtful.registry.planned, sleep=no_time)
        assert doubtful.registry.count("resolve alone") - before == len(TAGS), "each by itself: answers were mixed up"
    there = {**doubtful.was, "stage": doubtful.other, "other": doubtful.other}
    assert doubtful.registry.contents[APP].state() == (there, set(doubtful.was.values()) | {doubtful.other})


async def test_what_others_did_meanwhile_is_left_alone(doubtful: Doubtful, tmp_path: Path) -> None:
    """A tag that they moved off the tombstone, one that they deleted, and one that they put on it."""
    with Journal.open(tmp_path) as journal:
        run = await journal.begin(plan(doubtful.plan), "cleanup")
        await doubtful.execute(run)
        covered = [tag for tag in "abc" if doubtful.tags[Tag(tag)] != doubtful.was[tag]]
        tombstone = doubtful.tags[Tag(covered[0])]
        doubtful.tags[Tag("theirs")] = tombstone
        doubtful.tags[Tag(covered[0])] = doubtful.other
        for tag in covered[1:]:
            del doubtful.tags[Tag(tag)]
        await uncover(run, doubtful.registry.planned, sleep=no_time)
    assert doubtful.tags[Tag(covered[0])] == doubtful.other
    assert not doubtful.tags.keys() & {*covered[1:]}
    assert doubtful.tags[Tag("theirs")] == tombstone
    assert tombstone in doubtful.registry.contents[APP].manifests


async def test_what_cannot_be_put_back_stops_nothing(doubtful: Doubtful, tmp_path: Path) -> None:
    with Journal.open(tmp_path) as journal:
        run = await journal.begin(plan(doubtful.plan), "cleanup")
        await doubtful.execute(run)
        doubtful.registry.contents[APP].blobs.clear()
        await uncover(run, doubtful.registry.planned, sleep=no_time)


async def test_only_what_the_run_may_have_pushed_over_is_looked_at(tmp_path: Path) -> None:
    """No tag that went by its name or with its manifest, and none of which it is known what came of it."""
    registry = MemoryRegistry()
    done, late, named, whole = (registry.image(APP, name, name) for name in ("done", "late", "named", "whole"))
    pushed = Pass("tombstone", (tombstone("done", done), tombstone("late", late)))
    passes = (Pass("untag", (untag("named", named),)), pushed, level(remove(whole, "whole")))
    part = registry.contents[APP].manifests[registry.image(APP, "part")]
    config = registry.contents[APP].blobs[blobs_of(part)[0]]
    with Journal.open(tmp_path) as journal:
        run = await journal.begin(plan(repository_plan(APP, *passes)), "cleanup")
        record = await begin_repository(run, APP, [], Tombstone(part, config))
        await record.record({StepId("done"): Deleted()})
        await uncover(run, registry.planned, sleep=no_time)
    assert registry.calls == [("resolve alone", (APP, "late"))], "and where no tag is on it nothing else is done"


async def test_what_was_pushed_over_and_is_damaged_in_the_journal_is_read_where_it_is(
    doubtful: Doubtful, tmp_path: Path
) -> None:
    with Journal.open(tmp_path) as journal:
        run = await journal.begin(plan(doubtful.plan), "cleanup")
        await doubtful.execute(run)
        with closing(sqlite3.connect(tmp_path / "journal.sqlite")) as database, database:
            database.execute("UPDATE manifests SET body = CAST(body || ' ' AS BLOB)")
        await uncover(run, doubtful.registry.planned, sleep=no_time)
    assert doubtful.tags == {**doubtful.was, "stage": doubtful.other, "other": doubtful.other}
