"""A server as a process on loopback, for as long as a block lasts."""

import contextlib
import ctypes
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import SystemRandom

from holystone.engine.model.references import RepositoryPath

START = 60.0
"""Seconds that a server may take until it answers."""


@dataclass(frozen=True, slots=True)
class Running:
    """A server that answers."""

    url: str
    version: str
    account: str = "team"
    """Below which repositories may be made."""
    login: tuple[str, str] | None = None
    collect: Callable[[Iterable[RepositoryPath]], None] | None = None
    """Lets garbage collection run, of those repositories at least, and returns when it has. None: nothing here makes it
    run."""
    environ: Mapping[str, str] = field(default_factory=dict)
    """What a run must be told, as the settings' variables."""
    implementation: str | None = None
    """As which a run must take it by name. None: it finds out."""


@contextmanager
def scratch() -> Iterator[Path]:
    """In memory where that is possible: servers that write to a disk wait for it at each push."""
    where = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    folder = Path(tempfile.mkdtemp(prefix="holystone-real-", dir=where))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def free_port() -> int:
    """Below what the kernel gives to those who ask for any, so that no connection takes it meanwhile."""
    for _ in range(100):
        port = SystemRandom().randint(10_000, 32_000)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with contextlib.suppress(OSError):
                probe.bind(("127.0.0.1", port))
                return port
    raise RuntimeError("no free port was found")


@contextmanager
def process(
    command: Sequence[str | Path],
    folder: Path,
    *,
    ready: Callable[[], bool],
    environ: Mapping[str, str] | None = None,
    user: str | None = None,
) -> Iterator[None]:
    """`ready`: whether the server answers by now; `user`: who the process is, where we are root. Its log is
    `FOLDER/log`. Raises RuntimeError with the log's end if it does not come up."""
    log = folder / "log"
    kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    with log.open("ab") as out:
        started = subprocess.Popen(
            [str(each) for each in command],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            env={**kept, "HOME": str(folder), **(environ or {})},
            user=user,
            start_new_session=True,  # so that what it starts ends with it
            preexec_fn=_end_with_us,
        )
    try:
        end = time.monotonic() + START
        while not ready():
            if started.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"{command[0]} did not start:\n{log.read_text(errors='replace')[-2000:]}")
            time.sleep(0.02)
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(started.pid, signal.SIGTERM)
        try:
            started.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(started.pid, signal.SIGKILL)
            started.wait()


def _end_with_us() -> None:
    """A server must not outlive tests that were killed. Linux alone knows how."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG


def answers(url: str) -> Callable[[], bool]:
    """With anything but a failure of its own."""

    def ready() -> bool:
        try:
            with OPENER.open(f"{url}/v2/", timeout=2):
                return True
        except urllib.error.HTTPError as error:
            return error.code < 500
        except (OSError, ValueError):
            return False

    return ready


OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))
"""Past every proxy: what is asked is on this machine."""


def output(*command: str | Path, environ: Mapping[str, str] | None = None, user: str | None = None) -> str:
    """Of a program that ends at once. Raises RuntimeError with what it said if it fails."""
    done = subprocess.run(
        [str(each) for each in command],
        env={**os.environ, **(environ or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        check=False,
        user=user,
    )
    if done.returncode:
        raise RuntimeError(f"{command[0]} failed:\n{done.stdout[-2000:]}")
    return done.stdout
