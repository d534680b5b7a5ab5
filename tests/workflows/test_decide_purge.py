"""What a purge takes: all that is the project's, and nothing of anybody else's in the same repositories."""

from itertools import chain

import msgspec
import pytest

from holystone.engine.model.addresses import Address, ImagesRepoMode
from holystone.engine.model.delete_reasons import Purged
from holystone.engine.model.image_config import ImageConfig
from holystone.engine.model.inventory import RepositorySnapshot
from holystone.engine.model.manifests import DOCKER_MANIFEST, OCI_INDEX, Manifest
from holystone.engine.model.reasons import BesideOtherProject, Foreign, OtherProject
from holystone.engine.model.references import ImageName, RegistryHost, Repository, RepositoryPath, Tag
from holystone.engine.model.verdicts import Delete, Keep
from holystone.policies.werf.v1 import ImagesRepo, image_metadata_tag, read_images, readable_enough
from holystone.workflows.decision import Decision, Scope
from holystone.workflows.purge import Holdings, decide_purge
from tests.support.image_values import commit_id, digest_of
from tests.support.notice_texts import notice_texts

HOST = RegistryHost("registry.example")
IMAGES = Repository(HOST, RepositoryPath("shop/app"))
STORAGE = Repository(HOST, RepositoryPath("shop/stages"))
ALL, ONLY_IMAGES, ONLY_STAGES = Scope(), Scope(stages=False), Scope(images=False)
LONG = "l" * 100

Contents = dict[str, tuple[dict[str, str], str | None]]
"""Tag → labels and the tag of the stage it is built on."""


def snapshot(repository: Repository, contents: Contents) -> RepositorySnapshot:
    manifests, configs = {}, {}
    for tag, (labels, parent) in contents.items():
        image_id = digest_of(f"config {tag}")
        manifests[digest_of(tag)] = Manifest(digest_of(tag), DOCKER_MANIFEST, 100, config=image_id)
        parent_id = digest_of(f"config {parent}") if parent else None
        configs[image_id] = ImageConfig(image_id, 1_600_000_000, labels, parent_id)
    return RepositorySnapshot(repository, {Tag(tag): digest_of(tag) for tag in contents}, {}, manifests, configs)


def final(name: str, meta_tag: str, project: str = "shop", **more: str) -> dict[str, str]:
    return {"werf": project, "werf-image": "true", "werf-image-name": name, "werf-image-tag": meta_tag, **more}


PUBLISHED: Contents = {
    "app-new": (final("app", "new"), "aaa-1"),
    "app-master": (final("app", "master"), None),
    "app-theirs": (final("app", "theirs", "bakery"), None),
    "application-1": (final("application", "1"), None),
    "other": ({}, None),
}
RECORDS: Contents = {
    "aaa-1-rejected": ({}, None),
    "managed-image-app": ({}, None),
    image_metadata_tag("app", commit_id("a")): ({"ContentSignature": "new"}, None),
    image_metadata_tag("nobody", commit_id("b")): ({}, None),
    image_metadata_tag(LONG, commit_id("c")): ({}, None),
    "client-id-1234-1600000000000": ({}, None),
}
STORED: Contents = {
    "aaa-1": ({"werf": "shop"}, None),
    "bbb-2": ({}, None),
    **RECORDS,
    "latest": ({}, None),
    "sha256-abc": ({}, None),
}


def holdings(
    published: Contents | None,
    stored: Contents,
    *,
    storage: Repository = STORAGE,
    project: str | None = "shop",
    mode: ImagesRepoMode = "monorepo",
    images: tuple[str, ...] = ("app",),
) -> Holdings:
    there = {storage: snapshot(storage, stored)}
    if published is not None:
        there[IMAGES] = snapshot(IMAGES, {**published, **(stored if storage == IMAGES else {})})
    layout = ImagesRepo.at(Address(HOST, IMAGES.path), mode)
    at = there.get(IMAGES, there[storage])
    names = [ImageName(name) for name in images]
    of_each = read_images(layout, names, dict.fromkeys(map(layout.repository, names), at))
    tags = tuple(chain.from_iterable(of_each.values()))
    return Holdings(project, storage, there, None if published is None else tags)


