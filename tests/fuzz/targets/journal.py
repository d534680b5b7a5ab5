"""Rows of the journal, each column of any kind."""

import sqlite3
from contextlib import closing, suppress
from typing import Any

import msgspec

from holystone.adapters.state.sqlite import checked, rows
from holystone.adapters.state.sqlite.schema import _STEPS
from holystone.engine.errors import HolystoneError
from holystone.engine.model.codec import to_json
from tests.fuzz.scripted import REPOSITORY
from tests.support.small_plans import repository_plan

_D = "sha256:" + "0" * 64
_TABLES = {"runs": 7, "plans": 3, "slices": 9, "manifests": 4, "outcomes": 3, "tombstoned": 2, "losses": 3}
SEEDS = (
    msgspec.json.encode(
        {
            "runs": [
                [
                    "r",
                    1_790_000_000,
                    None,
                    "cleanup",
                    "open",
                    '{"as_of": 1, "command": "x", "format": 2, "repositories": 1}',
                    0,
                ]
            ],
            "plans": [["r", str(REPOSITORY), to_json(repository_plan(REPOSITORY)).decode()]],
            "slices": [[1, "r", str(REPOSITORY), 1, _D, "a/b", "{}", "{}", 1]],
            "manifests": [[1, _D, "a/b", "{}"]],
            "outcomes": [[1, 0, '{"outcome":{"type":"deleted"}}']],
            "tombstoned": [[1, 0]],
            "losses": [[1, "v1", _D]],
        }
    ),
)


def parse(data: bytes) -> None:
    try:
        document = msgspec.json.decode(data, type=dict[str, list[list[Any]]])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return
    with closing(sqlite3.connect(":memory:")) as database:
        for step in _STEPS:
            database.executescript(step)
        for table, columns in _TABLES.items():
            for row in document.get(table, ()):
                _insert(database, table, (row + [None] * columns)[:columns])
        for read in (rows.all_runs, _plan, _slice, _plans, _manifests):
            try:
                read(database)
            except HolystoneError as error:
                str(error)


def _insert(database: sqlite3.Connection, table: str, row: list[Any]) -> None:
    marks = ", ".join("?" * len(row))
    with suppress(sqlite3.Error, OverflowError, UnicodeEncodeError):
        database.execute(f"INSERT INTO {table} VALUES ({marks})", [_stored(value) for value in row])


def _stored(value: Any) -> Any:
    """JSON stands in the journal as bytes."""
    if isinstance(value, str) and value.startswith("{"):
        return value.encode(errors="surrogatepass")
    return msgspec.json.encode(value) if isinstance(value, list | dict) else value


def _plan(database: sqlite3.Connection) -> object:
    found = rows.one_run(database, None)
    return checked.begun(found[0].id, found[1]) if found else None


def _plans(database: sqlite3.Connection) -> object:
    return rows.read_plans(database, "r", "", 10)


def _slice(database: sqlite3.Connection) -> object:
    return rows.read_slice(database, "r", REPOSITORY)


def _manifests(database: sqlite3.Connection) -> object:
    return rows.read_manifests(database, "r", REPOSITORY)
