"""Rows are claims: what becomes of one that is not as we write them."""

import hashlib
import sqlite3
from pathlib import Path

import anyio
import pytest

from holystone.engine.errors import Damaged, HolystoneError
from holystone.engine.journal import Journal, RunRecord, Tombstone, checked
from holystone.engine.journal.schema import FILE_NAME, unusable
from holystone.engine.model.layerless import layerless_image
from holystone.engine.model.manifests import OCI_MANIFEST, RawManifest
from holystone.engine.model.outcomes import Loss
from holystone.engine.model.references import Digest, Tag
from tests.support.manifest_graphs import d
from tests.support.memory_registry import digest_of, repository
from tests.support.small_plans import level, plan, remove, repository_plan

ID = "20261123-161200-ab12"
BODY = b"{}"
DIGEST = Digest(f"sha256:{hashlib.sha256(BODY).hexdigest()}")


@pytest.mark.parametrize(("locks", "locked"), [(0, False), (1, True)])
def test_a_run_as_we_write_it(locks: int, locked: bool) -> None:
    row = (ID, 5, 7, "cleanup", "finished", locks)
    assert checked.run_record(row) == RunRecord(ID, 5, 7, "cleanup", "finished", locked)
    assert checked.run_record(("a" * 64, 5, None, "c", "open", locks)).state == "open"


@pytest.mark.parametrize(
    ("row", "shown", "why"),
    [
        (("../journal", 5, None, "c", "open", 0), "../journal", "its name is none"),
        (("a" * 65, 5, None, "c", "open", 0), "a" * 65, "its name is none"),
        (("a" * 200, 5, None, "c", "open", 0), "a" * 79, "its name is none"),
        (("", 5, None, "c", "open", 0), "", "its name is none"),
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
        checked.plan(ID, "text")


def test_the_parts_of_a_tombstone_are_it_and_seven_that_differ_in_what_nobody_reads() -> None:
    raw, config = layerless_image({}, oci=True)
    parts = Tombstone(raw, config).parts
    assert parts[0] == raw
    assert [part.body for part in parts] == [raw.body + b"\n" * number for number in range(8)]
    assert [part.digest for part in parts] == [digest_of(part.body) for part in parts]


async def test_that_locks_may_be_left_is_written_down_before_the_first_is_pushed(tmp_path: Path) -> None:
    made = plan(repository_plan(repository(), level(remove(DIGEST))))
    with Journal.open(tmp_path) as journal:
        run = await journal.begin(made, "cleanup")
        assert await run.may_lock(wanted=False) is False
        assert (await journal.record(run.id)).locks is False
        for _ in range(2):
            assert await run.may_lock(wanted=True) is True
        assert (await journal.record(run.id)).locks is True
    with Journal.open(tmp_path) as journal:
        assert await (await journal.load()).may_lock(wanted=False) is True


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


async def test_a_run_whose_row_is_none_is_not_taken_up(tmp_path: Path) -> None:
    with Journal.open(tmp_path) as journal:
        run_id = (await journal.begin(plan(), "cleanup")).id
    with sqlite3.connect(tmp_path / FILE_NAME) as database:
        database.execute("UPDATE runs SET started = 'five'")
    database.close()
    with Journal.open(tmp_path) as journal, pytest.raises(Damaged, match=f"{run_id} is damaged .Expected `int`"):
        await journal.load(run_id)


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
