"""Images that somebody lists as being in use, for whatever is no Kubernetes: one a line, `#` begins a comment."""

import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, Final

from holystone.engine.errors import UsageError
from holystone.engine.model.in_use import ListEntry, UsedImage
from holystone.engine.model.references import InvalidName
from holystone.engine.names import parse_used_image

_LARGEST: Final = 16 << 20
"""Bytes of one list."""
_STDIN: Final = "standard input"
_SHORT_ID: Final = re.compile("[0-9a-f]{12}")
"""What `docker ps` prints as the image where the tag has moved on since. As a name it would be docker.io's own."""


def read_lists(files: Iterable[Path | None]) -> tuple[UsedImage, ...]:
    """The images that people listed as in use. The file None is standard input. Raises UsageError for what cannot be
    read and for a line that names no image: what was meant there would be deleted."""
    return tuple(image for file in files for image in (_of_stdin() if file is None else _of_file(file)))


def _of_stdin() -> Iterator[UsedImage]:
    if sys.stdin is None or sys.stdin.isatty():
        raise UsageError(
            "--in-use -: standard input is a terminal, not a list",
            what_to_do="Pipe one into it, as in docker ps --format '{{.Image}}' | holystone cleanup --in-use - …",
        )
    return _images(sys.stdin.buffer, _STDIN)


def _of_file(file: Path) -> Iterator[UsedImage]:
    try:
        with file.open("rb") as source:
            yield from _images(source, str(file))
    except OSError as error:
        raise UsageError(f"--in-use: {file} cannot be read: {error.strerror}") from error


def _images(source: BinaryIO, name: str) -> Iterator[UsedImage]:
    body = source.read(_LARGEST + 1)
    if len(body) > _LARGEST:
        raise UsageError(f"--in-use: {name} is larger than {_LARGEST >> 20} MiB")
    for number, line in enumerate(body.decode("utf-8-sig", "replace").splitlines(), 1):
        word = line.partition("#")[0].strip()
        if not word:
            continue
        if _SHORT_ID.fullmatch(word):
            raise UsageError(
                f"--in-use: {name}:{number}: {word} is an image id cut short, which protects nothing",
                what_to_do="List names, or whole ids, as `docker inspect --format '{{.Image}}'` prints them.",
            )
        try:
            yield parse_used_image(word, ListEntry(f"{name}:{number}"))
        except InvalidName as error:
            raise UsageError(f"--in-use: {name}:{number}: {error}") from error
