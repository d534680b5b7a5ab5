"""The thread that writes: which records share a commit, and when one waits for others."""

import asyncio
import sqlite3
import threading
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest

from holystone.adapters.state.sqlite import Journal, writer
from holystone.adapters.state.sqlite.writer import Pace


def _statements(database: sqlite3.Connection) -> list[str]:
    """From here on."""
    heard: list[str] = []
    database.set_trace_callback(heard.append)
    return heard


async def test_the_first_thirty_commits_wait_for_nothing_and_the_end_for_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []
    monkeypatch.setattr(writer, "time", SimpleNamespace(sleep=waited.append, monotonic=lambda: 100.0))
    with Journal.open(tmp_path) as journal:
        for number in range(32):
            await journal._writer.do(partial(_insert, number=number))
    assert waited == [*[0.0] * 30, 0.05, 0.1]


def _insert(database: sqlite3.Connection, number: int) -> None:
    database.execute("INSERT INTO plans VALUES ('run', ?, '')", (str(number),))


async def test_who_reads_waits_for_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run of thousands of repositories is read again one after the other."""
    waited: list[float] = []
    monkeypatch.setattr(writer, "time", SimpleNamespace(sleep=waited.append, monotonic=lambda: 100.0))
    with Journal.open(tmp_path) as journal:
        for _ in range(100):
            await journal._writer.do(lambda db: db.execute("SELECT count(*) FROM plans").fetchone())
    assert waited == [0.0] * 100


async def test_so_many_records_share_a_commit_and_each_is_written_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "_GROUP", 2)
    all_are_there = threading.Event()

    def write(database: sqlite3.Connection, number: int) -> int:
        all_are_there.wait(5)
        return int(database.execute(f"SELECT {number}").fetchone()[0])

    with Journal.open(tmp_path) as journal:
        heard = await journal._writer.do(_statements)
        waiting = [asyncio.ensure_future(journal._writer.do(partial(write, number=one))) for one in range(5)]
        await asyncio.sleep(0)
        all_are_there.set()
        assert [await each for each in waiting] == [*range(5)]
    commits = "\n".join(heard).removeprefix("COMMIT\n").removesuffix("\nCOMMIT").split("\nCOMMIT\n")
    groups = [each.removeprefix("BEGIN IMMEDIATE\n").split("\n") for each in commits]
    assert [each for group in groups for each in group] == [f"SELECT {one}" for one in range(5)]
    assert max(map(len, groups)) == 2


async def test_who_stops_waiting_disturbs_nobody(tmp_path: Path) -> None:
    troubles: list[dict[str, object]] = []
    there = threading.Event()
    asyncio.get_running_loop().set_exception_handler(lambda _, trouble: troubles.append(trouble))
    with Journal.open(tmp_path) as journal:
        waiting = asyncio.ensure_future(journal._writer.do(lambda _: there.wait(5)))
        await asyncio.sleep(0)
        waiting.cancel()
        there.set()
        await journal._writer.do(lambda _: None)
    assert (waiting.cancelled(), troubles) == (True, [])


async def test_a_journal_that_nobody_closes_keeps_no_process_from_ending(tmp_path: Path) -> None:
    with Journal.open(tmp_path) as journal:
        assert journal._writer._thread.daemon


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
