"""Patterns of tags: what they match, and what is refused because it cannot mean what was meant."""

import fnmatch
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holystone.policies.natural_order import natural_key
from holystone.policies.retention.patterns import (
    ExpressionPattern,
    GlobPattern,
    NamePattern,
    matcher,
    named_groups,
    parse_tag_pattern,
    shown_pattern,
)

NAMES = st.text("ab1.-_", min_size=1, max_size=8).filter(lambda text: text[0] not in ".-")


@pytest.mark.parametrize(
    ("pattern", "yes", "no"),
    [
        ("latest", "latest", "Latest latest2 latest.1"),
        ("v*", "v v1 v1.2.3", "1 xv1 V1"),
        ("*-alpine", "3-alpine 3.1-alpine", "alpine 3-alpine2"),
        ("pr-?", "pr-1 pr-a", "pr- pr-12"),
        ("*", "a latest", ""),
        ("a*b*c", "abc a1b2c abbcc", "ab acb abcd"),
        ("1.?", "1.2", "1x2 1.22"),
        ("/^latest|main$/", "latest main", "xmain latestx"),
        ("/^v?[0-9]+$/", "v1 12", "v v1.0 1v"),
        ("/(?i)^RC.*$/", "rc1 RC1", "arc"),
        (r"/^(?P<branch>.+)-(?P<commit>[0-9a-f]{7})$/", "main-1a2b3c4", "main-1a2b3c main"),
    ],
)
def test_it_matches_the_whole_tag(pattern: str, yes: str, no: str) -> None:
    match = matcher((parse_tag_pattern(pattern),))
    assert [tag for tag in f"{yes} {no}".split() if match(tag) is not None] == yes.split()
    assert shown_pattern(parse_tag_pattern(pattern)) == pattern


def test_groups_are_those_of_the_first_pattern_that_matches() -> None:
    patterns = [r"main-x", r"/^(?P<branch>[a-z]+)-(?P<rest>.*)$/", r"/^(?P<other>.*)$/", "y", "z"]
    match = matcher(tuple(map(parse_tag_pattern, patterns)))
    found = {tag: match(tag) for tag in ("main-x", "main-y", "1", "y")}
    assert found == {"main-x": {}, "main-y": {"branch": "main", "rest": "y"}, "1": {"other": "1"}, "y": {"other": "y"}}


def test_a_group_that_took_no_part_is_not_there() -> None:
    match = matcher((ExpressionPattern("^(?P<version>[0-9]+)(?:-(?P<variant>.*))?$"),))
    assert match("1") == {"version": "1"}
    assert match("1-") == {"version": "1", "variant": ""}


def test_the_groups_of_an_expression_are_known() -> None:
    assert named_groups(ExpressionPattern("^(?P<a>x)(y)(?P<b>z)$")) == {"a", "b"}
    assert named_groups(GlobPattern("*")) == frozenset()


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("{alpha,beta}-*", "'{' has no meaning"),
        ("v[0-9]*", "'[' has no meaning"),
        ("!latest", "'!' has no meaning"),
        ("feature/x", "no tag has '/'"),
        ("ü", "no tag has"),
        ("", "empty"),
        ("-x", "begins with neither"),
        (".*", "begins with neither"),
        ("x" * 129, "128 characters"),
        ("/latest/", r"/^latest$/ for tags that are this as a whole, or /^.*latest.*$/"),
        ("/^latest/", r"/^latest$/ for tags"),
        ("/latest$/", r"/^latest$/ for tags"),
        ("/(?i)main|master/", r"/(?i)^(?:main|master)$/ for tags that are this as a whole, or /(?i)^.*(?:main"),
        (r"/^cost\$/", "does not say"),
        ("/^(?=x)$/", "is not an RE2"),
        ("/^(x$/", "is not an RE2"),
        ("/^(?:[a-z]{1000}){1000}$/", "is not an RE2"),
        ("//", "does not say"),
    ],
)
def test_what_cannot_be_meant_is_refused(pattern: str, words: str) -> None:
    with pytest.raises(ValueError) as refused:
        parse_tag_pattern(pattern)
    assert words in str(refused.value)


@pytest.mark.parametrize("pattern", [r"/^a\\$/", "/^$/", "/(?i)^x$/", "/(?is)^x$/"])
def test_odd_and_allowed(pattern: str) -> None:
    assert isinstance(parse_tag_pattern(pattern), ExpressionPattern)


@given(st.text("ab1.*?", min_size=1, max_size=8).filter(lambda text: text[0] != "."), NAMES)
def test_globs_are_those_of_shells(glob: str, tag: str) -> None:
    expected = fnmatch.fnmatchcase(tag, glob)
    assert (matcher((GlobPattern(glob),))(tag) is not None) == expected
    assert (matcher((GlobPattern(glob), NamePattern("x")))(tag) is not None) == expected


def test_thousands_of_groups_take_no_age() -> None:
    """RE2 finds where each of them matched, by the square of their number: 3,000 took 430 MB and 8 s for each tag."""
    match = matcher((parse_tag_pattern(f"/^(?P<a>a){'(a?)' * 3000}$/"),))
    began = time.process_time()
    assert match("a" * 100) == {"a": "a"}
    assert time.process_time() - began < 1


def test_no_more_groups_have_names_than_anybody_writes() -> None:
    named = "".join(f"(?P<g{number}>a?)" for number in range(20))
    assert matcher((parse_tag_pattern(f"/^{named}$/"),))("a" * 20)
    with pytest.raises(ValueError, match="more than 20 named groups"):
        parse_tag_pattern(f"/^{named}(?P<one_more>a)$/")


def test_a_hostile_pattern_takes_no_time() -> None:
    tags = ["a" * 127 + "b"] * 200
    began = time.process_time()
    for pattern in ("*a" * 12 + "*c", "/^(a*)*(a*)*c$/"):
        match = matcher((parse_tag_pattern(pattern),))
        assert not [tag for tag in tags if match(tag) is not None]
    assert time.process_time() - began < 1


@pytest.mark.parametrize(
    "ordered",
    [
        "1.9 1.10",
        "v2 v10 v10a",
        "a a1 a2 a10 a-1 b",
        "1 01 001 2",
        "nightly-9 nightly-10",
        "0 00 1",
        "1.2 1.2.0 1.2.1 1.10",
        f"{'9' * 40} 1{'0' * 40}",
    ],
)
def test_names_are_in_natural_order(ordered: str) -> None:
    names = ordered.split()
    names.reverse()
    assert sorted(names, key=natural_key) == ordered.split()


@given(NAMES, NAMES)
def test_no_two_names_are_equal_in_order(one: str, other: str) -> None:
    assert (natural_key(one) == natural_key(other)) == (one == other)
