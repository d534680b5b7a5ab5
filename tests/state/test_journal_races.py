"""What happens between two of our own calls, by another process of ours."""

import asyncio
import errno
import os
import sqlite3
import threading
from collections.abc import Callable, Coroutine
from contextlib import closing
from pathlib import Path
from types import ModuleType

import pytest

from holystone.adapters.state import own_files
from holystone.adapters.state.sqlite import Journal, SqliteBaselines, baselines, file_locks, schema
from holystone.adapters.state.sqlite.file_locks import Lock
from holystone.engine.errors import HolystoneError, Refused, UsageError
from holystone.engine.model.sources import Counted, Key
from tests.support.memory_registry import repository


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


async def _open_the_journal(folder: Path) -> None:
    Journal.open(folder).close()


async def _remember(folder: Path) -> None:
    await SqliteBaselines(folder).remember([Counted(Key("tags", repository()), 1, 1)], 1_000, "one")


@pytest.mark.parametrize(("module", "use"), [(schema, _open_the_journal), (baselines, _remember)])
async def test_two_that_are_the_first_at_once_are_no_strangers_to_each_other(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    module: ModuleType,
    use: Callable[[Path], Coroutine[None, None, None]],
) -> None:
    """While one looks whose the file is, the other makes it."""

    def look(database: sqlite3.Connection, query: str) -> int:
        found = ask(database, query)
        monkeypatch.setattr(module, "number", ask)
        another = threading.Thread(target=lambda: asyncio.run(use(tmp_path)))
        another.start()
        another.join()
        return found

    ask = schema.number
    monkeypatch.setattr(module, "number", look)
    await use(tmp_path)


def test_what_a_newer_one_has_brought_up_to_date_meanwhile_is_not_taken_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would do again what it has done, and fail at that each time (66 of 300 that began at once)."""
    bring_up_to_date = schema._bring_up_to_date
    newer = schema.VERSION + 1

    def late(database: sqlite3.Connection, *rest: Path) -> None:
        with closing(sqlite3.connect(tmp_path / schema.FILE_NAME)) as another:
            another.execute(f"PRAGMA user_version = {newer}")
        bring_up_to_date(database, *rest)

    Journal.open(tmp_path).close()
    monkeypatch.setattr(schema, "_bring_up_to_date", late)
    with pytest.raises(UsageError, match="newer Holystone"):
        Journal.open(tmp_path)
    with closing(sqlite3.connect(tmp_path / schema.FILE_NAME)) as database:
        assert database.execute("PRAGMA user_version").fetchone() == (newer,)
