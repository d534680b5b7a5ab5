"""Whatever a row says, it is the value that was written or the trouble of its own run."""

import json
import sqlite3
from contextlib import closing, suppress
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holystone.adapters.state.sqlite import Journal
from holystone.engine.errors import Damaged, HolystoneError
from holystone.engine.model.codec import to_json
from holystone.engine.model.layerless import layerless_image
from holystone.engine.model.outcomes import Failed, Loss
from holystone.engine.model.plan import Pass, RepositoryPlan, StepId
from holystone.engine.model.records import RepositoryRecord, Tombstone
from holystone.engine.model.references import Digest, RegistryHost, Repository, Tag
from tests.support.hostile_json import tampered
from tests.support.journals import begin_repository, recorded
from tests.support.memory_registry import digest_of, repository
from tests.support.small_plans import level, plan, remove, repository_plan, untag

APP, OTHER = repository(), repository("team/other")
GONE, _ = layerless_image({"which": "gone"}, oci=True)
GONE_ID = StepId(GONE.digest)
TOMBSTONE = Tombstone(*layerless_image({}, oci=True))
COLUMNS = {
    "runs": ("started", "ended", "command", "state", "plan", "format"),
    "plans": ("repository", "plan"),
    "slices": ("repository", "sealed", "checked", "tombstone_digest", "tombstone_body", "tombstone_config"),
    "manifests": ("digest", "media_type", "body"),
    "outcomes": ("step", "outcome"),
    "tombstoned": ("step",),
    "losses": ("tag", "digest"),
}
PLACES = [(table, column) for table, columns in COLUMNS.items() for column in columns]
CELLS = (
    st.none()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats()
    | st.text(max_size=20).filter(lambda text: text.isprintable())
    | st.binary(max_size=40)
    | st.sampled_from(["", b"{}", b"[" * 10_000, "sha256:" + "0" * 64, "../..", "damaged", b"\xff"])
)


def planned(where: Repository) -> RepositoryPlan:
    return repository_plan(where, level(remove(GONE.digest, "v1")), kept={"v2": digest_of(b"kept")})


async def write(folder: Path, where: Repository) -> str:
    with Journal.open(folder) as journal:
        run = await journal.begin(plan(planned(where)), "cleanup")
        begun = await begin_repository(run, where, [GONE], TOMBSTONE)
        await begun.record({GONE_ID: Failed("later")})
        await begun.mark_tombstoned([GONE_ID])
        await begun.record_check([Loss(digest_of(b"kept"), Tag("v2"))])
        return run.id


