"""Reads a file that a person named, or that his configuration names. It may be a pipe: `--kube-config <(sops -d …)`."""

import errno
import os
import select
import stat
import time
from collections.abc import Iterator
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
    body = bytearray()
    for part in _parts(file):
        body += part[: largest - len(body)]
        if len(body) == largest:
            break
    return bytes(body)


def read_lines(file: Path | str, longest: int) -> Iterator[bytes]:
    """One after the other, each with its end. Of one that is longer, so much and one byte, and nothing after it. Raises
    as `read_file`."""
    line = bytearray()
    for part in _parts(file):
        start = 0
        while end := part.find(b"\n", start) + 1:
            line += part[start:end]
            if len(line) > longest:
                break
            start = end
            yield _taken(line)
        else:
            line += part[start:]
        if len(line) > longest:
            break
    del line[longest + 1 :]
    if line:
        yield _taken(line)


def _taken(line: bytearray) -> bytes:
    """It is held by nobody but its reader: it may be most of the memory there is."""
    whole = bytes(line)
    line.clear()
    return whole


def _parts(file: Path | str) -> Iterator[bytes]:
    descriptor = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        yield from _read(descriptor)
    finally:
        os.close(descriptor)


def _read(descriptor: int) -> Iterator[bytes]:
    """Waits `PATIENCE` in all; what the reader does meanwhile does not count."""
    is_pipe = stat.S_ISFIFO(os.fstat(descriptor).st_mode)
    ready = select.poll()
    ready.register(descriptor, select.POLLIN)
    left, has_begun = PATIENCE, False
    while left > 0:
        began = time.monotonic()
        events = ready.poll(left * 1000)
        try:
            part = os.read(descriptor, _PART)
        except BlockingIOError:
            part = None
        if part == b"" and (not is_pipe or has_begun or any(event & select.POLLHUP for _, event in events)):
            return
        if not part:
            time.sleep(_PAUSE)
        left -= time.monotonic() - began
        if part:
            has_begun = True
            yield part
    raise TimeoutError(errno.ETIMEDOUT, f"it is a pipe or a device whose end did not come in {PATIENCE:g} s")
