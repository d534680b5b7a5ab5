"""Purges: what goes, what is asked before, and that they are plans like any other."""

import json
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.command_line import Bench, Ran
from tests.support.plan_files import content
from tests.support.terminal import on_terminal
from tests.support.tiny_project import WERF_YAML

Refuse = Callable[..., str]
FOREIGN = {"not-ours", "also-not-ours"}
PROMPT = "Type shop to delete it, anything else to leave it: "


def tags(shop: Bench) -> dict[str, set[str]]:
    return {name: set(there) for name, (there, _) in shop.contents().items()}


def purge(shop: Bench, *more: str, half: str = "", only_stages: bool = False) -> Ran:
    addresses = shop.addresses()[2:] if only_stages else shop.addresses()
    return shop.run(*half.split(), "purge", *addresses, *more)


def test_a_purge_takes_everything_of_the_project_and_nothing_else(shop: Bench) -> None:
    ran = purge(shop, "--yes", "--output=json")
    assert ran.code == 0, ran
    assert (ran.json["ending"], ran.json["command"]) == ("done", "purge")
    assert tags(shop) == {"shop/app/backend": FOREIGN, "shop/app/front": set(), "shop/stages": set()}
    _, manifests = shop.contents()["shop/stages"]
    assert not manifests
    again = purge(shop)
    assert (again.code, "There is nothing to delete." in again.out) == (0, True), "nothing is asked then"


def test_images_alone(shop: Bench) -> None:
    before = tags(shop)
    assert purge(shop, "--yes", half="images").code == 0
    assert tags(shop) == {"shop/app/backend": FOREIGN, "shop/app/front": set(), "shop/stages": before["shop/stages"]}


def test_stages_alone_need_no_images_repo_and_no_configuration(shop: Bench) -> None:
    before = tags(shop)
    (shop.project / "werf.yaml").unlink()
    ran = purge(shop, "--yes", half="stages", only_stages=True)
    assert ran.code == 0, ran
    assert tags(shop) == {**before, "shop/stages": set()}
    assert "was not looked up: --images-repo does that" in ran.out


def test_stages_alone_say_how_many_images_were_built_on_them(shop: Bench, refused: Refuse) -> None:
    refused(shop, "purge", *shop.addresses(), code=3, command="stages")
    assert "note: 10 image tags built on stages that go will stay, e.g. " in purge(shop, half="stages").out


def test_managed_images_are_purged_too(shop: Bench) -> None:
    (shop.project / "werf.yaml").write_text(WERF_YAML.partition("---\nimage: front")[0])
    assert purge(shop, "--yes", half="images").code == 0
    assert tags(shop)["shop/app/front"] == set()


@pytest.mark.parametrize("words", [["purge"], ["images", "purge"], ["stages", "purge"]])
def test_without_a_terminal_it_wants_yes(shop: Bench, refused: Refuse, words: list[str]) -> None:
    message = refused(shop, *words[1:], *shop.addresses(), code=3, command=words[0])
    assert message.splitlines() == [
        f"{' '.join(words)} has to be confirmed, and there is no terminal to ask on.",
        "Nothing was deleted.",
        "Read the plan; if it is what you want, run again with --yes.",
    ]


def test_no_variable_says_yes(shop: Bench, refused: Refuse) -> None:
    env = {"HOLYSTONE_YES": "true", "WERF_YES": "1"}
    refused(shop, *shop.addresses(), code=3, command="purge", env=env)
    assert "--yes" in refused(shop, *shop.addresses(), "--yes=false", code=3, command="purge")
    assert "--yes: 'no!' is neither yes" in refused(shop, *shop.addresses(), "--yes=no!", code=2, command="purge")


def test_a_cleanup_is_not_confirmed(shop: Bench, refused: Refuse) -> None:
    assert "No such option '--yes'" in refused(shop, "--yes", code=2)


def terminal(shop: Bench, answer: str | signal.Signals, *arguments: str, prompt: str = PROMPT) -> Ran:
    return on_terminal(arguments, shop.project, shop.environment(), prompt=prompt, answer=answer)


def test_on_a_terminal_the_name_is_typed(shop: Bench) -> None:
    ran = terminal(shop, "shop\n", "purge", *shop.addresses())
    assert ran.code == 0, ran
    question = ran.err.partition(PROMPT)[0].splitlines()
    assert question[0] == "holystone: purge deletes this, and no policy is asked who needs it:"
    host = shop.registry.host
    assert [line.partition(",")[0] for line in question[1:]] == [
        f"  {host}/shop/app/backend: 5 tags",
        f"  {host}/shop/app/front: 5 tags",
        f"  {host}/shop/stages: 30 tags",
    ]
    assert question[1].endswith("B; 2 stay")
    assert tags(shop)["shop/stages"] == set()
    assert "is done" in ran.out
    assert PROMPT not in ran.out


