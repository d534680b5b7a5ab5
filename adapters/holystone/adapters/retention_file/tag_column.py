"""Tags that a file of policies names by another file: `{tags: {file: pinned.csv}}`."""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from holystone.adapters.files import read_file

_LARGEST: Final = 4 << 20
"""Bytes of one list."""
_MOST: Final = 10_000
"""Tags of one list."""


class WrittenTag(NamedTuple):
    place: str
    """File and line."""
    text: str


def read_tag_column(file: Path) -> tuple[WrittenTag, ...]:
    """The first column of a CSV file, without empty lines and those that begin with `#`. Raises ValueError for what
    cannot be read, and for a list of nothing: it may be one whose writer has failed."""
    try:
        body = read_file(file, _LARGEST + 1)
    except OSError as error:
        raise ValueError(f"{file} cannot be read: {error.strerror}") from error
    return tag_column(body, str(file))


def tag_column(body: bytes, source: str) -> tuple[WrittenTag, ...]:
    """The same of a file's bytes; `source` names the file. Raises ValueError."""
    if len(body) > _LARGEST:
        raise ValueError(f"{source} is larger than {_LARGEST >> 20} MiB")
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"{source} is not UTF-8 text") from error
    tags: list[WrittenTag] = []
    for each in _first_column(text, source):
        tags.append(each)
        if len(tags) > _MOST:
            raise ValueError(f"{source} lists more than {_MOST:,} tags")
    if not tags:
        raise ValueError(f"{source} lists no tag")
    return tuple(tags)


def _first_column(text: str, source: str) -> Iterator[WrittenTag]:
    rows = csv.reader(text.splitlines(), strict=True)
    try:
        for row in rows:
            tag = row[0].strip() if row else ""
            if tag and not tag.startswith("#"):
                yield WrittenTag(f"{source}:{rows.line_num}", tag)
            elif any(each.strip() for each in row) and not tag:
                raise ValueError(f"{source}:{rows.line_num}: nothing in the first column")
    except csv.Error as error:
        raise ValueError(f"{source}:{rows.line_num}: not CSV: {error}") from error
