"""What somebody else can have written is neither believed nor changed."""

import asyncio
import os
import socket
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import chdir, closing
from pathlib import Path

import pytest

from holystone.adapters.state.own_files import open_own, own_database
from holystone.adapters.state.sqlite import FileLocks, Journal
from holystone.adapters.state.sqlite.digest_cache import SqliteDigestCache
from holystone.adapters.state.sqlite.schema import FILE_NAME
from holystone.engine.errors import UsageError
from holystone.engine.model.references import Digest
from tests.support import images
from tests.support.another_run import another_run
from tests.support.memory_registry import repository
from tests.support.small_plans import plan, repository_plan

APP = repository("app")
RUN = "20261129-010203-ab12"
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files to others")
SOMEBODY = 65_534


@pytest.fixture
def state(tmp_path: Path) -> Path:
    folder = tmp_path / "state"
    folder.mkdir(mode=0o700)
    return folder


@pytest.fixture
def open_mask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def open_all(folder: Path) -> None:
    Journal.open(folder).close()


def ask(folder: Path) -> None:
    asyncio.run(FileLocks(folder).refuse_if_busy(APP))


def work(folder: Path) -> None:
    with another_run(folder, RUN, APP):
        pass


ENTRANCES = pytest.mark.parametrize("enter", [open_all, ask])


@as_root
@ENTRANCES
def test_a_folder_of_another_user_is_not_entered(state: Path, enter: Callable[[Path], None]) -> None:
    os.chown(state, SOMEBODY, SOMEBODY)
    with pytest.raises(UsageError, match=r"belongs to user nobody(.|\n)*chown 0 ") as refused:
        enter(state)
    assert refused.value.exit_code == 2
    assert list(state.iterdir()) == []


