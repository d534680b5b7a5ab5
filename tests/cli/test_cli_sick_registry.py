"""Registries that are down, lie, or stop in the middle: nothing is deleted, and the message says who and what."""

import json
import re
import socket
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from holystone.embedded.faults import Action, Answer, Drop, Fault, Truncate
from holystone.embedded.quirks import DISTRIBUTION_2_8, DISTRIBUTION_3_1, ZOT, Quirks
from holystone.engine.model.manifests import OCI_INDEX, OCI_MANIFEST
from holystone.engine.model.references import Digest, Tag
from tests.support.command_line import Bench, always, bench, now
from tests.support.tiny_project import Contents, tiny_project

Refuse = Callable[..., str]
HTML = b"<html><head><title>Welcome to our portal</title></head><body>Please log in</body></html>"
FIRST_TAG = "/manifests/[0-9a-f]{56}$"


def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_a_registry_that_is_down(shop: Bench, refused: Refuse) -> None:
    address = f"127.0.0.1:{closed_port()}"
    shop.options = ["--images-repo", f"{address}/shop/app", "--stages-storage", f"{address}/shop/stages"]
    message = refused(shop, code=3)
    assert f"{address} cannot be reached" in message
    assert "Nothing was deleted." in message
    assert "run again" in message


@pytest.mark.slow
def test_a_registry_that_is_down_is_given_up_after_a_few_seconds(shop: Bench) -> None:
    address = f"127.0.0.1:{closed_port()}"
    begun = time.monotonic()
    ran = shop.spawn("cleanup", "--images-repo", f"{address}/a", "--stages-storage", f"{address}/s")
    assert ran.code == 3
    assert "cannot be reached" in ran.message
    assert ran.err.startswith("holystone: reading, ")
    assert time.monotonic() - begun < 12


def test_a_name_that_does_not_exist(shop: Bench, refused: Refuse) -> None:
    shop.options = ["--images-repo", "registry.invalid/app", "--stages-storage", "registry.invalid/stages"]
    assert "registry.invalid" in refused(shop, code=3)


@pytest.mark.parametrize("quirks", [DISTRIBUTION_2_8, DISTRIBUTION_3_1, ZOT], ids=["2.8", "3.1", "zot"])
def test_deletion_is_switched_off(tmp_path: Path, refused: Refuse, quirks: Quirks) -> None:
    with bench(tmp_path, quirks=quirks.without_deletion()) as shop:
        tiny_project(shop.project, shop.registry.storage, now=now())
        message = refused(shop, code=1)
        assert "REGISTRY_STORAGE_DELETE_ENABLED" in message
        assert f"{shop.registry.host}/shop/stages" in message
        assert message.count("REGISTRY_STORAGE_DELETE_ENABLED") == 1, "one cause, told once"
        assert "Nothing was deleted." in message
        ran = shop.cleanup("--dry-run")
        assert " go " in ran.out, "the plan is still shown"


@pytest.mark.parametrize("fault", ["truncated", "html", "html-200", "list"])
def test_a_listing_that_is_none(shop: Bench, refused: Refuse, fault: str) -> None:
    actions: dict[str, Action] = {
        "truncated": Truncate(keep=20),
        "html": Answer(404, HTML, {"Content-Type": "text/html"}),
        "html-200": Answer(200, HTML, {"Content-Type": "text/html"}),
        "list": Answer(200, b"[]"),
    }
    shop.registry.faults.add(Fault("GET", "/shop/stages/tags/list", actions[fault], times=None))
    message = refused(shop, code=3)
    assert "shop/stages" in message
    assert shop.registry.host in message
    assert "Nothing was deleted." in message


def test_a_404_of_a_proxy_is_no_empty_repository(shop: Bench, refused: Refuse) -> None:
    shop.registry.faults.add(always("/shop/app/backend/tags/list", 404, HTML))
    message = refused(shop, code=3)
    assert "shop/app/backend" in message
    assert "404" in message


def test_a_json_404_of_a_proxy_is_no_empty_repository(shop: Bench, refused: Refuse) -> None:
    shop.registry.faults.add(always("/shop/app/backend/tags/list", 404, b'{"message": "no Route matched"}'))
    assert "no Route matched" in refused(shop, code=3)


