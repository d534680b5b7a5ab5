"""A plan out of a file is bound to what was read when it was made: what changed since is asked again, or refused."""

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest

from holystone.engine.model.codec import from_json
from holystone.engine.model.plan import Plan
from holystone.workflows.plan_file import plan_hash, write_plan
from tests.cli.test_cli_in_use import TOKEN, write_config
from tests.emulators.kubernetes import KubeApi
from tests.support.command_line import Bench
from tests.support.plan_files import content, write_content

Refuse = Callable[..., str]
DAY = 24 * 3600


@pytest.fixture
def plan(shop: Bench, tmp_path: Path) -> Path:
    file = tmp_path / "plan.json"
    assert shop.cleanup("--plan-out", str(file)).code == 0
    return file


def rewritten(file: Path, **changes: Any) -> Path:
    """As Holystone itself would have written it."""
    fields = {**content(file), **changes}
    del fields["hash"]
    write_plan(file, from_json(json.dumps(fields).encode(), Plan))
    return file


def test_a_plan_is_carried_out_whatever_its_layout(shop: Bench, plan: Path) -> None:
    plan.write_text("".join(f" {json.dumps(json.loads(line))}\r\n" for line in plan.read_text().splitlines()))
    before = shop.contents()
    assert shop.run("apply", str(plan)).code == 0
    assert shop.contents() != before


def moved_among_the_doomed(content: dict[str, Any]) -> None:
    at = next(each for each in content["repositories"] if each["passes"])
    kept = at["kept"].pop()
    step = {
        "type": "remove",
        "digest": kept["digest"],
        "media_type": "",
        "size": 0,
        "tags": [kept["tag"]],
        "reasons": [],
    }
    at["passes"][-1]["steps"].append(step)


def another_host(content: dict[str, Any]) -> None:
    content["repositories"][0]["repository"]["host"] = "registry.example"


def younger(content: dict[str, Any]) -> None:
    content["as_of"] += 1


def without_clusters(content: dict[str, Any]) -> None:
    content["clusters"] = {"contexts": [], "only": None, "excluded": [], "own_namespace": False}


@pytest.mark.parametrize("edit", [moved_among_the_doomed, another_host, younger, without_clusters])
def test_an_edited_plan_is_refused(
    shop: Bench, plan: Path, refused: Refuse, edit: Callable[[dict[str, Any]], None]
) -> None:
    said = content(plan)
    edit(said)
    write_content(plan, said)
    message = refused(shop, str(plan), code=3, command="apply")
    assert f"The plan {plan} is not as it was written" in message
    assert "Nothing was deleted." in message
    assert "--plan-out" in message


@pytest.mark.parametrize("change", [{"hash": None}, {"hash": 7}, {"format": 1}, {"repositories": [{}]}, {"as_of": "x"}])
def test_what_is_no_plan_of_this_version_is_wrong_usage(
    shop: Bench, plan: Path, refused: Refuse, change: dict[str, Any]
) -> None:
    said = {key: value for key, value in {**content(plan), **change}.items() if value is not None}
    write_content(plan, said)
    assert f"{plan} is not a plan of this version" in refused(shop, str(plan), code=2, command="apply")


def test_names_of_another_kind_and_other_bytes_are_wrong_usage(shop: Bench, plan: Path, refused: Refuse) -> None:
    said = content(plan)
    said["repositories"][0]["repository"]["path"] = 7
    write_content(plan, said)
    refused(shop, str(plan), code=2, command="apply")
    plan.write_bytes(b'{"command": "\xff"}')
    refused(shop, str(plan), code=2, command="apply")


def test_an_old_plan_is_refused(shop: Bench, plan: Path, refused: Refuse) -> None:
    as_of = content(plan)["as_of"]
    rewritten(plan, as_of=as_of - 26 * 3600)
    message = refused(shop, str(plan), code=3, command="apply")
    assert "was made 26 hours and" in message
    assert "--max-age is 24 hours" in message
    assert "Nothing was deleted." in message
    assert shop.run("apply", str(plan), "--max-age", "48h").code == 0


