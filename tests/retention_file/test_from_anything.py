"""Whatever stands in another tool's policy is made into a file that is read back, or refused in words."""

import copy
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holystone.engine.errors import UsageError
from holystone.policies.keep_policies_data import PolicyError
from holystone.policies.retention_data.converted import file_lines
from holystone.policies.retention_data.from_ecr import from_ecr
from holystone.policies.retention_data.from_gitlab import from_gitlab
from holystone.policies.retention_data.from_harbor import from_harbor
from tests.retention_file.test_from_ecr import rule as ecr_rule
from tests.retention_file.test_from_harbor import policy, rule, selector
from tests.retention_file.vendors import Converter, converted, read_back

DOCUMENTS: list[tuple[Converter, dict[str, Any]]] = [
    (
        from_ecr,
        {
            "rules": [
                {**ecr_rule(1, "imageCountMoreThan", 3, tagPrefixList=["v", "w"]), "description": "x"},
                ecr_rule(2, "sinceImagePushed", 3, tagPatternList=["*-x"]),
                ecr_rule(3, "sinceImagePushed", 30, tagStatus="any"),
            ]
        },
    ),
    (
        from_harbor,
        policy(
            rule("latestPushedK", 3, selector("{a,b*}", untagged=True), scope=(selector("x/*", "repoMatches"),)),
            rule("nDaysSinceLastPull", 3, selector("[a-c]?", "excludes"), scope=(selector("**/x", "repoExcludes"),)),
        ),
    ),
    (
        from_gitlab,
        {"cadence": "1d", "keep_n": 5, "older_than": "7d", "name_regex_delete": "a|b.*", "name_regex_keep": "[v|w].+"},
    ),
]
ODD = [
    "",
    "#",
    "'",
    '"',
    "a\nb: c",
    "- x",
    "{",
    "*",
    "?",
    "/",
    "\\",
    "é",
    "\u2028",
    "v'",
    "a:b",
    "##vso[x]",
    "..",
    "-a",
    "$^",
]
VALUES: st.SearchStrategy[Any] = (
    st.sampled_from([None, True, False, 0, 1, -1, 999_999, 10**9, 1.5, [], {}, [[]], [None], "latest", *ODD])
    | st.text(max_size=8)
    | st.text("()[]{}|^$*?.+\\av1-,", max_size=12)
)


def changed(document: Any, value: Any, random: Random) -> Any:
    """The same with another value somewhere."""
    whole = copy.deepcopy(document)
    at: Any = whole
    while True:
        key = random.choice([*at] if isinstance(at, dict) else range(len(at)))
        if not (isinstance(at[key], dict | list) and at[key]) or random.random() < 0.05:
            at[key] = value
            return whole
        at = at[key]


@pytest.mark.parametrize(("convert", "document"), DOCUMENTS, ids=["ecr", "harbor", "gitlab"])
@settings(max_examples=70, deadline=None)
@given(value=VALUES, random=st.randoms(use_true_random=False))
def test_it_is_read_back_or_refused(convert: Converter, document: Any, value: Any, random: Random) -> None:
    try:
        file = converted(convert, changed(document, value, random))
    except (PolicyError, UsageError):  # JSON that is no YAML: `\\ud83d` and what follows it
        return
    policies = read_back(file)
    assert [each.name for each in policies] == [each.name for each in file.policies]
    for made, one in zip(file.policies, policies, strict=True):
        assert tuple(each.entry for each in made.keep if each.entry) == one.keep
        assert (made.untagged_after, made.repositories) == (
            one.untagged_after,
            tuple(each.text for each in one.repositories),
        )


@pytest.mark.parametrize("odd", ODD)
def test_a_description_stays_in_its_comment(odd: str) -> None:
    document = {"rules": [{**ecr_rule(1, "imageCountMoreThan", 3, tagPrefixList=["v"]), "description": odd}]}
    lines = list(file_lines(converted(from_ecr, document)))
    plain = list(file_lines(converted(from_ecr, {"rules": [{**document["rules"][0], "description": ""}]})))
    assert [each for each in lines if "#" not in each] == [each for each in plain if "#" not in each]
