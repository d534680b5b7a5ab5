"""What was read by digest, on disk, so that the next run reads only what is new.

The file is a cache: it may be deleted at any time, and one that is damaged is begun anew. Every body is checked
against its digest when it is loaded, and says itself what it is (`RawManifest`): a changed file can cost time but
cannot change a decision, and what was read from one registry is as good for any other. A row that is not as it was
written is not there.
"""

import datetime as dt
import sqlite3
from collections.abc import AsyncIterator, Callable, Collection, Iterable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import msgspec

from holystone.adapters.state.sqlite.cache_file import make_room, open_cache
from holystone.engine.model.manifests import RawManifest
from holystone.engine.model.references import Digest

FORGET_AFTER_DAYS: Final = 90
LARGEST_FILE: Final = 512 << 20
"""Bytes. What was asked for longest ago makes room: whoever may push could fill the disk."""
LARGEST_BLOB: Final = 128 << 10
"""Bytes of a configuration that is worth remembering; one of a hundred layers has 30 KiB. It is read once a run."""
_IN_MEMORY: Final = 32 << 20
"""Bytes of bodies that need not be loaded again, and of those that are written at once at most."""
_WRITE_EVERY: Final = 500
_USED_EVERY: Final = 5_000
"""What was asked for is noted so often: a million digests that wait for the end of a run take 200 MB."""
_BLOB: Final = ""
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS known (
    digest TEXT PRIMARY KEY, media_type TEXT NOT NULL, body BLOB NOT NULL, used_on TEXT NOT NULL
) WITHOUT ROWID
"""
_ROWS: Final = "SELECT digest, media_type, body, used_on FROM known LIMIT 1"
_OLDEST: Final = "SELECT digest, length(body) FROM known ORDER BY used_on"
_DELETE: Final = "DELETE FROM known WHERE digest = ?"


class _Entry(msgspec.Struct, frozen=True):
    media_type: str
    body: bytes


class SqliteDigestCache:
    """The `DigestCache` of one machine's runs, or of one run only if `file` is None. A context manager: what was
    learned is on disk when it closes. A cache that cannot be written costs the next run time and this run nothing. Rows
    are read where they are asked for, in microseconds: a thread would take longer.

    What is known is on disk during the run as well, in a file without a name where there is no other: memory holds what
    was learned last."""

    def __init__(
        self, file: Path | None, today: Callable[[], dt.date] = dt.date.today, *, largest_file: int = LARGEST_FILE
    ) -> None:
        self._today = today
        self._largest_file = largest_file
        self._learned: dict[Digest, _Entry] = {}
        self._learned_bytes = 0
        self._used: set[Digest] = set()
        self._has_forgotten = False
        self._recent: dict[Digest, _Entry] = {}
        self._recent_bytes = 0
        self._database = open_cache(file, _SCHEMA, _ROWS)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._write()
        self._database.close()

    async def manifests(self, digests: Collection[Digest]) -> AsyncIterator[RawManifest]:
        for digest in digests:
            if raw := self._manifest(digest):
                yield raw

    async def manifest(self, digest: Digest) -> RawManifest | None:
        return self._manifest(digest)

    async def blob(self, digest: Digest) -> bytes | None:
        entry = self._load(digest)
        return entry.body if entry and entry.media_type == _BLOB else None

    async def learn_manifests(self, manifests: Iterable[RawManifest]) -> None:
        for each in manifests:
            self._learn(each.digest, _Entry(each.media_type, each.body))

    async def learn_blob(self, digest: Digest, body: bytes) -> None:
        if len(body) <= LARGEST_BLOB:
            self._learn(digest, _Entry(_BLOB, body))

    def _manifest(self, digest: Digest) -> RawManifest | None:
        entry = self._load(digest)
        return RawManifest(digest, entry.media_type, entry.body) if entry and entry.media_type != _BLOB else None

    def _learn(self, digest: Digest, entry: _Entry) -> None:
        self._learned[digest] = entry
        self._learned_bytes += len(entry.body)
        if len(self._learned) >= _WRITE_EVERY or self._learned_bytes > _IN_MEMORY:
            self._write()
        self._remember(digest, entry)

    def _remember(self, digest: Digest, entry: _Entry) -> None:
        if digest in self._recent:
            return
        self._recent[digest] = entry
        self._recent_bytes += len(entry.body)
        while self._recent_bytes > _IN_MEMORY:
            self._recent_bytes -= len(self._recent.pop(next(iter(self._recent))).body)

    def _load(self, digest: Digest) -> _Entry | None:
        if entry := self._recent.get(digest) or self._learned.get(digest):
            return entry
        try:
            row = self._database.execute(
                "SELECT media_type, body FROM known WHERE digest = ?", (str(digest),)
            ).fetchone()
        except (sqlite3.Error, ValueError, OverflowError):  # e.g. text that is no UTF-8
            return None
        match row:
            case (str(media_type), bytes(body)) if digest.matches(body):
                entry = _Entry(media_type, body)
                self._remember(digest, entry)
                self._used.add(digest)
                if len(self._used) >= _USED_EVERY:
                    self._write()
                return entry
            case _:
                return None

    def _write(self) -> None:
        learned, self._learned, self._learned_bytes = self._learned, {}, 0
        used, self._used = self._used, set()
        today = self._today()
        # What cannot be written is asked for again.
        with suppress(sqlite3.Error), self._database:
            self._database.executemany(
                "UPDATE known SET used_on = ? WHERE digest = ?", [(today.isoformat(), str(key)) for key in used]
            )
            if not self._has_forgotten:  # which looks at every row
                oldest = today - dt.timedelta(days=FORGET_AFTER_DAYS)
                self._database.execute("DELETE FROM known WHERE used_on < ?", (oldest.isoformat(),))
                self._has_forgotten = True
            lengths = [len(entry.body) for entry in learned.values()]
            make_room(self._database, lengths, self._largest_file, _OLDEST, _DELETE)
            self._database.executemany(
                "INSERT OR REPLACE INTO known VALUES (?, ?, ?, ?)",
                [(str(key), entry.media_type, entry.body, today.isoformat()) for key, entry in learned.items()],
            )
