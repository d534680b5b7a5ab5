"""What is recorded of a manifest is pushed only if it still is what its digest says: a bad disk, an old backup or
another hand may have changed it."""

import sqlite3
from collections.abc import Callable, Coroutine
from contextlib import closing
from pathlib import Path
from typing import Any

import anyio
import msgspec
import pytest

from holystone.adapters.state.sqlite import Journal
from holystone.adapters.state.sqlite.digest_cache import SqliteDigestCache
from holystone.engine.errors import Damaged
from holystone.engine.executor import RunResult
from holystone.engine.model.outlook import UndoOutlook
from holystone.engine.model.plan import Pass
from holystone.engine.model.references import Digest, Tag
from holystone.engine.report.undo_text import undo_lines
from holystone.engine.undo import PutBack, UndoResult, undo_run
from holystone.engine.undo.putting import PuttingBack
from holystone.engine.undo.results import BytesDamaged, Restored, UndoOutcome
from holystone.engine.undo.taken import Taken
from tests.support.execution import Execute, before, die, once
from tests.support.memory_registry import MemoryRegistry, digest_of
from tests.support.small_plans import level, remove, repository_plan, tombstone, untag
from tests.support.small_worlds import APP
from tests.support.spools import undone

Undo = Callable[..., Coroutine[Any, Any, UndoResult]]


def change(folder: Path, statement: str, *values: object) -> None:
    with closing(sqlite3.connect(folder / "journal.sqlite")) as database, database:
        assert database.execute(statement, values).rowcount == 1


def damage(folder: Path, digest: Digest) -> None:
    """Into another manifest that every registry would take."""
    with closing(sqlite3.connect(folder / "journal.sqlite")) as database:
        (body,) = database.execute("SELECT body FROM manifests WHERE digest = ?", (digest,)).fetchone()
    change(folder, "UPDATE manifests SET body = ? WHERE digest = ?", body + b" ", digest)


async def test_what_is_damaged_does_not_come_back_as_something_else(
    execute: Execute, undo: Undo, tmp_path: Path, state: Callable[[], Coroutine[Any, Any, str]]
) -> None:
    there = MemoryRegistry()
    one, two = there.image(APP, "one", "v1"), there.image(APP, "two", "v2")
    await execute(there, repository_plan(APP, level(remove(one, "v1"), remove(two, "v2"))))
    damage(tmp_path, one)
    result = await undo(there)
    assert result.lost == (PutBack(None, one, BytesDamaged()), PutBack(Tag("v1"), one, BytesDamaged()))
    assert there.contents[APP].state() == ({Tag("v2"): two}, {two})
    assert not result.incomplete
    assert f"v1 ({one}): cannot come back: its bytes in the journal are not what its digest says any more" in (
        "\n".join(undo_lines("RUN", result, dry_run=False, every_tag=False))
    )
    assert await state() == "undone"


async def test_where_only_the_tag_went_the_registry_has_the_bytes(execute: Execute, undo: Undo, tmp_path: Path) -> None:
    there = MemoryRegistry()
    one = there.image(APP, "one", "v1", "v2")
    whole = there.contents[APP].state()
    await execute(there, repository_plan(APP, Pass("untag", (untag("v1", one),)), kept={"v2": one}))
    damage(tmp_path, one)
    assert (await undo(there)).lost == ()
    assert there.contents[APP].state() == whole


async def test_what_was_read_before_helps(execute: Execute, tmp_path: Path) -> None:
    there, cache = MemoryRegistry(), SqliteDigestCache(None)
    one = there.image(APP, "one", "v1")
    whole = there.contents[APP].state()
    await cache.learn_manifests([there.contents[APP].manifests[one]])
    await execute(there, repository_plan(APP, level(remove(one, "v1"))))
    damage(tmp_path, one)
    with Journal.open(tmp_path) as journal:
        run = await journal.load((await journal.runs())[0].id)
        tried = await undo_run(run, there.planned, cache, undone(), dry_run=True)
        assert {type(each.outcome) for each in tried.put_back} == {Restored}
        result = await undo_run(run, there.planned, cache, undone())
    assert result.lost == ()
    assert there.contents[APP].state() == whole


async def test_a_dry_run_says_it(execute: Execute, undo: Undo, tmp_path: Path) -> None:
    there = MemoryRegistry()
    one = there.image(APP, "one", "v1")
    await execute(there, repository_plan(APP, level(remove(one, "v1"))))
    assert {type(each.outcome) for each in (await undo(there, dry_run=True)).put_back} == {Restored}
    damage(tmp_path, one)
    assert {type(each.outcome) for each in (await undo(there, dry_run=True)).put_back} == {BytesDamaged}


async def test_a_run_that_is_taken_up_again_reads_what_is_damaged_once_more(
    execute: Execute, undo: Undo, tmp_path: Path
) -> None:
    there = MemoryRegistry()
    one, two = there.image(APP, "one", "v1"), there.image(APP, "two", "v2")
    whole = there.contents[APP].state()
    there.hook = once(before("delete_manifests"), die)
    with pytest.raises(BaseExceptionGroup):
        await execute(there, repository_plan(APP, level(remove(one, "v1"), remove(two, "v2"))))
    there.hook = None
    damage(tmp_path, one)
    resumed: RunResult = await execute(there)
    assert resumed.counts == {"deleted": 2}
    assert (await undo(there)).lost == ()
    assert there.contents[APP].state() == whole


@pytest.mark.parametrize(
    "column",
    ["tombstone_digest = 'sha256:' || hex(zeroblob(32))", "tombstone_body = x'7b7d'", "tombstone_config = 'x'"],
)
async def test_a_damaged_tombstone_stops_its_repository(
    execute: Execute, undo: Undo, tmp_path: Path, column: str
) -> None:
    there = MemoryRegistry()
    one, two = there.image(APP, "one", "v1"), there.image(APP, "two", "v2")
    await execute(there, repository_plan(APP, Pass("tombstone", (tombstone("v1", one),)), kept={"v2": two}))
    change(tmp_path, f"UPDATE slices SET {column}")
    (repository,) = (await undo(there)).repositories
    assert repository.stopped
    assert repository.stopped.is_a(Damaged)
    assert there.contents[APP].tags == {Tag("v2"): two}


@pytest.mark.parametrize(
    ("way", "outcome"), [("restore", Restored()), ("push", BytesDamaged()), ("none", BytesDamaged())]
)
async def test_a_dry_run_knows_that_an_undelete_needs_no_bytes(way: str, outcome: UndoOutcome) -> None:
    registry = MemoryRegistry()
    digest = digest_of(b"gone")
    outlook = msgspec.structs.replace(UndoOutlook(), way=way)
    planned = msgspec.structs.replace(repository_plan(APP, level(remove(digest))), undo=outlook)
    gone = Taken(frozenset({digest}), {}, {}, frozenset({digest}), ((digest,),))

    async def no_bytes(_: Digest) -> None:
        return None

    work = PuttingBack(planned, registry.open(APP), gone, no_bytes, (), anyio.CapacityLimiter(8), True, anyio.sleep)
    await work.everything()
    assert [each.outcome for each in work.put_back()] == [outcome]
