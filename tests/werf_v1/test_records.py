from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holystone.engine.model.references import Commit, ImageName, Tag
from holystone.policies.werf.v1 import (
    ClientId,
    MetadataTag,
    image_metadata_tag,
    is_manageable,
    managed_image_tag,
    never_published,
    parse_client_id_tag,
    parse_managed_image_tag,
    parse_metadata_tag,
)
from tests.support.vectors import load_vectors

RECORDS = load_vectors("storage-records")
COMMIT = "8a99331ce0f918b411423223f4060e9688e03f6a"

# Names without underscores escape reversibly; those of werf's own kind of sections are such.
names = st.from_regex(r"([a-z0-9]+([.+/-][a-z0-9]+){0,20})?", fullmatch=True)
commits = st.from_regex(r"[0-9a-f]{40}|[0-9a-f]{64}", fullmatch=True)


def belongs_to(tag: str, image: str) -> bool:
    return not never_published([ImageName(image)], [Tag(tag)])


@pytest.mark.parametrize("case", RECORDS, ids=lambda case: case["image"][:30] or "nameless")
def test_records_have_the_tags_that_werf_gives_them(case: dict[str, Any]) -> None:
    image = case["image"]
    assert managed_image_tag(image) == case["managed_image_tag"]
    assert parse_managed_image_tag(case["managed_image_tag"]) == image
    for commit, tag in case["metadata_tag"].items():
        assert image_metadata_tag(image, commit) == tag
        assert belongs_to(tag, image)
        owners = [other["image"] for other in RECORDS if belongs_to(tag, other["image"])]
        assert owners == [image]


@given(names)
def test_a_managed_image_reads_back(image: str) -> None:
    assert parse_managed_image_tag(managed_image_tag(image)) == image


def test_names_may_be_values_of_the_model() -> None:
    assert managed_image_tag(ImageName("a/b")) == "managed-image-a__slash__b"
    assert image_metadata_tag(ImageName(""), Commit(COMMIT)) == f"image-metadata-by-commit-__nameless__-{COMMIT}"


@pytest.mark.parametrize("tag", ["backend", "managed-image", "managed-image-", "image-metadata-by-commit-a"])
def test_other_tags_name_no_managed_image(tag: str) -> None:
    assert parse_managed_image_tag(tag) is None


def test_upper_case_is_read_but_not_managed() -> None:
    name = parse_managed_image_tag("managed-image-Backend")
    assert name == "Backend"
    assert not is_manageable(name)
    assert is_manageable("")


@given(names, commits)
def test_a_metadata_record_is_a_valid_tag_and_belongs_to_its_image(image: str, commit: str) -> None:
    tag = image_metadata_tag(image, commit)
    assert Tag.parse(tag) == tag
    record = parse_metadata_tag(tag)
    assert record is not None
    assert record.commit == commit
    assert belongs_to(tag, image)


@given(names, names, commits)
def test_a_metadata_record_belongs_to_nobody_else(image: str, other: str, commit: str) -> None:
    assert belongs_to(image_metadata_tag(image, commit), other) == (image == other)


def test_metadata_reads_its_parts() -> None:
    record = parse_metadata_tag(f"image-metadata-by-commit-front-end-{COMMIT}")
    assert record == MetadataTag("front-end", Commit(COMMIT))
    assert not belongs_to(f"image-metadata-by-commit-front-end-{COMMIT}", "front")


@pytest.mark.parametrize(
    "tag",
    [
        "image-metadata-by-commit-",
        f"image-metadata-by-commit-{COMMIT}",
        f"image-metadata-by-commit--{COMMIT}",
        "image-metadata-by-commit-backend-8a99331",
        f"backend-{COMMIT}",
    ],
)
def test_other_tags_are_no_metadata(tag: str) -> None:
    assert parse_metadata_tag(tag) is None


def test_client_ids() -> None:
    assert parse_client_id_tag("client-id-a-b-1598000000123") == ClientId("a-b", 1598000000123)
    for tag in ("client-id-5", "client-id-a-", "client-id-a-x", "client-id-a-٣", "client-id--5", "abc-5"):
        assert parse_client_id_tag(tag) is None
