import asyncio
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holystone.adapters.state.sqlite import Journal
from holystone.adapters.state.sqlite.schema import FILE_NAME
from holystone.engine.model.codec import to_json
from holystone.engine.model.manifests import RawManifest
from holystone.engine.model.outcomes import AlreadyGone, Deleted, Failed, MovedMeanwhile, Outcome
from holystone.engine.model.references import Repository
from tests.support.journals import begin_repository, recorded
from tests.support.memory_registry import digest_of, repository
from tests.support.small_plans import level, plan, remove, repository_plan

REPOSITORIES = [repository("a"), repository("b")]
PLAN = plan(*(repository_plan(each) for each in REPOSITORIES))
_OUTCOMES: st.SearchStrategy[Outcome] = st.sampled_from(
    [Deleted(), AlreadyGone(), Failed("no"), MovedMeanwhile(digest_of(b"x"))]
)
_RECORDS = st.tuples(st.sampled_from(REPOSITORIES), st.dictionaries(st.integers(0, 9), _OUTCOMES, min_size=1))
_MARKS = st.tuples(st.sampled_from(REPOSITORIES), st.frozensets(st.integers(0, 9), min_size=1))
Known = dict[Repository, tuple[dict[int, Outcome], set[int]]]


@settings(max_examples=25, deadline=None)
@given(st.lists(_RECORDS | _MARKS | st.just("reopen"), max_size=20))
def test_whatever_was_written_is_there_after_any_reopening(operations: list[object]) -> None:
    async def scenario(directory: Path) -> None:
        expected: Known = {each: ({}, set()) for each in REPOSITORIES}
        journal = Journal.open(directory)
        try:
            run = await journal.begin(PLAN, "cleanup")
            slices = {each: await begin_repository(run, each, [], None) for each in REPOSITORIES}
            for operation in operations:
                match operation:
                    case "reopen":
                        journal.close()
                        journal = Journal.open(directory)
                        run = await journal.load()
                        for each in REPOSITORIES:
                            found = await run.repository(each)
                            assert found is not None
                            slices[each] = found
                    case (Repository() as where, dict() as outcomes):
                        await slices[where].record(outcomes)
                        expected[where][0].update(outcomes)
                    case (Repository() as where, frozenset() as marks):
                        await slices[where].mark_tombstoned(marks)
                        expected[where][1].update(marks)
            assert await _known(journal, run.id) == expected
        finally:
            journal.close()

    with tempfile.TemporaryDirectory() as directory:
        asyncio.run(scenario(Path(directory)))


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 12), st.randoms(use_true_random=False))
def test_a_log_that_ends_anywhere_gives_a_beginning_of_what_was_written(number: int, chance: random.Random) -> None:
    """The files are copied while the journal is open, as a machine that loses power leaves them, with a log that was
    flushed up to some byte."""

    async def scenario(live: Path, copy: Path) -> None:
        with Journal.open(live) as journal:
            run = await journal.begin(PLAN, "cleanup")
            written = await begin_repository(run, REPOSITORIES[0], [], None)
            begun = (live / f"{FILE_NAME}-wal").stat().st_size
            for step in range(number):
                await written.record({step: Deleted()})
            for name in (FILE_NAME, f"{FILE_NAME}-wal"):
                shutil.copy(live / name, copy / name)
            with Journal.open(copy) as whole:
                (known,) = await recorded(whole, run.id)
                assert sorted(known.outcomes) == list(range(number))
            for name in (FILE_NAME, f"{FILE_NAME}-wal"):
                shutil.copy(live / name, copy / name)
            log = copy / f"{FILE_NAME}-wal"
            log.write_bytes(log.read_bytes()[: chance.randint(begun, log.stat().st_size)])
            with Journal.open(copy) as cut:
                (known,) = await recorded(cut, run.id)
                assert sorted(known.outcomes) == list(range(len(known.outcomes)))

    with tempfile.TemporaryDirectory() as live, tempfile.TemporaryDirectory() as copy:
        asyncio.run(scenario(Path(live), Path(copy)))


