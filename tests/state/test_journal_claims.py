"""Whatever a row says, it is the value that was written or the trouble of its own run."""

import json
import sqlite3
from contextlib import closing, suppress
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import anyio
from hypothesis import given, settings
from hypothesis import strategies as st

from holystone.adapters.state.sqlite import Journal
from holystone.engine.errors import Damaged, HolystoneError
from holystone.engine.model.layerless import layerless_image
from holystone.engine.model.outcomes import Failed, Loss
from holystone.engine.model.records import RepositoryRecord, Tombstone
from holystone.engine.model.references import Digest, RegistryHost, Repository, Tag
from tests.support.hostile_json import tampered
from tests.support.journals import begin_repository, recorded
from tests.support.memory_registry import digest_of, repository
from tests.support.small_plans import level, plan, remove, repository_plan

APP, OTHER = repository(), repository("team/other")
GONE, _ = layerless_image({"which": "gone"}, oci=True)
TOMBSTONE = Tombstone(*layerless_image({}, oci=True))
COLUMNS = {
    "runs": ("started", "ended", "command", "state", "plan"),
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


async def write(folder: Path, where: Repository) -> str:
    with Journal.open(folder) as journal:
        planned = repository_plan(where, level(remove(GONE.digest, "v1")), kept={"v2": digest_of(b"kept")})
        run = await journal.begin(plan(planned), "cleanup")
        begun = await begin_repository(run, where, [GONE], TOMBSTONE)
        await begun.record({0: Failed("later")})
        await begun.mark_tombstoned([0])
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
            known = await taken.repository(where)
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


def check(table: str, column: str, value: object) -> None:
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
        assert other[0].outcomes == {0: Failed("later")}
        assert other[1] == {GONE.digest}


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


def test_a_plan_of_which_a_repository_is_missing() -> None:
    plan = json.loads(cell("runs", "plan"))
    check("runs", "plan", json.dumps(plan | {"repositories": plan["repositories"] + 1}).encode())


@given(st.data())
@settings(max_examples=50, deadline=None)
def test_a_plan_and_an_outcome_that_were_tampered_with(data: st.DataObject) -> None:
    place = data.draw(st.sampled_from([("runs", "plan"), ("plans", "plan"), ("outcomes", "outcome")]))
    check(*place, data.draw(tampered(cell(*place))))
