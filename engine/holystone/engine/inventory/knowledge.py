"""What was read by digest, on disk, so that the next run reads only what is new.

The file is a cache: it may be deleted at any time, and one that is damaged is begun anew. Every body is checked
against its digest when it is loaded, so a changed file can cost time but cannot change a decision.
"""

import datetime as dt
import hashlib
import logging
import sqlite3
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import msgspec

from holystone.engine.errors import UsageError
from holystone.engine.model.manifests import RawManifest
from holystone.engine.model.references import Digest
from holystone.engine.own_files import own_database, own_folder

_log: Final = logging.getLogger(__name__)
FORGET_AFTER_DAYS: Final = 90
_WRITE_EVERY: Final = 500
_BLOB: Final = ""
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS known (
    digest TEXT PRIMARY KEY, media_type TEXT NOT NULL, body BLOB NOT NULL, used_on TEXT NOT NULL
) WITHOUT ROWID
"""


class _Entry(msgspec.Struct, frozen=True):
    media_type: str
    body: bytes


class DigestKnowledge:
    """Knowledge of one machine's runs, or of one run only if `file` is None. A context manager: what was learned
    is on disk when it closes. A cache that cannot be written costs the next run time and this run nothing."""

    def __init__(self, file: Path | None, today: Callable[[], dt.date] = dt.date.today) -> None:
        self._today = today
        self._learned: dict[Digest, _Entry] = {}
        self._used: set[Digest] = set()
        self._entries: dict[Digest, _Entry] = {}
        self._database = _open(file) if file else None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._write()
        if self._database:
            self._database.close()

    def manifest(self, digest: Digest) -> RawManifest | None:
        entry = self._load(digest)
        return RawManifest(digest, entry.media_type, entry.body) if entry and entry.media_type != _BLOB else None

    def blob(self, digest: Digest) -> bytes | None:
        entry = self._load(digest)
        return entry.body if entry and entry.media_type == _BLOB else None

    def learn_manifest(self, manifest: RawManifest) -> None:
        self._learn(manifest.digest, _Entry(manifest.media_type, manifest.body))

    def learn_blob(self, digest: Digest, body: bytes) -> None:
        self._learn(digest, _Entry(_BLOB, body))

    def _learn(self, digest: Digest, entry: _Entry) -> None:
        self._entries[digest] = self._learned[digest] = entry
        if len(self._learned) >= _WRITE_EVERY:
            self._write()

    def _load(self, digest: Digest) -> _Entry | None:
        if entry := self._entries.get(digest):
            return entry
        if self._database is None:
            return None
        try:
            row = self._database.execute(
                "SELECT media_type, body FROM known WHERE digest = ?", (str(digest),)
            ).fetchone()
        except sqlite3.Error:
            return None
        if row is None or hashlib.new(digest.algorithm, row[1]).hexdigest() != digest.hex:
            return None
        entry = self._entries[digest] = _Entry(row[0], row[1])
        self._used.add(digest)
        return entry

    def _write(self) -> None:
        learned, self._learned = self._learned, {}
        used, self._used = self._used, set()
        if self._database is None:
            return
        today = self._today()
        try:
            with self._database:
                self._database.executemany(
                    "INSERT OR REPLACE INTO known VALUES (?, ?, ?, ?)",
                    [(str(key), entry.media_type, entry.body, today.isoformat()) for key, entry in learned.items()],
                )
                self._database.executemany(
                    "UPDATE known SET used_on = ? WHERE digest = ?", [(today.isoformat(), str(key)) for key in used]
                )
                oldest = today - dt.timedelta(days=FORGET_AFTER_DAYS)
                self._database.execute("DELETE FROM known WHERE used_on < ?", (oldest.isoformat(),))
        except sqlite3.Error:
            pass  # the entries stay in memory for this run


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
        file.unlink(missing_ok=True)
    try:
        return _connect(file)
    except (sqlite3.Error, OSError):
        return None


def _connect(file: Path) -> sqlite3.Connection:
    own_database(file)
    database = sqlite3.connect(file, timeout=5)
    try:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = NORMAL")
        database.execute(_SCHEMA)
        database.execute("SELECT digest FROM known LIMIT 1").fetchone()
    except sqlite3.Error:
        database.close()
        raise
    return database