def test_a_404_for_a_tag_makes_it_broken_and_keeps_it(shop: Bench) -> None:
    """Whoever says so: without its digest a tag is not touched, nor is what hangs on its name."""
    before, doomed = shop.contents(), of_backend_that_go(shop)
    shop.registry.faults.add(Fault("HEAD", f"/shop/app/backend{FIRST_TAG}", Answer(404), times=None))
    ran = shop.cleanup()
    assert ran.code == 0
    assert "backend: 5 broken tags left alone" in ran.out
    assert "the records of its content stay" in ran.out
    assert len(shop.contents()["shop/app/backend"][0]) == 7
    all_that_hangs_on_backend_stays(shop, before)
    shop.registry.faults.clear()
    assert shop.cleanup().code == 0
    assert not doomed & set(shop.contents()["shop/app/backend"][0])


def of_backend_that_go(shop: Bench) -> set[str]:
    plan = shop.cleanup("--dry-run", "--output=json").json["plan"]["repositories"][0]
    assert plan["repository"]["path"] == "shop/app/backend"
    steps = [step for each in plan["passes"] for step in each["steps"]]
    return {tag for step in steps for tag in (step.get("tags") or [step.get("tag")]) if tag}


def all_that_hangs_on_backend_stays(shop: Bench, before: Contents) -> None:
    """And of the other image goes what is to go, but for stages."""
    (was, _), (now, _) = before["shop/stages"], shop.contents()["shop/stages"]
    gone = was.keys() - now.keys()
    assert gone
    assert all(tag.startswith("image-metadata-by-commit-front-") for tag in gone)
    assert len(shop.contents()["shop/app/front"][0]) < len(before["shop/app/front"][0])


@pytest.mark.parametrize("once", [True, False])
def test_one_image_whose_repository_is_said_not_to_be_there(shop: Bench, once: bool) -> None:
    before, doomed = shop.contents(), of_backend_that_go(shop)
    unknown = b'{"errors":[{"code":"NAME_UNKNOWN","message":"repository name not known to registry"}]}'
    times = 1 if once else None
    shop.registry.faults.add(Fault("GET", "/shop/app/backend/tags/list", Answer(404, unknown), times=times))
    ran = shop.cleanup()
    assert ran.code == 0
    if once:
        assert not doomed & set(shop.contents()["shop/app/backend"][0])
    else:
        assert "image backend: " in ran.out
        assert "holystone managed-images rm backend" in ran.out
        assert shop.contents()["shop/app/backend"] == before["shop/app/backend"]
        all_that_hangs_on_backend_stays(shop, before)


def test_a_listing_that_turns_in_circles(tmp_path: Path, refused: Refuse) -> None:
    with bench(tmp_path, quirks=DISTRIBUTION_3_1) as shop:
        tiny_project(shop.project, shop.registry.storage, now=now())
        link = '</v2/shop/stages/tags/list?n=1000&last=x>; rel="next"'
        body = json.dumps({"name": "shop/stages", "tags": ["a"]}).encode()
        shop.registry.faults.add(always("/shop/stages/tags/list", 200, body, Link=link))
        assert "turns in circles" in refused(shop, code=3)


def test_a_page_that_is_missing(tmp_path: Path, refused: Refuse) -> None:
    with bench(tmp_path, quirks=DISTRIBUTION_3_1) as shop:
        tiny_project(shop.project, shop.registry.storage, now=now())
        link = '</v2/shop/stages/tags/list?n=1000&last=a>; rel="next"'
        body = json.dumps({"name": "shop/stages", "tags": ["a"]}).encode()
        shop.registry.faults.add(always(r"/shop/stages/tags/list\?n=1000$", 200, body, Link=link))
        shop.registry.faults.add(always(r"last=a", 500))
        message = refused(shop, code=3)
        assert "shop/stages/tags/list" in message
        assert "500" in message


@pytest.mark.parametrize("action", [Answer(500), Answer(502, HTML), Drop(), Truncate(keep=10)], ids=repr)
@pytest.mark.parametrize("what", ["manifests/sha256", "blobs/sha256"])
def test_what_cannot_be_read_stops_everything(shop: Bench, refused: Refuse, what: str, action: Answer) -> None:
    shop.registry.faults.add(Fault("GET", f"/shop/stages/{what}", action, times=None))
    message = refused(shop, code=3)
    assert what in message
    assert shop.registry.host in message


