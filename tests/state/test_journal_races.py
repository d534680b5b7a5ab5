"""What happens between two of our own calls, by another process of ours."""

import errno
import os
from pathlib import Path

import pytest

from holystone.adapters.state import own_files
from holystone.adapters.state.sqlite import Journal, file_locks
from holystone.adapters.state.sqlite.file_locks import Lock
from holystone.engine.errors import HolystoneError, Refused
from tests.support.memory_registry import digest_of, repository
from tests.support.small_plans import level, plan, remove, repository_plan

PLAN = plan(repository_plan(repository(), level(remove(digest_of(b"{}")))))


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
