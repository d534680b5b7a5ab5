"""A program on a terminal of its own: standard input and standard error are one, standard output is not."""

import contextlib
import os
import pty
import select
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.support.command_line import Ran

_PATIENCE = 20
"""Seconds in which the program says something."""


def on_terminal(
    arguments: tuple[str, ...], cwd: Path, env: Mapping[str, str], *, prompt: str, answer: str | signal.Signals
) -> Ran:
    """Types the answer (or sends the signal) once the prompt is there. What is typed is echoed, as terminals do."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "holystone.cli", *arguments],
        cwd=cwd,
        env=dict(env),
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=theirs,
    ) as process:
        os.close(theirs)
        shown = b""
        with contextlib.suppress(OSError):  # Linux: the other side is closed
            while _is_readable(ours, process) and (chunk := os.read(ours, 65536)):
                before, shown = shown, shown + chunk
                if prompt.encode() in shown and prompt.encode() not in before:
                    if isinstance(answer, str):
                        os.write(ours, answer.encode())
                    else:
                        process.send_signal(answer)
        out, _ = process.communicate(timeout=60)
    os.close(ours)
    return Ran(process.returncode, out.decode(), shown.decode().replace("\r\n", "\n"))


def _is_readable(terminal: int, process: subprocess.Popen[bytes]) -> bool:
    """A program that waits for more than it is given is ended, so that the test fails instead of waiting with it."""
    if select.select([terminal], [], [], _PATIENCE)[0]:
        return True
    process.kill()
    return False
