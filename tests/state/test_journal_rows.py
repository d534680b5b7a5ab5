"""Rows are claims: what becomes of one that is not as we write them."""

import asyncio
import hashlib
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import anyio
import pytest

from holystone.adapters.state.sqlite import Journal, checked
from holystone.adapters.state.sqlite.schema import FILE_NAME, VERSION, open_database, unusable
from holystone.engine.errors import Damaged, HolystoneError, UsageError
from holystone.engine.model.layerless import layerless_image
from holystone.engine.model.manifests import OCI_MANIFEST, RawManifest
from holystone.engine.model.outcomes import Loss
from holystone.engine.model.records import RunRecord, Tombstone
from holystone.engine.model.references import Digest, Tag
from tests.support.manifest_graphs import d
from tests.support.memory_registry import digest_of
from tests.support.small_plans import plan

ID = "20261123-161200-ab12"
BODY = b"{}"
DIGEST = Digest(f"sha256:{hashlib.sha256(BODY).hexdigest()}")


@pytest.mark.parametrize(("locks", "locked"), [(0, False), (1, True)])
def test_a_run_as_we_write_it(locks: int, locked: bool) -> None:
    row = (ID, 5, 7, "cleanup", "finished", locks)
    assert checked.run_record(row) == RunRecord(ID, 5, 7, "cleanup", "finished", locked)
    for state in ("open", "undoing", "undone", "given-up"):
        assert checked.run_record(("a" * 64, 5, None, "c", state, locks)).state == state


@pytest.mark.parametrize(
    ("row", "shown", "why"),
    [
        (("../journal", 5, None, "c", "open", 0), "../journal", "its name is none"),
        (("a" * 65, 5, None, "c", "open", 0), "a" * 65, "its name is none"),
        (("a" * 200, 5, None, "c", "open", 0), "a" * 79, "its name is none"),
        (("", 5, None, "c", "open", 0), "", "its name is none"),
        (("X/X", 5, None, "c", "open", 0), "X/X", "its name is none"),
        ((ID, 5, None, "c", "damaged", 0), ID, "there is no state damaged"),
        ((ID, 5, None, "c", "shut", 0), ID, "Invalid enum value 'shut' - at `$.state`"),
        ((ID, "five", None, "c", "open", 0), ID, "Expected `int`, got `str` - at `$.started`"),
        ((ID, 5, 1 << 62, "c", "finished", 0), ID, "Expected `int` <= 253402300799 - at `$.ended`"),
        ((ID, 5, None, "c", "open", 2), ID, "Expected `bool`, got `int` - at `$.locks`"),
        ((7, 5, None, "c", "open", 0), "7", "Expected `str`, got `int` - at `$.id`"),
    ],
)
def test_a_run_that_is_none_says_so_and_stops_no_other(row: tuple[object, ...], shown: str, why: str) -> None:
    assert checked.run_record(row) == RunRecord(shown, 0, None, why, "damaged")


def test_bytes_that_are_not_their_digests_are_none() -> None:
    assert checked.manifest(DIGEST, OCI_MANIFEST, BODY) == RawManifest(DIGEST, OCI_MANIFEST, BODY)
    assert checked.manifest(DIGEST, None, BODY) == RawManifest(DIGEST, "", BODY)
    assert checked.manifest(DIGEST, OCI_MANIFEST, b"{ }") is None
    assert checked.manifest(DIGEST, OCI_MANIFEST, "{}") is None
    assert checked.manifest(d(1), OCI_MANIFEST, BODY) is None


def test_a_tombstone_is_pushed_and_deleted_as_it_was_written_or_not_at_all() -> None:
    raw, config = layerless_image({}, oci=True)
    made = checked.tombstone(raw.digest, raw.media_type, raw.body, config)
    assert made is not None
    assert (made.manifest, made.config) == (raw, config)
    assert checked.tombstone(None, raw.media_type, raw.body, config) is None
    for changed in ((d(1), raw.body, config), (raw.digest, BODY, config), (raw.digest, raw.body, config + b" ")):
        with pytest.raises(ValueError, match="not its digest's"):
            checked.tombstone(changed[0], raw.media_type, changed[1], changed[2])
    with pytest.raises(TypeError, match="expected bytes, got str"):
        checked.tombstone(raw.digest, raw.media_type, raw.body, "text")


def test_what_was_lost_is_a_tag_with_its_manifest_or_a_manifest() -> None:
    assert checked.loss("a", DIGEST) == Loss(DIGEST, Tag("a"))
    assert checked.loss("", DIGEST) == checked.loss(None, DIGEST) == Loss(DIGEST)
    for wrong in (("a b", DIGEST), ("a", "sha256:1"), ("a", 7)):
        with pytest.raises(ValueError):
            checked.loss(*wrong)


def test_the_run_is_named_whose_row_is_wrong() -> None:
    for error in (ValueError("x"), TypeError("x")):
        with pytest.raises(Damaged, match=f"run {ID} is damaged \\(its plan: x\\)"), checked.reading(ID, "its plan"):
            raise error
    with pytest.raises(Damaged, match=f"run {ID} is damaged \\(its plan: expected bytes, got str"):
        checked.begun(ID, VERSION, "text")


def test_the_parts_of_a_tombstone_are_it_and_seven_that_differ_in_what_nobody_reads() -> None:
    raw, config = layerless_image({}, oci=True)
    parts = Tombstone(raw, config).parts
    assert parts[0] == raw
    assert [part.body for part in parts] == [raw.body + b"\n" * number for number in range(8)]
    assert [part.digest for part in parts] == [digest_of(part.body) for part in parts]


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (sqlite3.OperationalError("database is locked"), "is locked: another process is writing to it"),
        (sqlite3.OperationalError("disk I/O error"), "cannot be used: disk I/O error"),
        (PermissionError("locked away"), "cannot be used: locked away"),
        (sqlite3.DatabaseError("file is not a database, it is locked"), "is damaged: file is not a database"),
    ],
)
def test_a_journal_that_cannot_be_used_says_why(error: Exception, said: str) -> None:
    assert said in unusable(Path("/x/journal.sqlite"), error).message