def gone(decision: Decision, repository: Repository) -> set[str]:
    return {tag for tag, verdict in decision.verdicts.get(repository, {}).items() if isinstance(verdict, Delete)}


def test_everything_of_the_project_goes_and_nothing_else() -> None:
    decision = decide_purge(holdings(PUBLISHED, STORED), ALL, 0)
    assert gone(decision, IMAGES) == {"app-new", "app-master"}
    assert gone(decision, STORAGE) == STORED.keys() - {"latest", "sha256-abc"}
    assert decision.verdicts[IMAGES][Tag("app-new")] == Delete((Purged(),))
    assert decision.refusals == ()


def test_the_mark_of_a_rejected_stage_is_known() -> None:
    facts = decide_purge(holdings(PUBLISHED, STORED), ALL, 0).facts
    assert facts[STORAGE].marks == {"aaa-1-rejected": "aaa-1"}
    assert facts[IMAGES].marks == {}


def test_one_half_leaves_the_other() -> None:
    images = decide_purge(holdings(PUBLISHED, STORED), ONLY_IMAGES, 0)
    assert images.verdicts.keys() == {IMAGES}
    assert gone(images, IMAGES) == {"app-new", "app-master"}
    stages = decide_purge(holdings(PUBLISHED, STORED), ONLY_STAGES, 0)
    assert stages.verdicts.keys() == {STORAGE}
    assert gone(stages, STORAGE) == STORED.keys() - {"latest", "sha256-abc"}


def test_images_of_another_project_stay_and_are_told() -> None:
    decision = decide_purge(holdings(PUBLISHED, STORED), ALL, 0)
    assert decision.verdicts[IMAGES][Tag("app-theirs")] == Keep((OtherProject("bakery"),))
    (notice,) = notice_texts(decision.notices)
    assert "1 tag left alone" in notice
    assert "app-theirs" in notice
    assert "bakery" in notice


def test_a_name_that_nobody_knows_protects_nothing() -> None:
    decision = decide_purge(holdings(PUBLISHED, STORED, project=None), ALL, 0)
    assert gone(decision, IMAGES) == {"app-new", "app-master", "app-theirs"}


def test_beside_stages_of_another_project_no_record_goes() -> None:
    stored = {**STORED, "ccc-3": ({"werf": "bakery"}, None)}
    decision = decide_purge(holdings(PUBLISHED, stored), ALL, 0)
    assert gone(decision, STORAGE) == {"aaa-1", "bbb-2"}
    assert decision.verdicts[STORAGE][Tag("ccc-3")] == Keep((OtherProject("bakery"),))
    assert {
        tag for tag, verdict in decision.verdicts[STORAGE].items() if verdict == Keep((BesideOtherProject(),))
    } == STORED.keys() - {"aaa-1", "bbb-2", "latest", "sha256-abc"}
    assert decision.verdicts[STORAGE][Tag("latest")] == Keep((Foreign(),))
    assert any("all records" in notice for notice in notice_texts(decision.notices))


def test_what_only_looks_like_a_stage_stays() -> None:
    index = digest_of("index")
    there = snapshot(STORAGE, STORED)
    there = msgspec.structs.replace(
        there,
        tags={**there.tags, Tag("ddd-4"): index},
        manifests={**there.manifests, index: Manifest(index, OCI_INDEX, 1)},
    )
    decision = decide_purge(Holdings("shop", STORAGE, {STORAGE: there}, None), ONLY_STAGES, 0)
    assert "ddd-4" not in gone(decision, STORAGE)


SHARED: Contents = {
    "aaa-1": ({"werf": "shop"}, None),
    # Built on a final image, whose labels it inherits.
    "bbb-2": (final("app", "new") | {"werf": "shop"}, None),
    "app-5": (final("app", "5"), "aaa-1"),
    "web-7": ({"werf-image": "true", "werf-image-name": "web"}, None),
    "managed-image-app": ({}, None),
}


SHARED_STAGES = {"aaa-1", "bbb-2", "managed-image-app"}


