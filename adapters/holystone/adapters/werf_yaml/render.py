"""Lets the `werf` program render a templated werf.yaml: only werf knows its own template functions."""

import re
import subprocess
from pathlib import Path
from typing import Final

import anyio
from anyio.abc import ByteReceiveStream

from holystone.adapters.yaml.documents import MAX_BYTES
from holystone.engine.errors import IncompleteSource, UsageError

_STDERR_SHOWN: Final = 2000
_ESCAPES: Final = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|[^\n\t\x20-\x7e\xa0-\U0010ffff]")


async def render(
    werf: str, directory: Path, *, config: Path | None, templates_dir: Path | None, deadline: float
) -> bytes:
    """What `werf config render` writes, cut one byte above MAX_BYTES. It runs with our environment, in our current
    directory, for at most `deadline` seconds.

    Raises UsageError if it fails and IncompleteSource if it does not end.
    """
    command = [werf, "config", "render", "--dir", str(directory)]
    command += ["--config", str(config)] if config else []
    command += ["--config-templates-dir", str(templates_dir)] if templates_dir else []
    output, errors = bytearray(), bytearray()
    try:
        with anyio.fail_after(deadline):
            process = await anyio.open_process(command, stdin=subprocess.DEVNULL)
            async with process, anyio.create_task_group() as readers:
                if process.stdout and process.stderr:
                    readers.start_soon(_first, process.stdout, output, MAX_BYTES + 1)
                    readers.start_soon(_last, process.stderr, errors, 4 * _STDERR_SHOWN)
                await process.wait()
    except TimeoutError as error:
        raise IncompleteSource(
            f"`{' '.join(command)}` did not end within {deadline:g} seconds",
            not_deleted="Without werf.yaml nothing is decided and nothing was deleted.",
            what_to_do="Run it by hand to see what it waits for.",
        ) from error
    except OSError as error:
        raise UsageError(f"cannot run {werf}: {error.strerror}") from error
    if process.returncode:
        raise UsageError(f"`{' '.join(command)}` failed ({process.returncode}): {_shortened(bytes(errors))}")
    return bytes(output)


async def _first(stream: ByteReceiveStream, into: bytearray, cap: int) -> None:
    """Reads to the end, so that the writer never blocks, and keeps the first `cap` bytes."""
    async for chunk in stream:
        into.extend(chunk[: cap - len(into)])


async def _last(stream: ByteReceiveStream, into: bytearray, cap: int) -> None:
    async for chunk in stream:
        into.extend(chunk)
        del into[:-cap]


def _shortened(errors: bytes) -> str:
    text = _ESCAPES.sub("", errors.decode(errors="replace")).strip()
    return text if len(text) <= _STDERR_SHOWN else f"… {text[-_STDERR_SHOWN:]}"
