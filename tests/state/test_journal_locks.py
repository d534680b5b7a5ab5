"""Locks by themselves: what they leave behind, and by which names other versions find them."""

import asyncio
import os
from pathlib import Path

import pytest

from holystone.adapters.state.sqlite import FileLocks, Journal, SqliteBaselines, baselines, schema
from holystone.adapters.state.sqlite.file_locks import Lock
from holystone.engine.errors import Refused
from holystone.engine.model.sources import Counted, Key
from tests.support.memory_registry import repository
from tests.support.small_plans import plan, repository_plan

APP = repository()


def _descriptors() -> int:
    return len([*Path("/proc/self/fd").iterdir()])


def _names(folder: Path) -> set[str]:
    return {each.name for each in folder.iterdir()}


async def test_another_version_finds_what_is_there(tmp_path: Path) -> None:
    with Journal.open(tmp_path) as journal:
        run = await journal.begin(plan(repository_plan(APP)), "cleanup")
        await SqliteBaselines(tmp_path).remember([Counted(Key("tags", APP), 1, 1)], 1_000, run.id)
        names = _names(tmp_path)
        assert {f"{run.id}.lock", "journal.sqlite", "baselines.sqlite"} < names
        assert [each for each in names if each.startswith("repositories-") and each.endswith(".lock")]
    assert (schema._APPLICATION, baselines._APPLICATION) == (0x484F4C59, 0x484F4C42)


async def test_whoever_cannot_look_waits_and_then_says_why(tmp_path: Path) -> None:
    looking = Lock.take(tmp_path / "looking.lock", "Somebody looks", b"")
    pauses: list[float] = []
    now = 100.0

    async def sleep(seconds: float) -> None:
        nonlocal now
        pauses.append(seconds)
        now += 3.5

    locks = FileLocks(tmp_path, now=lambda: now, sleep=sleep)
    with pytest.raises(Refused, match=r"Another run of Holystone is just beginning \(process unknown\)"):
        await locks.refuse_if_busy(APP)
    assert pauses == [0.01] * 3
    looking.release()
    await locks.refuse_if_busy(APP)
    assert _names(tmp_path) == set()


@pytest.mark.parametrize(
    ("said", "owner"), [(b"process 7\n", "process 7"), (b"\xff", "\ufffd"), (b"", "process unknown")]
)
def test_a_lock_that_is_refused_leaves_nothing_open(tmp_path: Path, said: bytes, owner: str) -> None:
    file = tmp_path / "run.lock"
    file.write_bytes(b"what somebody who died has left behind")
    lock = Lock.take(file, "It is busy", said)
    assert file.read_bytes() == said
    before = _descriptors()
    with pytest.raises(Refused) as caught:
        Lock.take(file, "It is busy", b"another")
    assert f"It is busy ({owner})." in caught.value.message
    assert (_descriptors(), file.read_bytes()) == (before, said)
    lock.release()
    lock.release()
    assert (_descriptors(), file.exists()) == (before - 1, False)


async def test_a_look_leaves_nothing_open_and_takes_away_what_was_left_behind(tmp_path: Path) -> None:
    dead = tmp_path / "repositories-dead.lock"
    dead.write_bytes(b'{"owner":"process 7","repositories":["' + str(APP).encode() + b'"]}')
    dead.chmod(0o600)
    locks = FileLocks(tmp_path)
    held = await locks.take("20261123-161300-cd34", [repository("other")])
    before = _descriptors()
    await locks.refuse_if_busy(APP)
    assert not dead.exists()
    with pytest.raises(Refused, match="other: another run of Holystone is at work there"):
        await locks.refuse_if_busy(repository("other"))
    assert _descriptors() == before
    held.release()
    assert _names(tmp_path) == set()


async def test_a_file_beside_the_locks_that_is_none_is_left_alone(tmp_path: Path) -> None:
    for name in ("repositories-of-ours.txt", "notes.lock"):
        (tmp_path / name).touch(0o600)
    await FileLocks(tmp_path).refuse_if_busy(APP)
    assert _names(tmp_path) == {"repositories-of-ours.txt", "notes.lock"}


async def test_what_a_living_process_holds_and_does_not_say_may_be_anything(tmp_path: Path) -> None:
    locks = FileLocks(tmp_path)
    held = await locks.take("20261123-161300-cd34", [APP])
    (name,) = (each for each in _names(tmp_path) if each.startswith("repositories-"))
    (tmp_path / name).write_bytes(b'{"owner": "cut sh')
    for asked in (APP, repository("another")):
        with pytest.raises(Refused, match="does not say where"):
            await locks.refuse_if_busy(asked)
    held.release()
    await locks.refuse_if_busy(APP)


async def test_all_repositories_are_held_by_one_file_and_all_files_go(tmp_path: Path) -> None:
    locks = FileLocks(tmp_path)
    many = [repository(f"team/app-{number}") for number in range(2_000)]
    before = _descriptors()
    held = await locks.take("20261123-161300-cd34", many)
    assert len(_names(tmp_path)) == 2, "and the run's own"
    assert _descriptors() == before + 2
    with pytest.raises(Refused, match=f"team/app-1999: another run.*process {os.getpid()}, run 20261123-161300-cd34"):
        await locks.take("20261123-161400-ef56", [APP, many[-1]])
    assert (len(_names(tmp_path)), _descriptors()) == (2, before + 2)
    held.release()
    assert (_names(tmp_path), _descriptors()) == (set(), before)


def test_a_question_leaves_nothing_behind(tmp_path: Path) -> None:
    for folder in (tmp_path / "absent", tmp_path):
        asyncio.run(FileLocks(folder).refuse_if_busy(APP))
    assert _names(tmp_path) == set()