def test_a_plan_of_the_future_is_refused(shop: Bench, plan: Path, refused: Refuse) -> None:
    rewritten(plan, as_of=content(plan)["as_of"] + 3600)
    assert "one of the clocks is wrong" in refused(shop, str(plan), code=3, command="apply")


def test_a_plan_of_another_project_is_refused(shop: Bench, plan: Path, refused: Refuse) -> None:
    env = {"WERF_STAGES_STORAGE": f"{shop.registry.host}/other/stages"}
    message = refused(shop, str(plan), code=3, command="apply", env=env)
    assert "is about another project" in message
    assert shop.run("apply", str(plan), *shop.addresses()).code == 0


def test_another_registry_at_the_same_address_is_refused(shop: Bench, plan: Path, refused: Refuse) -> None:
    said = content(plan)
    for each in said["repositories"]:
        each["manners"] = "0123456789abcdef"
    rewritten(plan, repositories=said["repositories"])
    message = refused(shop, str(plan), code=3, command="apply")
    assert "does not do what it did when the plan was made" in message


def test_the_hash_is_of_everything_else(plan: Path) -> None:
    said = content(plan)
    hashed = said.pop("hash")
    assert plan_hash(from_json(json.dumps(said).encode(), Plan)) == hashed


def test_a_plan_of_an_earlier_version_is_told(shop: Bench, plan: Path, refused: Refuse) -> None:
    plan.write_text(json.dumps(content(plan) | {"format": 1}, indent=2))
    assert f"{plan} is not a plan of this version" in refused(shop, str(plan), code=2, command="apply")


@pytest.mark.parametrize("lines", [slice(0, -1), slice(0, -2), slice(1, None), slice(0, 1), slice(0, 0)])
def test_a_plan_of_which_lines_are_missing_is_refused(shop: Bench, plan: Path, lines: slice) -> None:
    plan.write_text("".join(plan.read_text().splitlines(keepends=True)[lines]))
    before = shop.contents()
    assert shop.run("apply", str(plan)).code == 2
    assert shop.contents() == before


def test_a_plan_of_which_a_repository_is_missing_is_refused(shop: Bench, plan: Path, refused: Refuse) -> None:
    said = content(plan)
    assert len(said["repositories"]) > 1
    write_content(plan, {**said, "repositories": said["repositories"][1:]})
    assert f"The plan {plan} is not as it was written" in refused(shop, str(plan), code=3, command="apply")


def test_a_repository_that_is_there_twice_is_wrong_usage(shop: Bench, plan: Path, refused: Refuse) -> None:
    said = content(plan)
    write_content(plan, {**said, "repositories": [*said["repositories"], said["repositories"][0]]})
    assert "is there twice" in refused(shop, str(plan), code=2, command="apply")


@pytest.fixture
def cluster(shop: Bench) -> Iterator[Callable[[str], KubeApi]]:
    del shop.env["WERF_WITHOUT_KUBE"]
    with ExitStack() as stack:
        known: dict[str, KubeApi] = {}

        def make(name: str) -> KubeApi:
            api = KubeApi(tokens={TOKEN: "rob"})
            known[name] = stack.enter_context(shop.portal.wrap_async_context_manager(api))
            write_config(shop.home / ".kube" / "config", known)
            return api

        yield make


def a_doomed_image(plan: Path) -> tuple[str, str, str]:
    said = content(plan)
    (at,) = (each for each in said["repositories"] if each["repository"]["path"] == "shop/app/front")
    step = at["passes"][-1]["steps"][-1]
    name = f"{at['repository']['host']}/{at['repository']['path']}"
    return f"{name}:{(step.get('tags') or [step.get('tag')])[0]}", step["digest"], at["image_ids"][step["digest"]]


