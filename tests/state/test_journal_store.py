import asyncio
import contextlib
import itertools
import json
import os
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import anyio
import anyio.lowlevel
import msgspec
import pytest

from holystone.adapters.state.sqlite import FORGET_AFTER_DAYS, Journal, refuse_if_busy
from holystone.adapters.state.sqlite.file_locks import lock_repositories
from holystone.adapters.state.sqlite.schema import FILE_NAME
from holystone.adapters.state.sqlite.writer import Pace
from holystone.engine.errors import Damaged, HolystoneError, Refused, UsageError
from holystone.engine.model.layerless import layerless_image
from holystone.engine.model.manifests import OCI_MANIFEST, RawManifest
from holystone.engine.model.outcomes import AlreadyGone, Deleted, Failed, Loss, Outcome
from holystone.engine.model.plan import Plan
from holystone.engine.model.records import Tombstone
from holystone.engine.model.references import RegistryHost, Repository, Tag
from holystone.engine.ports import Run
from tests.support.journals import begin_repository, recorded
from tests.support.memory_registry import digest_of, repository
from tests.support.small_plans import level, plan, remove, repository_plan

APP = repository()
BYTES = RawManifest(digest_of(b"{}"), OCI_MANIFEST, b"{}")
TOMBSTONE = Tombstone(*layerless_image({}, oci=True))
PLAN = plan(repository_plan(APP, level(*(remove(digest_of(b"%d" % number)) for number in range(3)))))
CLAIMED = Plan.of(PLAN.head, [each.claimed() for each in PLAN.repositories])


async def test_a_run_comes_back_as_it_was_written(tmp_path: Path) -> None:
    with Journal.open(tmp_path) as journal:
        run = await journal.begin(PLAN, "images cleanup")
        assert await run.repository(APP) is None
        written = await begin_repository(run, APP, [BYTES], TOMBSTONE)
        await written.record({0: Failed("later"), 1: Deleted()})
        await written.record({0: AlreadyGone()})
        await written.mark_tombstoned([2])
    with Journal.open(tmp_path) as journal:
        again = await journal.load()
        assert (again.id, again.plan, again.record.command) == (run.id, CLAIMED, "images cleanup")
        known = await again.repository(APP)
        assert known is not None
        assert known.known.outcomes == {0: AlreadyGone(), 1: Deleted()}
        assert known.known.tombstoned == {2}
        assert known.known.tombstone == TOMBSTONE
        assert await known.manifest(BYTES.digest) == BYTES
        assert await recorded(journal, run.id) == (known.known,)
        assert await journal.manifests(run.id, APP) == {BYTES.digest: BYTES}
        assert await journal.plan(run.id) == CLAIMED


async def test_an_id_is_made_of_the_time_and_is_never_given_twice(tmp_path: Path) -> None:
    tokens = iter(("ab12", "ab12", "cd34"))
    with Journal.open(tmp_path, now=lambda: 1795450320.5, token=lambda: next(tokens)) as journal:
        first = await journal.begin(PLAN, "cleanup")
        await first.finish()
        second = await journal.begin(PLAN, "cleanup")
        assert (first.id, second.id) == ("20261123-161200-ab12", "20261123-161200-cd34")
        assert [(each.id, each.state, each.ended) for each in await journal.runs()] == [
            (second.id, "open", None),
            (first.id, "finished", 1795450320),
        ]


async def test_the_latest_run_that_is_open_is_taken_up(tmp_path: Path) -> None:
    clock = itertools.count(1_795_000_000)
    with Journal.open(tmp_path, now=lambda: next(clock)) as journal:
        runs = []
        for _ in range(3):
            runs.append(await journal.begin(PLAN, "cleanup"))
            runs[-1].release()
        await runs[2].finish()
    with Journal.open(tmp_path) as journal:
        latest = await journal.load()
        assert latest.id == runs[1].id
        latest.release()
        assert (await journal.load(runs[2].id)).record.state == "finished"


