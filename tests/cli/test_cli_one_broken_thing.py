"""One broken thing, as a person meets it: added to a project, seen in the plan of the command and in what it does. Over
random projects and for all of the list the same is held by `promises/test_one_broken_thing.py`."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import msgspec
import pytest

from holystone.embedded.storage import Storage
from holystone.engine.model.references import Digest
from holystone.policies.werf.v1 import kind_of, parse_rejected_tag
from tests.support.broken_things import EVERY, IMAGE_TAG, LABELS, LOST, MALFORMED, STAGE_TAG, Here, unread
from tests.support.command_line import Bench, bench, now
from tests.support.tiny_project import copy_of, tiny_project

STAGES: Final = "shop/stages"
APPS: Final = ("shop/app/backend", "shop/app/front")
SOME: Final = (
    "a name with a slash",
    "a managed image that can have no repository",
    "BuildKit's cache",
    "a parent that is a name",
    "a manifest that is no JSON",
    "a configuration that is answered by Answer(status=403, body=b'', headers={})",
    "a manifest that is answered by Answer(status=500, body=b'', headers={})",
    "a tag that is answered by Answer(status=500, body=b'', headers={})",
)
"""One of each kind."""
Gone = frozenset[tuple[str, str]]


@pytest.fixture(scope="module")
def worlds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list["Project"]]:
    made = []
    for number, rich in enumerate((False, True)):
        folder: Path = tmp_path_factory.mktemp(f"world-{number}")
        with bench(folder) as shop:
            tiny_project(shop.project, shop.registry.storage, now=now(), rich=rich, commits=4 + number)
            made.append((folder, shop.project, copy_of(shop.registry.storage)))
    folder = tmp_path_factory.mktemp("shop")
    with bench(folder) as shop:
        projects = [Project(shop, project, storage) for _, project, storage in made]
        yield projects


class Project:
    def __init__(self, shop: Bench, path: Path, storage: Storage) -> None:
        self.shop = shop
        self._path = path
        self._storage = storage
        self.before = self.gone()

    def gone(self, act: Callable[[Bench], None] | None = None) -> Gone:
        """What goes, after `act`."""
        fresh, storage = copy_of(self._storage), self.shop.registry.storage
        storage.blobs.clear()
        storage.blobs.update(fresh.blobs)
        storage.repositories.clear()
        storage.repositories.update(fresh.repositories)
        self.shop.registry.faults.clear()
        self.shop.project = self._path
        shutil.rmtree(self.shop.home / ".cache", ignore_errors=True)  # one name stands for other contents each time
        if act:
            act(self.shop)
        ran = self.shop.cleanup("--dry-run", "--output=json", "--yes-delete-that-many")
        assert ran.code == 0, ran
        self.notices = " ".join(each["text"] for each in ran.json["plan"]["notices"])
        return frozenset(
            (each["repository"]["path"], tag)
            for each in ran.json["plan"]["repositories"]
            for step in (step for one in each["passes"] for step in one["steps"])
            for tag in (step.get("tags") or ([step["tag"]] if "tag" in step else []))
        )


def stages_and_marks(gone: Gone) -> Gone:
    return frozenset(
        (at, tag) for at, tag in gone if at == STAGES and (kind_of(tag) == "stage" or parse_rejected_tag(tag))
    )


@pytest.mark.parametrize("what", SOME)
@pytest.mark.parametrize("repository", [STAGES, *APPS])
def test_whatever_is_added_is_a_fact_about_itself(worlds: list[Project], what: str, repository: str) -> None:
    project, tag = worlds[repository == STAGES], STAGE_TAG if repository == STAGES else IMAGE_TAG
    gone = project.gone(lambda shop: EVERY[what](Here(shop.registry, repository, tag)))
    may_hang: Gone = frozenset()
    if what in LOST or (what in MALFORMED and tag == STAGE_TAG):
        may_hang |= stages_and_marks(project.before)
    if unread(what):
        may_hang |= {(at, each) for at, each in project.before if at == repository}  # any manifest may be behind it
    assert (repository, tag) not in gone
    assert gone <= project.before
    assert project.before - gone == may_hang


@pytest.mark.parametrize("labels", [["werf=shop"], {**LABELS, "werf-image": True}, LABELS])
def test_an_image_whose_labels_make_no_sense_keeps_the_stage_it_is_built_on(
    worlds: list[Project], labels: object
) -> None:
    project = worlds[1]
    stage = min(tag for at, tag in project.before if at == STAGES and kind_of(tag) == "stage")

    def act(shop: Bench) -> None:
        parent = Here(shop.registry, STAGES, stage).config(shop.registry.storage.repository(STAGES).tags[stage])
        Here(shop.registry, APPS[0], IMAGE_TAG).image(
            {"created": "yesterday", "config": {"Labels": labels, "Image": parent}}
        )

    gone = project.gone(act)
    assert gone < project.before
    assert (STAGES, stage) not in gone


@pytest.mark.parametrize("repository", [STAGES, APPS[0]])
@pytest.mark.parametrize("what", SOME)
def test_a_run_does_what_it_can_and_a_second_one_nothing(worlds: list[Project], what: str, repository: str) -> None:
    project, tag = worlds[1], STAGE_TAG if repository == STAGES else IMAGE_TAG
    planned = project.gone(lambda shop: EVERY[what](Here(shop.registry, repository, tag)))
    shop = project.shop
    names = {(at, name) for at, (tags, _) in shop.contents().items() for name in tags}
    options = ("--yes-delete-that-many", "--accept-new-baseline")
    ran = shop.cleanup(*options)
    assert ran.code == 0, ran
    left = {(at, name) for at, (tags, _) in shop.contents().items() for name in tags}
    assert names - left == planned
    shop.registry.faults.clear()
    again = shop.cleanup("--dry-run", "--output=json", *options).json["plan"]["repositories"]
    if planned < project.before:
        assert all((at, name) in left for at, name in project.before - planned), "all that waited is still there"
    else:
        assert not [each for each in again if each["passes"]]


@pytest.mark.parametrize("size", ["-1", "1" + "0" * 400, "9" * 4300])
def test_a_doomed_image_whose_layer_has_a_size_beyond_all_numbers(shop: Bench, size: str) -> None:
    storage = shop.registry.storage
    before = shop.cleanup("--dry-run", "--output=json").json["plan"]["repositories"]
    (tag, *_), name = next(
        (step["tags"], at["repository"]["path"])
        for at in before
        for step in (step for each in at["passes"] for step in each["steps"])
        if at["repository"]["path"] in APPS and step.get("tags")
    )
    old = storage.repositories[name].manifests[storage.repositories[name].tags[tag]]
    layer = f'"layers":[{{"mediaType":"a/b","digest":"{old.blobs[0]}","size":{size}}},'.encode()
    body = old.body.replace(b'"layers":[', layer, 1).replace(b",]", b"]")
    assert body != old.body
    digest = Digest.of(body)
    storage.repositories[name].manifests[digest] = msgspec.structs.replace(old, digest=digest, body=body)
    storage.repositories[name].tags[tag] = digest
    done = shop.cleanup()
    assert done.code == 0, done
    assert tag not in storage.repositories[name].tags


@pytest.mark.parametrize("what", ["a manifest that is no JSON", "an index with two meanings"])
@pytest.mark.parametrize("repository", [STAGES, APPS[0]])
def test_a_name_that_is_no_tag_on_what_cannot_be_understood_stops_no_deletion(
    shop: Bench, what: str, repository: str
) -> None:
    here = Here(shop.registry, repository, STAGE_TAG if repository == STAGES else IMAGE_TAG)
    neighbour = here.neighbour()
    EVERY[what](here)
    digest = here.state.tags.pop(here.tag)
    here.state.tags[digest] = digest
    ran = shop.cleanup()
    assert ran.code == 0, ran
    assert digest in here.state.tags
    assert what != "an index with two meanings" or neighbour in here.state.manifests
    assert shop.cleanup("--dry-run", "--output=json").json["ending"] == "planned"
