"""What is made of GitLab's cleanup policies keeps all that GitLab leaves, and no more where each image has one tag."""

from typing import Any

import pytest
import re2
from hypothesis import given, settings
from hypothesis import strategies as st

from holystone.policies.keep_policies_data import PolicyError
from holystone.policies.retention_data.from_gitlab import from_gitlab
from tests.retention_file.vendors import Image, converted, kept, read_back

EXPRESSIONS = [
    *(".*", "dev-.*", "main|dev-.*", "(?:main|dev-.*)", "(?i)DEV-.|feat", "v.+", "^v[0-9]$", "[|a-v]+", "[]|m].*"),
    *("(?:v.+|main|master|release-.*)", "v1|", "a|b|c", "dev-\\d|v[[:digit:]|]", "feat\\|x|y", "main$|^v"),
]
TAGS = [
    "latest",
    "main",
    "master",
    "dev-1",
    "dev-2",
    "dev-10",
    "v1",
    "v2",
    "feat-x",
    "xmain",
    "DEV-3",
    "release-1",
    "b",
    "a",
]


def spared(policy: dict[str, Any], images: list[Image]) -> set[str]:
    """What GitLab leaves, said a second time: a method of cleanup_tags_base_service.rb each step."""
    days = {tag: image.days for image in images for tag in image.tags}
    doomed = [tag for tag in days if tag != "latest"]
    delete = policy.get("name_regex_delete") or policy.get("name_regex")
    doomed = [
        tag
        for tag in doomed
        if re2.search(rf"\A{delete}\z", tag) and not re2.search(rf"\A{policy.get('name_regex_keep') or ''}\z", tag)
    ]
    doomed.sort(key=lambda tag: days[tag])
    doomed = doomed[policy.get("keep_n") or 0 :]
    if policy.get("older_than"):
        doomed = [tag for tag in doomed if days[tag] > int(policy["older_than"].removesuffix("d"))]
    return set(days) - set(doomed)


@st.composite
def repositories(draw: st.DrawFn, most: int = 3) -> list[Image]:
    left = draw(st.permutations(TAGS))
    images: list[Image] = []
    while left:
        number = draw(st.integers(1, most))
        images.append(Image(tuple(left[:number]), len(images) * 2 + 1))
        left = left[number:]
    return images


policies = st.fixed_dictionaries(
    {"name_regex_delete": st.sampled_from(EXPRESSIONS)},
    optional={
        "name_regex_keep": st.sampled_from(["", None, *EXPRESSIONS[1:]]),
        "keep_n": st.none() | st.integers(1, 6),
        "older_than": st.sampled_from([None, "7d", "14d"]),
        "cadence": st.just("1d"),
        "enabled": st.just(True),
        "name_regex": st.sampled_from([None, "x.*"]),
    },
)


@settings(max_examples=70, deadline=None)
@given(policy=policies, images=repositories())
def test_what_gitlab_leaves_stays(policy: dict[str, Any], images: list[Image]) -> None:
    assert spared(policy, images) <= kept(read_back(converted(from_gitlab, policy)), images)


@settings(max_examples=70, deadline=None)
@given(policy=policies, images=repositories(most=1))
def test_nothing_else_stays_where_each_image_has_a_tag(policy: dict[str, Any], images: list[Image]) -> None:
    assert spared(policy, images) == kept(read_back(converted(from_gitlab, policy)), images)


@pytest.mark.parametrize("expression", EXPRESSIONS[1:])
def test_an_expression_means_what_gitlab_makes_of_it(expression: str) -> None:
    """`a|b` is anchored at one end of each alternative."""
    images = [Image((tag,), 1) for tag in [*TAGS, "xdev-1", "mainx", "v1x", "xv1", "y", "feat|x"] if "|" not in tag]
    policy = {"name_regex_delete": expression}
    assert kept(read_back(converted(from_gitlab, policy)), images) == spared(policy, images)


@pytest.mark.parametrize("name", ["container_expiration_policy_attributes", "container_expiration_policy"])
def test_it_may_stand_below_its_name(name: str) -> None:
    policy = {"name_regex": ".*", "keep_n": 5}
    assert read_back(converted(from_gitlab, {name: policy})) == read_back(converted(from_gitlab, policy))


GOOD = {"name_regex_delete": ".*", "keep_n": 5}


@pytest.mark.parametrize(
    ("policy", "path", "why"),
    [
        ({**GOOD, "keep": 5}, ("keep",), "unknown key; did you mean keep_n?"),
        ({**GOOD, "keep_n": 0}, ("keep_n",), "'0' is not a whole number of 1 or more"),
        ({**GOOD, "older_than": "1 month"}, ("older_than",), "'1 month' is not a number of days"),
        ({**GOOD, "enabled": False}, ("enabled",), "GitLab runs no such policy"),
        ({**GOOD, "name_regex_delete": None}, (), "name_regex_delete: is missing; GitLab deletes nothing"),
        ({**GOOD, "name_regex_delete": "", "name_regex": ".*"}, (), "name_regex_delete: is missing"),
        ({**GOOD, "name_regex_delete": "a(b"}, ("name_regex_delete",), "/^a(b$/ is not an RE2 regular expression"),
        ({**GOOD, "name_regex_delete": "a)|(?:b"}, ("name_regex_delete",), "/^a)|(?:b$/ is not an RE2"),
        ({**GOOD, "name_regex_delete": "a(?!b)"}, ("name_regex_delete",), "/^a(?!b)$/ is not an RE2"),
        ({**GOOD, "name_regex_delete": "a|(?i)b"}, ("name_regex_delete",), "'a|(?i)b': flags within an expression"),
        ({**GOOD, "name_regex_delete": "\\Qa|b\\E"}, ("name_regex_delete",), "'\\\\Qa|b\\\\E': \\Q is not understood"),
        ({**GOOD, "name_regex_keep": ".*"}, ("name_regex_keep",), "it matches every tag"),
        ({"container_expiration_policy": GOOD, "id": 1}, ("container_expiration_policy",), "unknown key"),
    ],
)
def test_what_is_refused(policy: dict[str, Any], path: tuple[str, ...], why: str) -> None:
    with pytest.raises(PolicyError) as caught:
        converted(from_gitlab, policy)
    assert caught.value.path == path
    assert caught.value.message.startswith(why)
