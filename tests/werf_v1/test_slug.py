import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holystone.engine.model.references import Tag
from holystone.policies.werf.v1 import docker_tag_slug
from holystone.policies.werf.v1.characters import ASCII
from holystone.policies.werf.v1.slug import slugify
from tests.support.vectors import load_vectors


@pytest.mark.parametrize("case", load_vectors("docker-tag-slug"), ids=lambda case: case["ref"][:30] or "empty")
def test_references_become_the_tags_that_werf_gave_them(case: dict[str, str]) -> None:
    assert docker_tag_slug(case["ref"]) == case["tag"]


def test_the_table_holds_exactly_the_characters_that_werf_keeps() -> None:
    groups: dict[str, Any] = load_vectors("slug-characters")["groups"]
    assert {character: spelled for spelled, characters in groups.items() for character in characters} == ASCII


@pytest.mark.parametrize(
    ("spelled", "characters"), load_vectors("slug-characters")["groups"].items(), ids=lambda value: repr(value)[:12]
)
def test_each_character_is_spelled_in_ascii(spelled: str, characters: str) -> None:
    inner = "" if spelled == "-" else spelled
    for character in characters:
        assert slugify(character) == inner
        assert slugify(f"x{character}x") == f"x{spelled}x"


@given(st.text(min_size=1, max_size=300))
def test_every_reference_becomes_a_valid_tag_that_stays_itself(reference: str) -> None:
    tag = docker_tag_slug(reference)
    assert Tag.parse(tag) == tag
    assert docker_tag_slug(tag) == tag


@given(st.from_regex(Tag.pattern(), fullmatch=True))
def test_a_valid_tag_stays_as_it_is(tag: str) -> None:
    assert docker_tag_slug(tag) == tag


@given(st.text())
def test_a_slug_has_single_inner_dashes_and_is_its_own_slug(text: str) -> None:
    slug = slugify(text)
    assert re.fullmatch(r"([a-z0-9]+(-[a-z0-9]+)*)?", slug)
    assert slugify(slug) == slug


def test_a_trailing_newline_is_not_part_of_a_valid_tag() -> None:
    assert docker_tag_slug("master\n") != "master\n"


def test_a_reference_that_is_not_utf_8_has_a_tag_too() -> None:
    odd, other = (raw.decode("utf-8", "surrogateescape") for raw in (b"feature/\xff", b"feature/\xfe"))
    assert re.fullmatch(r"feature-[0-9a-f]{7,8}", docker_tag_slug(odd))
    assert docker_tag_slug(odd) != docker_tag_slug(other)
