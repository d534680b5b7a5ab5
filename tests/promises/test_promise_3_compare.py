"""A tag that moved after it was planned is left alone, and reported; so is what somebody needs by now."""

import json
from pathlib import Path
from typing import Any

import pytest

from holystone.embedded.manifests import StoredManifest
from holystone.embedded.quirks import Quirks
from holystone.embedded.recording import RecordedRequest
from holystone.embedded.storage import Storage
from holystone.engine.model.references import Tag
from tests.promises.conftest import Open
from tests.support.command_line import Bench, now
from tests.support.plan_files import content
from tests.support.tiny_project import tiny_project


def steps(plan: Any, repository: str) -> list[Any]:
    (mine,) = [each for each in plan["repositories"] if each["repository"]["path"] == repository]
    return [step for stage in mine["passes"] for step in stage["steps"]]


def push_new(storage: Storage, repository: str, tag: str) -> str:
    """Somebody builds the tag anew."""
    state = storage.repositories[repository]
    old: StoredManifest = state.manifests[state.tags[tag]]
    body = json.loads(old.body)
    body["annotations"] = {"built": "a moment ago"}
    return storage.put_manifest(repository, json.dumps(body).encode(), old.media_type, tag).digest


def planned(shop: Bench, file: Path) -> Any:
    tiny_project(shop.project, shop.registry.storage, now=now(), rich=True)
    ran = shop.cleanup("--plan-out", str(file))
    assert ran.code == 0, ran
    return content(file)


def tags_of(step: Any) -> list[str]:
    return [step["tag"]] if step["type"] == "untag" else list(step["tags"])


@pytest.mark.parametrize("repository", ["shop/app/front", "shop/stages"])
def test_a_tag_that_moved_between_plan_and_apply(
    open_bench: Open, quirks: Quirks, tmp_path: Path, repository: str
) -> None:
    shop = open_bench(quirks=quirks)
    plan = planned(shop, tmp_path / "plan.json")
    tag = next(tag for step in steps(plan, repository) for tag in tags_of(step))
    digest = push_new(shop.registry.storage, repository, tag)
    ran = shop.run("apply", str(tmp_path / "plan.json"))
    # Nobody moves these, so that either somebody overwrote it or what the plan was made of was wrong.
    assert ran.code == 4, ran
    assert f"{tag} is written once, and points to" in ran.err
    state = shop.registry.storage.repositories[repository]
    assert state.tags[tag] == digest
    assert digest in state.manifests
    assert shop.cleanup().code == 0  # it makes a new plan, and nothing is in its way


def test_a_doomed_manifest_that_got_a_new_tag(open_bench: Open, quirks: Quirks, tmp_path: Path) -> None:
    shop = open_bench(quirks=quirks)
    plan = planned(shop, tmp_path / "plan.json")
    step = next(step for step in steps(plan, "shop/app/front") if step["type"] == "remove")
    state = shop.registry.storage.repositories["shop/app/front"]
    state.tags[Tag("rollback")] = step["digest"]
    ran = shop.run("apply", str(tmp_path / "plan.json"))
    assert ran.code == 0, ran
    assert state.tags["rollback"] == step["digest"]
    assert step["digest"] in state.manifests
    assert "rollback needs it by now" in ran.out


def test_a_new_index_that_lists_a_doomed_manifest(open_bench: Open, quirks: Quirks, tmp_path: Path) -> None:
    shop = open_bench(quirks=quirks)
    plan = planned(shop, tmp_path / "plan.json")
    step = next(step for step in steps(plan, "shop/app/front") if step["type"] == "remove")
    child = {"mediaType": step["media_type"], "digest": step["digest"], "size": 1}
    kind = "application/vnd.oci.image.index.v1+json"
    index = json.dumps({"schemaVersion": 2, "mediaType": kind, "manifests": [child]}).encode()
    shop.registry.storage.put_manifest("shop/app/front", index, kind, "release")
    ran = shop.run("apply", str(tmp_path / "plan.json"))
    assert ran.code == 0, ran
    assert step["digest"] in shop.registry.storage.repositories["shop/app/front"].manifests
    assert "release" in shop.registry.storage.repositories["shop/app/front"].tags


def test_a_kept_tag_that_moved_is_no_loss(open_bench: Open, quirks: Quirks, tmp_path: Path) -> None:
    shop = open_bench(quirks=quirks)
    plan = planned(shop, tmp_path / "plan.json")
    (backend,) = [each for each in plan["repositories"] if each["repository"]["path"] == "shop/app/backend"]
    assert "not-ours" in [each["tag"] for each in backend["kept"]]
    digest = push_new(shop.registry.storage, "shop/app/backend", "not-ours")
    ran = shop.run("apply", str(tmp_path / "plan.json"))
    assert ran.code == 0, ran
    assert shop.registry.storage.repositories["shop/app/backend"].tags["not-ours"] == digest
    assert "not-ours stays, and somebody moved it meanwhile" in ran.out


def test_a_tag_that_moves_when_the_first_deletion_is_on_its_way(open_bench: Open, quirks: Quirks) -> None:
    """Between our look and our request nothing helps, as there is no compare-and-swap; before our look, all does."""
    moved: dict[str, str] = {}
    shop: Bench

    async def look(request: RecordedRequest) -> None:
        writes = request.method in ("PUT", "DELETE") and "/shop/app/front/" in request.path
        known = shop.registry.storage.repositories["shop/app/front"]
        real = request.path.rpartition("/")[2]
        if writes and not moved and (real in known.manifests or real in known.tags):
            for tag in known.tags:
                if tag != real and known.tags[tag] != real:
                    moved[tag] = ""
            for tag in moved:
                moved[tag] = push_new(shop.registry.storage, "shop/app/front", tag)

    shop = open_bench(quirks=quirks, latency=look)
    tiny_project(shop.project, shop.registry.storage, now=now())
    ran = shop.cleanup("--parallel-tasks-limit=1")
    assert ran.code == 4, ran  # some of them are written once
    assert "is written once" in ran.err
    assert len(moved) == 4
    state = shop.registry.storage.repositories["shop/app/front"]
    assert {tag: state.tags.get(Tag(tag)) for tag in moved} == moved
    assert set(moved.values()) <= state.manifests.keys()