@as_root
def test_a_link_of_another_user_does_not_choose_the_folder(state: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(state)
    open_all(link)
    os.chown(link, SOMEBODY, SOMEBODY, follow_symlinks=False)
    with pytest.raises(UsageError, match="belongs to user nobody"):
        open_all(link)


@as_root
@ENTRANCES
def test_a_folder_below_one_of_another_user_is_not_entered(tmp_path: Path, enter: Callable[[Path], None]) -> None:
    """He can put another one in its place between our look and SQLite's."""
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    os.chown(theirs, 1, 1)
    state, link = theirs / "below" / "state", tmp_path / "link"
    link.symlink_to(state)
    state.mkdir(parents=True, mode=0o700)
    for folder in (state, link):
        with pytest.raises(UsageError, match=rf"The folder {theirs} belongs to user(.|\n)*--state-dir") as refused:
            enter(folder)
        assert refused.value.exit_code == 2
    assert list(state.iterdir()) == []


@as_root
@pytest.mark.parametrize("uid", [65_534, 54_321])
def test_a_workspace_whose_owner_no_process_here_can_be_is_entered(tmp_path: Path, uid: int) -> None:
    """A job in a container works as root below a folder of its host's user."""
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    os.chown(theirs, uid, uid)
    open_all(theirs / "state")
    assert (theirs / "state").is_dir()


@ENTRANCES
@pytest.mark.parametrize("mode", [0o770, 0o707, 0o777])
def test_a_folder_in_which_others_write_is_not_entered(state: Path, mode: int, enter: Callable[[Path], None]) -> None:
    state.chmod(mode)
    with pytest.raises(UsageError, match=rf"Others can write in(.|\n)*chmod go-w {state}"):
        enter(state)
    assert list(state.iterdir()) == []
    state.chmod(0o755)
    enter(state)


@ENTRANCES
def test_nor_is_one_in_which_others_can_put_files_beside_ours(state: Path, enter: Callable[[Path], None]) -> None:
    """SQLite opens `journal.sqlite-wal` by its name, after we have looked, and takes in what is there: another user who
    waits for that moment (inotify) has written whole runs into the journal, which stayed."""
    state.chmod(0o1777)
    with pytest.raises(UsageError, match="Others can write in") as refused:
        enter(state)
    assert "one below it" in refused.value.what_to_do
    assert "chmod" not in refused.value.what_to_do, "of /tmp"
    assert list(state.iterdir()) == []
    enter(state / "below")


@pytest.mark.usefixtures("open_mask")
async def test_nobody_else_reads_what_was_written(tmp_path: Path) -> None:
    state, file = tmp_path / "state", tmp_path / "cache" / "known.db"
    with Journal.open(state) as journal, SqliteDigestCache(file) as cache:
        await journal.begin(plan(repository_plan(APP)), "cleanup")
        await cache.learn_manifests([images.image(images.config("one"))])
        modes = {
            path.name: stat.S_IMODE(path.stat().st_mode) for folder in (state, file.parent) for path in folder.iterdir()
        }
        assert len(modes) == 8, modes
        assert set(modes.values()) == {0o600}
        assert {stat.S_IMODE(folder.stat().st_mode) for folder in (state, file.parent)} == {0o700}


@pytest.mark.usefixtures("open_mask")
@pytest.mark.parametrize("make", [open_all, work])
def test_nobody_else_can_move_away_a_folder_whose_parents_are_made_with_it(
    tmp_path: Path, make: Callable[[Path], None]
) -> None:
    """With the mask of many containers, 0, journal and locks could be renamed by everybody."""
    state = tmp_path / ".local" / "state" / "holystone"
    make(state)
    assert [stat.S_IMODE(each.stat().st_mode) for each in (state, *state.parents[:2])] == [0o700] * 3


def test_what_others_could_read_so_far_they_cannot_read_any_more(state: Path, tmp_path: Path) -> None:
    open_all(state)
    cache = tmp_path / "known.db"
    with SqliteDigestCache(cache):
        pass
    for file in (state / FILE_NAME, cache):
        file.chmod(0o644)
    open_all(state)
    with SqliteDigestCache(cache):
        pass
    assert {stat.S_IMODE(file.stat().st_mode) for file in (state / FILE_NAME, cache)} == {0o600}


def link(path: Path, victim: Path) -> None:
    path.symlink_to(victim)


def dangling_link(path: Path, victim: Path) -> None:
    path.symlink_to(victim.with_name("to be made"))


def hard_link(path: Path, victim: Path) -> None:
    path.hardlink_to(victim)


def pipe(path: Path, victim: Path) -> None:
    os.mkfifo(path)


def folder(path: Path, victim: Path) -> None:
    path.mkdir()


def unix_socket(path: Path, victim: Path) -> None:
    with chdir(path.parent), closing(socket.socket(socket.AF_UNIX)) as opened:
        opened.bind(path.name)  # a longer one is not taken


def of_another_user(path: Path, victim: Path) -> None:
    path.write_bytes(victim.read_bytes())
    path.chmod(0o666)
    os.chown(path, SOMEBODY, SOMEBODY)


EVERYBODY_PLANTS = [
    (link, "symbolic link"),
    (dangling_link, "symbolic link"),
    (hard_link, "hard link"),
    (pipe, "named pipe"),
    (folder, "a folder"),
    (unix_socket, "a socket"),
]
of_another = (of_another_user, "belongs to user nobody")
planted_things = pytest.mark.parametrize(
    ("plant", "word"), [*EVERYBODY_PLANTS, pytest.param(*of_another, marks=as_root)]
)
Plant = Callable[[Path, Path], None]


@planted_things
def test_a_lock_file_that_somebody_planted_is_named_and_nothing_is_emptied(
    state: Path, tmp_path: Path, plant: Plant, word: str
) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    for name in (_repository_lock(state), f"{RUN}.lock"):
        plant(state / name, victim)
        with pytest.raises(UsageError, match=rf"{name} .*{word}(.|\n)*remove it"):
            work(state)
        assert victim.read_text() == "precious"
        assert (state / name).is_symlink() or (state / name).exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["state", "victim"]


@pytest.mark.parametrize(
    ("plant", "word", "suffix"),
    [(plant, word, "") for plant, word in EVERYBODY_PLANTS]
    + [(link, "symbolic link", suffix) for suffix in ("-wal", "-shm", "-journal")]
    + [pytest.param(*of_another, "", marks=as_root)],
)
def test_a_database_that_somebody_planted_is_not_opened(
    tmp_path: Path, state: Path, suffix: str, plant: Plant, word: str
) -> None:
    (tmp_path / "theirs").mkdir()
    victim = tmp_path / "theirs" / FILE_NAME
    if suffix:
        open_all(state)
        victim.write_bytes(b"precious")
    else:
        open_all(victim.parent)
    before = victim.read_bytes()
    plant(state / f"{FILE_NAME}{suffix}", victim)
    with pytest.raises(UsageError, match=rf"{FILE_NAME}{suffix} .*{word}"):
        open_all(state)
    assert victim.read_bytes() == before
    assert [path.name for path in victim.parent.iterdir()] == [FILE_NAME]


@planted_things
async def test_a_cache_that_somebody_planted_is_not_opened_and_the_run_goes_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, plant: Plant, word: str
) -> None:
    victim, file = tmp_path / "victim", tmp_path / "known.db"
    with SqliteDigestCache(victim) as theirs:
        await theirs.learn_blob(Digest.of(b"{}"), b"{}")
    before = victim.read_bytes()
    plant(file, victim)
    with SqliteDigestCache(file) as cache:
        assert await cache.blob(Digest.of(b"{}")) is None
        await cache.learn_blob(Digest.of(b"[]"), b"[]")
    assert victim.read_bytes() == before
    assert word in caplog.text
    assert "without a cache" in caplog.text


def test_opened_for_writing_anew_only_what_is_ours_is_emptied(tmp_path: Path) -> None:
    victim, file = tmp_path / "victim", tmp_path / "file"
    victim.write_text("precious")
    file.hardlink_to(victim)
    with pytest.raises(UsageError), open(file, "w", opener=open_own):
        pass
    assert victim.read_text() == "precious"
    file.unlink()
    for text in ("longer", "short"):
        with open(file, "w", opener=open_own) as opened:
            opened.write(text)
    assert file.read_text() == "short"


_IMPATIENT = "import sqlite3, sys; sqlite3.connect(sys.argv[1], timeout=0).execute('BEGIN IMMEDIATE')"


def test_a_look_at_an_open_database_gives_none_of_its_locks_back(state: Path) -> None:
    """Closing any descriptor of a file gives up all locks of the process on it."""
    with Journal.open(state), closing(sqlite3.connect(state / FILE_NAME, isolation_level=None)) as writing:
        writing.execute("BEGIN IMMEDIATE")
        own_database(state / FILE_NAME)
        other = subprocess.run(
            [sys.executable, "-c", _IMPATIENT, str(state / FILE_NAME)], capture_output=True, check=False
        )
        assert b"locked" in other.stderr


def _repository_lock(state: Path) -> str:
    with another_run(state, RUN, APP):
        (name,) = (path.name for path in state.iterdir() if path.name != f"{RUN}.lock")
    return name
