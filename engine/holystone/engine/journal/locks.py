"""Who works on a run, and on a repository: locks that the operating system gives back when their owner dies, however it
dies. So a lock file that was left behind is no lock, and nothing has to be judged stale by its age."""

import fcntl
import hashlib
import os
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import Final, Self

from holystone.engine.errors import HolystoneError, Refused
from holystone.engine.model.references import Repository
from holystone.engine.own_files import open_own, own_folder

_OWNER_LIMIT: Final = 200
"""Bytes of a lock file."""


class Lock:
    """A lock of this process, until it is released."""

    def __init__(self, file: Path, descriptor: int) -> None:
        self._file = file
        self._descriptor: int | None = descriptor

    @classmethod
    def take(cls, file: Path, what: str, owner: str) -> Self:
        """`what` begins the message that another process gets, `owner` says who we are. Raises Refused if a living
        process has it, UsageError for a file or a folder that is not ours, HolystoneError if there can be no such
        file."""
        try:
            own_folder(file.parent)
            while True:
                descriptor = open_own(file, os.O_RDWR | os.O_CREAT)
                try:
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    other = os.read(descriptor, _OWNER_LIMIT).decode(errors="replace").strip()
                    os.close(descriptor)
                    raise Refused(
                        f"{what} ({other or 'process unknown'}).",
                        not_deleted="Nothing was deleted by this command.",
                        what_to_do="Wait for that process to end, or end it; then try again.",
                    ) from None
                if _is_current(file, descriptor):
                    break
                os.close(descriptor)  # its last owner removed the file between our two calls
            os.ftruncate(descriptor, 0)
            os.write(descriptor, f"{owner}\n".encode()[:_OWNER_LIMIT])
        except OSError as error:
            raise HolystoneError(
                f"The lock file {file} cannot be used: {error}.",
                not_deleted="Nothing was deleted.",
                what_to_do="Make room and rights for it, or choose another state directory.",
            ) from error
        return cls(file, descriptor)

    def release(self) -> None:
        if self._descriptor is not None:
            self._file.unlink(missing_ok=True)
            os.close(self._descriptor)
            self._descriptor = None


def lock_run(directory: Path, run_id: str) -> Lock:
    """Raises Refused if another process works on the run."""
    return Lock.take(directory / f"{run_id}.lock", f"Run {run_id} is still going on", f"process {os.getpid()}")


def lock_repositories(directory: Path, repositories: Iterable[Repository], run_id: str) -> ExitStack:
    """All of them or none, until the stack is closed. Raises Refused if another run works on one of them."""
    with ExitStack() as taken:
        for repository in sorted(repositories):
            taken.callback(_lock_repository(directory, repository, f"process {os.getpid()}, run {run_id}").release)
        return taken.pop_all()


def refuse_if_busy(directory: Path, repository: Repository) -> None:
    """For whoever is going to work on it later: raises Refused if another run does now."""
    if directory.is_dir():
        _lock_repository(directory, repository, f"process {os.getpid()}").release()


def _lock_repository(directory: Path, repository: Repository, owner: str) -> Lock:
    # A repository's name may be longer than a file's.
    name = hashlib.sha256(str(repository.canonical).encode()).hexdigest()[:32]
    return Lock.take(
        directory / f"repository-{name}.lock", f"{repository}: another run of Holystone is at work there", owner
    )


def _is_current(file: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(file.lstat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False
