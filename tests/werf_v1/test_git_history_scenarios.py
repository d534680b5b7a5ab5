"""The scenarios of werf's own tests, decided from plain values."""

from collections.abc import Mapping, Sequence

from holystone.engine.model.history import GitReference
from holystone.engine.model.references import Commit
from holystone.engine.model.verdicts import Keep
from holystone.policies.git_references import heads_to_ask, select_references
from holystone.policies.go_duration import HOUR
from holystone.policies.keep_policies import KeepPolicy, Limit, ReferencesRule, default_keep_policies
from holystone.policies.werf.v1.git_history import ImageDecision, decide_images
from tests.support.commit_graph import CommitGraph
from tests.support.image_values import commit_id, image_tag, metadata_record

NOW = 1_800_000_000
TEST = ReferencesRule("branch", "test")
TWELVE_OR_ONE = Limit(last=1, within=12 * HOUR, operator="Or")
TWELVE_AND_ONE = Limit(last=1, within=12 * HOUR)


def chain(*hours: float) -> tuple[CommitGraph, Sequence[Commit]]:
    """Commits of these ages, each the parent of the next."""
    commits = [commit_id(f"commit {number}") for number in range(len(hours))]
    parents = {commit: [commits[number - 1]] if number else [] for number, commit in enumerate(commits)}
    times = {commit: NOW - int(age * 3600) for commit, age in zip(commits, hours, strict=True)}
    return CommitGraph(parents, times), commits


def decide(
    graph: CommitGraph,
    branches: Mapping[str, Commit],
    published: Mapping[Commit, str],
    policies: Sequence[KeepPolicy],
) -> ImageDecision:
    references = [GitReference("branch", name, commit, graph.times[commit]) for name, commit in branches.items()]
    selected = select_references(references, policies, NOW)
    records = [metadata_record(commit, signature) for commit, signature in published.items()]
    tags = [image_tag(signature, signature) for signature in set(published.values())]
    history = graph.history(heads_to_ask(selected), published)
    return decide_images(tags, records, history, selected, v1_2=True, now=NOW)


def kept(decision: ImageDecision) -> Sequence[str]:
    return [tag for tag, verdict in decision.tags.items() if isinstance(verdict, Keep)]


def kept_records(decision: ImageDecision) -> int:
    return sum(isinstance(verdict, Keep) for verdict in decision.metadata.values())


def test_h1_a_branch_keeps_its_image_until_it_is_deleted() -> None:
    graph, (commit,) = chain(1)
    policy = KeepPolicy(TEST, Limit(last=-1))
    assert kept(decide(graph, {"test": commit}, {commit: "s1"}, [policy])) == ["s1"]
    gone = decide(graph, {}, {commit: "s1"}, [policy])
    assert (kept(gone), kept_records(gone)) == ([], 0)


def test_h2_other_branches_keep_nothing() -> None:
    graph, (commit,) = chain(1)
    assert kept(decide(graph, {"some_branch": commit}, {commit: "s1"}, [KeepPolicy(TEST, Limit(last=-1))])) == []


def test_h3_last_0_keeps_nothing() -> None:
    graph, (commit,) = chain(1)
    assert kept(decide(graph, {"test": commit}, {commit: "s1"}, [KeepPolicy(TEST, Limit(last=0))])) == []


def test_h4_images_within_a_day() -> None:
    for age, expected in ((25, []), (23, ["s1"])):
        graph, (commit,) = chain(age)
        policy = KeepPolicy(TEST, Limit(within=24 * HOUR))
        assert kept(decide(graph, {"test": commit}, {commit: "s1"}, [policy])) == expected


def test_h5_references_within_twelve_hours() -> None:
    for age, expected in ((13, []), (11, ["s1"])):
        graph, (commit,) = chain(age)
        policy = KeepPolicy(ReferencesRule("branch", "test", Limit(within=12 * HOUR)))
        assert kept(decide(graph, {"test": commit}, {commit: "s1"}, [policy])) == expected


def three_branches(limit: Limit) -> ImageDecision:
    commits = [commit_id(name) for name in ("c1", "c2", "c3")]
    times = dict(zip(commits, (NOW - 13 * 3600, NOW - 11 * 3600, NOW), strict=True))
    graph = CommitGraph({commit: [] for commit in commits}, times)
    branches = {f"test{number}": commit for number, commit in enumerate(commits, 1)}
    published = {commit: f"s{number}" for number, commit in enumerate(commits, 1)}
    return decide(graph, branches, published, [KeepPolicy(ReferencesRule("branch", "/.*/", limit))])


def test_h6_references_within_twelve_hours_or_the_last() -> None:
    assert kept(three_branches(TWELVE_OR_ONE)) == ["s2", "s3"]


def test_h7_references_within_twelve_hours_and_the_last() -> None:
    assert kept(three_branches(TWELVE_AND_ONE)) == ["s3"]


def three_commits(limit: Limit) -> ImageDecision:
    graph, (c1, c2, c3) = chain(13, 11, 0)
    return decide(graph, {"test": c3}, {c1: "s1", c2: "s2", c3: "s3"}, [KeepPolicy(TEST, limit)])


def test_h8_images_within_twelve_hours_or_the_last() -> None:
    assert kept(three_commits(TWELVE_OR_ONE)) == ["s2", "s3"]


def test_h9_images_within_twelve_hours_and_the_last() -> None:
    assert kept(three_commits(TWELVE_AND_ONE)) == ["s3"]


def test_h10_one_branch_keeps_one_record_of_a_content() -> None:
    graph, commits = chain(0.3, 0.2, 0.1)
    decision = decide(graph, {"master": commits[2]}, dict.fromkeys(commits, "s1"), default_keep_policies())
    assert kept(decision) == ["s1"]
    assert kept_records(decision) == 1
    assert isinstance(decision.metadata[metadata_record(commits[2], "s1").tag], Keep)


def test_h11_three_branches_keep_a_record_each() -> None:
    graph, commits = chain(0.3, 0.2, 0.1)
    branches = {"master": commits[2], **{f"test_{number}": commit for number, commit in enumerate(commits)}}
    decision = decide(graph, branches, dict.fromkeys(commits, "s1"), default_keep_policies())
    assert kept(decision) == ["s1"]
    assert kept_records(decision) == 3
