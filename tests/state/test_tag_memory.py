"""What is remembered of names: only for so long, only what is whole, only after a reading without a doubt, and never at
a run's cost."""

import asyncio
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import anyio
import pytest

from holystone.adapters.state.sqlite.tag_memory import FORGET_AFTER_DAYS, SqliteTagMemory
from holystone.engine.model.references import Digest, RegistryHost, Repository, Tag
from holystone.engine.model.sightings import LookedAt
from tests.support.memory_registry import repository

APP, OTHER = repository("app"), repository("other")
DAY = 24 * 3600
NOW = 1_800_000_000
ONE, TWO = Digest.of(b"one"), Digest.of(b"two")
A, B, C = Tag("a"), Tag("b"), Tag("c")


def at(moment: int) -> Callable[[], float]:
    return lambda: moment


async def learned(file: Path, *tags: Tag, moment: int = NOW, where: Repository = APP) -> None:
    with SqliteTagMemory(file, at(moment)) as memory:
        await memory.learn(where, dict.fromkeys(tags, ONE))
        await memory.settle()


async def known(file: Path, moment: int = NOW, where: Repository = APP) -> dict[Tag, LookedAt]:
    with SqliteTagMemory(file, at(moment)) as memory:
        return dict(await memory.recall(where))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "tags.db"


async def test_what_was_looked_at_is_known_of_its_repository_alone(file: Path) -> None:
    await learned(file, A, B)
    assert await known(file) == {A: LookedAt(ONE, NOW), B: LookedAt(ONE, NOW)}
    assert await known(file, where=OTHER) == {}


async def test_the_port_of_https_makes_no_other_repository(file: Path) -> None:
    written = Repository(RegistryHost("r.example:443"), APP.path)
    await learned(file, A, where=written)
    assert await known(file, where=Repository(RegistryHost("r.example"), APP.path)) == {A: LookedAt(ONE, NOW)}


async def test_of_what_was_known_only_what_is_still_there_remains_and_is_as_old_as_it_was(file: Path) -> None:
    await learned(file, A, B)
    with SqliteTagMemory(file, at(NOW + DAY)) as memory:
        await memory.learn(APP, {C: TWO}, {A, C})
        await memory.settle()
    assert await known(file, NOW + DAY) == {A: LookedAt(ONE, NOW), C: LookedAt(TWO, NOW + DAY)}
    with SqliteTagMemory(file, at(NOW + DAY)) as memory:
        await memory.learn(APP, {})
        await memory.settle()
    assert await known(file, NOW + DAY) == {}


@pytest.mark.parametrize("later", [FORGET_AFTER_DAYS * DAY + 1, -1], ids=["long ago", "by a clock that was ahead"])
async def test_a_look_counts_for_so_long(file: Path, later: int) -> None:
    await learned(file, A)
    assert A in await known(file, NOW + FORGET_AFTER_DAYS * DAY)
    assert await known(file, NOW + later) == {}


async def test_what_a_reading_learned_that_came_to_no_end_is_nothing(file: Path) -> None:
    await learned(file, A)
    with SqliteTagMemory(file, at(NOW)) as memory:
        await memory.learn(OTHER, {B: ONE})
        assert await memory.recall(OTHER) == {B: LookedAt(ONE, NOW)}
    assert await known(file) == {A: LookedAt(ONE, NOW)}
    assert await known(file, where=OTHER) == {}


async def test_each_reading_counts_for_itself(file: Path) -> None:
    """As of a program that plans twice."""
    with SqliteTagMemory(file, at(NOW)) as memory:
        await memory.learn(APP, {A: ONE})
        await memory.settle()
        await memory.learn(OTHER, {B: ONE})
    assert await known(file) == {A: LookedAt(ONE, NOW)}
    assert await known(file, where=OTHER) == {}


@pytest.fixture
def damaged(file: Path) -> Path:
    file.write_bytes(b"this is not a database" * 100)
    return file


async def test_a_damaged_file_is_begun_anew(damaged: Path) -> None:
    file = damaged
    assert await known(file) == {}
    await learned(file, A)
    assert await known(file) == {A: LookedAt(ONE, NOW)}


async def test_a_file_with_other_columns_is_used_for_nothing(file: Path) -> None:
    with sqlite3.connect(file) as database:
        database.execute("CREATE TABLE known (tag TEXT, line TEXT)")
    database.close()
    await learned(file, A)
    assert await known(file) == {}