@settings(max_examples=25, deadline=None)
@given(st.randoms(use_true_random=False))
def test_a_run_has_begun_with_its_whole_plan_or_not_at_all(chance: random.Random) -> None:
    """However far its repositories were written, one after the other, when the machine lost power."""
    plans = plan(*(repository_plan(repository(f"a{number}"), level(remove(digest_of(b"gone")))) for number in range(9)))

    async def scenario(live: Path, copy: Path) -> None:
        with Journal.open(live) as journal, pytest.MonkeyPatch.context() as patch:
            patch.setattr("holystone.adapters.state.sqlite.journal._WRITTEN", 1)  # each by itself
            opened = (live / f"{FILE_NAME}-wal").stat().st_size
            run = await journal.begin(plans, "cleanup")
            for name in (FILE_NAME, f"{FILE_NAME}-wal"):
                shutil.copy(live / name, copy / name)
        log = copy / f"{FILE_NAME}-wal"
        log.write_bytes(log.read_bytes()[: chance.randint(opened, log.stat().st_size)])
        with Journal.open(copy) as cut:
            for record in await cut.runs():
                assert record.id == run.id
                assert len((await cut.plan(run.id)).repositories) == 9
            (await cut.begin(PLAN, "cleanup")).release()
            whole = len(await cut.runs())
            assert whole in (1, 2)
            with closing(sqlite3.connect(copy / FILE_NAME)) as database:
                assert database.execute("SELECT count(*) FROM runs").fetchone() == (whole,), (
                    "nothing half-written is left"
                )
                expected = len(PLAN.repositories) + (9 if whole == 2 else 0)
                assert database.execute("SELECT count(*) FROM plans").fetchone() == (expected,)

    with tempfile.TemporaryDirectory() as live, tempfile.TemporaryDirectory() as copy:
        asyncio.run(scenario(Path(live), Path(copy)))


async def test_a_run_that_is_just_beginning_is_another_process_own(tmp_path: Path) -> None:
    with Journal.open(tmp_path) as journal:
        run = await journal.begin(PLAN, "cleanup")  # and has the lock of it
        await journal._writer.do(lambda db: db.execute("UPDATE runs SET state = 'beginning'").rowcount)
        with Journal.open(tmp_path) as other:
            assert await other.runs() == ()
            (await other.begin(plan(repository_plan(repository("z"))), "cleanup")).release()
            assert await journal._writer.do(lambda db: db.execute("SELECT count(*) FROM runs").fetchone()) == (2,)
            run.release()
            (await other.begin(plan(repository_plan(repository("z"))), "cleanup")).release()
            assert run.id not in {each.id for each in await other.runs()}
            assert await journal._writer.do(lambda db: db.execute("SELECT count(*) FROM runs").fetchone()) == (2,)


_VICTIM = """
import asyncio, sys
from pathlib import Path
from holystone.adapters.state.sqlite import Journal
from holystone.engine.model.manifests import RawManifest
from holystone.engine.model.outcomes import Deleted
from holystone.engine.model.codec import from_json
from holystone.engine.model.plan import Plan
from holystone.engine.model.references import Digest
from tests.support.journals import begin_repository, recorded

async def main():
    with Journal.open(Path(sys.argv[1])) as journal:
        plan = from_json(sys.argv[2].encode(), Plan)
        run = await journal.begin(plan, "cleanup")
        bytes = [RawManifest(Digest.parse(sys.argv[3]), "text/plain", b"body")]
        written = await begin_repository(run, plan.repositories[0].repository, bytes, None)
        print(run.id, flush=True)

        async def work(first):
            for step in range(first, 1_000_000, 8):
                await written.record({step: Deleted()})
                print(step, flush=True)

        await asyncio.gather(*(work(first) for first in range(8)))

asyncio.run(main())
"""


def test_kill_9_loses_no_record_and_frees_the_run(tmp_path: Path) -> None:
    digest = digest_of(b"body")
    with subprocess.Popen(
        [sys.executable, "-c", _VICTIM, str(tmp_path), to_json(PLAN).decode(), str(digest)], stdout=subprocess.PIPE
    ) as victim:
        assert victim.stdout
        run_id = victim.stdout.readline().decode().strip()
        told = [int(victim.stdout.readline()) for _ in range(100)]
        victim.send_signal(signal.SIGKILL)
        told += [int(line) for line in victim.stdout.read().split(b"\n")[:-1]]
    raw = RawManifest(digest, "text/plain", b"body")
    asyncio.run(_is_there(tmp_path, run_id, told, raw))


async def _is_there(directory: Path, run_id: str, steps: list[int], raw: RawManifest) -> None:
    with Journal.open(directory) as journal:
        assert (await journal.load()).id == run_id
        (known,) = await recorded(journal, run_id)
        assert set(steps) <= set(known.outcomes)
        assert await journal.manifests(run_id, REPOSITORIES[0]) == {raw.digest: raw}


async def _known(journal: Journal, run_id: str) -> Known:
    return {each.repository: (dict(each.outcomes), set(each.tombstoned)) for each in await recorded(journal, run_id)}
