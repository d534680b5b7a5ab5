"""Each rule of the tag strategies alone, with its reason."""

import random
from collections.abc import Iterable

import msgspec
import pytest

from holystone.engine.model.delete_reasons import BeyondNewest, CommitGone, Expired, ReferenceGone
from holystone.engine.model.history import GitNames
from holystone.engine.model.reasons import (
    AmongNewest,
    CommitExists,
    CreationUnknown,
    NamedAfter,
    OtherStrategy,
    UnknownHistory,
    UnknownReference,
    WithinStrategy,
)
from holystone.engine.model.verdicts import Delete, Keep, Verdict
from holystone.policies.werf.v1.project import ImageTag
from holystone.policies.werf.v1.tag_strategy import (
    Allowance,
    StrategyRules,
    decide_by_strategy,
    named_commits,
    saved_by_folding,
)
from tests.support.image_values import commit_id, image_tag

NOW = 1_800_000_000
DAY = 86_400
THERE, NOWHERE = commit_id("there"), commit_id("nowhere")
NAMES = GitNames({"feature-login-723b424c": "feature/login"}, {"v1": "v1", "v2": "v2"}, frozenset({THERE}))
SHALLOW = GitNames(NAMES.branches, NAMES.tags, NAMES.commits, complete=False)
EVERYWHERE = ("git-tag", "git-commit", "stages-signature")


def rules(limit: int | None = None, days: int | None = None) -> StrategyRules:
    each = Allowance(limit, days)
    return StrategyRules(each, each, each)


def made(strategy: str | None, meta_tag: str, *, age: int = 0, tag: str = "") -> ImageTag:
    return image_tag(tag or f"t-{meta_tag[:20]}", created=NOW - age, strategy=strategy, meta_tag=meta_tag)


def judged(tag: ImageTag, names: GitNames = NAMES, by: StrategyRules | None = None) -> Verdict:
    (verdict,) = decide_by_strategy([tag], names, by or StrategyRules(), NOW).values()
    return verdict


def stay(tags: Iterable[ImageTag], names: GitNames = NAMES, by: StrategyRules | None = None) -> list[str]:
    found = decide_by_strategy(tags, names, by or StrategyRules(), NOW)
    return [tag for tag, verdict in found.items() if isinstance(verdict, Keep)]


def test_a_branch_or_tag_of_that_name() -> None:
    named = made("git-branch", "feature-login-723b424c")
    assert judged(named) == Keep((NamedAfter("branch", "feature/login"),))
    assert judged(made("git-tag", "v1")) == Keep((NamedAfter("tag", "v1"),))
    assert judged(made("git-branch", "v1")) == Delete((ReferenceGone("branch", "v1"),))
    assert judged(made("git-tag", "feature-login-723b424c")) == Delete(
        (ReferenceGone("tag", "feature-login-723b424c"),)
    )


def test_the_meta_tag_counts_and_not_the_docker_tag() -> None:
    assert judged(made("git-tag", "v1", tag="v9")) == Keep((NamedAfter("tag", "v1"),))
    assert judged(made("git-tag", "v9", tag="v1")) == Delete((ReferenceGone("tag", "v9"),))


def test_where_the_registry_folds_capital_letters_names_are_compared_without() -> None:
    names = GitNames({"Hotfix-A": "Hotfix-A"}, {"Feature-X": "Feature-X", "feature-x": "feature-x"}, frozenset())
    tags = [made("git-branch", "hotfix-a"), made("git-tag", "feature-x"), made("git-tag", "v0")]
    folded = decide_by_strategy(tags, names, StrategyRules(), NOW, folds=True)
    assert [tag for tag, verdict in folded.items() if isinstance(verdict, Delete)] == ["t-v0"]
    assert folded[tags[0].reference.tag] == Keep((NamedAfter("branch", "Hotfix-A"),))
    exact = decide_by_strategy(tags, names, StrategyRules(), NOW)
    assert [tag for tag, verdict in exact.items() if isinstance(verdict, Delete)] == ["t-hotfix-a", "t-v0"]


def test_of_two_names_that_become_one_either_keeps_it() -> None:
    for there in ("Feature-X", "FEATURE-X", "feature-x"):
        names = GitNames({}, {there: there}, frozenset())
        assert stay_folded([made("git-tag", "feature-x")], names) == ["t-feature-x"]
    assert stay_folded([made("git-tag", "V1.0-RC1")], GitNames({}, {"v1.0-rc1": "v1.0-rc1"}, frozenset())) != []