async def test_runs_that_ended_long_ago_are_forgotten_when_another_begins(tmp_path: Path) -> None:
    now = 1_700_000_000.0

    async def write(journal: Journal) -> Run:
        run = await journal.begin(PLAN, "cleanup")
        slice_ = await begin_repository(run, APP, [BYTES], TOMBSTONE)
        await slice_.record({0: Deleted()})
        await slice_.mark_tombstoned([0])
        return run

    with Journal.open(tmp_path, now=lambda: now) as journal:
        killed = await write(journal)
        killed.release()
        undoing = await write(journal)
        await undoing.finish()
        undoing = await journal.load(undoing.id)
        await undoing.begin_undo()
        undoing.release()
        await (await write(journal)).finish()
        await (await write(journal)).finish("undone")
        now += 1
        recent = await write(journal)
        await recent.finish()
        now += FORGET_AFTER_DAYS * 86_400
        later = []
        for day in range(8):  # seven days have runs, and then another one begins
            later.append(await journal.begin(plan(), "cleanup"))
            now += 86_400 * (day < 6)
        left = {each.id for each in (killed, undoing, recent, *later)}
        assert {each.id for each in await journal.runs()} == left
        for run in (killed, undoing, recent):
            assert await journal.manifests(run.id, APP) == {BYTES.digest: BYTES}
            (slice_,) = await recorded(journal, run.id)
            assert slice_.outcomes == {0: Deleted()}
            assert slice_.tombstoned == {0}
    with sqlite3.connect(tmp_path / FILE_NAME) as database:
        for table in ("slices", "manifests", "outcomes", "tombstoned"):
            assert database.execute(f"SELECT count(*) FROM {table}").fetchone() == (3,), table


async def test_a_run_that_is_alive_is_not_taken_up(tmp_path: Path) -> None:
    with Journal.open(tmp_path) as journal, Journal.open(tmp_path) as other:
        run = await journal.begin(PLAN, "cleanup")
        with pytest.raises(Refused, match="still going on"):
            await other.load(run.id)
        run.release()
        assert (await other.load()).id == run.id
    assert _locks(tmp_path) == []


async def test_two_runs_never_work_on_one_repository(tmp_path: Path) -> None:
    elsewhere = plan(repository_plan(repository("team/other"), level(remove(BYTES.digest))))
    with Journal.open(tmp_path) as journal, Journal.open(tmp_path) as other:
        run = await journal.begin(PLAN, "cleanup")
        both = msgspec.structs.replace(PLAN, repositories=(*PLAN.repositories, *elsewhere.repositories))
        with pytest.raises(Refused, match=f"team/app: another run.*process {os.getpid()}, run {run.id}"):
            await other.begin(both, "cleanup")
        with pytest.raises(Refused, match="team/app: another run"):
            refuse_if_busy(tmp_path, APP)
        await other.begin(elsewhere, "cleanup")  # what was refused has kept no lock
        assert len(await other.runs()) == 2
        await run.finish()
        refuse_if_busy(tmp_path, APP)
        await other.begin(PLAN, "cleanup")
    assert _locks(tmp_path) == []


async def test_other_spellings_of_a_repository_are_the_same_repository(tmp_path: Path) -> None:
    spelled = Repository(RegistryHost(f"{APP.host}:443"), APP.path)
    with Journal.open(tmp_path) as journal:
        await journal.begin(PLAN, "cleanup")
        with pytest.raises(Refused, match="another run"):
            await journal.begin(plan(repository_plan(spelled, level(remove(BYTES.digest)))), "cleanup")


def test_the_lock_of_a_process_that_died_is_no_lock(tmp_path: Path) -> None:
    script = f"""
import os, pathlib
from holystone.adapters.state.sqlite.file_locks import lock_repositories
from holystone.engine.model.references import RegistryHost, Repository, RepositoryPath
app = Repository(RegistryHost({str(APP.host)!r}), RepositoryPath({str(APP.path)!r}))
locks = lock_repositories(pathlib.Path({str(tmp_path)!r}), [app], "20261123-161200-ab12")
os.kill(os.getpid(), 9)
"""
    killed = subprocess.run([sys.executable, "-c", script], check=False)
    assert killed.returncode == -9
    assert len(_locks(tmp_path)) == 1
    lock_repositories(tmp_path, [APP], "20261123-161300-cd34").close()
    assert _locks(tmp_path) == []


def test_a_question_leaves_nothing_behind(tmp_path: Path) -> None:
    refuse_if_busy(tmp_path / "absent", APP)
    refuse_if_busy(tmp_path, APP)
    assert list(tmp_path.iterdir()) == []


async def test_a_run_that_does_not_exist_is_a_usage_error(tmp_path: Path) -> None:
    with Journal.open(tmp_path) as journal:
        with pytest.raises(UsageError, match="no run that is left unfinished"):
            await journal.load()
        with pytest.raises(UsageError, match="no run 20260101-000000-aaaa"):
            await journal.load("20260101-000000-aaaa")
        assert await journal.runs() == ()


