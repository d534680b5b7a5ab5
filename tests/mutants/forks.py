"""Work in forks of this process: what one of them changes, breaks or leaves behind is gone with it."""

import os
import pickle
import resource
import signal
import tempfile
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final, NoReturn, TypeVar

T = TypeVar("T")
_MEMORY: Final = 4 << 30
"""Bytes beyond those of this process: a list that does not end any more must end."""


def in_forks(tasks: Iterable[Callable[[], T]], jobs: int) -> Iterator[tuple[int, T | str]]:
    """What came of each, with its number, as they end; or the signal that ended it. Raises RuntimeError for one that
    raised something."""
    waiting = enumerate(tasks)
    running: dict[int, tuple[int, Path]] = {}
    with tempfile.TemporaryDirectory(prefix="holystone-forks-") as folder:
        while True:
            while len(running) < jobs and (following := next(waiting, None)):
                number, task = following
                into = Path(folder) / str(number)
                if not (pid := os.fork()):
                    _work(task, into)
                running[pid] = number, into
            if not running:
                return
            pid, status = os.wait()
            if pid not in running:
                continue
            with suppress(ProcessLookupError, PermissionError):  # what it has started and not ended
                os.killpg(pid, signal.SIGKILL)
            number, into = running.pop(pid)
            if into.exists():
                yield number, pickle.loads(into.read_bytes())
            elif os.WIFSIGNALED(status):
                yield number, signal.Signals(os.WTERMSIG(status)).name
            else:
                raise RuntimeError(into.with_suffix(".error").read_text())


def _work(task: Callable[[], object], into: Path) -> NoReturn:
    try:
        os.setsid()
        most = _size() + _MEMORY
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
        nothing = os.open(os.devnull, os.O_RDWR)
        for each in (0, 1, 2):
            os.dup2(nothing, each)
        done = pickle.dumps(task())
        written = into.with_suffix(".part")
        written.write_bytes(done)
        written.rename(into)
    except BaseException:
        into.with_suffix(".error").write_text(traceback.format_exc())
    finally:
        os._exit(0)


def _size() -> int:
    """Bytes of address space: of one that has run threads, gigabytes."""
    return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