def test_a_manifest_that_does_not_match_its_digest(shop: Bench, refused: Refuse) -> None:
    shop.registry.faults.add(always("/shop/app/front/manifests/sha256", 200, b'{"schemaVersion": 2}'))
    message = refused(shop, code=3)
    assert "does not match its digest" in message
    assert "shop/app/front" in message


def test_truncated_json_in_a_manifest_that_matches_its_digest_makes_the_tag_broken(shop: Bench) -> None:
    state = shop.registry.storage.repository("shop/app/front")
    tag = sorted(state.tags)[0]
    state.tags[tag] = broken(shop, "shop/app/front", b'{"schemaVersion": 2, "config": {"dig')
    ran = shop.cleanup("--dry-run")
    assert ran.code == 0
    assert f"stay  {tag}" in ran.out
    assert "broken, a person should look" in ran.out


def test_a_configuration_that_is_missing_makes_the_tag_broken_and_keeps_it(shop: Bench) -> None:
    going = json.loads(shop.cleanup("--dry-run", "--output=json").out)["plan"]["repositories"][0]["passes"][0]["steps"]
    digest = Digest.parse(going[0]["digest"])
    state = shop.registry.storage.repositories["shop/app/backend"]
    config = json.loads(state.manifests[digest].body)["config"]["digest"]
    state.blobs.discard(config)
    (shop.home / "cache").mkdir()
    ran = shop.cleanup("--cache-dir", str(shop.home / "cache"))
    assert ran.code == 0
    assert "left alone" in ran.out
    assert digest in state.manifests
    assert [digest] * len(going[0].get("tags", [1])) == [at for at in state.tags.values() if at == digest]


def test_no_such_repositories(shop: Bench) -> None:
    shop.registry.storage.repositories.clear()
    ran = shop.cleanup()
    assert ran.code == 0
    for path in ("shop/app/backend", "shop/app/front", "shop/stages"):
        assert f"{shop.registry.host}/{path} does not exist in the registry" in ran.out
    assert "There is nothing to delete." in ran.out
    assert shop.cleanup("--output=json").json["ending"] == "nothing-to-do"


def empty(shop: Bench, *paths: str) -> None:
    """As some registries say of what was never pushed."""
    for path in paths:
        body = json.dumps({"name": path, "tags": []}).encode()
        shop.registry.faults.add(always(f"/{path}/tags/list", 200, body))


@pytest.mark.parametrize("there", ["absent", "empty", "somebody else's"])
def test_a_wrong_images_repo_is_refused(shop: Bench, refused: Refuse, there: str) -> None:
    shop.options = shop.addresses(images="shop/aap")
    paths = ("shop/aap/backend", "shop/aap/front")
    if there == "empty":
        empty(shop, *paths)
    for path in paths if there == "somebody else's" else ():
        shop.registry.storage.put_manifest(path, b'{"schemaVersion": 2, "manifests": []}', OCI_INDEX, "theirs")
    message = refused(shop, "--yes-delete-that-many", code=3)
    assert "name images that were published, and no image has a tag in" in message
    assert "/shop/aap/backend" in message
    assert "--images-repo" in message
    assert "--stages-storage" in message
    assert "holystone stages purge" in message


@pytest.mark.parametrize("command", ["images", "stages"])
def test_a_wrong_images_repo_is_refused_on_either_half(shop: Bench, command: str) -> None:
    empty(shop, "shop/aap/front")
    before = shop.contents()
    ran = shop.run(command, "cleanup", *shop.addresses(images="shop/aap"), "--yes-delete-that-many")
    assert ran.code == 3
    assert shop.contents() == before


def test_the_wrong_mode_is_refused(shop: Bench, refused: Refuse) -> None:
    message = refused(shop, "--images-repo-mode=monorepo", code=3)
    assert "no image has a tag in" in message
    assert "--images-repo-mode" in message


def test_swapped_repositories_are_refused(shop: Bench, refused: Refuse) -> None:
    shop.options = shop.addresses(images="shop/stages", stages="shop/app")
    assert "shop/stages holds stages or records" in refused(shop, code=3)
    shop.options = shop.addresses(images="shop/stages", stages="shop/app/front")
    message = refused(shop, code=3)
    assert "--images-repo" in message
    assert "--stages-storage" in message
    assert "swapped" in message