def test_a_newer_journal_is_refused(tmp_path: Path) -> None:
    Journal.open(tmp_path).close()
    with sqlite3.connect(tmp_path / FILE_NAME) as database:
        database.execute("PRAGMA user_version = 5")
    database.close()
    with pytest.raises(UsageError, match=r"newer Holystone \(format 5, known is 4\)"):
        Journal.open(tmp_path)


@pytest.mark.parametrize("version", [1, 2, 3])
async def test_a_journal_of_an_earlier_format_is_taken_over_but_for_its_plans(tmp_path: Path, version: int) -> None:
    """What they meant is not guessed: who began such a run is told to go on with it by the version that wrote it."""
    with Journal.open(tmp_path) as journal:
        run = await journal.begin(PLAN, "cleanup")
        begun = await begin_repository(run, APP, [BYTES], None)
        await begun.record({0: Deleted()})
    losses = ("DROP TABLE losses", "ALTER TABLE slices DROP COLUMN checked") if version == 1 else ()
    locks = ("ALTER TABLE runs DROP COLUMN locks",) if version < 3 else ()
    with sqlite3.connect(tmp_path / FILE_NAME) as database:  # as it was before losses, locks, and plans by themselves
        for statement in (*losses, *locks, "DROP TABLE plans", f"PRAGMA user_version = {version}"):
            database.execute(statement)
        database.execute("UPDATE runs SET plan = ?", (json.dumps({"format": 1, "repositories": [{}]}).encode(),))
    database.close()
    for _ in range(2):
        with Journal.open(tmp_path) as journal:
            with pytest.raises(Damaged, match=f"Run {run.id} was begun by an earlier version of Holystone"):
                await journal.load()
            assert [each.state for each in await journal.runs()] == ["open"]
            found = await journal.recorded(run.id, APP)
            assert found
            assert (found.outcomes, found.losses, found.checked) == ({0: Deleted()}, (), False)
            assert not (await journal.record(run.id)).locks
            assert await journal.manifests(run.id, APP) == {BYTES.digest: BYTES}


async def test_what_a_check_found_lost_is_kept_with_its_bytes(tmp_path: Path) -> None:
    first, second = Loss(BYTES.digest, Tag("v1")), Loss(BYTES.digest)
    with Journal.open(tmp_path) as journal:
        run = await journal.begin(PLAN, "cleanup")
        begun = await begin_repository(run, APP, [], None)
        await begun.keep([BYTES])
        await begun.record_check([first])
        await begun.record_check([first, second])
    with Journal.open(tmp_path) as journal:
        (found,) = await recorded(journal, run.id)
        assert (set(found.losses), found.checked) == ({first, second}, True)
        assert await journal.manifests(run.id, APP) == {BYTES.digest: BYTES}


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
        assert await run.repository(APP) is None


async def test_a_plan_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with Journal.open(tmp_path) as journal:
        run = await journal.begin(PLAN, "cleanup")
        await journal._writer.do(lambda db: db.execute("UPDATE runs SET plan = '[]'").rowcount)
        run.release()
        with pytest.raises(HolystoneError, match=f"record of run {run.id} is damaged .its plan: "):
            await journal.load()
    with Journal.open(tmp_path) as journal, pytest.raises(HolystoneError):
        await journal.load()  # and not "still going on": the lock was given back


async def test_two_thousand_outcomes_share_their_flushes(tmp_path: Path) -> None:
    commits = 0

    def count(statement: str) -> None:
        nonlocal commits
        commits += statement == "COMMIT"

    with Journal.open(tmp_path) as journal:
        run = await journal.begin(PLAN, "cleanup")
        written = await begin_repository(run, APP, [BYTES], None)
        await journal._writer.do(lambda db: db.set_trace_callback(count))
        steps = iter(range(2000))

        async def work() -> None:
            for step in steps:
                await written.record({step: Deleted()})

        started = time.perf_counter()
        async with anyio.create_task_group() as tasks:
            for _ in range(64):
                tasks.start_soon(work)
        assert time.perf_counter() - started < 5  # generous for a busy machine
        assert commits < 500
        assert len((await recorded(journal, run.id))[0].outcomes) == 2000


async def test_who_is_cancelled_while_it_waits_harms_nobody(tmp_path: Path) -> None:
    outcomes: dict[int, Outcome] = {}
    with Journal.open(tmp_path) as journal:
        run = await journal.begin(PLAN, "cleanup")
        written = await begin_repository(run, APP, [BYTES], None)
        for step in range(50):
            task = asyncio.ensure_future(written.record({step: Deleted()}))
            for _ in range(step % 4):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            outcomes[step] = Deleted()
        await written.record({50: AlreadyGone()})
    with Journal.open(tmp_path) as journal:
        (known,) = await recorded(journal, run.id)
        assert known.outcomes[50] == AlreadyGone()
        assert known.outcomes.items() <= {**outcomes, 50: AlreadyGone()}.items()


