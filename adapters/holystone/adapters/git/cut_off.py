"""Looks at loose objects before libgit2 reads them: one whose compressed bytes end too early, as a crash leaves it, has
libgit2 1.9 wait for more of them for ever (zstream.c, `git_zstream_get_output_chunk`), in a thread that nobody can
end."""

import os
import re
import zlib
from collections.abc import Iterator
from contextlib import suppress
from io import BufferedReader
from pathlib import Path
from typing import Final

_FOLDER: Final = re.compile(r"[0-9a-f]{2}")
_BLOB: Final = b"blob "
"""Files of the project are never read, and are most of what there is."""
_HEAD: Final = 64
_PART: Final = 1 << 16


def check_objects(folder: Path) -> None:
    """`folder`: what the worktrees of a repository share. Raises ValueError for an object that is cut off, and OSError.
    What is damaged in another way is left to libgit2, which says so once it comes there."""
    for path in _loose(folder / "objects", set()):
        try:
            with path.open("rb") as file:
                whole = _is_whole(file)
        except FileNotFoundError:  # packed since it was listed
            continue
        if not whole:
            raise ValueError(f"object {path.parent.name}{path.name} ends too early, as a crash leaves it")


def _loose(objects: Path, seen: set[Path]) -> Iterator[Path]:
    """Its files of loose objects, and those of the repositories that it borrows from (gitrepository-layout(5),
    `info/alternates`)."""
    here = Path(os.path.realpath(objects))
    if here in seen or not here.is_dir():
        return
    seen.add(here)
    for folder in sorted(each for each in here.iterdir() if _FOLDER.fullmatch(each.name)):
        with suppress(FileNotFoundError), os.scandir(folder) as entries:
            yield from [folder / entry.name for entry in entries if len(entry.name) == 38 and entry.is_file()]
    borrowed = here / "info" / "alternates"
    if borrowed.is_file():
        for line in borrowed.read_bytes().splitlines():
            if line and not line.startswith(b"#"):
                yield from _loose(here / os.fsdecode(line), seen)


def _is_whole(file: BufferedReader) -> bool:
    """Nothing of it is kept: it may be small and unfold to gigabytes."""
    stream, begin = zlib.decompressobj(), b""
    part = file.read(_HEAD)
    try:
        while part:
            wanted = len(_BLOB) - len(begin)  # which of a larger one comes after a hundred bytes of tables
            unfolded = stream.decompress(part, wanted or _PART)
            begin += unfolded[:wanted]
            if stream.eof or begin == _BLOB:
                return True
            part = stream.unconsumed_tail or file.read(_PART)
    except zlib.error:
        return True
    return file.tell() == 0  # libgit2 says so of an empty one