def test_tag_strategies_refuse_a_wrong_images_repo_too(shop: Bench, refused: Refuse) -> None:
    shop.options = shop.addresses(images="shop/aap")
    empty(shop, "shop/aap/front")
    refused(shop, "--git-history-based-cleanup=false", code=3)


def test_a_project_that_was_never_published_is_no_mistake(shop: Bench) -> None:
    """Stages and managed images alone name nothing that was published."""
    storage = shop.registry.storage
    for name in [name for name in storage.repositories if name.startswith("shop/app")]:
        del storage.repositories[name]
    stages = storage.repository("shop/stages")
    for tag in [tag for tag in stages.tags if tag.startswith("image-metadata")]:
        del stages.tags[tag]
    ran = shop.cleanup()
    assert ran.code == 0
    assert "stages and records were left alone" in ran.out
    storage.repositories.clear()
    assert shop.cleanup().code == 3, "all that the run before has left is gone"
    assert shop.cleanup("--accept-new-baseline").code == 0


def test_a_stages_storage_that_is_not_there_is_the_wrong_one(shop: Bench, refused: Refuse) -> None:
    del shop.registry.storage.repositories["shop/stages"]
    message = refused(shop, code=3)
    assert "image backend has" in message
    assert "--stages-storage" in message


def test_the_wrong_stages_storage(shop: Bench, refused: Refuse) -> None:
    shop.options = shop.addresses(stages="shop/app/front")
    message = refused(shop, code=3)
    assert "image backend has" in message
    assert "metadata" in message
    assert "--git-history-based-cleanup-v1.2" in message
    ran = shop.cleanup("--git-history-based-cleanup-v1.2", "--dry-run")
    assert ran.code == 0
    assert "no metadata record says which commit it was built from" in ran.out


def test_a_registry_that_dies_in_the_middle_and_comes_back(shop: Bench) -> None:
    deletions = r"/manifests/sha256:"
    shop.registry.faults.add(Fault("DELETE", deletions, Answer(503), nth=9, times=None))
    ran = shop.cleanup()
    assert ran.code == 4
    run = ran.err.split("holystone: run ")[1].split()[0]
    error = [line for line in ran.err.splitlines() if "not finished" in line]
    assert len(error) == 1
    assert f"`holystone resume {run}` tries what is left." in ran.err
    shop.registry.faults.clear()
    again = shop.run("resume", "--output=json")
    assert again.code == 0
    assert again.json["run"] == run
    assert again.json["ending"] == "done"
    assert shop.run("resume", run).code == 0
    assert "nothing left to do" in shop.run("resume", run).err


def broken(shop: Bench, repository: str, body: bytes) -> Digest:
    """A manifest whose bytes are no JSON."""
    state = shop.registry.storage.repository(repository)
    other = next(iter(state.manifests.values()))
    digest = Digest.of(body)
    state.manifests[digest] = msgspec.structs.replace(other, digest=digest, body=body)
    return digest


@pytest.mark.parametrize("repository", ["shop/stages", "shop/app/front"])
def test_an_answer_to_another_question_shows_in_the_labels(shop: Bench, repository: str) -> None:
    """As of a proxy that is one answer behind, which nothing on the wire has shown."""
    tags = shop.registry.storage.repositories[repository].tags
    one, other = sorted(tag for tag in tags if re.fullmatch(r"[0-9a-f]{56}(-\d+)?", tag))[:2]
    headers = {"Docker-Content-Digest": str(tags[other]), "Content-Type": OCI_MANIFEST}
    shop.registry.faults.add(Fault("HEAD", f"{repository}/manifests/{one}$", Answer(200, headers=headers)))
    before = shop.contents()
    ran = shop.cleanup()
    assert ran.code == 3, ran
    assert f"{repository}: {one} was read as {tags[other]}, whose labels name another tag" in ran.message
    assert "Nothing was deleted." in ran.message
    assert shop.contents() == before
    assert shop.cleanup().code == 0


def test_a_second_name_that_somebody_gave_an_image_is_none(shop: Bench) -> None:
    storage = shop.registry.storage.repositories["shop/app/front"]
    signed = next(tag for tag in sorted(storage.tags) if re.fullmatch(r"[0-9a-f]{56}", tag))
    storage.tags[Tag("ab" * 28)] = storage.tags[signed]
    assert shop.cleanup().code == 0
