"""The journal's file: opened, checked, brought into being."""

import sqlite3
from pathlib import Path
from typing import Final

from holystone.adapters.state.own_files import own_database, own_folder
from holystone.engine.errors import HolystoneError, UsageError

FILE_NAME: Final = "journal.sqlite"
_APPLICATION: Final = 0x484F4C59
"""`HOLY`: the file is ours."""
_PATIENCE: Final = 30.0
"""Seconds to wait for another process that is writing."""
_TABLES: Final = """
CREATE TABLE runs (
    id TEXT PRIMARY KEY, started INTEGER NOT NULL, ended INTEGER, command TEXT NOT NULL, state TEXT NOT NULL,
    plan BLOB NOT NULL
);
CREATE TABLE slices (
    id INTEGER PRIMARY KEY, run TEXT NOT NULL REFERENCES runs, repository TEXT NOT NULL, sealed INTEGER NOT NULL,
    tombstone_digest TEXT, tombstone_type TEXT, tombstone_body BLOB, tombstone_config BLOB, UNIQUE (run, repository)
);
CREATE TABLE manifests (
    slice INTEGER NOT NULL REFERENCES slices, digest TEXT NOT NULL, media_type TEXT NOT NULL, body BLOB NOT NULL,
    PRIMARY KEY (slice, digest)
);
CREATE TABLE outcomes (
    slice INTEGER NOT NULL REFERENCES slices, step INTEGER NOT NULL, outcome BLOB NOT NULL, PRIMARY KEY (slice, step)
) WITHOUT ROWID;
CREATE TABLE tombstoned (
    slice INTEGER NOT NULL REFERENCES slices, step INTEGER NOT NULL, PRIMARY KEY (slice, step)
) WITHOUT ROWID;
"""
_STEPS: Final = (
    _TABLES,
    """
    ALTER TABLE slices ADD COLUMN checked INTEGER NOT NULL DEFAULT 0;
    CREATE TABLE losses (
        slice INTEGER NOT NULL REFERENCES slices, tag TEXT NOT NULL, digest TEXT NOT NULL,
        PRIMARY KEY (slice, tag, digest)
    ) WITHOUT ROWID;
    """,
    "ALTER TABLE runs ADD COLUMN locks INTEGER NOT NULL DEFAULT 0",
    """
    CREATE TABLE plans (
        run TEXT NOT NULL REFERENCES runs, repository TEXT NOT NULL, plan BLOB NOT NULL, PRIMARY KEY (run, repository)
    );
    """,
    """
    ALTER TABLE runs ADD COLUMN format INTEGER NOT NULL DEFAULT 4;
    ALTER TABLE outcomes RENAME TO outcomes_by_position;
    ALTER TABLE tombstoned RENAME TO tombstoned_by_position;
    CREATE TABLE outcomes (
        slice INTEGER NOT NULL REFERENCES slices, step TEXT NOT NULL, outcome BLOB NOT NULL, PRIMARY KEY (slice, step)
    ) WITHOUT ROWID;
    CREATE TABLE tombstoned (
        slice INTEGER NOT NULL REFERENCES slices, step TEXT NOT NULL, PRIMARY KEY (slice, step)
    ) WITHOUT ROWID;
    """,
)
"""From each format to the next: a journal of an earlier version goes through those that it lacks. What was written is
never changed. Since the fifth each run says in which it was begun; before, a step was named by its position."""
VERSION: Final = len(_STEPS)


def open_database(file: Path) -> sqlite3.Connection:
    """Raises UsageError for a file of a newer version, of another program or of another user, HolystoneError if it
    cannot be used.

    WAL with `synchronous=FULL`: a commit is on the disk when it returns (sqlite.org/pragma.html#pragma_synchronous).
    """
    try:
        own_folder(file.parent)
        own_database(file)
        database = sqlite3.connect(file, timeout=_PATIENCE, isolation_level=None, check_same_thread=False)
        database.text_factory = _text
    except (OSError, sqlite3.Error) as error:
        raise unusable(file, error) from error
    try:
        _check(database, file)
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = FULL")
        _bring_up_to_date(database, file)
        database.execute("SELECT count(*) FROM slices").fetchone()
    except sqlite3.Error as error:
        database.close()
        raise unusable(file, error) from error
    except HolystoneError:
        database.close()
        raise
    return database


def _text(data: bytes) -> str:
    """What is no text is found by whoever reads that row, and stops nobody else."""
    return data.decode(errors="replace")


def unusable(file: Path, error: Exception) -> HolystoneError:
    if isinstance(error, sqlite3.OperationalError) and "locked" in str(error):
        message = f"The journal {file} is locked: another process is writing to it and does not stop."
        way_out = "Wait for that process, or find out with `lsof` who holds the file."
    elif isinstance(error, sqlite3.OperationalError | OSError):
        message = f"The journal {file} cannot be used: {error}."
        way_out = "Make room and rights for it, or choose another state directory."
    else:
        message = f"The journal {file} is damaged: {error}."
        way_out = "Restore it from a backup, or move it away: earlier runs can then be neither resumed nor undone."
    return HolystoneError(
        message, not_deleted="Nothing is deleted that is not in the journal first.", what_to_do=way_out
    )


def _check(database: sqlite3.Connection, file: Path) -> None:
    empty = number(database, "SELECT count(*) FROM sqlite_master") == 0  # first: another process of ours may fill it
    application = number(database, "PRAGMA application_id")
    version = number(database, "PRAGMA user_version")
    if application != _APPLICATION and not (empty and application == 0):
        raise UsageError(
            f"{file} is the database of another program.",
            not_deleted="Nothing was deleted.",
            what_to_do="Choose another state directory.",
        )
    if version > VERSION:
        raise UsageError(
            f"The journal {file} was written by a newer Holystone (format {version}, known is {VERSION}).",
            not_deleted="Nothing was deleted.",
            what_to_do="Update Holystone, or choose another state directory.",
        )


def _bring_up_to_date(database: sqlite3.Connection, file: Path) -> None:
    """Brings a database to this version in one transaction, so that of two processes which start at once only one does
    it. What fails is taken back when the connection is closed."""
    database.execute("BEGIN IMMEDIATE")
    _check(database, file)  # once more: called an older one, what a newer Holystone made meanwhile is of use to nobody
    for step in _STEPS[number(database, "PRAGMA user_version") :]:
        for statement in step.split(";"):
            database.execute(statement)
    database.execute(f"PRAGMA application_id = {_APPLICATION}")
    database.execute(f"PRAGMA user_version = {VERSION}")
    database.execute("COMMIT")


def number(database: sqlite3.Connection, query: str) -> int:
    return int(database.execute(query).fetchone()[0])
