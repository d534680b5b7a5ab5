"""What tags that carry their content in their names pointed to, on disk, so that the next run need not ask again.

The file is a cache, as the one of what was read by digest: it may be deleted at any time, and one that is damaged is
begun anew. A repository is one row, which is as it was written or is not there. What a reading has learned counts once
it has come to its end without a doubt: where answers were mixed up, what was learned from them is nothing.
"""

import secrets
import sqlite3
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Self, TypeAlias

import msgspec

from holystone.adapters.state.sqlite.cache_file import make_room, open_cache
from holystone.engine.model.references import Digest, InvalidName, Repository, Tag
from holystone.engine.model.sightings import LookedAt

FORGET_AFTER_DAYS: Final = 30
"""Without a look at a tag."""
LARGEST_FILE: Final = 256 << 20
"""Bytes, about 150 a tag. The repository that was looked at longest ago makes room: whoever may push could fill the
disk."""
_DAY: Final = 24 * 3600
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS known (
    repository TEXT PRIMARY KEY, reading TEXT NOT NULL, looked INTEGER NOT NULL, tags BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS readings (reading TEXT PRIMARY KEY) WITHOUT ROWID;
"""
_ROWS: Final = "SELECT repository, known.reading, looked, tags FROM known JOIN readings USING (reading) LIMIT 1"
_OLDEST: Final = "SELECT repository, length(tags) FROM known ORDER BY looked"
_DELETE: Final = "DELETE FROM known WHERE repository = ?"
_Looks: TypeAlias = dict[int, dict[str, str]]
"""Digests by tag, by the moment at which they were looked at (Unix seconds)."""


class SqliteTagMemory:
    """The `TagMemory` of one machine's runs. A context manager. A file that cannot be written costs the next run time
    and this run nothing. Rows are read and written where that is asked for: a thread would take longer."""

    def __init__(
        self, file: Path | None, now: Callable[[], float] = time.time, *, largest_file: int = LARGEST_FILE
    ) -> None:
        self._now = now
        self._largest_file = largest_file
        self._reading = secrets.token_hex(8)
        self._database = open_cache(file, _SCHEMA, _ROWS)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._database.close()

    async def recall(self, repository: Repository) -> Mapping[Tag, LookedAt]:
        return self._load(repository)

    async def learn(self, repository: Repository, seen: Mapping[Tag, Digest], still: Collection[Tag] = ()) -> None:
        before = self._load(repository)
        now = int(self._now())
        known = {tag: before[tag] for tag in still if tag in before}
        known |= {tag: LookedAt(digest, now) for tag, digest in seen.items()}
        if known != before:
            self._write(repository, known)

    async def settle(self) -> None:
        with suppress(sqlite3.Error), self._database:
            self._database.execute("INSERT INTO readings VALUES (?)", (self._reading,))
            self._database.execute("DELETE FROM readings WHERE reading NOT IN (SELECT reading FROM known)")
        self._reading = secrets.token_hex(8)

    def _load(self, repository: Repository) -> dict[Tag, LookedAt]:
        try:
            row = self._database.execute(
                "SELECT tags FROM known WHERE repository = ? AND (reading = ? OR reading IN readings)",
                (str(repository.canonical), self._reading),
            ).fetchone()
            looks = msgspec.msgpack.decode(row[0], type=_Looks) if row and isinstance(row[0], bytes) else {}
            return dict(_not_too_old(looks, int(self._now())))
        except (sqlite3.Error, msgspec.MsgspecError, InvalidName, ValueError, OverflowError):  # e.g. no UTF-8
            return {}

    def _write(self, repository: Repository, known: Mapping[Tag, LookedAt]) -> None:
        looks: defaultdict[int, dict[str, str]] = defaultdict(dict)
        for tag, look in known.items():
            looks[look.at][str(tag)] = str(look.digest)
        tags = msgspec.msgpack.encode(dict(looks))
        name = str(repository.canonical)
        # What cannot be written is asked for again.
        with suppress(sqlite3.Error), self._database:
            self._database.execute(_DELETE, (name,))
            if not known or len(tags) > self._largest_file // 2:
                return
            make_room(self._database, [len(tags)], self._largest_file, _OLDEST, _DELETE)
            row = (name, self._reading, max(looks), tags)
            self._database.execute("INSERT INTO known VALUES (?, ?, ?, ?)", row)


def _not_too_old(looks: _Looks, now: int) -> Iterator[tuple[Tag, LookedAt]]:
    """Nor those of a clock that was ahead. What is no tag is none that a listing shows. Raises InvalidName."""
    for at, tags in looks.items():
        if now - FORGET_AFTER_DAYS * _DAY <= at <= now:
            for tag, digest in tags.items():
                yield Tag(tag), LookedAt(Digest.parse(digest), at)
