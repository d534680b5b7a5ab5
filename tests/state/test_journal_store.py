import asyncio
import json
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from holystone.adapters.state.sqlite import Journal, rows
from holystone.adapters.state.sqlite.schema import FILE_NAME
from holystone.engine.errors import Damaged, HolystoneError, UsageError
from holystone.engine.model.layerless import layerless_image
from holystone.engine.model.manifests import OCI_MANIFEST, RawManifest
from holystone.engine.model.outcomes import Deleted, Loss
from holystone.engine.model.plan import Plan, StepId
from holystone.engine.model.records import Tombstone
from tests.support.journals import begin_repository, manifests, recorded
from tests.support.memory_registry import digest_of, repository
from tests.support.small_plans import level, plan, remove, repository_plan

APP = repository()
NOW = 1_700_000_000
BYTES = RawManifest(digest_of(b"{}"), OCI_MANIFEST, b"{}")
TOMBSTONE = Tombstone(*layerless_image({}, oci=True))
PLAN = plan(repository_plan(APP, level(*(remove(digest_of(b"%d" % number)) for number in range(3)))))
CLAIMED = Plan.of(PLAN.head, [each.claimed() for each in PLAN.repositories])


@pytest.mark.parametrize("state", ["finished", "beginning"])
async def test_of_what_is_forgotten_no_row_is_left(tmp_path: Path, state: str) -> None:
    async def write(journal: Journal, number: int) -> None:
        where = repository(f"a{number}")
        run = await journal.begin(plan(repository_plan(where, level(remove(BYTES.digest)))), "cleanup")
        begun = await begin_repository(run, where, [BYTES], TOMBSTONE)
        await begun.record({StepId(BYTES.digest): Deleted()})
        await begun.mark_tombstoned([StepId(BYTES.digest)])
        await begun.record_check([Loss(BYTES.digest)])
        await run.finish()

    for day in (0, *range(100, 108)):
        with Journal.open(tmp_path, now=lambda day=day: NOW + day * 86_400) as journal:  # type: ignore[misc]
            await write(journal, day)
            if not day and state == "beginning":
                await journal._writer.do(lambda db: db.execute("UPDATE runs SET state = 'beginning'").rowcount)
            if not day:  # as one of an earlier format has them
                await journal._writer.do(lambda db: db.execute("INSERT INTO outcomes_by_position VALUES (1, 0, 'x')"))
                await journal._writer.do(lambda db: db.execute("INSERT INTO tombstoned_by_position VALUES (1, 0)"))
    with closing(sqlite3.connect(tmp_path / FILE_NAME)) as database:
        for table in ("outcomes_by_position", "tombstoned_by_position"):
            assert database.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,), table
        for table in ("runs", "plans", "slices", "manifests", "outcomes", "tombstoned", "losses"):
            assert database.execute(f"SELECT count(*) FROM {table}").fetchone() == (8,), table