@pytest.mark.parametrize("answer", ["y\n", "\n", "\x04", "shopping\n"], ids=["y", "empty", "ctrl-d", "more"])
def test_any_other_answer_leaves_everything(shop: Bench, answer: str) -> None:
    before = shop.contents()
    ran = terminal(shop, answer, "purge", *shop.addresses(), "--output=json")
    assert ran.code == 3
    assert ran.json["ending"] == "refused"
    assert shop.contents() == before
    said = ran.err.partition(PROMPT)[2].splitlines()
    assert said[1:] == ["holystone: The answer was not shop.", "  Nothing was deleted."]
    assert shop.run("runs").out == ""


def test_ctrl_c_at_the_question(shop: Bench) -> None:
    before = shop.contents()
    ran = terminal(shop, signal.SIGINT, "purge", *shop.addresses())
    assert ran.code == 1
    assert "Interrupted by SIGINT." in ran.err
    assert "Nothing was deleted." in ran.err
    assert shop.contents() == before


def test_yes_asks_nothing_on_a_terminal(shop: Bench) -> None:
    ran = terminal(shop, "never typed", "purge", *shop.addresses(), "--yes")
    assert ran.code == 0
    assert "Type " not in ran.err


def test_where_there_is_no_name_the_address_is_typed(shop: Bench) -> None:
    (shop.project / "werf.yaml").unlink()
    storage = shop.addresses()[3]
    ran = terminal(shop, f"{storage}\n", "stages", "purge", *shop.addresses()[2:], prompt=f"Type {storage} to")
    assert ran.code == 0, ran
    document = shop.run("images", "purge", *shop.addresses(), "--image=front", "--dry-run", "--output=json").json
    assert [each["phrase"] for each in document["plan"]["refusals"]] == [shop.addresses()[1]]
    named = shop.run("images", "purge", *shop.addresses(), "--image=front", "-N=shop", "--dry-run", "--output=json")
    assert [each["phrase"] for each in named.json["plan"]["refusals"]] == ["shop"]


def test_another_name_of_the_project_takes_nothing(shop: Bench) -> None:
    """The labels say whose images and stages these are."""
    (shop.project / "werf.yaml").write_text(WERF_YAML.replace("project: shop", "project: bakery"))
    before = shop.contents()
    ran = purge(shop, "--yes")
    assert (ran.code, shop.contents()) == (3, before)
    assert "Nothing here is labelled as of the project bakery, and 28 tags as of the project shop" in ran.err
    assert "the label says that they are of the project shop, and this one is bakery" in ran.out
    assert "all records in " in ran.out


def test_a_dry_run_asks_nothing(shop: Bench) -> None:
    before = shop.contents()
    ran = purge(shop, "--dry-run")
    assert (ran.code, ran.err) == (0, "")
    assert "In all 2 tags stay, 40 go. " in ran.out
    assert ran.out.endswith("Nothing was deleted.\n")
    goes = [line for line in ran.out.splitlines() if line.startswith("  go ")]
    assert len(goes) == 40
    assert all(line.endswith("everything of the project goes") for line in goes)
    assert shop.contents() == before


@pytest.mark.parametrize("planned_with", [[], ["--yes"]])
def test_whoever_applies_a_plan_confirms_it(
    shop: Bench, refused: Refuse, tmp_path: Path, planned_with: list[str]
) -> None:
    file = tmp_path / "plan.json"
    made = purge(shop, "--plan-out", str(file), *planned_with)
    assert made.code == 0, made
    assert content(file)["refusals"][0]["kind"] == "unconfirmed"
    assert "--yes" in refused(shop, str(file), code=3, command="apply")
    assert terminal(shop, "no\n", "apply", str(file)).code == 3
    applied = terminal(shop, "shop\n", "apply", str(file))
    assert applied.code == 0, applied
    assert tags(shop) == {"shop/app/backend": FOREIGN, "shop/app/front": set(), "shop/stages": set()}
    assert shop.run("apply", str(file), "--yes").code == 0


def test_a_purge_is_undone(shop: Bench) -> None:
    before = shop.contents()
    run = purge(shop, "--yes", "--output=json").json["run"]
    assert shop.run("runs").out.splitlines()[1].split()[:2] == [run, "finished"]
    assert shop.run("undo", run).code == 0
    assert shop.contents() == before


