"""A project is read out of snapshots: what is whose, and what nobody may touch."""

import hashlib
from collections.abc import Mapping
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holystone.engine.model.image_config import ImageConfig
from holystone.engine.model.inventory import RepositorySnapshot
from holystone.engine.model.manifests import DOCKER_LIST, DOCKER_MANIFEST, Manifest
from holystone.engine.model.references import Commit, Digest, ImageName, Tag
from holystone.engine.names import parse_address, repository_of
from holystone.policies.werf.v1 import (
    ImagesRepo,
    image_metadata_tag,
    managed_images,
    needs_config,
    read_images,
    read_storage,
)
from holystone.policies.werf.v1.project import ImageTag, MetadataRecord, StagesStorage

PROJECT = parse_address("registry.example.com/project")
COMMIT = Commit("8a99331ce0f918b411423223f4060e9688e03f6a")
FINAL = {"werf-image": "true", "werf-content-signature": "s1"}


def digest(text: str) -> Digest:
    return Digest(f"sha256:{hashlib.sha256(text.encode()).hexdigest()}")


def snapshot(
    tags: Mapping[str, Mapping[str, str]],
    *,
    broken: tuple[str, ...] = (),
    indexes: tuple[str, ...] = (),
    unread: tuple[str, ...] = (),
    parent: Digest | None = None,
) -> RepositorySnapshot:
    """A repository whose tags have these labels; each tag has a manifest and a configuration of its own."""
    manifests: dict[Digest, Manifest] = {}
    configs: dict[Digest, ImageConfig] = {}
    for tag, labels in tags.items():
        image_id = digest(f"config {tag}")
        manifests[digest(tag)] = Manifest(digest(tag), DOCKER_MANIFEST, 1, config=image_id)
        if tag not in unread:
            configs[image_id] = ImageConfig(image_id, 1598000000, labels, parent)
    for tag in indexes:
        manifests[digest(tag)] = Manifest(digest(tag), DOCKER_LIST, 1)
    return RepositorySnapshot(
        repository=repository_of(PROJECT),
        tags={Tag(tag): digest(tag) for tag in (*tags, *indexes)},
        broken={Tag(tag): "the registry has no manifest" for tag in broken},
        manifests=manifests,
        configs=configs,
    )


def images_of(mode: Literal["multirepo", "monorepo"], image: str, there: RepositorySnapshot) -> tuple[ImageTag, ...]:
    layout, name = ImagesRepo.at(PROJECT, mode), ImageName(image)
    return read_images(layout, [name], {layout.repository(name): there})[name]


def tags_of(mode: Literal["multirepo", "monorepo"], image: str, repository: RepositorySnapshot) -> list[str]:
    return [found.reference.tag for found in images_of(mode, image, repository)]


def test_images_of_one_repository_do_not_take_each_others_tags() -> None:
    repository = snapshot(
        {
            "front-v1": {**FINAL, "werf-image-name": "front"},
            "front-end-v1": {**FINAL, "werf-image-name": "front-end"},
            "front-end-v0": {**FINAL, "werf-image-name": "front-end"},
            "v1": {**FINAL, "werf-image-name": ""},
            "front-no-name": FINAL,
            "front-foreign": {},
            "other": {**FINAL, "werf-image-name": "front"},
        }
    )
    assert tags_of("monorepo", "front", repository) == ["front-v1"]
    assert tags_of("monorepo", "front-end", repository) == ["front-end-v0", "front-end-v1"]
    assert tags_of("monorepo", "", repository) == ["v1"]


def test_a_meta_tag_is_what_the_label_says_else_the_tag_without_what_the_mode_put_before_it() -> None:
    labels = {**FINAL, "werf-image-name": "front", "werf-tag-strategy": "git-tag"}
    repository = snapshot({"front-v1": labels, "front-v2": {**labels, "werf-image-tag": "v3"}})
    assert [each.meta_tag for each in images_of("monorepo", "front", repository)] == ["v1", "v3"]
    assert [each.meta_tag for each in images_of("multirepo", "front", repository)] == ["front-v1", "v3"]


