"""What is remembered of a run, from one to the next."""

import os
import sqlite3
from pathlib import Path

import pytest

from holystone.adapters.state.sqlite.baselines import FILE_NAME, SqliteBaselines
from holystone.engine.errors import HolystoneError
from holystone.engine.model.references import RegistryHost, Repository, RepositoryPath
from holystone.engine.model.sources import Counted, Key

STAGES = Repository(RegistryHost("r.example"), RepositoryPath("shop/stages"))
TAGS = Key("tags", STAGES)
SHOP, OTHER = Key("references", STAGES, "shop"), Key("references", STAGES, "other")


async def test_nothing_is_made_by_reading(tmp_path: Path) -> None:
    assert await SqliteBaselines(tmp_path / "state").read([TAGS]) == {}
    assert not (tmp_path / "state").exists()
    assert await SqliteBaselines(tmp_path).read([TAGS]) == {}
    assert not (tmp_path / FILE_NAME).exists()


async def test_nobody_else_reads_it(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        await SqliteBaselines(tmp_path / "state").remember([Counted(TAGS, 50, 50)], 1_000, "run-1")
    finally:
        os.umask(before)
    assert (tmp_path / "state" / FILE_NAME).stat().st_mode & 0o077 == 0


async def test_nothing_that_was_counted_makes_no_file(tmp_path: Path) -> None:
    await SqliteBaselines(tmp_path / "state").remember([], 1_000, "run-1")
    assert not (tmp_path / "state").exists()


async def test_a_database_of_somebody_else_is_left_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / FILE_NAME
    with sqlite3.connect(file) as database:
        database.execute("CREATE TABLE theirs (x)")
    database.close()
    content = file.read_bytes()
    with pytest.raises(HolystoneError, match="the database of another program"):
        await SqliteBaselines(tmp_path).remember([Counted(TAGS, 50, 50)], 1_000, "run-1")
    assert file.read_bytes() == content


async def test_an_empty_database_of_another_program_is_left_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / FILE_NAME
    with sqlite3.connect(file) as database:
        database.execute("PRAGMA application_id = 7")
    database.close()
    with pytest.raises(HolystoneError, match="the database of another program"):
        await SqliteBaselines(tmp_path).remember([Counted(TAGS, 50, 50)], 1_000, "run-1")


@pytest.mark.parametrize("damage", ["no database", "another program's", "row", "future"])
async def test_a_file_that_cannot_be_believed_is_an_error(tmp_path: Path, damage: str) -> None:
    await SqliteBaselines(tmp_path).remember([Counted(TAGS, 50, 50)], 2_000, "new")
    file = tmp_path / FILE_NAME
    if damage == "no database":
        file.write_bytes(b"rust" * 1000)
    else:
        values = {"row": '{"number": "many"}', "future": '{"number":1,"as_of":99999999999999999}'}
        with sqlite3.connect(file) as database:
            if damage in values:
                database.execute("UPDATE baselines SET value = ?", (values[damage],))
            if damage == "another program's":
                database.execute("PRAGMA application_id = 7")
        database.close()
    with pytest.raises(HolystoneError) as caught:
        await SqliteBaselines(tmp_path).read([TAGS])
    assert str(file) in caught.value.message
    assert caught.value.exit_code == 1
