from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holystone.policies.werf.v1 import StageTag, parse_rejected_tag, parse_stage_tag, rejected_tag
from tests.support.vectors import load_vectors


@pytest.mark.parametrize("case", load_vectors("stage-tags"), ids=lambda case: case["tag"][-40:])
def test_stage_tags_are_told_from_others_as_werf_does(case: dict[str, Any]) -> None:
    expected = None if "not_a_stage" in case else StageTag(case["signature"], case["unique_id"])
    assert parse_stage_tag(case["tag"]) == expected


@pytest.mark.parametrize("tag", ["", "-5", "abc-1_000", "abc-٣", "abc-1\n", "abc- 1", "abc-0x1f", "abc-" + "9" * 9999])
def test_what_only_looks_like_a_stage_is_none(tag: str) -> None:
    assert parse_stage_tag(tag) is None


def test_ids_cover_64_bits_with_a_sign() -> None:
    assert parse_stage_tag(f"abc-{-(1 << 63)}") == StageTag("abc", -(1 << 63))
    assert parse_stage_tag(f"abc-{-(1 << 63) - 1}") is None


@given(st.from_regex(r"[a-z0-9]{1,64}", fullmatch=True), st.integers(0, (1 << 63) - 1))
def test_a_mark_names_its_stage_and_is_none_itself(signature: str, unique_id: int) -> None:
    tag = f"{signature}-{unique_id}"
    assert parse_stage_tag(tag) == StageTag(signature, unique_id)
    assert parse_rejected_tag(rejected_tag(tag)) == tag
    assert parse_stage_tag(rejected_tag(tag)) is None
    assert parse_rejected_tag(tag) is None


@pytest.mark.parametrize(
    "tag",
    ["latest-rejected", "-rejected", "managed-image-a-rejected", "managed-image-5-rejected", "abc-1-rejected-rejected"],
)
def test_a_mark_without_a_stage_is_no_mark(tag: str) -> None:
    assert parse_rejected_tag(tag) is None
