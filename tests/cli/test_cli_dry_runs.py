"""One meaning of a dry run: whatever the command, whoever says it, nothing changes anywhere."""

from collections.abc import Callable
from pathlib import Path

import pytest

from holystone.cli.tree import holystone
from tests.cli.test_cli_resume import interrupt
from tests.docs.test_werf_compatibility_page import commands
from tests.support.command_line import Bench

Refuse = Callable[..., str]
READS: set[tuple[str, ...]] = {
    ("managed-images", "ls"),
    ("policy", "check"),
    ("policy", "from"),
    ("policy", "try"),
    ("runs",),
    ("demo",),
    ("ci-env",),
    ("version",),
}
"""What changes nothing, or nothing of anybody's."""


@pytest.fixture
def interrupted(shop: Bench) -> str:
    """A run that has something left to do."""
    return interrupt(shop)


@pytest.fixture
def lines(shop: Bench, interrupted: str, tmp_path: Path) -> dict[tuple[str, ...], list[str]]:
    """A command line of every command that would change something."""
    plan = tmp_path / "plan.json"
    assert shop.cleanup("--plan-out", str(plan)).code == 0
    storage = shop.addresses()[2:]
    return {
        ("cleanup",): shop.addresses(),
        ("images", "cleanup"): shop.addresses(),
        ("stages", "cleanup"): shop.addresses(),
        ("purge",): [*shop.addresses(), "--yes"],
        ("images", "purge"): [*shop.addresses(), "--yes"],
        ("stages", "purge"): [*storage, "--yes"],
        ("managed-images", "add"): ["new", *storage],
        ("managed-images", "rm"): ["front", *storage],
        ("prune",): [f"{shop.registry.host}/shop/app/*", "--keep", "newest=1", "--yes-delete-that-many"],
        ("apply",): [str(plan)],
        ("resume",): [],
        ("undo",): [interrupted],
        ("runs", "give-up"): [interrupted],
    }


def writes(shop: Bench) -> list[str]:
    """A DELETE of what does not exist only asks whether anything can be deleted."""
    return [each.method for each in shop.registry.requests if each.method in ("PUT", "POST", "PATCH")]


def test_every_command_is_here(lines: dict[tuple[str, ...], list[str]]) -> None:
    assert set(commands(holystone)) - READS == set(lines)


@pytest.mark.parametrize("said", ["variable", "option"])
def test_a_dry_run_changes_nothing(shop: Bench, lines: dict[tuple[str, ...], list[str]], said: str) -> None:
    before, state = shop.contents(), shop.run("runs").out
    for command, words in lines.items():
        shop.registry.recording.clear()
        option = ["--dry-run"] if said == "option" else []
        ran = shop.run(*command, *words, *option, env={"WERF_DRY_RUN": "1"} if said == "variable" else None)
        assert ran.code == 0, (command, ran)
        assert (shop.contents(), shop.run("runs").out) == (before, state), command
        assert writes(shop) == [], command
        assert ran.out, command


def test_a_word_for_no_dry_run_wins_over_the_variable(shop: Bench, lines: dict[tuple[str, ...], list[str]]) -> None:
    before = shop.contents()
    assert shop.run("resume", "--dry-run=false", env={"WERF_DRY_RUN": "1"}).code == 0
    assert shop.contents() != before


def test_a_dry_run_of_resume_shows_what_is_left(shop: Bench, interrupted: str) -> None:
    ran = shop.run("resume", "--dry-run", "--output=json")
    assert ran.json["ending"] == "planned"
    left = [step for each in ran.json["plan"]["repositories"] for some in each["passes"] for step in some["steps"]]
    done = shop.run("resume", "--output=json")
    assert done.code == 0
    assert left
    assert len(left) < sum(len(each["steps"]) for each in done.json["repositories"])
    assert "No run is left unfinished" in shop.run("resume", "--dry-run").err


EXECUTE = [("apply",), ("resume",), ("undo",), ("managed-images", "add")]


def test_whoever_writes_plans_executes_none(
    shop: Bench, lines: dict[tuple[str, ...], list[str]], tmp_path: Path
) -> None:
    """Set for a whole pipeline, the variable would make one half of it do nothing, or the other half too much."""
    other = tmp_path / "other.json"
    before, state = shop.contents(), shop.run("runs").out
    for command, words in lines.items():
        if command == ("runs", "give-up"):
            continue  # it deletes nothing
        ran = shop.run(*command, *words, env={"HOLYSTONE_PLAN_OUT": str(other)})
        assert (shop.contents(), shop.run("runs").out) == (before, state), command
        assert (ran.code, other.exists()) == ((2, False) if command in EXECUTE else (0, True)), (command, ran)
        if command in EXECUTE:
            assert "$HOLYSTONE_PLAN_OUT says that a plan is to be written" in ran.message
            assert f"env -u HOLYSTONE_PLAN_OUT holystone {' '.join(command)}" in ran.message
        other.unlink(missing_ok=True)


def test_an_empty_name_for_a_plan_deletes_nothing(shop: Bench, lines: dict[tuple[str, ...], list[str]]) -> None:
    """As `--plan-out "$FILE"` where FILE is not set."""
    before = shop.contents()
    for command in (("cleanup",), ("purge",), ("managed-images", "rm"), ("managed-images", "add")):
        ran = shop.run(*command, *lines[command], "--plan-out", "")
        assert ran.code == 2, (command, ran)
        assert "--plan-out: an empty name" in ran.message
    assert shop.contents() == before


def test_a_purge_is_not_told_what_is_in_use(shop: Bench, refused: Refuse, tmp_path: Path) -> None:
    file = tmp_path / "used"
    file.write_text("")
    words = [*shop.addresses(), "--yes", "--in-use", str(file)]
    assert "--in-use says that images are in use" in refused(shop, *words, code=2, command="purge")


def test_a_variable_that_asks_no_cluster_is_no_answer_to_one_that_is_named(shop: Bench, refused: Refuse) -> None:
    assert shop.env["WERF_WITHOUT_KUBE"]
    message = refused(shop, "--kube-context", "prod", code=2)
    assert "--kube-context says which cluster to ask, and $WERF_WITHOUT_KUBE to ask none" in message
    assert shop.cleanup("--dry-run", "--without-kube", env={"WERF_KUBE_CONTEXT": "prod"}).code == 0
