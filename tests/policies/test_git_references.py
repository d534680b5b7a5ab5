import random

from holystone.engine.model.history import GitReference
from holystone.policies.git_references import SelectedReference, heads_to_ask, select_references
from holystone.policies.keep_policies import KeepPolicy, Limit, ReferencesRule
from tests.support.image_values import commit_id

NOW = 1_000_000


def branch(name: str, age: int = 0) -> GitReference:
    return GitReference("branch", name, commit_id(name), NOW - age)


def tag(name: str, age: int = 0) -> GitReference:
    return GitReference("tag", name, commit_id(name), NOW - age)


def test_a_later_policy_replaces_an_earlier_one_also_by_none() -> None:
    policies = [
        KeepPolicy(ReferencesRule("branch", "/.*/"), Limit(last=1)),
        KeepPolicy(ReferencesRule("branch", "a")),
        KeepPolicy(ReferencesRule("branch", "b"), Limit(last=5)),
    ]
    assert select_references([branch("c"), branch("b"), branch("a"), tag("t")], policies, NOW) == (
        SelectedReference(branch("a"), None, 2),
        SelectedReference(branch("b"), Limit(last=5), 3),
        SelectedReference(branch("c"), Limit(last=1), 1),
    )


def test_a_reference_that_a_limit_leaves_out_keeps_what_it_had() -> None:
    policies = [
        KeepPolicy(ReferencesRule("branch", "/.*/"), Limit(last=1)),
        KeepPolicy(ReferencesRule("branch", "/.*/", Limit(last=1)), Limit(last=9)),
    ]
    assert select_references([branch("old", 9), branch("new")], policies, NOW) == (
        SelectedReference(branch("new"), Limit(last=9), 2),
        SelectedReference(branch("old", 9), Limit(last=1), 1),
    )


def test_equal_dates_go_by_natural_order_whatever_the_order_of_reading() -> None:
    references = [branch(f"release-1.{number}") for number in range(12)]
    policy = KeepPolicy(ReferencesRule("branch", "/.*/", Limit(last=3)))
    for seed in range(5):
        random.Random(seed).shuffle(references)
        selected = select_references(references, [policy], NOW)
        assert {each.reference.name for each in selected} == {"release-1.9", "release-1.10", "release-1.11"}


def test_what_origin_has_no_more_takes_no_place_from_others_and_keeps_its_own() -> None:
    gone, older, new, old = branch("gone", 1), branch("gone-too", 8), branch("new", 2), branch("old", 9)
    policy = KeepPolicy(ReferencesRule("branch", "/.*/", Limit(last=2)))
    selected = select_references([gone, older, new, old], [policy], NOW, {gone, older})
    assert [each.reference.name for each in selected] == ["gone", "new", "old"]


def test_only_branches_need_a_walk() -> None:
    selected = select_references(
        [branch("b"), tag("t")],
        [KeepPolicy(ReferencesRule("branch", "/.*/")), KeepPolicy(ReferencesRule("tag", "/.*/"))],
        NOW,
    )
    assert len(selected) == 2
    assert heads_to_ask(selected) == {commit_id("b")}
