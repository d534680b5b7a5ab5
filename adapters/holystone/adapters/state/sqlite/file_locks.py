"""Who works on a run, and on a repository: locks that the operating system gives back when their owner dies, however it
dies. So a lock file that was left behind is no lock, and nothing has to be judged stale by its age."""

import fcntl
import hashlib
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Final, Self

import anyio
import msgspec

from holystone.adapters.state.own_files import open_own, own_folder
from holystone.engine.errors import Busy, HolystoneError
from holystone.engine.model.references import Repository
from holystone.engine.ports import Held

_OWNER_LIMIT: Final = 200
"""Characters of who has a lock."""
_CLAIMS: Final = "repositories-"
_PATIENCE: Final = 10.0
_PAUSE: Final = 0.01
"""Seconds."""


class Lock:
    """A lock of this process, until it is released."""

    def __init__(self, file: Path, descriptor: int) -> None:
        self._file = file
        self._descriptor: int | None = descriptor

    @classmethod
    def take(cls, file: Path, what: str, content: bytes) -> Self:
        """`what` begins the message that another process gets, `content` goes on with it. Raises Busy if a living
        process has it, UsageError for a file or a folder that is not ours, HolystoneError if there can be no such
        file."""
        with _usable(file):
            own_folder(file.parent)
            while True:
                descriptor = open_own(file, os.O_RDWR | os.O_CREAT)
                try:
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    other = os.read(descriptor, _OWNER_LIMIT).decode(errors="replace").strip()
                    os.close(descriptor)
                    raise _busy(what, other) from None
                if _is_current(file, descriptor):
                    break
                os.close(descriptor)  # its last owner removed the file between our two calls
            try:
                os.ftruncate(descriptor, 0)
                with open(descriptor, "wb", closefd=False) as whole:
                    whole.write(content)
            except OSError:
                os.close(descriptor)
                raise
        return cls(file, descriptor)

    def release(self) -> None:
        if self._descriptor is not None:
            with suppress(OSError):  # left behind, it is no lock
                self._file.unlink()
            os.close(self._descriptor)
            self._descriptor = None


class FileLocks:
    """The `Locks` of one machine's processes that have a state directory in common."""

    def __init__(
        self,
        directory: Path,
        *,
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = anyio.sleep,
    ) -> None:
        self._directory = directory
        self._now = now
        self._sleep = sleep

    async def take(self, run_id: str, repositories: Iterable[Repository] = ()) -> Held:
        """Takes the run and all these repositories, or none of them. Raises Busy if a living process has one of them,
        UsageError for a file or a folder that is not ours, HolystoneError if there can be no such file.

        One file for all repositories, which names them: a file each would take a descriptor each, of which a process
        usually has 1,024. The lock is on the file, so that it goes with its owner as a file each would. Two runs cannot
        both look before either has written down what it takes, since whoever looks or writes holds the lock on looking;
        and a file that nobody has locked was left behind, since it is locked before that lock is given back."""
        wanted = {str(each.canonical): each for each in repositories}
        owner = f"process {os.getpid()}"
        with ExitStack() as taken:
            run = self._directory / f"{run_id}.lock"
            taken.callback(Lock.take(run, f"Run {run_id} is still going on", f"{owner}\n".encode()).release)
            if wanted:
                claim = _Claim(f"{owner}, run {run_id}"[:_OWNER_LIMIT], sorted(wanted))
                name = f"{_CLAIMS}{hashlib.sha256(run_id.encode()).hexdigest()[:32]}.lock"
                async with self._alone():
                    _refuse_claimed(self._directory, wanted)
                    content = msgspec.json.encode(claim)
                    taken.callback(Lock.take(self._directory / name, f"Run {run_id} is at work", content).release)
            return _Held(taken.pop_all())

    async def refuse_if_busy(self, repository: Repository) -> None:
        """To be asked by whoever is going to work on a repository later: raises Busy if a run does now. Nothing is made
        where nothing is."""
        if self._directory.is_dir():
            async with self._alone():
                _refuse_claimed(self._directory, {str(repository.canonical): repository})

    @asynccontextmanager
    async def _alone(self) -> AsyncIterator[None]:
        """Nobody else looks or writes meanwhile, which takes milliseconds. Raises Busy if somebody goes on doing
        so."""
        until = self._now() + _PATIENCE
        while True:
            try:
                lock = Lock.take(self._directory / "looking.lock", "Another run of Holystone is just beginning", b"")
                break
            except Busy:
                if self._now() > until:
                    raise
                await self._sleep(_PAUSE)
        try:
            yield
        finally:
            lock.release()


class _Held:
    def __init__(self, taken: ExitStack) -> None:
        self._taken = taken

    def release(self) -> None:
        self._taken.close()


class _Claim(msgspec.Struct):
    owner: str
    repositories: list[str]


def _refuse_claimed(directory: Path, wanted: Mapping[str, Repository]) -> None:
    with _usable(directory):
        files = sorted(directory.iterdir())  # `glob` takes a folder that cannot be read for an empty one
    for file in (each for each in files if each.name.startswith(_CLAIMS) and each.suffix == ".lock"):
        with _usable(file), suppress(FileNotFoundError):
            claim = _living(file)
            if claim and (both := sorted(wanted.keys() & set(claim.repositories))):
                raise _busy(f"{wanted[both[0]]}: another run of Holystone is at work there", claim.owner)


def _living(file: Path) -> _Claim | None:
    """The claim of a living process; None for what was left behind, which is removed. Raises Busy for what a living
    process has and nobody can read: it may name anything; FileNotFoundError if it is gone meanwhile."""
    descriptor = open_own(file, os.O_RDWR)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        file.unlink()
    except BlockingIOError:
        with open(descriptor, "rb", closefd=False) as content:
            try:
                return msgspec.json.decode(content.read(), type=_Claim)
            except msgspec.MsgspecError:
                raise _busy(f"Another run of Holystone is at work, and {file} does not say where", "") from None
    finally:
        os.close(descriptor)
    return None


def _busy(what: str, owner: str) -> Busy:
    return Busy(
        f"{what} ({owner or 'process unknown'}).",
        not_deleted="Nothing was deleted by this command.",
        what_to_do="Wait for that process to end, or end it; then try again.",
    )


@contextmanager
def _usable(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise HolystoneError(
            f"The locks of runs cannot be used, {path}: {error}.",
            not_deleted="Nothing was deleted.",
            what_to_do="Make room and rights for it, or choose another state directory.",
        ) from error


def _is_current(file: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(file.lstat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False
