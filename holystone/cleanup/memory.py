"""A run ends in words before the system ends it without: what it keeps of one thing is bounded where it is read, and
this bounds all things together."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

import anyio

MOST: Final = 400 << 20
"""Bytes that a run may add to what the program has when it begins, some 60 MiB: less than 512 MiB in all, with what can
come between two looks. A tag takes about a kilobyte from its listing to its plan."""
_EVERY: Final = 0.1
"""Seconds."""
_STATUS: Final = Path("/proc/self/status")


async def outgrown(most: int = MOST, used: Callable[[], int | None] | None = None) -> str:
    """Returns when the run has grown by more than `most` bytes, with a sentence about it; never where the system does
    not say how much memory a process has of its own."""
    used = used or own_memory
    begun = used()
    while begun is not None:
        await anyio.sleep(_EVERY)
        now = used()
        if now is not None and now - begun > most:
            return f"What this run has read takes more than {most >> 20} MiB of memory."
    await anyio.sleep_forever()
    raise AssertionError


def own_memory() -> int | None:
    """Bytes, without what is mapped from files: git's packs may have gigabytes of that (Linux, proc_pid_status(5))."""
    try:
        lines = _STATUS.read_text().splitlines()
    except OSError:
        return None
    found = [line.split() for line in lines if line.startswith("RssAnon:")]
    return int(found[0][1]) << 10 if found else None
