"""Who works on a run: a lock that the operating system gives back when its owner dies, however it dies."""

import fcntl
import os
from pathlib import Path
from typing import Self

from holystone.engine.errors import HolystoneError, Refused


class RunLock:
    def __init__(self, file: Path, descriptor: int) -> None:
        self._file = file
        self._descriptor: int | None = descriptor

    @classmethod
    def take(cls, directory: Path, run_id: str) -> Self:
        """Raises Refused if a living process has it."""
        file = directory / f"{run_id}.lock"
        try:
            while True:
                descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
                try:
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    owner = os.read(descriptor, 32).decode(errors="replace").strip()
                    os.close(descriptor)
                    raise Refused(
                        f"Run {run_id} is still going on (process {owner or 'unknown'}).",
                        not_deleted="Nothing was deleted by this command.",
                        what_to_do="Wait for that process to end, or end it; then try again.",
                    ) from None
                if _is_current(file, descriptor):
                    break
                os.close(descriptor)  # its last owner removed the file between our two calls
            os.ftruncate(descriptor, 0)
            os.write(descriptor, f"{os.getpid()}\n".encode())
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


def _is_current(file: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(file.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False
