"""Whoever may push makes tags: whatever they are called, eight times as many take about eight times as long."""

import time

import pytest

from holystone.engine.model.references import Digest, RegistryHost, Repository, RepositoryPath, Tag
from holystone.policies.retention.candidates import Candidate, Candidates, CloneFacts, Facts, Moment
from holystone.policies.retention.judge import judge
from holystone.policies.retention.patterns import parse_tag_pattern
from holystone.policies.retention.repository_patterns import RepositoryPattern
from holystone.policies.retention.rules import CommitOf, Entry, Policy, Prereleases, Semver, Thin
from tests.support.retention_scenes import DAY, NOW, branches

GROUPS = (parse_tag_pattern("/^(?P<branch>.+)-(?P<commit>[0-9a-f]{7,40})$/"),)
BY = CommitOf("group", "commit")
ENTRIES = (
    Entry(tags=GROUPS, newest=1, per=("branch",), groups=1),
    Entry(tags=GROUPS, thin=Thin(1, 1, 1), per=("branch",)),
    Entry(tags=GROUPS, branch_head_of="shop", commit=BY),
    Entry(tags=GROUPS, same_commit=True, commit=BY),
    Entry(semver=Semver(1, ("minor",), 1, Prereleases(DAY, 1, DAY))),
    Entry(newest=1, with_siblings=True),
)


def candidates(shape: str, number: int) -> Candidates:
    def tag(at: int) -> str:
        match shape:
            case "one group":
                return f"main-{at:040x}"
            case "a group each":
                return f"b{at}-aaaaaaa"
            case "one beginning":
                return f"main-aaaaaaa{at:033x}"
            case "one version":
                return f"1.0.0_{at}"
            case "prereleases":
                return f"1.{at}.0-{'1.' * 50}{at}"
            case _:
                return f"{at:0128}"

    same = shape == "one image"
    made = (
        Candidate(
            Tag.parse(tag(at)), Digest.of(b"" if same else str(at).encode()), Moment(NOW - 9 * DAY - at, "tag-pushed")
        )
        for at in range(number)
    )
    return Candidates(Repository(RegistryHost("r.example"), RepositoryPath("a")), tuple(made))


def seconds(of: Candidates, clone: CloneFacts) -> float:
    policy = Policy("shop", (RepositoryPattern("**"),), keep=ENTRIES)
    began = time.process_time()
    judge(policy, of, Facts(NOW, clones={"shop": clone}))
    return time.process_time() - began


@pytest.mark.parametrize(
    "shape", ["one group", "a group each", "one beginning", "one version", "prereleases", "one image", "digits"]
)
def test_time_grows_with_the_number(shape: str) -> None:
    clone = branches(main="aaaaaaa")
    few, many = candidates(shape, 120), candidates(shape, 960)
    least = min(seconds(few, clone) for _ in range(3))
    assert min(seconds(many, clone) for _ in range(2)) < 24 * least
