"""Locks by themselves: what they leave behind, and by which names other versions find them."""

import time
from pathlib import Path

import pytest

from holystone.adapters.state.sqlite import Journal, SqliteBaselines, baselines, schema
from holystone.adapters.state.sqlite.file_locks import Lock, lock_repositories, refuse_if_busy
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


def test_whoever_cannot_look_waits_and_then_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    looking = Lock.take(tmp_path / "looking.lock", "Somebody looks", b"")
    pauses: list[float] = []
    now = 100.0

    def sleep(seconds: float) -> None:
        nonlocal now
        pauses.append(seconds)
        now += 3.5

    monkeypatch.setattr(time, "monotonic", lambda: now)
    monkeypatch.setattr(time, "sleep", sleep)
    with pytest.raises(Refused, match=r"Another run of Holystone is just beginning \(process unknown\)"):
        refuse_if_busy(tmp_path, APP)
    assert pauses == [0.01] * 3
    looking.release()
    refuse_if_busy(tmp_path, APP)
    assert list(tmp_path.iterdir()) == []


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


def test_a_look_leaves_nothing_open_and_takes_away_what_was_left_behind(tmp_path: Path) -> None:
    dead = tmp_path / "repositories-dead.lock"
    dead.write_bytes(b'{"owner":"process 7","repositories":["' + str(APP).encode() + b'"]}')
    dead.chmod(0o600)
    with lock_repositories(tmp_path, [repository("other")], "20261123-161300-cd34"):
        before = _descriptors()
        refuse_if_busy(tmp_path, APP)
        assert not dead.exists()
        with pytest.raises(Refused, match="other: another run of Holystone is at work there"):
            refuse_if_busy(tmp_path, repository("other"))
        assert _descriptors() == before
    assert list(tmp_path.iterdir()) == []


def test_a_file_beside_the_locks_that_is_none_is_left_alone(tmp_path: Path) -> None:
    for name in ("repositories-of-ours.txt", "notes.lock"):
        (tmp_path / name).touch(0o600)
    refuse_if_busy(tmp_path, APP)
    assert _names(tmp_path) == {"repositories-of-ours.txt", "notes.lock"}
