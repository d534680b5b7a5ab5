"""Whose unfinished run `resume` takes up, what does not stop a nightly job, and how a run is given up."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from holystone.adapters.state.sqlite import Journal
from holystone.adapters.state.sqlite.run import SqliteRun
from holystone.adapters.state.sqlite.schema import FILE_NAME
from holystone.embedded.faults import Answer, Fault
from holystone.embedded.quirks import DISTRIBUTION_2_8
from tests.support.command_line import Bench, bench, now
from tests.support.tiny_project import tiny_project

Refuse = Callable[..., str]


@pytest.fixture
def state(tmp_path: Path, shop: Bench) -> Path:
    shop.env["HOLYSTONE_STATE_DIR"] = str(tmp_path / "journal")
    return tmp_path / "journal"


def interrupt(shop: Bench) -> str:
    before = states(shop)
    shop.registry.faults.add(Fault("DELETE", "/manifests/sha256:", Answer(503), nth=9, times=None))
    assert shop.cleanup("--yes-delete-that-many").code == 4
    shop.registry.faults.clear()
    (run,) = states(shop).keys() - before.keys()  # two of one second come in any order
    return run


def states(shop: Bench) -> dict[str, str]:
    return dict(line.split()[:2] for line in shop.run("runs").out.splitlines()[1:])


def age(state: Path, run: str, hours: int) -> None:
    with closing(sqlite3.connect(state / FILE_NAME)) as database, database:
        database.execute("UPDATE runs SET started = started - ? WHERE id = ?", (hours * 3600, run))


@pytest.fixture
def dead(tmp_path: Path, shop: Bench, state: Path) -> str:
    """An unfinished run of another project of the same user, whose registry is gone."""
    with bench(tmp_path / "other") as other:
        other.env |= shop.env
        tiny_project(other.project, other.registry.storage, now=now())
        return interrupt(other)


def variables(shop: Bench) -> dict[str, str]:
    return {
        "WERF_IMAGES_REPO": f"{shop.registry.host}/shop/app",
        "WERF_STAGES_STORAGE": f"{shop.registry.host}/shop/stages",
    }


def test_another_projects_run_is_left_alone(shop: Bench, dead: str) -> None:
    """README's line: holystone resume && holystone cleanup."""
    ran = shop.run("resume", env=variables(shop))
    assert ran.code == 0, ran
    assert "No run of this project is left unfinished" in ran.err
    assert shop.run("cleanup", env=variables(shop)).code == 0
    assert states(shop)[dead] == "open"


@pytest.mark.parametrize("places", ["both", "images", "stages"])
def test_the_projects_own_run_is_taken_up(shop: Bench, state: Path, tmp_path: Path, places: str) -> None:
    own = interrupt(shop)
    with bench(tmp_path / "later") as other:
        other.env |= shop.env
        tiny_project(other.project, other.registry.storage, now=now())
        later = interrupt(other)
    words = {"both": shop.addresses(), "images": shop.addresses()[:2], "stages": shop.addresses()[2:]}[places]
    ran = shop.run("resume", *words, "--output=json")
    assert ran.code == 0, ran
    assert ran.json["run"] == own
    assert states(shop) == {own: "finished", later: "open"}


def test_images_further_down_belong_to_whoever_has_the_stages_storage(shop: Bench, state: Path) -> None:
    run = interrupt(shop)
    above = ["--images-repo", f"{shop.registry.host}/shop", "--stages-storage", f"{shop.registry.host}/other/stages"]
    assert "No run of this project is left unfinished" in shop.run("resume", *above).err
    assert states(shop) == {run: "open"}


@pytest.mark.parametrize("hours", [24, -24 * 365])
def test_a_run_that_cannot_be_finished_stops_one_night_at_most(shop: Bench, dead: str, state: Path, hours: int) -> None:
    """Without an address nobody can say whose it is. Nor does one whose clock was a year ahead stop a year of them."""
    first = shop.run("resume")
    assert first.code == 4, first
    own = interrupt(shop)
    age(state, dead, hours)
    age(state, own, 48)
    ran = shop.run("resume")
    assert ran.code == 0, ran
    assert f"Run {dead} (cleanup) is left as it is." in ran.err
    assert f"`holystone runs give-up {dead}` ends it for good" in ran.err
    assert states(shop) == {dead: "open", own: "finished"}
    again = shop.run("resume", "--output=json")
    assert again.code == 0
    assert again.json["ending"] == "nothing-to-do"
    assert shop.run("resume", dead).code == 4, "who names it is told"