@pytest.mark.parametrize(
    ("scope", "published", "expected"),
    [
        (ALL, {}, SHARED_STAGES | {"app-5"}),
        (ONLY_IMAGES, {}, {"app-5"}),
        (ONLY_STAGES, {}, SHARED_STAGES),
        (ONLY_STAGES, None, SHARED_STAGES),
    ],
    ids=["all", "images", "stages", "stages-alone"],
)
def test_images_and_stages_in_one_repository(scope: Scope, published: Contents | None, expected: set[str]) -> None:
    """Image `app` with tag 5 is `app-5`, which also parses as a stage."""
    assert gone(decide_purge(holdings(published, SHARED, storage=IMAGES), scope, 0), IMAGES) == expected


def test_a_nameless_image_takes_no_stage_that_inherited_its_labels() -> None:
    shared = {**SHARED, "v1": (final("", "v1"), None), "ccc-3": (final("", "v1"), None)}
    made = holdings({}, shared, storage=IMAGES, mode="multirepo", images=("",))
    assert gone(decide_purge(made, ONLY_IMAGES, 0), IMAGES) == {"app-5", "v1", "web-7"}


def test_images_that_stay_without_their_stages_are_counted() -> None:
    (notice,) = notice_texts(decide_purge(holdings(PUBLISHED, STORED), ONLY_STAGES, 0).notices)
    assert notice.startswith("1 image tag built on stages that go will stay, e.g. registry.example/shop/app:app-new")
    (unknown,) = notice_texts(decide_purge(holdings(None, STORED), ONLY_STAGES, 0).notices)
    assert "--images-repo" in unknown
    assert not any(
        "will stay" in notice for notice in notice_texts(decide_purge(holdings(PUBLISHED, STORED), ALL, 0).notices)
    )


def test_images_that_are_nowhere_are_told_before_their_stages_go() -> None:
    made = holdings(PUBLISHED, STORED)
    absent = RepositorySnapshot(IMAGES, {}, {}, {}, {}, exists=False)
    made = msgspec.structs.replace(made, snapshots={**made.snapshots, IMAGES: absent}, images=())
    assert any("--images-repo is wrong" in notice for notice in notice_texts(decide_purge(made, ALL, 0).notices))
    assert not any("is wrong" in notice for notice in notice_texts(decide_purge(made, ONLY_IMAGES, 0).notices))


def test_no_grace_counts() -> None:
    decision = decide_purge(holdings(PUBLISHED, STORED), ALL, 1_600_000_001)
    for tag in ("aaa-1", "managed-image-app"):
        assert decision.facts[STORAGE].may_overwrite(Tag(tag))
        assert tag in decision.facts[STORAGE].written_once
    assert decision.facts[IMAGES].may_overwrite(Tag("app-master"))
    assert decision.facts[IMAGES].written_once == set()


def test_tags_named_after_their_content_are_known_to_be_written_once() -> None:
    published: Contents = {"app-new": (final("app", "new", **{"werf-content-signature": "new"}), None)}
    assert decide_purge(holdings(published, STORED), ALL, 0).facts[IMAGES].written_once == {"app-new"}


def test_a_stage_whose_configuration_is_gone_goes_too_and_a_dangling_one_stays() -> None:
    there = snapshot(STORAGE, {**STORED, "ccc-3": ({}, None), "foreign": ({}, None)})
    configs = {config: each for config, each in there.configs.items() if config != digest_of("config ccc-3")}
    broken = {Tag("ccc-3"): "no configuration", Tag("foreign"): "no configuration", Tag("ddd-4"): "dangling"}
    read = readable_enough(msgspec.structs.replace(there, configs=configs, broken=broken))
    assert read.broken.keys() == {"foreign", "ddd-4"}
    decision = decide_purge(Holdings("shop", STORAGE, {STORAGE: read}, None), ONLY_STAGES, 0)
    assert "ccc-3" in gone(decision, STORAGE)
    assert not {"foreign", "ddd-4"} & gone(decision, STORAGE)
    assert any("2 broken tags left alone" in notice for notice in notice_texts(decision.notices))


def test_records_go_where_only_images_in_the_same_repository_are_of_another_project() -> None:
    shared = {**SHARED, "app-6": (final("app", "6", "bakery"), None)}
    decision = decide_purge(holdings({}, shared, storage=IMAGES), ALL, 0)
    assert gone(decision, IMAGES) == SHARED_STAGES | {"app-5"}
    assert not any("all records" in notice for notice in notice_texts(decision.notices))
