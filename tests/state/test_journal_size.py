"""How large the journal may become, and what is never forgotten for it."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from holystone.adapters.state.sqlite import Journal
from holystone.adapters.state.sqlite.forgetting import AFTER_DAYS, LARGEST, SURELY_DAYS, forget_runs
from holystone.adapters.state.sqlite.schema import FILE_NAME, open_database
from holystone.engine.model.manifests import OCI_MANIFEST, RawManifest
from holystone.engine.model.records import RunState
from tests.support.journals import begin_repository
from tests.support.memory_registry import digest_of, repository
from tests.support.small_plans import plan, repository_plan

APP = repository()
DAY = 86_400
NOW = 1_795_000_000


async def _runs(folder: Path, *runs: tuple[int, RunState | None]) -> list[str]:
    """Each ended so many days ago in this state, or not at all, and keeps half a megabyte."""
    ids = []
    for number, (ago, state) in enumerate(runs):
        with Journal.open(folder, now=lambda ago=ago: NOW - ago * DAY) as journal:  # type: ignore[misc]
            body = b"%d" % number + bytes(500_000)
            run = await journal.begin(plan(repository_plan(APP)), "cleanup")
            await begin_repository(run, APP, [RawManifest(digest_of(body), OCI_MANIFEST, body)], None)
            await (run.finish(state) if state else run.begin_undo())
            ids.append(run.id)
    return ids


async def _a_week(folder: Path) -> None:
    """Seven days, up to now, on each of which a run began and had nothing to do."""
    for ago in range(6, -1, -1):
        with Journal.open(folder, now=lambda ago=ago: NOW - ago * DAY) as journal:  # type: ignore[misc]
            await (await journal.begin(plan(), "cleanup")).finish()


def _left(folder: Path, largest: int) -> set[str]:
    with closing(sqlite3.connect(folder / FILE_NAME)) as database:
        forget_runs(database, NOW, largest=largest)
        database.commit()
        return {name for (name,) in database.execute("SELECT id FROM runs")}


@pytest.mark.parametrize(
    ("largest", "gone"),
    [
        (100 << 20, set()),
        (2_800_000, {1}),  # nothing of it can be undone any more
        (2_300_000, {1, 4}),
        (1_800_000, {0, 1, 4}),  # the oldest of those that were not promised to stay
        (0, {0, 1, 4}),
    ],
)
async def test_what_is_forgotten_to_make_room(tmp_path: Path, largest: int, gone: set[int]) -> None:
    ids = await _runs(
        tmp_path,
        (SURELY_DAYS + 9, "finished"),
        (SURELY_DAYS + 8, "undone"),
        (SURELY_DAYS + 7, None),
        (SURELY_DAYS - 1, "finished"),
        (1, "undone"),
        (2, "given-up"),
    )
    await _a_week(tmp_path)
    assert _left(tmp_path, largest) & set(ids) == {name for number, name in enumerate(ids) if number not in gone}


async def test_a_journal_that_is_just_as_large_as_it_may_be_forgets_nothing(tmp_path: Path) -> None:
    ids = await _runs(tmp_path, (SURELY_DAYS + 9, "finished"))
    await _a_week(tmp_path)
    with closing(sqlite3.connect(tmp_path / FILE_NAME)) as database:
        names = ("page_count", "freelist_count", "page_size")
        pages, free, each = (database.execute(f"PRAGMA {name}").fetchone()[0] for name in names)
    assert set(ids) <= _left(tmp_path, (pages - free) * each)
    assert not set(ids) & _left(tmp_path, (pages - free) * each - 1)


async def test_what_is_old_goes_whatever_room_there_is(tmp_path: Path) -> None:
    ids = await _runs(tmp_path, (AFTER_DAYS + 7, "finished"), (AFTER_DAYS, "finished"), (AFTER_DAYS + 7, None))
    await _a_week(tmp_path)
    _, kept, undoing = ids
    assert _left(tmp_path, 100 << 20) & set(ids) == {kept, undoing}


def test_the_days_and_the_size_are_those_that_the_documentation_promises() -> None:
    assert (AFTER_DAYS, SURELY_DAYS, LARGEST) == (90, 14, 1_073_741_824)


@pytest.mark.parametrize("days", [1, 3])
async def test_a_clock_that_leaps_ahead_makes_no_run_old(tmp_path: Path, days: int) -> None:
    """Where no clock is compared, and more than one command is run by it."""
    ids = await _runs(tmp_path, (20, "finished"), (1, "finished"))
    await _a_week(tmp_path)
    for leap in [200 + day for day in range(days) for _ in range(3)]:
        with Journal.open(tmp_path, now=lambda leap=leap: NOW + leap * DAY) as journal:  # type: ignore[misc]
            await (await journal.begin(plan(), "managed-images rm")).finish()
            assert {each.id for each in await journal.runs()} >= set(ids)


async def test_what_was_done_while_the_clock_was_behind_is_not_old(tmp_path: Path) -> None:
    await _a_week(tmp_path)
    (late,) = await _runs(tmp_path, (200, "finished"))
    assert late in _left(tmp_path, 0)


def test_thousands_of_runs_are_not_each_held_against_all_others(tmp_path: Path) -> None:
    """Whoever may push may begin as many: each run waited a second for 8,000 before it, and 15 for 30,000, in which no
    other one could write."""
    with closing(open_database(tmp_path / FILE_NAME)) as database:
        run = "INSERT INTO runs (id, started, ended, command, state, plan) VALUES (?, ?, ?, 'cleanup', 'finished', '')"
        moments = [NOW - 80 * DAY + number * 3_456 for number in range(2_000)]
        database.executemany(run, [(str(moment), moment, moment) for moment in moments])
        thousands: list[None] = []
        database.set_progress_handler(lambda: thousands.append(None), 1_000)
        forget_runs(database, NOW)
        assert len(thousands) < 200, "a hundred steps for each"
        assert database.execute("SELECT count(*) FROM runs").fetchone() == (2_000,)
