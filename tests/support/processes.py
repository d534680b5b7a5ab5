"""Whether a program's children are really gone."""

from pathlib import Path

import anyio
import anyio.lowlevel


async def child_of(file: Path) -> int:
    """The process whose number a script writes into `file`."""
    with anyio.fail_after(10):
        while not (text := _text(file)).endswith("\n"):
            await anyio.lowlevel.checkpoint()
    return int(text)


async def gone(pid: int) -> bool:
    """True as soon as it has ended; False if it does not."""
    with anyio.move_on_after(3):
        while not _is_dead(pid):
            await anyio.lowlevel.checkpoint()
        return True
    return False


def _text(file: Path) -> str:
    return file.read_text() if file.exists() else ""


def _is_dead(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return True
    return state == "Z"  # not yet collected by whoever adopted it
