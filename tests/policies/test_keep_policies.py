import time
from typing import Any

import pytest

from holystone.engine.model.history import GitReference
from holystone.policies.go_duration import HOUR
from holystone.policies.keep_policies import KeepPolicy, Limit, ReferencesRule, default_keep_policies
from holystone.policies.keep_policies_data import PolicyError, parse_keep_policies
from tests.support.image_values import commit_id

NOW = 1_000_000


def test_a_full_policy() -> None:
    data = [
        {
            "references": {"branch": "/^feature-.*/", "limit": {"last": 10, "in": "168h", "operator": "Or"}},
            "imagesPerReference": {"last": -1, "in": 7},
        },
        {"references": {"tag": "v1", "branch": None, "limit": None}, "imagesPerReference": None},
    ]
    assert parse_keep_policies(data) == (
        KeepPolicy(
            ReferencesRule("branch", "/^feature-.*/", Limit(10, 168 * HOUR, "Or")),
            Limit(last=-1, within=7, operator="And"),
        ),
        KeepPolicy(ReferencesRule("tag", "v1")),
    )


@pytest.mark.parametrize("data", [None, []])
def test_no_policies(data: object) -> None:
    assert parse_keep_policies(data) == ()


REFERENCES: dict[str, Any] = {"branch": "main"}


@pytest.mark.parametrize(
    ("data", "path", "part"),
    [
        ({"references": {}}, (), "list of policies"),
        (["x"], (0,), "found text"),
        ([{}], (0,), "references"),
        ([{"references": None}], (0,), "references"),
        ([{"references": REFERENCES, "keep": 1}], (0, "keep"), "unknown key 'keep'"),
        ([{"references": REFERENCES, 5: 1}], (0, 5), "unknown key 5"),
        ([{"references": REFERENCES}, {"references": {}}], (1, "references"), "neither"),
        ([{"references": {"branch": "a", "tag": "b"}}], (0, "references"), "branch and tag"),
        ([{"references": {"branch": "a", "regexp": "b"}}], (0, "references", "regexp"), "unknown key"),
        ([{"references": {"tag": 1.0}}], (0, "references", "tag"), "in quotes"),
        ([{"references": {"tag": ""}}], (0, "references", "tag"), "empty"),
        ([{"references": {"tag": "/(/"}}], (0, "references", "tag"), "missing )"),
        ([{"references": {"tag": "/(?=x)/"}}], (0, "references", "tag"), "not an RE2"),
        ([{"references": {"tag": r"/\pL{300}/"}}], (0, "references", "tag"), "too large"),
        ([{"references": {"tag": "a", "limit": []}}], (0, "references", "limit"), "a list"),
        ([{"references": {"tag": "a", "limit": {"within": 1}}}], (0, "references", "limit", "within"), "unknown key"),
        ([{"references": {"tag": "a", "limit": {"last": True}}}], (0, "references", "limit", "last"), "True"),
        ([{"references": {"tag": "a", "limit": {"last": -2}}}], (0, "references", "limit", "last"), "-2"),
        ([{"references": {"tag": "a", "limit": {"last": "2"}}}], (0, "references", "limit", "last"), "'2'"),
        ([{"references": REFERENCES, "imagesPerReference": {"in": "7d"}}], (0, "imagesPerReference", "in"), "no days"),
        (
            [{"references": REFERENCES, "imagesPerReference": {"in": "-1h"}}],
            (0, "imagesPerReference", "in"),
            "negative",
        ),
        ([{"references": REFERENCES, "imagesPerReference": {"in": 1.5}}], (0, "imagesPerReference", "in"), "a number"),
        (
            [{"references": REFERENCES, "imagesPerReference": {"last": 1, "operator": "and"}}],
            (0, "imagesPerReference", "operator"),
            "And or Or",
        ),
    ],
)
def test_what_is_wrong_and_where(data: object, path: tuple[str | int, ...], part: str) -> None:
    with pytest.raises(PolicyError) as caught:
        parse_keep_policies(data)
    assert caught.value.path == path
    assert part in caught.value.message


def test_an_expression_of_hundreds_of_names_is_none_too_many() -> None:
    names = "|".join(f"feature/SHOP-{number}-something-new" for number in range(400))
    (policy,) = parse_keep_policies([{"references": {"branch": f"/^({names})$/"}}])
    assert policy.references.matches(GitReference("branch", "feature/SHOP-399-something-new", commit_id("a"), 0))