async def test_a_place_that_cannot_be_written_costs_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with SqliteTagMemory(tmp_path / "file" / "tags.db", at(NOW)) as memory:
        await memory.learn(APP, {A: ONE})
        await memory.settle()
        assert await memory.recall(APP) == {A: LookedAt(ONE, NOW)}


@pytest.mark.parametrize("odd", [b"", b"\x00", b"\x81\x01\x81\xa1a\xa4none", "text", 7, None, b"\x81\x01\xc0"])
async def test_a_row_that_is_not_as_it_was_written_is_not_there(file: Path, odd: object) -> None:
    await learned(file, A)
    await learned(file, B, where=OTHER)
    with sqlite3.connect(file) as database:
        database.execute("PRAGMA ignore_check_constraints = 1")
        value = b"\xc1" if odd is None else odd
        database.execute("UPDATE known SET tags = ? WHERE repository = ?", (value, str(APP)))
    database.close()
    assert await known(file) == {}
    assert await known(file, where=OTHER) == {B: LookedAt(ONE, NOW)}
    await learned(file, A)
    assert await known(file) == {A: LookedAt(ONE, NOW)}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files to others")
def test_a_file_of_somebody_else_is_neither_read_nor_changed(file: Path, caplog: pytest.LogCaptureFixture) -> None:
    asyncio.run(learned(file, A))
    os.chown(file, 65_534, 65_534)
    before = file.read_bytes()
    assert asyncio.run(known(file)) == {}
    asyncio.run(learned(file, B))
    assert file.read_bytes() == before
    assert "this run goes on without a cache" in caplog.text


async def test_the_repository_that_was_looked_at_longest_ago_makes_room(file: Path) -> None:
    largest, many = 1 << 20, [Tag(f"{number:0100}") for number in range(300)]
    repositories = [repository(f"r{number}") for number in range(60)]
    for number, each in enumerate(repositories):
        with SqliteTagMemory(file, at(NOW + number), largest_file=largest) as memory:
            await memory.learn(each, dict.fromkeys(many, ONE))
            await memory.settle()
        assert (await anyio.Path(file).stat()).st_size < largest * 1.3
    kept = [each for each in repositories if await known(file, NOW + 100, each)]
    assert 5 < len(kept) < 30
    assert kept == repositories[-len(kept) :]


async def test_a_repository_larger_than_the_file_is_not_remembered(file: Path) -> None:
    await learned(file, A, where=OTHER)
    with SqliteTagMemory(file, at(NOW), largest_file=1 << 16) as memory:
        await memory.learn(APP, {Tag(f"{number:0100}"): ONE for number in range(1000)})
        await memory.settle()
    assert await known(file) == {}
    assert await known(file, where=OTHER) == {A: LookedAt(ONE, NOW)}


_DIES = """
import asyncio, os, sys
from pathlib import Path
from holystone.adapters.state.sqlite.tag_memory import SqliteTagMemory
from holystone.engine.model.references import Digest, RegistryHost, Repository, RepositoryPath, Tag

async def main():
    with SqliteTagMemory(Path(sys.argv[1]), lambda: 1_800_000_000) as memory:
        for number in range(50):
            at = Repository(RegistryHost("registry.test"), RepositoryPath(f"r{number}"))
            await memory.learn(at, {Tag("a"): Digest.of(b"one")})
            if number == 24:
                await memory.settle()
        os.kill(os.getpid(), 9)

asyncio.run(main())
"""


def test_who_is_killed_leaves_what_was_read_to_its_end(file: Path) -> None:
    done = subprocess.run([sys.executable, "-c", _DIES, str(file)], check=False)
    assert done.returncode == -9
    host = RegistryHost("registry.test")
    there = [bool(asyncio.run(known(file, where=Repository(host, repository(f"r{n}").path)))) for n in range(50)]
    assert there == [True] * 25 + [False] * 25


async def test_two_runs_at_once(file: Path) -> None:
    with SqliteTagMemory(file, at(NOW)) as one, SqliteTagMemory(file, at(NOW)) as two:
        await one.learn(APP, {A: ONE})
        await two.learn(OTHER, {B: TWO})
        await two.settle()
        assert await one.recall(OTHER) == {B: LookedAt(TWO, NOW)}
        await one.settle()
    assert await known(file) == {A: LookedAt(ONE, NOW)}
    assert await known(file, where=OTHER) == {B: LookedAt(TWO, NOW)}