@pytest.mark.parametrize("by", ["name", "digest", "configuration"])
def test_what_runs_by_now_is_not_deleted(
    shop: Bench, cluster: Callable[[str], KubeApi], refused: Refuse, tmp_path: Path, by: str
) -> None:
    api, file = cluster("prod"), tmp_path / "plan.json"
    assert shop.cleanup("--plan-out", str(file)).code == 0
    name, digest, image_id = a_doomed_image(file)
    api.run("pods", "web", name if by == "name" else "mirror.example/other:1", namespace="shop")
    word = {"name": "", "digest": f"mirror.example/other@{digest}", "configuration": image_id.removeprefix("sha256:")}
    api.objects["pods"][0]["status"] = {"containerStatuses": [{"imageID": word[by]}]}
    message = refused(shop, str(file), code=3, command="apply")
    assert f"in use by now: {name} (Pod shop/web in context prod)" in message
    assert "Nothing was deleted" in message
    assert "--plan-out" in message
    api.objects.clear()
    assert shop.run("apply", str(file)).code == 0


def test_a_cluster_that_is_new_is_asked_and_one_that_cannot_be_stops(
    shop: Bench, cluster: Callable[[str], KubeApi], refused: Refuse, tmp_path: Path
) -> None:
    cluster("prod")
    file = tmp_path / "plan.json"
    assert shop.cleanup("--plan-out", str(file)).code == 0
    name, *_ = a_doomed_image(file)
    new = cluster("new")
    new.run("deployments", "web", name, namespace="shop")
    assert "Deployment shop/web in context new" in refused(shop, str(file), code=3, command="apply")
    new.objects.clear()
    new.forbidden = {("pods", "")}
    assert "context new: its user may not list pods" in refused(shop, str(file), code=3, command="apply")
    assert shop.run("apply", str(file), "--exclude-kube-context", "new").code == 0


def test_a_cluster_that_was_asked_and_is_not_known_here_stops(
    shop: Bench, cluster: Callable[[str], KubeApi], refused: Refuse, tmp_path: Path
) -> None:
    api = cluster("prod")
    file = tmp_path / "plan.json"
    assert shop.cleanup("--plan-out", str(file)).code == 0
    write_config(shop.home / ".kube" / "config", {"laptop": api})
    message = refused(shop, str(file), code=3, command="apply")
    assert "was made with what runs in context prod" in message
    assert "--without-kube" in message
    assert shop.run("apply", str(file), "--without-kube").code == 0


def test_a_plan_that_asked_no_cluster_asks_none(shop: Bench, cluster: Callable[[str], KubeApi], tmp_path: Path) -> None:
    api, file = cluster("prod"), tmp_path / "plan.json"
    assert shop.cleanup("--without-kube", "--plan-out", str(file)).code == 0
    assert shop.run("apply", str(file)).code == 0
    assert api.asked == []


def test_a_list_counts_when_a_plan_is_carried_out(shop: Bench, plan: Path, refused: Refuse, tmp_path: Path) -> None:
    file = tmp_path / "used"
    file.write_text(f"{a_doomed_image(plan)[0]}\n")
    message = refused(shop, str(plan), "--in-use", str(file), code=3, command="apply")
    assert f"listed in {file}:1" in message


def test_a_plan_says_nothing_of_how_much_another_project_has(shop: Bench, plan: Path) -> None:
    counted = content(plan)["counted"]
    key = {"source": "tags", "repository": {"host": "registry.example", "path": "other/app"}, "project": ""}
    rewritten(plan, counted=[*counted, {"key": key, "number": 1, "left": 1_000_000}])
    assert shop.run("apply", str(plan)).code == 0
    (file,) = shop.home.rglob("baselines.sqlite")
    with closing(sqlite3.connect(file)) as database:
        keys = [text for (text,) in database.execute("SELECT key FROM baselines")]
    assert len(keys) == len(counted)
    assert not any("other/app" in text for text in keys)
