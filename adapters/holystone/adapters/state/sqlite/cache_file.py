"""A file that may be deleted at any time: it is begun anew where it is damaged, does without a disk where it must, and
grows to a bound."""

import logging
import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from holystone.adapters.state.own_files import own_database, own_folder
from holystone.adapters.state.sqlite.schema import number
from holystone.engine.errors import UsageError

_log: Final = logging.getLogger(__name__)
_PATIENCE: Final = 5.0
"""Seconds to wait for another process that is writing."""


def open_cache(file: Path | None, schema: str, rows: str) -> sqlite3.Connection:
    """`rows`: a query that fails on a file with other columns. What cannot be opened, or is none (`file` is None), is
    SQLite's own kind of temporary file, which is gone with the process (sqlite.org/inmemorydb.html)."""
    if file and (database := _open(file, schema, rows)):
        return database
    database = sqlite3.connect("")
    database.executescript(schema)
    return database


def make_room(database: sqlite3.Connection, lengths: Iterable[int], largest: int, oldest: str, delete: str) -> None:
    """Makes room for bodies of these lengths. `oldest`: gives the key and the bytes of rows, the most
    dispensable first; `delete`: takes one by its key.

    Pages that are freed are used again: the file does not grow any more, nor does it become smaller."""
    size, pages, free = (number(database, f"PRAGMA {name}") for name in ("page_size", "page_count", "freelist_count"))
    needed = sum(_room(length, size) for length in lengths)
    too_many = (pages - free) * size + needed - largest
    if too_many <= 0:
        return
    # A quarter more, so that it is not done each time.
    left = too_many + largest // 4
    going = []
    for key, length in database.execute(oldest):
        going.append((key,))
        left -= _room(length, size)
        if left <= 0:
            break
    database.executemany(delete, going)


def _room(length: int, page: int) -> int:
    """Bytes that a body takes in the file: one that is longer than a quarter of a page has pages of its own."""
    return length if length < page // 4 else (1 + length // page) * page


def _open(file: Path, schema: str, rows: str) -> sqlite3.Connection | None:
    try:
        own_folder(file.parent)
        return _connect(file, schema, rows)
    except UsageError as error:
        _log.warning("%s\nSo this run goes on without a cache. %s", error.message, error.what_to_do)
        return None
    except (sqlite3.OperationalError, OSError):
        return None  # in use, or not writable: not ours to remove
    except sqlite3.DatabaseError:
        pass
    try:
        file.unlink(missing_ok=True)
        return _connect(file, schema, rows)
    except (sqlite3.Error, OSError):
        return None


def _connect(file: Path, schema: str, rows: str) -> sqlite3.Connection:
    own_database(file)
    database = sqlite3.connect(file, timeout=_PATIENCE)
    try:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = NORMAL")
        database.executescript(schema)
        database.execute(rows).fetchone()
    except sqlite3.Error:
        database.close()
        raise
    return database
