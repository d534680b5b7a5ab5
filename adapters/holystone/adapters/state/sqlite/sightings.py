"""What runs have seen of each repository, and since when: one SQLite file beside the journal.

A look at a repository is one transaction. It need not survive a power failure: what is lost was seen later then, which
deletes nothing sooner. Of each thing that was seen there is a hash of 16 bytes, so that a million take about 50 MB.
"""

import hashlib
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import anyio
import anyio.to_thread

from holystone.adapters.state.own_files import own_database, own_folder
from holystone.adapters.state.sqlite.schema import number
from holystone.engine.errors import HolystoneError, UsageError
from holystone.engine.model.references import Repository
from holystone.engine.model.sightings import Seen, Sight

FILE_NAME: Final = "sightings.sqlite"
FORGET_AFTER_DAYS: Final = 400
"""Without a look at a repository."""
_DAY: Final = 24 * 3600
_APPLICATION: Final = 0x484F4C53
"""`HOLS`: the file is ours."""
_PATIENCE: Final = 30.0
"""Seconds to wait for another process that is writing."""
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS looks (id INTEGER PRIMARY KEY, repository TEXT NOT NULL UNIQUE, at INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS seen (
    repository INTEGER NOT NULL, sight BLOB NOT NULL, since INTEGER NOT NULL, missed INTEGER,
    PRIMARY KEY (repository, sight)
) WITHOUT ROWID;
CREATE TEMP TABLE now_seen (sight BLOB PRIMARY KEY) WITHOUT ROWID;
"""
_USABLE: Final = "typeof(since) = 'integer' AND typeof(missed) IN ('integer', 'null')"


class SqliteSightings:
    """What the runs of one state directory have seen. A context manager; nothing is made before the first look."""

    def __init__(self, directory: Path) -> None:
        self._file = directory / FILE_NAME
        self._database: sqlite3.Connection | None = None
        self._turn = anyio.Lock()

    def __repr__(self) -> str:
        return f"<SqliteSightings {self._file}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if self._database:
            self._database.close()

    async def look(self, repository: Repository, seen: Collection[Sight], now: int) -> Mapping[Sight, Seen]:
        """One look after the other, in a thread: a large one takes a second. Raises HolystoneError."""
        async with self._turn:
            return await anyio.to_thread.run_sync(self._look, repository, seen, now)

    def _look(self, repository: Repository, seen: Collection[Sight], now: int) -> dict[Sight, Seen]:
        hashes = {_hash(each): each for each in seen}
        with self._transaction(now) as database:
            name = str(repository.canonical)
            row = database.execute("SELECT id, at FROM looks WHERE repository = ?", (name,)).fetchone()
            here, before = row or (None, None)
            if here is None:
                insert = "INSERT INTO looks (repository, at) VALUES (?, ?)"
                here = database.execute(insert, (name, now)).lastrowid
            database.execute("UPDATE looks SET at = ? WHERE id = ?", (now, here))
            database.execute("DELETE FROM now_seen")
            database.executemany("INSERT OR IGNORE INTO now_seen VALUES (?)", ((each,) for each in sorted(hashes)))
            database.execute(
                f"DELETE FROM seen WHERE repository = ? AND NOT (sight IN now_seen AND {_USABLE})",  # noqa: S608
                (here,),
            )
            database.execute("UPDATE seen SET since = ? WHERE repository = ? AND since > ?", (now, here, now))
            database.execute(
                "INSERT OR IGNORE INTO seen SELECT ?, sight, ?, ? FROM now_seen",
                (here, now, before if isinstance(before, int) else None),
            )
            rows = database.execute("SELECT sight, since, missed FROM seen WHERE repository = ?", (here,))
            return _told(hashes, rows)

    @contextmanager
    def _transaction(self, now: int) -> Iterator[sqlite3.Connection]:
        try:
            if self._database is None:
                self._database = _opened(self._file)
                _forget(self._database, now - FORGET_AFTER_DAYS * _DAY)
            self._database.execute("BEGIN IMMEDIATE")
            with self._database:
                yield self._database
        except (OSError, sqlite3.Error) as error:
            raise _unusable(self._file, str(error)) from error


class RecalledSightings:
    """What a look of one of those runs would be told, where none is noted: nothing is changed, and nothing made."""

    def __init__(self, directory: Path) -> None:
        self._file = directory / FILE_NAME

    async def look(self, repository: Repository, seen: Collection[Sight], now: int) -> Mapping[Sight, Seen]:
        """Raises HolystoneError."""
        return await anyio.to_thread.run_sync(self._look, repository, seen, now)

    def _look(self, repository: Repository, seen: Collection[Sight], now: int) -> dict[Sight, Seen]:
        if not self._file.exists():
            return dict.fromkeys(seen, Seen(now))
        hashes = {_hash(each): each for each in seen}
        try:
            with closing(_opened(self._file)) as database:
                here, before = database.execute(
                    "SELECT id, at FROM looks WHERE repository = ? AND at >= ?",
                    (str(repository.canonical), now - FORGET_AFTER_DAYS * _DAY),
                ).fetchone() or (None, None)
                rows = database.execute(
                    f"SELECT sight, min(since, ?), missed FROM seen WHERE repository = ? AND {_USABLE}",  # noqa: S608
                    (now, here),
                )
                known = _told(hashes, (row for row in rows if row[0] in hashes))
        except (OSError, sqlite3.Error) as error:
            raise _unusable(self._file, str(error)) from error
        return {each: known.get(each) or Seen(now, before if isinstance(before, int) else None) for each in seen}


def _told(hashes: Mapping[bytes, Sight], rows: Iterable[tuple[bytes, int, int | None]]) -> dict[Sight, Seen]:
    """Most of a repository was seen in the same few looks: each pair of moments is there once."""
    moments: dict[tuple[int, int | None], Seen] = {}
    return {hashes[sight]: moments.setdefault((since, missed), Seen(since, missed)) for sight, since, missed in rows}


def _hash(sight: Sight) -> bytes:
    text = f"{sight.kind} {sight.tag or ''} {sight.digest}"
    return hashlib.blake2b(text.encode(), digest_size=16).digest()


def _forget(database: sqlite3.Connection, before: int) -> None:
    with database:
        database.execute("DELETE FROM seen WHERE repository IN (SELECT id FROM looks WHERE at < ?)", (before,))
        database.execute("DELETE FROM looks WHERE at < ?", (before,))


def _opened(file: Path) -> sqlite3.Connection:
    own_folder(file.parent)
    own_database(file)
    database = sqlite3.connect(file, timeout=_PATIENCE, check_same_thread=False)
    try:
        empty = number(database, "SELECT count(*) FROM sqlite_master") == 0  # first: another of ours may fill it
        application = number(database, "PRAGMA application_id")
        if application != _APPLICATION:
            if application or not empty:
                raise UsageError(
                    f"{file} is the database of another program.",
                    not_deleted="Nothing was deleted.",
                    what_to_do="Choose another state directory.",
                )
            database.execute(f"PRAGMA application_id = {_APPLICATION}")
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = NORMAL")
        database.executescript(_SCHEMA)
    except (sqlite3.Error, UsageError):
        database.close()
        raise
    return database


def _unusable(file: Path, why: str) -> HolystoneError:
    return HolystoneError(
        f"What earlier runs have seen, {file}, cannot be used: {why}.",
        not_deleted="Nothing was deleted.",
        what_to_do="Make room and rights for it. If it is damaged, move it away: what has to be seen for some time "
        "before it goes is then seen for the first time.",
    )
