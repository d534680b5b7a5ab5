"""Runs another program: bounded in time and output, and ended with its children if it is not done.

It gets our environment, out of which the command line has taken our own secrets by then.
"""

import contextlib
import logging
import os
import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from functools import cache
from typing import NamedTuple

import anyio
import anyio.abc

_log = logging.getLogger(__name__)
LARGEST = 64 * 1024
"""Bytes of output."""
_GRACE = 5.0
"""Seconds in which a program that is ended may put things in order: git removes its lock files, with which nobody else
could fetch into that clone any more."""


class ProgramMissing(Exception):
    """There is no such program, or it is none."""


class ProgramFailed(Exception):
    """It could not be started, hung or printed too much; the text says which, as the end of a sentence."""


class ProgramHung(ProgramFailed):
    """It did not end in time."""


class Ended(NamedTuple):
    code: int
    output: bytes
    """Perhaps a secret."""
    errors: bytes
    """The end of what was on standard error, in whole lines: half of one may begin within a secret, which nobody would
    know."""


async def run_program(
    words: Sequence[str],
    *,
    told: bytes = b"",
    environ: Mapping[str, str] | None = None,
    timeout: float,
    largest: int = LARGEST,
) -> Ended:
    """Runs a program until it ends. `told` is written to its standard input, which is closed then. `environ`: None for
    our own. It has no terminal to ask on. Raises ProgramMissing and ProgramFailed; cancelling ends it."""
    environ = os.environ if environ is None else environ
    if (program := find_program(words[0], environ)) is None:
        raise ProgramMissing(words[0])
    try:
        # Cancelled in between, it would run on with nobody to end its children.
        with anyio.CancelScope(shield=True):
            process = await anyio.open_process(
                (program, *words[1:]),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env={**environ, "PATH": _search_path(environ)},
                start_new_session=True,
            )
    except (FileNotFoundError, PermissionError) as error:
        raise ProgramMissing(words[0]) from error
    except (OSError, ValueError) as error:  # the latter for a NUL in a word
        why = (isinstance(error, OSError) and error.strerror) or str(error)
        raise ProgramFailed(f"cannot be started: {why}") from error
    ended: Ended | None = None
    try:
        with anyio.move_on_after(timeout):
            ended = await _talk(process, told, largest)
            return ended
    finally:
        with anyio.CancelScope(shield=True):
            if ended is None:
                await _end(process)
            await process.aclose()
    raise ProgramHung(f"did not answer within {timeout:g} s")


async def _end(process: anyio.abc.Process) -> None:
    """The whole group, twice: a script's children would live on."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
        with anyio.move_on_after(_GRACE):
            await process.wait()
        os.killpg(process.pid, signal.SIGKILL)


def find_program(name: str, environ: Mapping[str, str]) -> str | None:
    """The whole path of a program; a name with a slash in it is one. None if there is none."""
    return name if os.sep in name else shutil.which(name, path=_search_path(environ))


def _search_path(environ: Mapping[str, str]) -> str:
    return _without_relative(environ.get("PATH", os.defpath))


@cache
def _without_relative(path: str) -> str:
    """Entries that are no whole path lead into whatever folder we, or git, happen to be in, and that is the project's,
    where anybody who may commit can put a program called ssh. Told once."""
    entries = path.split(os.pathsep)
    whole = [each for each in entries if each.startswith(os.sep)]
    if len(whole) < len(entries):
        odd = ", ".join(repr(each) for each in dict.fromkeys(entries) if each not in whole)
        _log.warning("PATH has entries that are no whole path: %s. No program is taken from there.", odd)
    return os.pathsep.join(whole) or os.defpath


async def _talk(process: anyio.abc.Process, told: bytes, largest: int) -> Ended:
    if process.stdin is None or process.stdout is None or process.stderr is None:
        raise RuntimeError("opened without pipes")
    errors, output = bytearray(), bytearray()
    cut = too_much = False

    async def listen(stream: anyio.abc.ByteReceiveStream) -> None:
        nonlocal cut
        async for part in stream:
            errors.extend(part)
            cut = cut or len(errors) > LARGEST
            del errors[:-LARGEST]

    async with anyio.create_task_group() as group:
        group.start_soon(listen, process.stderr)
        # A program may end without reading what it was told.
        with contextlib.suppress(anyio.BrokenResourceError, anyio.ClosedResourceError):
            await process.stdin.send(told)
        with contextlib.suppress(OSError):
            await process.stdin.aclose()
        async for part in process.stdout:
            output += part
            if too_much := len(output) > largest:
                group.cancel_scope.cancel()
                break
    if too_much:
        raise ProgramFailed(f"printed more than {largest} bytes")
    return Ended(await process.wait(), bytes(output), bytes(errors.partition(b"\n")[2] if cut else errors))