def test_what_moves_between_question_and_deletion_stays(shop: Bench, tmp_path: Path) -> None:
    file = tmp_path / "plan.json"
    assert purge(shop, "--plan-out", str(file)).code == 0
    storage = shop.registry.storage.repositories["shop/app/front"]
    moved, other = sorted(storage.tags)[:2]
    storage.tags[moved] = storage.tags[other]
    ran = shop.run("apply", str(file), "--yes")
    assert ran.code == 4, ran  # nobody moves such a tag
    assert f"{moved} is written once, and points to" in ran.err
    assert moved in tags(shop)["shop/app/front"]
    assert purge(shop, "--yes").code == 0
    assert tags(shop)["shop/app/front"] == set()


def test_options_of_policies_are_taken_and_told(shop: Bench) -> None:
    (shop.home / ".kube").mkdir()
    (shop.home / ".kube" / "config").write_text("{}")
    env = {"WERF_KUBE_CONTEXT": "prod", "WERF_GIT_TAG_STRATEGY_LIMIT": "many", "WERF_WITHOUT_KUBE": "perhaps"}
    ran = shop.run("purge", *shop.addresses(), "--yes", "--force", "--keep-policies=missing.yaml", env=env)
    assert ran.code == 0, ran
    assert sorted(ran.notes) == [
        "holystone: note: --force has no effect: it concerns containers of a local stages storage.",
        "holystone: note: --keep-policies has no effect: a purge asks no policy.",
    ]


@pytest.mark.parametrize("words", [["purge"], ["images", "purge"], ["stages", "purge"]])
@pytest.mark.parametrize("option", ["--stages-storage", "--images-repo"])
def test_a_local_storage(shop: Bench, refused: Refuse, words: list[str], option: str) -> None:
    message = refused(shop, *words[1:], *shop.addresses(), option, ":local", code=2, command=words[0])
    assert message.startswith(f"{option}: :local is not a registry")
    assert f"e.g. {option} registry.example.com/shop" in message
    assert shop.registry.requests == []


@pytest.mark.parametrize("words", [["purge"], ["images", "purge"]])
def test_images_need_the_images_repo_and_names(shop: Bench, refused: Refuse, words: list[str]) -> None:
    assert "--images-repo is missing" in refused(shop, *words[1:], *shop.addresses()[2:], code=2, command=words[0])
    (shop.project / "werf.yaml").unlink()
    assert "--image" in refused(shop, *words[1:], *shop.addresses(), code=2, command=words[0])


def test_another_images_repo_is_told_in_the_question(shop: Bench) -> None:
    ran = shop.run("purge", *shop.addresses(images="elsewhere"))
    assert ran.code == 3
    assert "none of the images' repositories exists: if there are images, --images-repo is wrong" in ran.out
    images = shop.run("images", "purge", *shop.addresses(images="elsewhere"))
    assert (images.code, "There is nothing to delete." in images.out) == (0, True)


def test_a_broken_configuration_is_not_passed_over(shop: Bench, refused: Refuse) -> None:
    (shop.project / "werf.yaml").write_text("project: [")
    assert "werf.yaml" in refused(shop, "purge", *shop.addresses(), code=2, command="stages")
    assert purge(shop, "-N", "shop", "--dry-run", half="stages").code == 0
    assert "missing.yaml" in refused(
        shop, "purge", *shop.addresses(), "-N", "x", "--config=missing.yaml", code=2, command="stages"
    )


def test_stages_whose_configuration_is_lost_go_too(shop: Bench) -> None:
    storage = shop.registry.storage.repositories["shop/stages"]
    stage = next(tag for tag in sorted(storage.tags) if len(tag) == 70)
    manifest = json.loads(storage.manifests[storage.tags[stage]].body)
    storage.blobs.discard(manifest["config"]["digest"])
    assert purge(shop, "--yes", half="stages").code == 0
    assert tags(shop)["shop/stages"] == set()


@pytest.mark.parametrize("words", [["purge"], ["images", "purge"], ["stages", "purge"]])
def test_help(shop: Bench, words: list[str]) -> None:
    ran = shop.run(*words, "--help")
    assert (ran.code, ran.err) == (0, "")
    assert f"Usage: holystone {' '.join(words)}" in ran.out
    for option in ("--images-repo", "--stages-storage", "--yes", "--dry-run", "--plan-out"):
        assert option in ran.out
    for option in ("--kube-context", "--keep-policies", "--force", "--yes-delete-that-many"):
        assert option not in ran.out
