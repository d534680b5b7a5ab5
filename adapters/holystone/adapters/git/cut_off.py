"""Looks at loose objects before libgit2 reads them: one whose compressed bytes end too early, as a crash leaves it, has
libgit2 1.9 wait for more of them for ever (zstream.c, `git_zstream_get_output_chunk`), in a thread that nobody can
end."""

import os
import re
import zlib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from io import BufferedReader
from pathlib import Path
from typing import Final

_FOLDER: Final = re.compile(r"[0-9a-f]{2}")
_BLOB: Final = b"blob "
"""Files of the project are most of what there is, and few ask for them."""
_HEAD: Final = 64
_PART: Final = 1 << 16


def check_objects(folder: Path) -> None:
    """Looks at all but files of the project. `folder`: what the worktrees of a repository share. Raises ValueError for
    an object that is cut off, and OSError. What is damaged in another way is left to libgit2, which says so once it
    comes there."""
    for objects in object_folders(folder):
        for part in sorted(each for each in objects.iterdir() if _FOLDER.fullmatch(each.name)):
            with suppress(FileNotFoundError), os.scandir(part) as entries:
                names = [entry.name for entry in entries if len(entry.name) == 38 and entry.is_file()]
                for name in names:
                    _check(part / name, 0)


def check_object(folders: Iterable[Path], oid: str, most: int) -> None:
    """Looks at a single object, whatever it is. `folders`: as `object_folders`; `most`: bytes of a file of the project
    that are worth looking at. Raises as `check_objects`."""
    for objects in folders:
        _check(objects / oid[:2] / oid[2:], most)


def object_folders(folder: Path) -> Iterator[Path]:
    """Where objects are: the repository's own, and those of the ones that it borrows from (gitrepository-layout(5),
    `info/alternates`). `folder`: what its worktrees share."""
    return _with_borrowed(folder / "objects", set())


def _with_borrowed(objects: Path, seen: set[Path]) -> Iterator[Path]:
    here = Path(os.path.realpath(objects))
    if here in seen or not here.is_dir():
        return
    seen.add(here)
    yield here
    borrowed = here / "info" / "alternates"
    if borrowed.is_file():
        for line in borrowed.read_bytes().splitlines():
            if line and not line.startswith(b"#"):
                yield from _with_borrowed(here / os.fsdecode(line), seen)


def _check(path: Path, most: int) -> None:
    try:
        with path.open("rb") as file:
            whole = _is_whole(file, most)
    except FileNotFoundError:  # it is packed
        return
    if not whole:
        raise ValueError(f"object {path.parent.name}{path.name} ends too early, as a crash leaves it")


def _is_whole(file: BufferedReader, most: int) -> bool:
    """Nothing of it is kept: it may be small and unfold to gigabytes."""
    stream, begin, size = zlib.decompressobj(), b"", 0
    part = file.read(_HEAD)
    try:
        while part:
            wanted = len(_BLOB) - len(begin)  # which of a larger one comes after a hundred bytes of tables
            unfolded = stream.decompress(part, wanted or _PART)
            begin += unfolded[:wanted]
            size += len(unfolded)
            if stream.eof or (begin == _BLOB and size > most):
                return True
            part = stream.unconsumed_tail or file.read(_PART)
    except zlib.error:
        return True
    return file.tell() == 0  # libgit2 says so of an empty one