@cache
def written() -> tuple[str, str, bytes]:
    """Two runs, and the file."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        one, two = anyio.run(write, folder, APP), anyio.run(write, folder, OTHER)
        file = folder / "journal.sqlite"
        with closing(sqlite3.connect(file)) as database:
            database.execute("PRAGMA journal_mode = DELETE")
        return one, two, file.read_bytes()


@cache
def cell(table: str, column: str) -> bytes:
    with TemporaryDirectory() as folder:
        file = Path(folder) / "journal.sqlite"
        file.write_bytes(written()[2])
        with closing(sqlite3.connect(file)) as database:
            found: tuple[bytes] = database.execute(f"SELECT {column} FROM {table}").fetchone()
            return found[0]


async def everything(
    folder: Path, run: str, where: Repository
) -> tuple[RepositoryRecord, set[Digest]] | HolystoneError | None:
    """None if the repository was not begun."""
    with Journal.open(folder) as journal:
        try:
            taken = await journal.load(run)
            known = await taken.repository(planned(where))
            slices = await recorded(journal, run)
            bytes_of = await known.journaled() if known else None
            each = [await known.manifest(digest) for digest in bytes_of.whole] if known and bytes_of else []
        except HolystoneError as error:
            return error
        if known is None or bytes_of is None:
            return None
        assert known.known in slices
        assert [digest_of(raw.body) for raw in each if raw] == list(bytes_of.whole)
        return known.known, set(bytes_of.whole)


def check(table: str, column: str, value: object) -> object:
    """What became of that run; the other one is as it was."""
    one, two, content = written()
    of_run = dict.fromkeys(("slices", "plans"), "run = ?") | {"runs": "id = ?"}
    own = of_run.get(table, "slice = (SELECT id FROM slices WHERE run = ?)")
    with TemporaryDirectory() as name:
        folder = Path(name)
        file = folder / "journal.sqlite"
        file.write_bytes(content)
        file.chmod(0o600)
        with closing(sqlite3.connect(file)) as database, suppress(sqlite3.IntegrityError), database:
            database.execute(f"UPDATE {table} SET {column} = ? WHERE {own}", (value, one))
        made = anyio.run(everything, folder, one, APP)
        if isinstance(made, HolystoneError):
            assert made.exit_code in (1, 2)
            assert one in made.message
        other = anyio.run(everything, folder, two, OTHER)
        assert isinstance(other, tuple)
        assert other[0].outcomes == {GONE_ID: Failed("later")}
        assert other[1] == {GONE.digest}
        return made


@given(st.sampled_from(PLACES), CELLS)
@settings(max_examples=100, deadline=None)
def test_any_other_value_in_any_column(place: tuple[str, str], value: object) -> None:
    check(*place, value)


def test_a_plan_of_another_repository_than_its_row_says() -> None:
    plan = json.loads(cell("plans", "plan"))
    again = plan["repository"] | {"host": f"{plan['repository']['host']}:443"}
    check("plans", "plan", json.dumps(plan | {"repository": again}).encode())
    check("plans", "repository", "r.example/another")


def test_a_plan_that_names_a_repository_twice(tmp_path: Path) -> None:
    """By another spelling, or its row would be the same; and its head says two."""
    one, two, content = written()
    file = tmp_path / "journal.sqlite"
    file.write_bytes(content)
    file.chmod(0o600)
    plan, head = json.loads(cell("plans", "plan")), json.loads(cell("runs", "plan"))
    where = Repository(RegistryHost(f"{APP.host}:443"), APP.path)
    again = plan | {"repository": plan["repository"] | {"host": where.host}}
    with closing(sqlite3.connect(file)) as database, database:
        database.execute("INSERT INTO plans VALUES (?, ?, ?)", (one, str(where), json.dumps(again).encode()))
        database.execute("UPDATE runs SET plan = ? WHERE id = ?", (json.dumps(head | {"repositories": 2}), one))
        database.execute("UPDATE runs SET plan = CAST(plan AS BLOB)")
    made = anyio.run(everything, tmp_path, one, APP)
    assert isinstance(made, Damaged)
    assert f"{where} is there twice" in made.message
    assert isinstance(anyio.run(everything, tmp_path, two, OTHER), tuple)


@pytest.mark.parametrize("kind", ["a step twice", "a tag by name and with another manifest"])
def test_a_plan_in_which_something_is_removed_twice(kind: str) -> None:
    made = repository_plan(APP, level(remove(GONE.digest), remove(GONE.digest)))
    if kind != "a step twice":
        made = repository_plan(APP, Pass("untag", (untag("v1", GONE.digest), untag("v1", digest_of(b"other")))))
    made_of = check("plans", "plan", to_json(made))
    assert isinstance(made_of, Damaged)
    assert "is removed twice" in made_of.message


@pytest.mark.parametrize(("version", "said"), [(4, "by an earlier version of Holystone"), (6, "there is no format 6")])
def test_a_run_of_another_format_than_the_journal_is_not_read_as_one_of_this(version: int, said: str) -> None:
    made = check("runs", "format", version)
    assert isinstance(made, Damaged)
    assert said in made.message


@pytest.mark.parametrize("name", ["v2", digest_of(b"kept"), "", 0, "V1", f"{GONE.digest} "])
@pytest.mark.parametrize("table", ["outcomes", "tombstoned"])
def test_what_came_of_a_step_that_the_plan_has_not(table: str, name: object) -> None:
    made = check(table, "step", name)
    assert isinstance(made, Damaged)
    assert "its plan does not remove" in made.message


def test_a_plan_of_which_a_repository_is_missing() -> None:
    plan = json.loads(cell("runs", "plan"))
    check("runs", "plan", json.dumps(plan | {"repositories": plan["repositories"] + 1}).encode())


@given(st.data())
@settings(max_examples=50, deadline=None)
def test_a_plan_and_an_outcome_that_were_tampered_with(data: st.DataObject) -> None:
    place = data.draw(st.sampled_from([("runs", "plan"), ("plans", "plan"), ("outcomes", "outcome")]))
    check(*place, data.draw(tampered(cell(*place))))
