"""What a whole run may take. It ends in words before the system, or nobody, ends it: what is kept of one thing, and how
long one request may take, is bounded where it is read, and this bounds all of them together."""

from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

import anyio

MOST: Final = 400 << 20
"""Bytes that a run may add to what the program has when it begins, some 60 MiB: less than 512 MiB in all, with what can
come between two looks. A tag takes about a kilobyte from its listing to its plan."""
LONGEST: Final = 24 * 60 * 60
"""Seconds. A server that takes nearly a minute for each of half a million answers would hold a run for days."""
_EVERY: Final = 0.1
"""Seconds."""
_STATUS: Final = Path("/proc/self/status")


class Exceeded(NamedTuple):
    what: str
    what_to_do: str


async def outgrown(most: int = MOST, used: Callable[[], int | None] | None = None) -> Exceeded:
    """Returns when the run has grown by more than `most` bytes; never where the system does not say how much memory a
    process has of its own."""
    used = used or own_memory
    begun = used()
    while begun is not None:
        await anyio.sleep(_EVERY)
        now = used()
        if now is not None and now - begun > most:
            return Exceeded(
                f"What this run has read takes more than {most >> 20} MiB of memory.",
                "Name fewer repositories in one run, or find out who made so many tags or so large manifests there and "
                "delete them by the registry's own means.",
            )
    await anyio.sleep_forever()
    raise AssertionError


async def overdue(longest: float = LONGEST) -> Exceeded:
    """Returns after so many seconds."""
    await anyio.sleep(longest)
    return Exceeded(
        f"This run has taken more than {longest / 3600:.0f} hours.",
        "Find out what is so slow (--log-verbose shows what is read), or name fewer repositories in one run.",
    )


def own_memory() -> int | None:
    """Bytes, without what is mapped from files: git's packs may have gigabytes of that (Linux, proc_pid_status(5))."""
    try:
        lines = _STATUS.read_text().splitlines()
    except OSError:
        return None
    found = [line.split() for line in lines if line.startswith("RssAnon:")]
    return int(found[0][1]) << 10 if found else None
