"""What was read by digest, on disk, so that the next run reads only what is new.

The file is a cache: it may be deleted at any time, and one that is damaged is begun anew. Every body is checked
against its digest when it is loaded, and says itself what it is (`RawManifest`): a changed file can cost time but
cannot change a decision, and what was read from one registry is as good for any other. A row that is not as it was
written is not there.
"""

import datetime as dt
import logging
import sqlite3
from collections.abc import AsyncIterator, Callable, Collection, Iterable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import msgspec

from holystone.adapters.state.own_files import own_database, own_folder
from holystone.engine.errors import UsageError
from holystone.engine.model.manifests import RawManifest
from holystone.engine.model.references import Digest

_log: Final = logging.getLogger(__name__)
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
        self._database = (_open(file) if file else None) or _nameless()

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
            self._make_room([len(entry.body) for entry in learned.values()])
            self._database.executemany(
                "INSERT OR REPLACE INTO known VALUES (?, ?, ?, ?)",
                [(str(key), entry.media_type, entry.body, today.isoformat()) for key, entry in learned.items()],
            )

    def _make_room(self, lengths: Iterable[int]) -> None:
        """Pages that are freed are used again: the file does not grow any more, nor does it become smaller."""
        size, count = self._pragma("page_size"), self._pragma("page_count")
        needed = sum(_room(length, size) for length in lengths)
        too_many = count * size + needed - self._pragma("freelist_count") * size - self._largest_file
        if too_many <= 0:
            return
        # A quarter more, so that it is not done each time.
        left = too_many + self._largest_file // 4
        going = []
        for digest, length in self._database.execute("SELECT digest, length(body) FROM known ORDER BY used_on"):
            going.append((digest,))
            left -= _room(length, size)
            if left <= 0:
                break
        self._database.executemany("DELETE FROM known WHERE digest = ?", going)

    def _pragma(self, name: str) -> int:
        return int(self._database.execute(f"PRAGMA {name}").fetchone()[0])


def _room(length: int, page: int) -> int:
    """Bytes that a body takes in the file: one that is longer than a quarter of a page has pages of its own."""
    return length if length < page // 4 else (1 + length // page) * page


def _open(file: Path) -> sqlite3.Connection | None:
    try:
        own_folder(file.parent)
        return _connect(file)
    except UsageError as error:
        _log.warning("%s\nSo this run goes on without a cache. %s", error.message, error.what_to_do)
        return None
    except (sqlite3.OperationalError, OSError):
        return None  # in use, or not writable: not ours to remove
    except sqlite3.DatabaseError:
        pass
    try:
        file.unlink(missing_ok=True)
        return _connect(file)
    except (sqlite3.Error, OSError):
        return None


def _nameless() -> sqlite3.Connection:
    """SQLite's own kind of temporary file: it is gone with the process (sqlite.org/inmemorydb.html)."""
    database = sqlite3.connect("")
    database.execute(_SCHEMA)
    return database


def _connect(file: Path) -> sqlite3.Connection:
    own_database(file)
    database = sqlite3.connect(file, timeout=5)
    try:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = NORMAL")
        database.execute(_SCHEMA)
        database.execute("SELECT digest, media_type, body, used_on FROM known LIMIT 1").fetchone()
    except sqlite3.Error:
        database.close()
        raise
    return database