def test_a_run_that_somebody_else_finishes_meanwhile_is_in_nobodys_way(
    shop: Bench, state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Looked at and left, it kept its repositories locked, and the next run of them was told to be at work."""
    own, finished = interrupt(shop), interrupt(shop)
    load = Journal.load

    async def late(journal: Journal, run_id: str) -> SqliteRun:
        with closing(sqlite3.connect(state / FILE_NAME)) as database, database:
            database.execute("UPDATE runs SET state = 'finished', ended = started WHERE id = ?", (finished,))
        return await load(journal, run_id)

    monkeypatch.setattr(Journal, "load", late)
    age(state, own, 1)
    ran = shop.run("resume", "--output=json")
    assert ran.code == 0, ran
    assert states(shop) == {finished: "finished", own: "finished"}


def test_a_run_is_given_up_for_good(shop: Bench, state: Path) -> None:
    before = shop.contents()
    run = interrupt(shop)
    given_up = shop.run("runs", "give-up", run)
    assert given_up.code == 0
    assert f"`holystone undo {run}` takes back what it did" in given_up.out
    assert states(shop) == {run: "given-up"}
    there = shop.contents()
    assert "No run is left unfinished" in shop.run("resume").err
    assert "there is nothing left to do" in shop.run("resume", run).err
    assert "there is nothing to give up" in shop.run("runs", "give-up", run).err
    assert shop.contents() == there
    assert shop.run("undo", run).code == 0
    assert shop.contents() == before


def test_only_what_is_open_is_given_up(shop: Bench, refused: Refuse, state: Path) -> None:
    assert shop.cleanup("--yes-delete-that-many").code == 0
    (run,) = states(shop)
    assert shop.run("runs", "give-up", run, "--output=json").json["ending"] == "nothing-to-do"
    assert states(shop) == {run: "finished"}
    ran = shop.run("runs", "give-up", "20200101-000000-abcd")
    assert ran.code == 2
    assert "has no run 20200101-000000-abcd" in ran.message


def test_what_is_in_use_by_now_is_not_deleted_by_resume(shop: Bench, state: Path, tmp_path: Path) -> None:
    run = interrupt(shop)
    plan = shop.run("resume", "--dry-run", "--output=json").json["plan"]
    left = {step["digest"] for each in plan["repositories"] for some in each["passes"] for step in some["steps"]}
    file = tmp_path / "used"
    file.write_text(f"{min(left)}\n")
    before = shop.contents()
    ran = shop.run("resume", "--in-use", str(file))
    assert ran.code == 3, ran
    assert "in use by now" in ran.message
    assert f"listed in {file}:1" in ran.message
    assert f"holystone runs give-up {run}" in ran.message
    assert shop.contents() == before


def test_a_run_whose_plan_is_in_doubt_leaves_no_tag_on_its_tombstone(tmp_path: Path) -> None:
    """It is over, so that no resume would come to them; the next run judges them anew."""
    with bench(tmp_path, quirks=DISTRIBUTION_2_8) as shop:
        shop.env["HOLYSTONE_STATE_DIR"] = str(tmp_path / "journal")
        tiny_project(shop.project, shop.registry.storage, now=now(), rich=True)
        plan = shop.cleanup("--dry-run", "--output=json").json["plan"]
        at = next(each for each in plan["repositories"] if any(one["kind"] == "tombstone" for one in each["passes"]))
        path, steps = at["repository"]["path"], [step for one in at["passes"] for step in one["steps"]]
        moved = next(tag for step in steps for tag in step.get("tags", ()) if tag in at["doomed_written_once"])
        before = shop.contents()[path][0]
        elsewhere = {"Docker-Content-Digest": next(digest for digest in before.values() if digest != before[moved])}
        faults = shop.registry.faults
        faults.add(Fault("HEAD", f"{path}/manifests/{moved}$", Answer(200, headers=elsewhere), nth=2, times=None))
        faults.add(Fault("DELETE", f"{path}/manifests/sha256:", Answer(503), nth=3, times=None))  # after two questions
        ran = shop.cleanup()
        assert ran.code != 0
        assert "is written once, and points to" in ran.err
        assert any(each.method == "PUT" and f"{path}/manifests/" in each.path for each in shop.registry.requests)
        assert shop.contents()[path][0] == before
        faults.clear()
        assert set(states(shop).values()) == {"finished"}
        assert shop.cleanup().code == 0
