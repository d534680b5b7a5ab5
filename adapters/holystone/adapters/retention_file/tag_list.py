"""A list of tags to try a policy on: lines of `tag`, `tag,time` or `tag,time,digest`, or JSON.

JSON is a list of names, or of `{"tag": …, "time": …, "digest": …}`; or an object that has one as `tags` or `Tags`, as
`/v2/…/tags/list` and `skopeo list-tags` print it.
"""

import csv
import datetime as dt
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from holystone.adapters.files import read_file
from holystone.engine.errors import UsageError
from holystone.engine.model.references import Digest, InvalidName, Tag

_LARGEST: Final = 64 << 20
"""Bytes of a list."""
_MOST: Final = 200_000
"""Tags of a list."""
_UNIX: Final = re.compile(r"[0-9]{9,11}")
_BEGINNINGS_OF_JSON: Final = ("[", "{")


class ListedImage(NamedTuple):
    tag: Tag
    pushed: int | None = None
    """Unix seconds; None: the list does not say."""
    digest: Digest | None = None


class _Item(msgspec.Struct, forbid_unknown_fields=True):
    tag: str
    time: str | int | None = None
    digest: str | None = None


class _Listing(msgspec.Struct):
    tags: list[str | _Item] | None = None
    capital: list[str | _Item] | None = msgspec.field(default=None, name="Tags")


class _Row(NamedTuple):
    place: str
    tag: str
    time: str
    digest: str


def read_tag_list(file: Path | None) -> tuple[ListedImage, ...]:
    """The tags of a file, None is standard input. Raises UsageError."""
    if file is None:
        if sys.stdin is None or sys.stdin.isatty():
            raise UsageError("--tags -: standard input is a terminal, not a list of tags")
        return tag_list(sys.stdin.buffer.read(_LARGEST + 1), "standard input")
    try:
        return tag_list(read_file(file, _LARGEST + 1), str(file))
    except OSError as error:
        raise UsageError(f"--tags: {file} cannot be read: {error.strerror}") from error


def tag_list(body: bytes, source: str) -> tuple[ListedImage, ...]:
    """The tags of a list; `source` names it. Raises UsageError for what is no tag, no time or no digest, and for a tag
    that stands there twice."""
    if len(body) > _LARGEST:
        raise UsageError(f"--tags: {source} is larger than {_LARGEST >> 20} MiB")
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"--tags: {source} is not UTF-8 text") from error
    is_json = text.lstrip().startswith(_BEGINNINGS_OF_JSON)
    found: dict[Tag, ListedImage] = {}
    for row in _of_json(text, source) if is_json else _of_lines(text, source):
        image = _image(row)
        if image.tag in found:
            raise UsageError(f"--tags: {row.place}: {image.tag} stands here twice")
        found[image.tag] = image
        if len(found) > _MOST:
            raise UsageError(f"--tags: {source} lists more than {_MOST:,} tags")
    if not found:
        raise UsageError(f"--tags: {source} lists no tag")
    return tuple(found.values())


def _of_lines(text: str, source: str) -> Iterator[_Row]:
    rows = csv.reader(text.splitlines(), strict=True)
    try:
        for row in rows:
            words = [each.strip() for each in row]
            if not any(words) or words[0].startswith("#"):
                continue
            place = f"{source}:{rows.line_num}"
            if len(words) > 3:
                raise UsageError(f"--tags: {place}: more than a tag, a time and a digest")
            yield _Row(place, *words, *[""] * (3 - len(words)))
    except csv.Error as error:
        raise UsageError(f"--tags: {source}:{rows.line_num}: not CSV: {error}") from error


def _of_json(text: str, source: str) -> Iterable[_Row]:
    try:
        whole = msgspec.json.decode(text, type=list[str | _Item] | _Listing)
    except (msgspec.MsgspecError, RecursionError, UnicodeError) as error:
        raise UsageError(f"--tags: {source}: {error}") from error
    items = whole if isinstance(whole, list) else whole.tags or whole.capital or []
    for number, item in enumerate(items, 1):
        place = f"{source}: tag {number:,}"
        if isinstance(item, str):
            yield _Row(place, item, "", "")
        else:
            yield _Row(place, item.tag, "" if item.time is None else str(item.time), item.digest or "")


def _image(row: _Row) -> ListedImage:
    try:
        return ListedImage(
            Tag.parse(row.tag),
            _seconds(row.time) if row.time else None,
            Digest.parse(row.digest) if row.digest else None,
        )
    except (InvalidName, OverflowError) as error:
        raise UsageError(f"--tags: {row.place}: {error}") from error


def _seconds(text: str) -> int:
    if _UNIX.fullmatch(text):
        return int(text)
    try:
        moment = dt.datetime.fromisoformat(text)
        return int((moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)).timestamp())
    except ValueError as error:
        raise InvalidName(
            f"{text[:80]!r} is no time, such as 2026-01-31T12:00:00Z, 2026-01-31 or Unix seconds"
        ) from error