def stay_folded(tags: Iterable[ImageTag], names: GitNames) -> list[str]:
    found = decide_by_strategy(tags, names, StrategyRules(), NOW, folds=True)
    return [tag for tag, verdict in found.items() if isinstance(verdict, Keep)]


def test_a_git_tag_that_origin_has_not_counts_against_no_other() -> None:
    names = msgspec.structs.replace(NAMES, gone_tags={"v2"})
    tags = [made("git-tag", "v2"), made("git-tag", "v1", age=1)]
    assert stay(tags, names, rules(1)) == ["t-v1", "t-v2"]
    assert stay(tags, NAMES, rules(1)) == ["t-v2"]
    assert stay([*tags, made("git-tag", "v2", age=2, tag="older")], names, rules(1)) == ["t-v1", "t-v2"]
    assert stay(tags, msgspec.structs.replace(NAMES, gone_tags={"v1", "v2"}), rules(1)) == ["t-v2"], "among each other"


def test_a_git_tag_whose_other_spelling_is_gone_is_not_gone_where_capital_letters_are_folded() -> None:
    names = GitNames({}, {"V1": "V1", "v1": "v1", "v2": "v2"}, frozenset(), gone_tags={"V1", "v2"})
    tags = [made("git-tag", "v2"), made("git-tag", "v1", age=1)]
    found = decide_by_strategy(tags, names, rules(1), NOW, folds=True)
    assert [tag for tag, verdict in found.items() if isinstance(verdict, Keep)] == ["t-v1", "t-v2"]


def test_what_hangs_on_whether_the_registry_folds() -> None:
    names = GitNames({"Hotfix-A": "Hotfix-A"}, {"v1": "v1"}, frozenset())
    doubtful = made("git-branch", "hotfix-a")
    others = [
        made("git-branch", "gone"),
        made("git-tag", "v1"),
        made("git-tag", "hotfix-a", tag="t"),
        made("custom", "x"),
    ]
    assert saved_by_folding([*others, doubtful], names) == (doubtful,)


def test_a_commit() -> None:
    assert judged(made("git-commit", THERE)) == Keep((CommitExists(THERE),))
    assert judged(made("git-commit", THERE.upper())) == Keep((CommitExists(THERE),))
    assert judged(made("git-commit", NOWHERE)) == Delete((CommitGone(NOWHERE),))


@pytest.mark.parametrize("name", [THERE[:12], THERE[:39], THERE + "0", THERE + "0" * 24, "g" * 40, "v1"])
@pytest.mark.parametrize("names", [NAMES, SHALLOW])
def test_what_is_no_whole_commit_id_names_no_commit(name: str, names: GitNames) -> None:
    assert judged(made("git-commit", name), names) == Delete((CommitGone(name),))
    assert named_commits([made("git-commit", name)]) == frozenset()


def test_only_commits_of_the_commit_strategy_are_asked_for() -> None:
    tags = [made(strategy, commit) for strategy, commit in (("git-commit", THERE), ("git-tag", NOWHERE))]
    assert named_commits(tags) == {THERE}


@pytest.mark.parametrize("strategy", [None, "custom", "git-branches", "Git-Tag"])
def test_other_strategies_are_never_judged(strategy: str | None) -> None:
    old = made(strategy, "v1", age=1000 * DAY)
    assert judged(old, by=rules(0, 0)) == Keep((OtherStrategy(strategy),))


def test_signatures_stay_without_limits() -> None:
    assert judged(made("stages-signature", "abc", age=1000 * DAY)) == Keep((WithinStrategy("stages-signature"),))


def test_branches_have_no_limits() -> None:
    branch = made("git-branch", "feature-login-723b424c", age=1000 * DAY)
    assert judged(branch, by=rules(0, 0)) == Keep((NamedAfter("branch", "feature/login"),))


@pytest.mark.parametrize(("strategy", "name"), [("git-tag", "v1"), ("git-commit", THERE), ("stages-signature", "s")])
def test_expiry(strategy: str, name: str) -> None:
    by = rules(days=30)
    assert isinstance(judged(made(strategy, name, age=30 * DAY - 1), by=by), Keep)
    assert judged(made(strategy, name, age=30 * DAY), by=by) == Delete((Expired(30 * DAY, 30),))
    assert judged(made(strategy, name, age=0), by=rules(days=0)) == Delete((Expired(0, 0),))
    assert isinstance(judged(made(strategy, name, age=-1), by=rules(days=0)), Keep)


