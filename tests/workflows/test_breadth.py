"""Whoever may push makes managed images, records, tags and branches by the thousand: judging them takes the time of
their sum, and not of their product."""

import hashlib
import time
from collections import defaultdict
from collections.abc import Collection, Mapping

import pytest

from holystone.adapters.git.references import References
from holystone.engine.errors import IncompleteSource
from holystone.engine.model.addresses import Address, ImagesRepoMode
from holystone.engine.model.history import GitReference, History
from holystone.engine.model.image_config import ImageConfig
from holystone.engine.model.inventory import RepositorySnapshot
from holystone.engine.model.manifests import DOCKER_MANIFEST, Manifest
from holystone.engine.model.references import Commit, ImageName, RegistryHost, Repository, RepositoryPath, Tag
from holystone.policies.git_references import SelectedReference
from holystone.policies.keep_policies import KeepPolicy, ReferencesRule
from holystone.policies.werf.v1 import ImagesRepo, image_metadata_tag, never_published
from holystone.workflows.breadth import bounded, refuse_alike, refuse_too_many
from holystone.workflows.decide import decide
from holystone.workflows.decision import Rules, Scope
from holystone.workflows.intent import read_git
from holystone.workflows.inventory import ProjectInventory
from tests.support.image_values import IMAGE, commit_id, digest_of, image_tag

MANY = 4000
HOST = RegistryHost("registry.example")
STORAGE = Repository(HOST, RepositoryPath("shop/stages"))


class NoHistory:
    def history(
        self, heads: Collection[Commit], commits: Collection[Commit], others: Collection[Commit] = ()
    ) -> History:
        raise AssertionError


def test_more_branches_than_can_be_judged_are_refused() -> None:
    selected = [SelectedReference(GitReference("branch", f"b{n}", commit_id("a"), 1), None, 1) for n in range(3)]
    tags = {IMAGE: [image_tag("x", "s"), image_tag("y", "s"), image_tag("z", "t")]}
    refuse_too_many(selected, tags, most=6)
    with pytest.raises(IncompleteSource, match="select 3 branches and git tags, and 2 contents of images"):
        refuse_too_many(selected, tags, most=5)


def test_more_names_than_can_be_held_against_expressions_are_refused() -> None:
    """RE2 takes all of an expression for each byte where it has no room for shortcuts: a hundred of 80 kB and 200
    branches of 250 letters took half an hour, in one go."""
    policies = [KeepPolicy(ReferencesRule("branch", "/x/")), KeepPolicy(ReferencesRule("tag", "v1"))]
    of_each = sum(each.references.steps for each in policies)
    count = bounded(policies, most=of_each * 10)
    count("ä" * 5)
    with pytest.raises(IncompleteSource, match=f"take {of_each} steps for each letter, and there are 11"):
        count("\udcff")


async def test_expressions_without_end_are_refused_before_they_are_tried() -> None:
    policies = [KeepPolicy(ReferencesRule("branch", f"/{'(?:a?b?)' * 5000}[^ab]/"))] * 100
    found = tuple(GitReference("branch", f"{number:04}-{'ab' * 120}", commit_id("a"), 1) for number in range(500))
    began = time.process_time()
    with pytest.raises(IncompleteSource, match="Write shorter expressions"):
        await read_git(NoHistory(), References(found, ()), policies, (), as_of=2)
    assert time.process_time() - began < 2


def test_many_images_that_werf_cannot_tell_apart_are_refused() -> None:
    """Names of one hash are made in milliseconds. Each record counted for each of them: 600 names and 5,000 records
    took 230 MB."""
    alike = [ImageName(f"{'a' * 60}{end}") for end in ("aalroxyj", "abobkojx", "acacmddz", "ag30x75b", "ailyjbqq")]
    refuse_alike(alike[:4])
    with pytest.raises(IncompleteSource, match="names of 5 images to the same one"):
        refuse_alike(alike)


def test_thousands_of_managed_images_beside_thousands_of_records() -> None:
    """A hundred thousand of both took six hours, in one go."""
    images = [ImageName(f"image-{number}") for number in range(MANY)]
    records = {Tag(image_metadata_tag("image-7", hashlib.sha1(b"%d" % n).hexdigest())) for n in range(MANY)}
    began = time.process_time()
    absent = never_published(images, records)
    assert time.process_time() - began < 2
    assert set(images) - absent == {"image-7"}


@pytest.mark.parametrize("mode", ["monorepo", "multirepo"])
def test_thousands_of_managed_images_beside_thousands_of_tags(mode: ImagesRepoMode) -> None:
    """Of each image one tag that is sound and one that cannot be read. A hundred thousand of both took hours in one
    repository."""
    layout = ImagesRepo.at(Address(HOST, RepositoryPath("shop/app")), mode)
    images = [ImageName(f"image-{number}") for number in range(MANY)]
    contents: defaultdict[Repository, dict[Tag, ImageName]] = defaultdict(dict)
    for image in images:
        for meta_tag in ("master", "broken"):
            contents[layout.repository(image)][layout.docker_tag(image, meta_tag)] = image
    snapshots = {at: _snapshot(at, tags) for at, tags in contents.items()}
    snapshots[STORAGE] = _snapshot(STORAGE, {})
    inventory = ProjectInventory(layout, tuple(sorted(images)), snapshots, STORAGE)
    began = time.process_time()
    decision = decide(inventory, None, Scope(), Rules(v1_2=True, v1_2_confirmed=False, stages_grace=0, as_of=1))
    assert time.process_time() - began < 2
    assert sum(len(of_tags) for of_tags in decision.verdicts.values()) == 2 * MANY


def _snapshot(at: Repository, tags: Mapping[Tag, ImageName]) -> RepositorySnapshot:
    sound = {tag: image for tag, image in tags.items() if not tag.endswith("broken")}
    ids = {tag: digest_of(f"configuration of {tag}") for tag in sound}
    return RepositorySnapshot(
        at,
        {tag: digest_of(tag) for tag in sound},
        dict.fromkeys(tags.keys() - sound.keys(), "the registry has no manifest for it"),
        {digest_of(tag): Manifest(digest_of(tag), DOCKER_MANIFEST, 1, config=ids[tag]) for tag in sound},
        {
            ids[tag]: ImageConfig(ids[tag], 1, {"werf-image": "true", "werf-image-name": image}, None)
            for tag, image in sound.items()
        },
    )
