"""What happens between two of our own calls, by another process of ours."""

import errno
import os
import sqlite3
from pathlib import Path

import pytest

from holystone.adapters.state import own_files
from holystone.adapters.state.sqlite import Journal, file_locks
from holystone.adapters.state.sqlite import journal as journal_module
from holystone.adapters.state.sqlite.file_locks import Lock
from holystone.adapters.state.sqlite.schema import FILE_NAME
from holystone.engine.errors import HolystoneError, Refused
from tests.support.memory_registry import digest_of, repository
from tests.support.small_plans import level, plan, remove, repository_plan

PLAN = plan(repository_plan(repository(), level(remove(digest_of(b"{}")))))
CLAIMED = [each.claimed() for each in PLAN.repositories]


async def _begun(directory: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Whoever takes this run up has looked at it, and its last owner ends it before it is locked."""

    def lock_run(at: Path, run_id: str) -> Lock:
        with sqlite3.connect(directory / FILE_NAME) as database:
            database.execute("UPDATE runs SET state = 'finished', ended = 1795450320 WHERE id = ?", (run_id,))
        return file_locks.lock_run(at, run_id)

    with Journal.open(directory) as journal:
        run = await journal.begin(PLAN, "cleanup")
    monkeypatch.setattr(journal_module, "lock_run", lock_run)
    return run.id


async def test_a_second_resume_sees_that_the_first_has_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run_id = await _begun(tmp_path, monkeypatch)
    with Journal.open(tmp_path) as journal:
        run = await journal.load()
        assert (run.id, run.record.state, run.record.ended) == (run_id, "finished", 1795450320)


async def test_what_has_ended_a_moment_ago_is_not_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run_id = await _begun(tmp_path, monkeypatch)
    with Journal.open(tmp_path) as journal:
        assert (await journal.give_up(run_id)).state == "finished"
        assert [each.state for each in await journal.runs()] == ["finished"]


async def test_a_run_that_has_begun_a_moment_ago_is_not_forgotten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was half-written when it was looked for, and its owner has done all of it before it is locked."""
    with Journal.open(tmp_path) as owner:
        run = await owner.begin(PLAN, "cleanup")
    with sqlite3.connect(tmp_path / FILE_NAME) as database:
        database.execute("UPDATE runs SET state = 'beginning'")

    def lock_run(at: Path, run_id: str) -> Lock:
        with sqlite3.connect(tmp_path / FILE_NAME) as database:
            database.execute("UPDATE runs SET state = 'open' WHERE id = ?", (run.id,))
        return file_locks.lock_run(at, run_id)

    monkeypatch.setattr(journal_module, "lock_run", lock_run)
    with Journal.open(tmp_path) as journal:
        other = await journal.begin(PLAN, "cleanup")
        assert {each.id for each in await journal.runs()} == {run.id, other.id}
        assert (await journal.plan(run.id)).repositories == CLAIMED


def test_a_lock_on_a_file_that_its_last_owner_has_removed_is_no_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "run.lock"
    first = Lock.take(file, "It is busy", b"one")

    def open_own(file: Path, flags: int) -> int:
        descriptor = own_files.open_own(file, flags)
        first.release()
        return descriptor

    monkeypatch.setattr(file_locks, "open_own", open_own)
    before = len([*Path("/proc/self/fd").iterdir()])
    second = Lock.take(file, "It is busy", b"two")
    assert len([*Path("/proc/self/fd").iterdir()]) == before, "the lock of the one for that of the other"
    monkeypatch.undo()
    with pytest.raises(Refused, match=r"It is busy \(two\)"):
        Lock.take(file, "It is busy", b"three")
    second.release()
    Lock.take(file, "It is busy", b"four").release()
    assert not file.exists()


async def test_what_is_written_is_on_the_disk_before_anything_is_sent(tmp_path: Path) -> None:
    """sqlite.org/pragma.html#pragma_synchronous: in WAL mode, only 2 (FULL) syncs at each commit."""
    with Journal.open(tmp_path) as journal:
        assert await journal._writer.do(lambda db: db.execute("PRAGMA synchronous").fetchone()) == (2,)
        assert await journal._writer.do(lambda db: db.execute("PRAGMA journal_mode").fetchone()) == ("wal",)


def test_a_lock_that_cannot_say_whose_it_is_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "run.lock"

    def full(_descriptor: int, _length: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "ftruncate", full)
    with pytest.raises(HolystoneError, match=r"cannot be used.*No space left on device") as caught:
        Lock.take(file, "It is busy", b"one")
    assert not isinstance(caught.value, Refused)
    monkeypatch.undo()
    Lock.take(file, "It is busy", b"two").release()
