"""Looks at the files of references, because libgit2 lists what is sound and passes over the rest: the branch of a
file that a crash left empty would be gone, or would be where an older packed line has it."""

import os
import re
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

_SOUND: Final = re.compile(rb"(?:[0-9a-f]{40}|ref:[ \t]*[^\s\0]+)(?:\s[^\0]*)?", re.IGNORECASE)
"""An object id or the name of another reference; git allows anything behind a blank."""
_LONGEST: Final = 64 * 1024


class Loose(NamedTuple):
    names: frozenset[bytes]
    """Of all sound ones."""
    hollow: tuple[str, ...]
    """Empty folders, such as deleted references leave behind, and a damaged file system where one was."""


def check_packed(folder: Path) -> None:
    """Refuses an empty packed-refs. libgit2 reads an empty file as no references; every git since 2007 writes at least
    a first line. Raises ValueError."""
    packed = folder / "packed-refs"
    if packed.exists() and not packed.stat().st_size:
        raise ValueError("packed-refs is empty, as a crash leaves it")


def packed_stamp(folder: Path) -> tuple[int, ...]:
    """What is another one as soon as packed-refs is written anew, which is done by a rename."""
    try:
        found = (folder / "packed-refs").stat()
    except FileNotFoundError:
        return ()
    return found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def look_at_loose(folder: Path, prefixes: Iterable[str]) -> Loose:
    """Looks at each file of a loose reference. `folder`: what the worktrees of a repository share; `prefixes`: such as
    `refs/tags/`. `HEAD` right below one may be anything. Raises ValueError for a file that is no reference, OSError for
    one that cannot be read."""
    names: set[bytes] = set()
    hollow: list[str] = []
    for prefix in prefixes:
        top = folder / prefix
        for path in _below(top):
            name = path.relative_to(folder).as_posix()
            if path.is_dir():
                hollow.append(name)
            elif name != f"{prefix}HEAD" and _is_sound(path, name):
                names.add(os.fsencode(name))
    return Loose(frozenset(names), tuple(sorted(hollow)))


def _below(top: Path) -> Iterator[Path]:
    """Files that git would look at, and folders that have nothing in them. Raises OSError."""

    def fail(error: OSError) -> None:
        if not isinstance(error, FileNotFoundError):
            raise error

    for name, folders, files in os.walk(top, onerror=fail, followlinks=True):
        here = Path(name)
        if here != top and not folders and not files:
            yield here
        yield from (here / each for each in sorted(files) if not each.startswith(".") and not each.endswith(".lock"))


def _is_sound(path: Path, name: str) -> bool:
    """Whether a file is a sound reference; False if it is gone: packed or deleted since it was listed."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise ValueError(f"{name} is no file")
        with path.open("rb") as file:
            content = file.read(_LONGEST)
    except FileNotFoundError:
        if path.is_symlink():
            raise ValueError(f"{name} is no file") from None
        return False
    if not _SOUND.fullmatch(content):
        raise ValueError(f"the reference {name} is damaged, as a crash leaves it")
    return True
