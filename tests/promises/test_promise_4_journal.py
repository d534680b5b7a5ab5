"""When a request that destroys something arrives, what it destroys is on the disk, with all its bytes."""

import json
import sqlite3
from pathlib import Path

import pytest

from holystone.adapters.state.sqlite.schema import FILE_NAME
from holystone.embedded.quirks import Quirks
from holystone.embedded.recording import RecordedRequest
from holystone.engine.model.codec import from_json
from holystone.engine.model.plan import RepositoryPlan
from tests.promises.conftest import Open
from tests.support.command_line import Bench, now
from tests.support.tiny_project import tiny_project


class Witness:
    """Stands at the registry's door and reads the journal's file by its own means."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.complaints: list[str] = []
        self.checked = 0
        self.shop: Bench

    async def __call__(self, request: RecordedRequest) -> None:
        if request.method in ("PUT", "DELETE", "POST") and request.kind in ("manifest", "uploads", "blob"):
            try:
                self._look(request)
            except Exception as error:
                self.complaints.append(f"{request.method} {request.path}: {error!r}")

    def _look(self, request: RecordedRequest) -> None:
        path = request.path.removeprefix("/v2/")
        repository, _, rest = path.partition("/manifests/" if "/manifests/" in path else "/blobs/")
        state = self.shop.registry.storage.repositories[repository]
        digest = state.tags.get(rest, rest)
        if request.kind == "manifest" and digest not in state.manifests:
            if request.method == "DELETE":
                return  # a question, what can be deleted: of something that is not there
            raise AssertionError("pushed under a tag that is not there")
        self.checked += 1
        whole = f"{self.shop.registry.host}/{repository}"
        with sqlite3.connect(f"file:{self.file}?mode=ro", uri=True) as database:
            (plan,) = database.execute(
                "SELECT plans.plan FROM plans JOIN runs ON run = id WHERE state = 'open' AND repository = ?", (whole,)
            ).fetchone()
            ((number, buried),) = database.execute(
                "SELECT id, tombstone_digest FROM slices WHERE sealed AND repository = ?", (whole,)
            ).fetchall()
            bodies = dict(database.execute("SELECT digest, body FROM manifests WHERE slice = ?", (number,)).fetchall())
        database.close()
        if request.kind != "manifest":
            assert buried, "a blob is pushed, and the journal knows of no tombstone"
            return
        if digest == buried:
            return
        assert bodies[digest] == state.manifests[digest].body
        planned = from_json(plan, RepositoryPlan)
        steps = {str(step.id) for step in planned.steps}
        assert rest in steps, "not in the plan"


@pytest.mark.parametrize("limit", ["1", "-1"])
def test_the_journal_knows_before_the_registry(open_bench: Open, quirks: Quirks, tmp_path: Path, limit: str) -> None:
    witness = Witness(tmp_path / "state" / FILE_NAME)
    shop = witness.shop = open_bench(quirks=quirks, latency=witness)
    tiny_project(shop.project, shop.registry.storage, now=now(), rich=True)
    ran = shop.cleanup(f"--state-dir={tmp_path / 'state'}", f"--parallel-tasks-limit={limit}")
    assert ran.code == 0, ran
    assert witness.complaints == []
    assert witness.checked > 15


def test_what_was_answered_is_recorded(open_bench: Open, quirks: Quirks, tmp_path: Path) -> None:
    shop = open_bench(quirks=quirks)
    tiny_project(shop.project, shop.registry.storage, now=now(), rich=True)
    ran = shop.cleanup(f"--state-dir={tmp_path}", "--output=json")
    document = ran.json
    with sqlite3.connect(tmp_path / FILE_NAME) as database:
        (state,) = database.execute("SELECT state FROM runs WHERE id = ?", (document["run"],)).fetchone()
        outcomes = [json.loads(row[0]) for row in database.execute("SELECT outcome FROM outcomes")]
    database.close()
    assert state == "finished"
    assert len(outcomes) == sum(len(each["steps"]) for each in document["repositories"])
    assert {each["outcome"]["type"] for each in outcomes} == {"deleted"}


def test_without_a_journal_nothing_is_deleted(open_bench: Open, quirks: Quirks, tmp_path: Path) -> None:
    shop = open_bench(quirks=quirks)
    tiny_project(shop.project, shop.registry.storage, now=now())
    before = shop.contents()
    (tmp_path / "state").write_text("a file where a folder should be")
    assert shop.cleanup(f"--state-dir={tmp_path / 'state'}").code == 1
    assert shop.contents() == before


def test_the_journal_is_for_its_owner_only(open_bench: Open, tmp_path: Path) -> None:
    shop = open_bench()
    tiny_project(shop.project, shop.registry.storage, now=now())
    folders = [tmp_path / name for name in ("state", "cache")]
    assert shop.cleanup(f"--state-dir={folders[0]}", f"--cache-dir={folders[1]}").code == 0
    for folder in folders:
        assert folder.stat().st_mode & 0o077 == 0