async def test_a_journal_that_is_closed_writes_nothing_and_says_so(tmp_path: Path) -> None:
    with Journal.open(tmp_path) as journal:
        run = await journal.begin(plan(), "cleanup")
    with pytest.raises(RuntimeError, match="the journal is closed"), anyio.fail_after(1):
        await run.finish()


async def test_what_failed_in_the_middle_is_taken_back_and_harms_nobody_after_it(tmp_path: Path) -> None:
    def break_down(database: sqlite3.Connection) -> None:
        database.execute("UPDATE runs SET command = 'half'")
        database.execute("no SQL")

    with Journal.open(tmp_path) as journal:
        run = await journal.begin(plan(), "cleanup")
        with pytest.raises(HolystoneError, match="cannot be used"):
            await journal._writer.do(break_down)
        assert (await journal.record(run.id)).command == "cleanup"
        await run.finish()


async def test_a_row_that_is_no_text_is_shown_as_well_as_it_can_be(tmp_path: Path) -> None:
    with Journal.open(tmp_path) as journal:
        await (await journal.begin(plan(), "cleanup")).finish()
        await journal._writer.do(lambda db: db.execute("UPDATE runs SET command = CAST(x'63ff' AS TEXT)"))
        assert [each.command for each in await journal.runs()] == ["c\ufffd"]


@pytest.mark.parametrize(
    "damage", ["PRAGMA user_version = 99", "PRAGMA application_id = 7", "ALTER TABLE slices RENAME TO gone"]
)
def test_a_journal_that_is_refused_is_not_left_open(tmp_path: Path, damage: str) -> None:
    open_database(tmp_path / FILE_NAME).close()
    with sqlite3.connect(tmp_path / FILE_NAME) as database:
        database.execute(damage)
    database.close()
    with pytest.raises(HolystoneError) as caught:
        open_database(tmp_path / FILE_NAME)
    held = [Path(each).resolve() for each in Path("/proc/self/fd").iterdir()]
    assert [each for each in held if each.name.startswith(FILE_NAME)] == [], caught.value.message


async def test_what_is_found_damaged_is_the_trouble_of_whoever_read_it(tmp_path: Path) -> None:
    """Though it shared its transaction with what others wrote."""
    all_are_there = threading.Event()

    def read(_: sqlite3.Connection) -> None:
        raise checked.damaged(ID, "x")

    async def go_on() -> None:
        all_are_there.set()

    with Journal.open(tmp_path) as journal:
        run = await journal.begin(plan(), "cleanup")
        do = journal._writer.do
        before = do(lambda _: all_are_there.wait(5))
        failed = do(read)
        said = await asyncio.gather(before, failed, run.finish(), go_on(), return_exceptions=True)
        assert [type(each) for each in said] == [bool, Damaged, type(None), type(None)]
        assert (await journal.record(run.id)).state == "finished"


def test_a_journal_that_cannot_be_brought_up_to_date_is_left_as_it_was(tmp_path: Path) -> None:
    file = tmp_path / FILE_NAME
    open_database(file).close()
    with sqlite3.connect(file) as database:
        database.execute("ALTER TABLE slices DROP COLUMN checked")
        database.execute("PRAGMA user_version = 1")  # and the table `losses` is there already
    database.close()
    with pytest.raises(HolystoneError, match="table losses already exists"):
        open_database(file)
    with sqlite3.connect(file) as database:
        assert database.execute("PRAGMA user_version").fetchone() == (1,)
        assert "checked" not in [row[1] for row in database.execute("PRAGMA table_info(slices)")]
    database.close()


def test_an_empty_database_is_ours_only_if_it_is_nobody_elses(tmp_path: Path) -> None:
    for application, is_ours in ((0, True), (7, False)):
        file = tmp_path / f"{application}" / FILE_NAME
        file.parent.mkdir(mode=0o700)
        with sqlite3.connect(file) as database:
            database.execute(f"PRAGMA application_id = {application}")
        database.close()
        if is_ours:
            open_database(file).close()
        else:
            with pytest.raises(UsageError, match="the database of another program"):
                open_database(file)


async def test_what_is_no_run_is_not_given_up_and_leaves_nothing(tmp_path: Path) -> None:
    with Journal.open(tmp_path / "state") as journal:
        for name in ("no/such/run", "../outside/run"):
            with pytest.raises(UsageError, match="has no run"):
                await journal.give_up(name)
        assert not (tmp_path / "state" / "no").exists()
        assert not (tmp_path / "outside").exists()


@pytest.mark.parametrize("name", ["../victim", "a" * 300, b"victim", 7])
async def test_a_beginning_whose_name_is_none_names_no_file(tmp_path: Path, name: object) -> None:
    """What was left half-written is locked by its name, and a lock's file is overwritten and removed."""
    victim = tmp_path / "victim.lock"
    victim.write_text("somebody's")
    folder = tmp_path / "state"
    with Journal.open(folder) as journal:
        await journal.runs()
    with closing(sqlite3.connect(folder / FILE_NAME)) as database, database:
        database.execute(
            "INSERT INTO runs (id, started, command, state, plan) VALUES (?, 5, 'c', 'beginning', '')", [name]
        )
    with Journal.open(folder) as journal:
        run = await journal.begin(plan(), "cleanup")
        assert [each.id for each in await journal.runs()] == [run.id]
    assert victim.read_text() == "somebody's"