def test_in_multirepo_every_final_image_of_the_repository_belongs() -> None:
    repository = snapshot(
        {
            "v2": {**FINAL, "werf-image-name": "elsewhere"},
            "v1": FINAL,
            "stage": {"werf-image": "false"},
            "upper": {"werf-image": "True"},
            "foreign": {},
        }
    )
    assert tags_of("multirepo", "app", repository) == ["v1", "v2"]


def test_what_is_broken_unread_or_an_index_is_never_an_image() -> None:
    repository = snapshot(
        {"good": FINAL, "bad": FINAL, "unread": FINAL}, broken=("bad",), indexes=("i",), unread=("unread",)
    )
    assert tags_of("multirepo", "app", repository) == ["good"]


def test_an_image_says_where_it_comes_from() -> None:
    stage, imported = digest("stage"), digest("imported")
    labels = {
        **FINAL,
        "werf-import-artifact": imported,
        "werf-import-odd": "not an image id",
        "werf-importer": digest("x"),
    }
    (image,) = images_of("multirepo", "", snapshot({"v1": labels}, parent=stage))
    assert str(image.reference) == "registry.example.com/project:v1"
    assert image.image_id == digest("config v1")
    assert image.parent == stage
    assert image.signature == "s1"
    assert image.created == 1598000000
    assert image.imports == (imported,)


def test_an_image_without_signature_has_none() -> None:
    (image,) = images_of("multirepo", "", snapshot({"v1": {"werf-image": "true"}}))
    assert image.signature is None


def everything(storage: StagesStorage) -> list[Tag]:
    return [
        *(stage.tag for stage in storage.stages),
        *(record.tag for record in storage.metadata if record.tag not in storage.ambiguous_metadata),
        *storage.rejected,
        *storage.bookkeeping,
        *storage.foreign,
        *storage.unclaimed_metadata,
        *storage.ambiguous_metadata,
        *storage.unreadable,
    ]


def test_a_storage_is_classified() -> None:
    backend = image_metadata_tag("backend", COMMIT)
    silent = image_metadata_tag("", COMMIT)
    gone = image_metadata_tag("gone", COMMIT)
    storage = read_storage(
        snapshot(
            {
                "abc-1": {"werf-import-x": digest("imported")},
                "abc-2": {},
                "abc-2-rejected": {},
                "def-9-rejected": {},
                "latest": {},
                "managed-image-backend": {},
                "managed-image-a__slash__b": {},
                "managed-image-Upper": {},
                "client-id-x-5": {},
                backend: {"ContentSignature": "s1"},
                silent: {},
                gone: {"ContentSignature": "s2"},
                "image-metadata-by-commit-backend-short": {},
            },
            parent=digest("parent"),
        ),
        [ImageName("backend"), ImageName("")],
    )
    first, second = storage.stages
    assert (first.tag, first.image_id, first.parent) == ("abc-1", digest("config abc-1"), digest("parent"))
    assert (first.created, first.imports, first.rejected_by) == (1598000000, (digest("imported"),), None)
    assert (second.tag, second.rejected_by) == ("abc-2", "abc-2-rejected")
    assert storage.metadata == (
        MetadataRecord(Tag(silent), ImageName(""), COMMIT, None),
        MetadataRecord(Tag(backend), ImageName("backend"), COMMIT, "s1"),
    )
    assert storage.rejected == ("abc-2-rejected", "def-9-rejected")
    assert storage.managed_images == ("a/b", "backend")
    assert storage.bookkeeping == (
        "client-id-x-5", "managed-image-Upper", "managed-image-a__slash__b", "managed-image-backend",
    )  # fmt: skip
    assert storage.foreign == ("image-metadata-by-commit-backend-short", "latest")
    assert storage.unclaimed_metadata == (gone,)
    assert storage.ambiguous_metadata == ()
    assert storage.unreadable == ()


def test_a_record_that_fits_two_names_protects_both() -> None:
    tag = image_metadata_tag("a/b", COMMIT)
    names = [ImageName("a/b"), ImageName("a__slash__b"), ImageName("a/b")]
    storage = read_storage(snapshot({tag: {"ContentSignature": "s1"}}), names)
    assert storage.ambiguous_metadata == (tag,)
    assert [(record.image, record.signature) for record in storage.metadata] == [("a/b", "s1"), ("a__slash__b", "s1")]
    assert read_storage(snapshot({tag: {}}), [names[0], names[2]]).metadata[0].image == "a/b"