def test_thousands_of_groups_take_no_age() -> None:
    """RE2 finds where each of them matched, by the square of their number: 10,000 took 4.6 GB and a minute for each
    branch."""
    (policy,) = parse_keep_policies([{"references": {"branch": f"/^{'(a?)' * 3000}$/"}}])
    began = time.process_time()
    assert policy.references.matches(GitReference("branch", "a" * 100, commit_id("a"), 0))
    assert time.process_time() - began < 1


def test_groups_may_have_names() -> None:
    named = "".join(f"(?P<g{number}>a?)" for number in range(20))
    (policy,) = parse_keep_policies([{"references": {"branch": f"/^{named}$/"}}])
    assert policy.references.matches(GitReference("branch", "a" * 20, commit_id("a"), 0))
    with pytest.raises(PolicyError, match="more than 20 named groups"):
        parse_keep_policies([{"references": {"branch": f"/^{named}(?P<one_more>a)$/"}}])


def test_more_policies_than_anybody_writes() -> None:
    """Each is held against each branch and tag: 39,000, as fit into a file, and 200,000 branches took hours."""
    many = [{"references": {"branch": f"/^x{number}-/"}} for number in range(101)]
    assert len(parse_keep_policies(many[:100])) == 100
    with pytest.raises(PolicyError, match="more than 100 policies") as caught:
        parse_keep_policies(many)
    assert caught.value.path == (100,)


@pytest.mark.parametrize(
    ("pattern", "name", "matches"),
    [
        ("/feat/", "my-feature", True),
        ("/^feat/", "my-feature", False),
        ("feat", "feature", False),
        ("feat", "feat", True),
        ("a.b", "axb", False),
        ("//", "anything", True),
        ("/", "/", True),
        ("/x", "/x", True),
        (r"/^v\d+$/", "v12", True),
        ("/^.$/", "ä", True),
    ],
)
def test_patterns(pattern: str, name: str, matches: bool) -> None:
    rule = ReferencesRule("branch", pattern)
    assert rule.matches(GitReference("branch", name, commit_id("c"), 0)) is matches
    assert not rule.matches(GitReference("tag", name, commit_id("c"), 0))


def test_a_bad_expression_is_found_when_the_rule_is_made(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValueError):
        ReferencesRule("tag", "/[/")
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("limit", "count"),
    [
        (Limit(), 4),
        (Limit(last=-1), 4),
        (Limit(last=0), 0),
        (Limit(last=9), 4),
        (Limit(within=HOUR), 2),
        (Limit(within=HOUR + 1), 3),
        (Limit(last=1, within=HOUR), 1),
        (Limit(last=3, within=HOUR), 2),
        (Limit(last=3, within=HOUR, operator="Or"), 3),
        (Limit(last=1, within=HOUR, operator="Or"), 2),
        (Limit(last=1, operator="Or"), 1),
        (Limit(within=HOUR, operator="Or"), 2),
        (Limit(last=-1, within=HOUR), 2),
        (Limit(last=-1, within=HOUR, operator="Or"), 4),
    ],
)
def test_limits(limit: Limit, count: int) -> None:
    """The third date is exactly an hour ago: a date must be after it to count."""
    assert limit.count([NOW, NOW - 3599, NOW - 3600, NOW - 9999], NOW) == count


def test_default_policies() -> None:
    tags, recent, lasting = default_keep_policies()
    assert tags == KeepPolicy(ReferencesRule("tag", "/.*/", Limit(last=10)))
    assert recent == KeepPolicy(
        ReferencesRule("branch", "/.*/", Limit(last=10, within=168 * HOUR)), Limit(last=2, within=168 * HOUR)
    )
    assert lasting.references.limit is None
    assert lasting.images_per_reference == Limit(last=10)

    def lasts(policy: KeepPolicy, name: str) -> bool:
        return policy.references.matches(GitReference("branch", name, commit_id("c"), 0))

    assert [name for name in ("master", "staging", "production", "main", "master2") if lasts(lasting, name)] == [
        "master",
        "staging",
        "production",
    ]
    assert lasts(default_keep_policies(main=True)[2], "main")
