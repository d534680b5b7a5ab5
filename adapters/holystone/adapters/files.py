"""Reads a file that a person named, or that his configuration names. It may be a pipe: `--kube-config <(sops -d …)`."""

import errno
import os
import select
import stat
import time
from pathlib import Path
from typing import Final

PATIENCE: Final = 60.0
"""Seconds, as long as an exec plugin has."""
_PART: Final = 1 << 16
_PAUSE: Final = 0.05
"""Seconds until a named pipe is looked at again that nobody has opened yet."""


def read_file(file: Path | str, largest: int) -> bytes:
    """The bytes of a file, at most `largest`. Opening a named pipe by itself waits until somebody writes to it, which
    may be never. Raises OSError, whose `strerror` says why."""
    descriptor = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        return _read(descriptor, largest)
    finally:
        os.close(descriptor)


def _read(descriptor: int, largest: int) -> bytes:
    is_pipe = stat.S_ISFIFO(os.fstat(descriptor).st_mode)
    ready = select.poll()
    ready.register(descriptor, select.POLLIN)
    body, until = bytearray(), time.monotonic() + PATIENCE
    while len(body) < largest:
        left = until - time.monotonic()
        if left <= 0:
            raise TimeoutError(errno.ETIMEDOUT, f"it is a pipe or a device whose end did not come in {PATIENCE:g} s")
        events = ready.poll(left * 1000)
        try:
            part = os.read(descriptor, min(_PART, largest - len(body)))
        except BlockingIOError:
            continue
        body += part
        has_ended = not is_pipe or body or any(event & select.POLLHUP for _, event in events)
        if not part and has_ended:
            break
        if not part:
            time.sleep(_PAUSE)
    return bytes(body)
