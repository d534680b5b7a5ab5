"""Rows of the journal, each column of any kind."""

import sqlite3
from contextlib import closing, suppress
from typing import Any

import msgspec

from holystone.adapters.state.sqlite import checked, rows
from holystone.adapters.state.sqlite.schema import _STEPS, VERSION
from holystone.engine.errors import HolystoneError
from holystone.engine.model.codec import to_json
from holystone.engine.model.plan import Pass
from holystone.engine.model.references import Digest
from tests.fuzz.scripted import REPOSITORY
from tests.support.small_plans import level, remove, repository_plan, untag

_D = Digest("sha256:" + "0" * 64)
_PLAN = repository_plan(REPOSITORY, Pass("untag", (untag("v1", _D),)), level(remove(_D)))
_TABLES = {"runs": 8, "plans": 3, "slices": 9, "manifests": 4, "outcomes": 3, "tombstoned": 2, "losses": 3}
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
                    VERSION,
                ]
            ],
            "plans": [["r", str(REPOSITORY), to_json(_PLAN).decode()]],
            "slices": [[1, "r", str(REPOSITORY), 1, _D, "a/b", "{}", "{}", 1]],
            "manifests": [[1, _D, "a/b", "{}"]],
            "outcomes": [[1, "v1", '{"outcome":{"type":"deleted"}}']],
            "tombstoned": [[1, _D]],
            "losses": [[1, "v1", _D]],
        },
        enc_hook=str,
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
    return checked.begun(found[0].id, *found[1]) if found else None


def _plans(database: sqlite3.Connection) -> object:
    return rows.read_plans(database, "r", "", 10)


def _slice(database: sqlite3.Connection) -> object:
    return rows.read_slice(database, "r", _PLAN)


def _manifests(database: sqlite3.Connection) -> object:
    return rows.read_manifests(database, "r", REPOSITORY)