async def test_a_run_whose_beginning_is_cut_short_when_it_is_all_but_written_has_not_begun(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever presses Ctrl-C there is told that nothing was deleted, and of no run that could be resumed."""
    set_state = rows.set_state
    loop = asyncio.get_running_loop()

    def late(database: sqlite3.Connection, **state: Any) -> None:
        set_state(database, **state)
        loop.call_soon_threadsafe(scope.cancel)
        time.sleep(0.02)

    monkeypatch.setattr(rows, "set_state", late)
    with Journal.open(tmp_path) as journal:
        with anyio.CancelScope() as scope:
            await journal.begin(PLAN, "cleanup")
        assert scope.cancelled_caught
        monkeypatch.undo()
        assert await journal.runs() == ()
        await (await journal.begin(PLAN, "cleanup")).finish()


def test_a_newer_journal_is_refused(tmp_path: Path) -> None:
    Journal.open(tmp_path).close()
    with sqlite3.connect(tmp_path / FILE_NAME) as database:
        database.execute("PRAGMA user_version = 6")
    database.close()
    with pytest.raises(UsageError, match=r"newer Holystone \(format 6, known is 5\)"):
        Journal.open(tmp_path)


@pytest.mark.parametrize("version", [1, 2, 3, 4])
async def test_a_journal_of_an_earlier_format_is_taken_over_but_for_its_runs(tmp_path: Path, version: int) -> None:
    """What they meant is not guessed: who began such a run is told to go on with it by the version that wrote it, which
    does not open the journal any more that this one has opened."""
    with Journal.open(tmp_path) as journal:
        run = await journal.begin(PLAN, "cleanup")
        await begin_repository(run, APP, [BYTES], None)
    positions = [f"DROP TABLE {table}" for table in ("outcomes", "tombstoned")]
    positions += [f"ALTER TABLE {table}_by_position RENAME TO {table}" for table in ("outcomes", "tombstoned")]
    positions += ["INSERT INTO outcomes VALUES (1, 0, x'7b7d')", "INSERT INTO tombstoned VALUES (1, 2)"]
    plans = ("DROP TABLE plans",) if version < 4 else ()
    losses = ("DROP TABLE losses", "ALTER TABLE slices DROP COLUMN checked") if version == 1 else ()
    locks = ("ALTER TABLE runs DROP COLUMN locks",) if version < 3 else ()
    of_runs = "ALTER TABLE runs DROP COLUMN format"
    with sqlite3.connect(tmp_path / FILE_NAME) as database:  # before losses, locks, plans by themselves, ids of steps
        for statement in (*losses, *locks, *plans, *positions, of_runs, f"PRAGMA user_version = {version}"):
            database.execute(statement)
        if version < 4:
            database.execute("UPDATE runs SET plan = ?", (json.dumps({"format": 1, "repositories": [{}]}).encode(),))
    database.close()
    for _ in range(2):
        with Journal.open(tmp_path) as journal:
            for read in (journal.load, journal.plan):
                with pytest.raises(Damaged, match=f"Run {run.id} was begun by an earlier version") as caught:
                    await read(run.id)
                assert "a copy of the state directory from before the update" in caught.value.what_to_do
            assert [each.state for each in await journal.runs()] == ["open"]
            found = await journal.recorded(run.id, PLAN.repositories[0])
            assert found, "positions are never taken for ids"
            assert (found.outcomes, found.tombstoned, found.losses, found.checked) == ({}, frozenset(), (), False)
            assert not (await journal.record(run.id)).locks
            assert await manifests(journal, run.id, APP) == {BYTES.digest: BYTES}
    with Journal.open(tmp_path) as journal:
        await journal.give_up(run.id)
        await (await journal.begin(PLAN, "cleanup")).finish()
    with closing(sqlite3.connect(tmp_path / FILE_NAME)) as database:
        for table, position in (("outcomes", 0), ("tombstoned", 2)):
            assert database.execute(f"SELECT step FROM {table}_by_position").fetchall() == [(position,)]


def test_the_database_of_another_program_is_left_alone(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / FILE_NAME) as database:
        database.execute("CREATE TABLE theirs (it)")
    database.close()
    before = (tmp_path / FILE_NAME).read_bytes()
    with pytest.raises(UsageError, match="another program"):
        Journal.open(tmp_path)
    assert (tmp_path / FILE_NAME).read_bytes() == before


async def test_a_damaged_journal_is_named_and_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_bytes(b"not a database, " * 100)
    with pytest.raises(HolystoneError, match="is damaged"):
        Journal.open(tmp_path)
    assert (tmp_path / FILE_NAME).read_bytes().startswith(b"not a database")


async def test_a_locked_journal_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("holystone.adapters.state.sqlite.schema._PATIENCE", 0.0)
    with Journal.open(tmp_path) as journal:
        other = sqlite3.connect(tmp_path / FILE_NAME, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(HolystoneError, match="is locked"):
            await journal.begin(PLAN, "cleanup")
        other.execute("ROLLBACK")
        other.close()
        await journal.begin(PLAN, "cleanup")


def test_a_directory_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(HolystoneError, match="cannot be used"):
        Journal.open(tmp_path / "file" / "state")


async def test_a_full_disk_is_told_to_whoever_wrote(tmp_path: Path) -> None:
    with Journal.open(tmp_path) as journal:
        run = await journal.begin(PLAN, "cleanup")
        await journal._writer.do(lambda db: db.execute("PRAGMA max_page_count = 20").fetchall())
        body = b"x" * 1_000_000
        with pytest.raises(HolystoneError, match="full"):
            await begin_repository(run, APP, [RawManifest(digest_of(body), OCI_MANIFEST, body)], None)
        assert await run.repository(PLAN.repositories[0]) is None


async def test_two_thousand_outcomes_share_their_flushes(tmp_path: Path) -> None:
    commits = 0

    def count(statement: str) -> None:
        nonlocal commits
        commits += statement == "COMMIT"

    with Journal.open(tmp_path) as journal:
        many = repository_plan(APP, level(*(remove(digest_of(b"%d" % number)) for number in range(2000))))
        run = await journal.begin(plan(many), "cleanup")
        written = await begin_repository(run, APP, [BYTES], None)
        await journal._writer.do(lambda db: db.set_trace_callback(count))
        steps = iter(many.steps)

        async def work() -> None:
            for step in steps:
                await written.record({step.id: Deleted()})

        started = time.perf_counter()
        async with anyio.create_task_group() as tasks:
            for _ in range(64):
                tasks.start_soon(work)
        assert time.perf_counter() - started < 5  # generous for a busy machine
        assert commits < 500
        assert len((await recorded(journal, run.id))[0].outcomes) == 2000