def test_a_cut_name_finds_its_image_by_making_the_tag_again() -> None:
    names = [ImageName("x" * 63), ImageName("x" * 64), ImageName("x" * 20)]
    for commit in (COMMIT, Commit("f" * 64)):
        tags = {image_metadata_tag(name, commit): {"ContentSignature": name} for name in names}
        metadata = read_storage(snapshot(tags), names).metadata
        assert sorted((record.image, record.signature) for record in metadata) == sorted(zip(names, names, strict=True))


def test_broken_tags_are_counted_only_where_the_tag_alone_tells() -> None:
    metadata = image_metadata_tag("backend", COMMIT)
    broken = ("abc-1", "abc-1-rejected", "client-id-x-5", "latest", "managed-image-backend", metadata)
    storage = read_storage(snapshot({"abc-1": {}, metadata: {}}, broken=broken), [ImageName("backend")])
    assert storage.stages == ()
    assert storage.unreadable == ("abc-1",)
    # Its commit is in its name: what it was for is not known, and may be what keeps an image.
    assert [(record.commit, record.signature) for record in storage.metadata] == [(COMMIT, None)]
    assert storage.rejected == ("abc-1-rejected",)
    assert storage.managed_images == ("backend",)
    assert storage.bookkeeping == ("client-id-x-5", "managed-image-backend")
    assert storage.foreign == ("latest",)


def test_a_configuration_that_nobody_read_is_not_taken_for_an_empty_one() -> None:
    storage = read_storage(snapshot({"abc-1": {}}, unread=("abc-1",)), [])
    assert storage.unreadable == ("abc-1",)


def test_an_index_under_a_stages_tag_is_foreign() -> None:
    storage = read_storage(snapshot({}, indexes=("abc-1",)), [])
    assert storage.foreign == ("abc-1",)
    assert storage.stages == ()


def test_an_index_under_a_records_tag_may_have_been_of_any_content() -> None:
    tag = image_metadata_tag("backend", COMMIT)
    storage = read_storage(snapshot({}, indexes=(tag,)), [ImageName("backend")])
    assert storage.metadata == (MetadataRecord(Tag(tag), ImageName("backend"), COMMIT, None),)
    assert storage.foreign == ()


def test_a_missing_repository_is_an_empty_storage() -> None:
    assert read_storage(snapshot({}), [ImageName("app")]) == StagesStorage((), (), (), (), (), (), (), ())


def test_a_managed_image_is_listed_once_sorted_and_lower_case() -> None:
    tags = ["managed-image-z", "managed-image-__nameless__", "managed-image-A", "abc-1", "managed-image-a__plus__b"]
    assert managed_images(Tag(tag) for tag in tags) == ("", "a+b", "z")


@pytest.mark.parametrize(
    ("tag", "needed"),
    [
        ("abc-1", True),
        (image_metadata_tag("backend", COMMIT), True),
        ("abc-1-rejected", False),
        ("managed-image-backend", False),
        ("client-id-x-5", False),
        ("latest", False),
    ],
)
def test_configurations_are_read_only_where_they_tell_something(tag: str, needed: bool) -> None:
    assert needs_config(Tag(tag)) is needed


some_tags = st.sampled_from(
    ["abc-1", "abc-1-rejected", "managed-image-a", "managed-image-", "client-id-a-1", "latest", "a-b", "client-id-1"]
) | st.sampled_from(["a", "a/b", "a__slash__b", "", "x" * 99]).map(lambda image: image_metadata_tag(image, COMMIT))


@given(
    st.sets(some_tags), st.sets(some_tags), st.sets(some_tags), st.sets(st.sampled_from(["a", "a/b", "a__slash__b"]))
)
def test_every_tag_is_classified_exactly_once(
    readable: set[str], broken: set[str], indexes: set[str], names: set[str]
) -> None:
    repository = snapshot(
        dict.fromkeys(sorted(readable), FINAL), broken=tuple(broken), indexes=tuple(indexes - readable)
    )
    storage = read_storage(repository, [ImageName(name) for name in names])
    assert sorted(everything(storage)) == sorted(readable | broken | indexes)
    assert not {stage.tag for stage in storage.stages} & broken
    assert not {record.tag for record in storage.metadata if record.signature} & broken