def test_a_gone_reference_is_the_reason_before_expiry_and_limit() -> None:
    assert judged(made("git-tag", "v9", age=DAY), by=rules(0, 0)) == Delete((ReferenceGone("tag", "v9"),))


@pytest.mark.parametrize("strategy", EVERYWHERE)
def test_each_strategy_has_its_own_allowance(strategy: str) -> None:
    tags = [made("git-tag", "v1"), made("git-commit", THERE), made("stages-signature", "s")]
    own = Allowance(0)
    by = StrategyRules(
        git_tag=own if strategy == "git-tag" else Allowance(),
        git_commit=own if strategy == "git-commit" else Allowance(),
        stages_signature=own if strategy == "stages-signature" else Allowance(),
    )
    assert stay(tags, by=by) == sorted(tag.reference.tag for tag in tags if tag.strategy != strategy)


def signatures(**ages: int) -> list[ImageTag]:
    return [made("stages-signature", name, age=age, tag=name) for name, age in ages.items()]


def test_the_newest_stay_and_of_equal_dates_the_last_by_natural_order() -> None:
    tags = signatures(c=1, a=2, d=2, b=2, e=3)
    assert stay(tags, by=rules(3)) == ["b", "c", "d"]
    assert stay(tags, by=rules(0)) == []
    assert stay(tags, by=rules()) == ["a", "b", "c", "d", "e"]
    found = decide_by_strategy(tags, NAMES, rules(2), NOW)
    assert list(found.items()) == [
        ("a", Delete((BeyondNewest(4, 2),))),
        ("b", Delete((BeyondNewest(3, 2),))),
        ("c", Keep((AmongNewest(1, 2),))),
        ("d", Keep((AmongNewest(2, 2),))),
        ("e", Delete((BeyondNewest(5, 2),))),
    ]
    assert stay(signatures(**{"v1.9": 2, "v1.10": 2, "v1.2": 2}), by=rules(1)) == ["v1.10"]
    for seed in range(5):
        shuffled = random.Random(seed).sample(tags, len(tags))
        assert list(decide_by_strategy(shuffled, NAMES, rules(2), NOW).items()) == list(found.items())


def test_what_has_expired_or_lost_its_reference_takes_no_place() -> None:
    tags = [made("git-tag", "v9", age=1), made("git-tag", "v1", age=2), made("git-tag", "v2", age=40 * DAY)]
    assert stay(tags, by=rules(1)) == ["t-v1"]
    assert stay([*tags[:1], *tags[2:]], by=rules(1)) == ["t-v2"]
    assert stay([*tags[:1], *tags[2:]], by=rules(1, 30)) == []


def test_an_image_without_a_date_stays_and_takes_no_place() -> None:
    tags = [*signatures(a=1, b=2), *(image_tag(name, strategy="stages-signature") for name in ("x", "y"))]
    found = decide_by_strategy(tags, NAMES, rules(1, 30), NOW)
    assert stay(tags, by=rules(1, 30)) == ["a", "x", "y"]
    assert found[tags[2].reference.tag] == Keep((CreationUnknown(),))
    assert stay(tags, by=rules(days=0)) == ["x", "y"]
    assert stay(tags, by=rules(limit=0)) == []  # none stays, whichever is the newest


def test_in_an_incomplete_clone_what_is_missing_may_exist() -> None:
    assert judged(made("git-commit", NOWHERE), SHALLOW) == Keep((UnknownHistory(NOWHERE),))
    assert judged(made("git-tag", "v9"), SHALLOW) == Keep((UnknownReference("tag", "v9"),))
    assert judged(made("git-branch", "old"), SHALLOW) == Keep((UnknownReference("branch", "old"),))
    assert judged(made("git-commit", THERE), SHALLOW) == Keep((CommitExists(THERE),))


def test_what_may_exist_expires_like_the_rest_and_takes_no_place() -> None:
    unsure, sure = made("git-tag", "v9", age=1), [made("git-tag", "v1", age=2), made("git-tag", "v2", age=3)]
    assert stay([unsure, *sure], SHALLOW, rules(1)) == ["t-v1", "t-v9"]
    assert stay([made("git-tag", "v9", age=4), *sure], SHALLOW, rules(1)) == ["t-v1"]
    assert judged(unsure, SHALLOW, rules(days=0)) == Delete((Expired(1, 0),))
