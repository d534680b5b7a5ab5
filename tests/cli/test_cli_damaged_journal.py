"""A row of the journal that is not as it was written is the trouble of its own run: told by name, and the others go
on."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.test_cli_resume import age, interrupt, states
from tests.support.command_line import Bench


@pytest.fixture
def state(tmp_path: Path, shop: Bench) -> Path:
    shop.env["HOLYSTONE_STATE_DIR"] = str(tmp_path / "journal")
    return tmp_path / "journal"


def change(state: Path, statement: str, *values: object) -> None:
    with closing(sqlite3.connect(state / "journal.sqlite")) as database, database:
        assert database.execute(statement, values).rowcount > 0


def copy(state: Path, run: str, columns: dict[str, object], name: str = "copy") -> str:
    """Another run beside it, which began later."""
    with closing(sqlite3.connect(state / "journal.sqlite")) as database, database:
        database.execute(
            "INSERT INTO runs SELECT ?, started + 1, ended, command, state, plan, locks, format FROM runs WHERE id = ?",
            (name, run),
        )
        for column, value in columns.items():
            database.execute(f"UPDATE runs SET {column} = ? WHERE id = ?", (value, name))
    return name


PLANS = [b"", b"{}", b"\xff", "text", 7, b'{"as_of": 1e400}', b"[" * 100_000, b'{"nobody": 1}']
PLANS += [b'{"as_of": 99999999999999, "command": "cleanup", "repositories": []}']


@pytest.mark.parametrize("plan", PLANS, ids=range(len(PLANS)))
def test_a_plan_that_cannot_be_read_stops_nobody_else(shop: Bench, state: Path, plan: object) -> None:
    own = interrupt(shop)
    broken = copy(state, own, {"plan": plan})
    alone = shop.run("resume", broken)
    assert alone.code == 1
    assert f"The journal's record of run {broken} is damaged (its plan: " in alone.message
    undone = shop.run("undo", broken)
    assert undone.code == 1
    assert broken in undone.message
    ran = shop.run("resume")
    assert ran.code == 0, ran
    assert f"Run {broken} (cleanup) is left as it is." in ran.err
    assert states(shop) == {own: "finished", broken: "open"}
    fresh = shop.run("resume")
    assert fresh.code == 1, "nobody has heard of it yet"
    age(state, broken, 24)
    assert shop.run("resume").code == 0
    assert shop.run("runs", "give-up", broken).code == 0
    assert states(shop)[broken] == "given-up"


ROWS = [{"started": "yesterday"}, {"state": "asleep"}, {"state": b"open"}, {"command": None}, {"ended": 1.5}]


@pytest.mark.parametrize("columns", ROWS, ids=range(len(ROWS)))
def test_a_record_that_is_no_runs_stops_nobody_else(shop: Bench, state: Path, columns: dict[str, object]) -> None:
    own = interrupt(shop)
    with closing(sqlite3.connect(state / "journal.sqlite")) as database, database:
        database.execute("PRAGMA writable_schema = ON")  # as another hand may have made it
        database.execute("UPDATE sqlite_master SET sql = replace(sql, ' NOT NULL', '') WHERE name = 'runs'")
    broken = copy(state, own, columns)
    assert states(shop) == {own: "open", broken: "damaged"}
    assert shop.run("resume", broken).code == 1
    ran = shop.run("resume")
    assert ran.code == 0, ran
    assert f"A record in the journal is no run's, and is left as it is: {broken} " in ran.err
    assert states(shop)[own] == "finished"


@pytest.mark.parametrize("name", ["../../run", "a/b", "x" * 65, "run\n::error::", "\x1b[2J"])
def test_a_name_that_is_none_makes_no_lock_and_no_tag(shop: Bench, state: Path, name: str) -> None:
    own = interrupt(shop)
    copy(state, own, {}, name)
    files = set(state.parent.rglob("*"))
    ran = shop.run("resume", name)
    assert ran.code in (1, 2)
    assert "Traceback" not in ran.err
    listed = shop.run("runs")
    assert all(line.isprintable() and not line.startswith("::") for line in listed.out.splitlines())
    assert set(state.parent.rglob("*")) == files
    assert shop.run("resume").code == 0


def test_what_an_outcome_or_a_manifest_says_is_looked_at(shop: Bench, state: Path) -> None:
    before = shop.contents()
    run = shop.cleanup("--output=json").json["run"]
    change(state, "UPDATE manifests SET body = CAST(body || ' ' AS BLOB)")
    undone = shop.run("undo", run, "--output=json", "--cache-dir", str(state / "another"))
    assert undone.code == 1
    assert {each["outcome"]["type"] for at in undone.json["undone"] for each in at["not_back"]} == {"bytes-damaged"}
    after = shop.contents()
    assert after != before
    assert all(tags.items() <= before[path][0].items() for path, (tags, _) in after.items()), "as it was, or not at all"


def test_an_outcome_that_is_none_is_told(shop: Bench, state: Path) -> None:
    run = interrupt(shop)
    change(state, "UPDATE outcomes SET outcome = ?", json.dumps({"outcome": {"type": "eaten"}}).encode())
    ran = shop.run("resume", run)
    assert ran.code == 1
    assert f"The journal's record of run {run} is damaged ({shop.registry.host}/shop/" in ran.message


def test_what_came_of_something_that_the_plan_does_not_remove_is_told(shop: Bench, state: Path) -> None:
    run = interrupt(shop)
    change(state, "UPDATE outcomes SET step = step || '0'")
    ran = shop.run("resume", run)
    assert ran.code == 1
    assert f"The journal's record of run {run} is damaged ({shop.registry.host}/shop/" in ran.message
    assert "its plan does not remove" in ran.message


def test_a_run_of_an_earlier_format_is_listed_and_neither_resumed_nor_undone(shop: Bench, state: Path) -> None:
    run = interrupt(shop)
    change(state, "UPDATE runs SET format = 4")
    before = shop.contents()
    assert states(shop) == {run: "open"}
    for command in ("resume", "undo"):
        ran = shop.run(command, run)
        assert ran.code == 1
        assert f"Run {run} was begun by an earlier version of Holystone" in ran.message
    assert shop.contents() == before
    assert shop.run("runs", "give-up", run).code == 0
    assert states(shop) == {run: "given-up"}
