"""What runs have counted that were checked to their end: one SQLite file beside the journal."""

import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

import anyio.to_thread
import msgspec

from holystone.adapters.state.own_files import own_database, own_folder
from holystone.adapters.state.sqlite.schema import number
from holystone.engine.errors import HolystoneError
from holystone.engine.model.codec import from_json, to_json
from holystone.engine.model.sources import Counted, Key, Remembered

FILE_NAME: Final = "baselines.sqlite"
_APPLICATION: Final = 0x484F4C42
"""`HOLB`: the file is ours."""
_PATIENCE: Final = 30.0
"""Seconds to wait for another process that is writing."""
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS baselines (key TEXT PRIMARY KEY, value TEXT NOT NULL, as_of INTEGER NOT NULL) WITHOUT ROWID
"""


class SqliteBaselines:
    """What the runs of one state directory have counted."""

    def __init__(self, directory: Path) -> None:
        self._file = directory / FILE_NAME

    async def read(self, keys: Iterable[Key]) -> Mapping[Key, Remembered]:
        """What is remembered of the sources that are known; nothing is made where nothing is. Raises HolystoneError."""
        return await anyio.to_thread.run_sync(self._read, tuple(keys))

    async def remember(self, counted: Iterable[Counted], as_of: int, run: str) -> None:
        """Raises HolystoneError."""
        rows = [(_text(each.key), to_json(Remembered(each.left, as_of, run)).decode(), as_of) for each in counted]
        if rows:
            await anyio.to_thread.run_sync(self._write, rows)

    def _read(self, keys: Iterable[Key]) -> dict[Key, Remembered]:
        if not self._file.exists():
            return {}
        with _opened(self._file) as database:
            found: dict[Key, Remembered] = {}
            for key in keys:
                row = database.execute("SELECT value FROM baselines WHERE key = ?", (_text(key),)).fetchone()
                if row:
                    found[key] = from_json(row[0], Remembered)
            return found

    def _write(self, rows: Iterable[tuple[str, str, int]]) -> None:
        with _opened(self._file) as database, database:
            database.executemany(
                "INSERT INTO baselines VALUES (?, ?, ?) ON CONFLICT (key) DO UPDATE "
                "SET value = excluded.value, as_of = excluded.as_of "
                "WHERE excluded.as_of >= as_of OR as_of > ?",  # by a clock that was ahead
                [(*row, int(time.time())) for row in rows],
            )


@contextmanager
def _opened(file: Path) -> Iterator[sqlite3.Connection]:
    try:
        own_folder(file.parent)
        own_database(file)
        with closing(sqlite3.connect(file, timeout=_PATIENCE)) as database:
            empty = number(database, "SELECT count(*) FROM sqlite_master") == 0  # first: another of ours may fill it
            application = number(database, "PRAGMA application_id")
            if application != _APPLICATION:
                if application or not empty:
                    raise _unusable(file, "it is the database of another program")
                database.execute(f"PRAGMA application_id = {_APPLICATION}")
            database.execute(_SCHEMA)
            yield database
    except (OSError, sqlite3.Error, msgspec.MsgspecError) as error:
        raise _unusable(file, str(error)) from error


def _unusable(file: Path, why: str) -> HolystoneError:
    return HolystoneError(
        f"What earlier runs have counted, {file}, cannot be used: {why}.",
        not_deleted="Nothing was deleted.",
        what_to_do="Make room and rights for it. If it is damaged, move it away: the next run then has nothing to "
        "compare with, and says so.",
    )


def _text(key: Key) -> str:
    return to_json(key).decode()