async def test_a_slice_of_which_only_a_part_was_written_counts_as_not_begun(tmp_path: Path) -> None:
    many = [RawManifest(digest_of(b"%d" % each), OCI_MANIFEST, b"%d" % each) for each in range(1200)]
    with Journal.open(tmp_path) as journal:
        run = await journal.begin(PLAN, "cleanup")
        with anyio.CancelScope() as scope:
            do, calls = journal._writer.do, itertools.count()

            async def killed_in_the_middle(work):  # type: ignore[no-untyped-def]
                if next(calls) == 2:
                    scope.cancel()
                    await anyio.lowlevel.checkpoint()
                return await do(work)

            run._writer.do = killed_in_the_middle  # type: ignore[method-assign]
            await begin_repository(run, APP, many, None)
    with Journal.open(tmp_path) as journal:
        run = await journal.load()
        assert await run.repository(APP) is None
        written = await begin_repository(run, APP, many, None)
        assert len((await written.journaled()).whole) == 1200


def _locks(directory: Path) -> list[Path]:
    return list(directory.glob("*.lock"))


def test_a_few_commits_wait_for_nothing_and_many_share() -> None:
    pace, now, commits, waited = Pace(0.0), 0.0, 0, 0.0
    assert [pace.wait(now) for _ in range(20)] == [0.0] * 20
    while now < 10:
        wait = pace.wait(now)
        assert 0 <= wait <= 0.05
        now += wait + 0.002  # the commit itself
        commits, waited = commits + 1, waited + wait
    assert 180 < commits < 220
    pace.wait(now + 60)
    assert pace.wait(now + 60) == 0, "a pause makes it quick again"


def test_thirty_commits_wait_for_nothing_and_then_there_are_twenty_a_second() -> None:
    pace = Pace(7.0)
    assert [pace.wait(7.0) for _ in range(32)] == [0.0] * 30 + [0.05, 0.1]
    assert pace.wait(7.15) == 0.0


def test_what_a_living_process_holds_and_does_not_say_may_be_anything(tmp_path: Path) -> None:
    with lock_repositories(tmp_path, [APP], "20261123-161300-cd34"):
        (file,) = _locks(tmp_path)
        file.write_bytes(b'{"owner": "cut sh')
        for asked in (APP, repository("another")):
            with pytest.raises(Refused, match="does not say where"):
                refuse_if_busy(tmp_path, asked)
    refuse_if_busy(tmp_path, APP)


def test_one_of_many_repositories_is_enough_and_all_are_held_by_one_file(tmp_path: Path) -> None:
    many = [repository(f"team/app-{number}") for number in range(2_000)]
    with lock_repositories(tmp_path, many, "20261123-161300-cd34"):
        assert len(_locks(tmp_path)) == 1
        with pytest.raises(Refused, match="team/app-1999: another run"), contextlib.ExitStack() as stack:
            stack.enter_context(lock_repositories(tmp_path, [APP, many[-1]], "20261123-161400-ef56"))
        lock_repositories(tmp_path, [APP], "20261123-161400-ef56").close()
    assert _locks(tmp_path) == []


@pytest.mark.slow
def test_of_many_that_begin_at_once_one_gets_what_all_want(tmp_path: Path) -> None:
    script = f"""
import pathlib, sys
from holystone.engine.errors import Refused
from holystone.adapters.state.sqlite.file_locks import lock_repositories
from holystone.engine.model.references import RegistryHost, Repository, RepositoryPath
number = sys.argv[1]
wanted = [Repository(RegistryHost({str(APP.host)!r}), RepositoryPath(path)) for path in ("shared", "own-" + number)]
sys.stdin.readline()
try:
    locks = lock_repositories(pathlib.Path({str(tmp_path)!r}), wanted, "run-" + number)
    print("got", flush=True)
except Refused:
    print("refused", flush=True)
sys.stdin.readline()
"""
    started = [
        subprocess.Popen(
            [sys.executable, "-c", script, str(number)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for number in range(4)
    ]
    for each in started:
        assert each.stdin
        each.stdin.write("\n")
        each.stdin.flush()
    said = [each.stdout.readline().strip() for each in started if each.stdout]
    for each in started:
        each.communicate("\n")
    assert sorted(said) == ["got", "refused", "refused", "refused"]
