"""On forty-seven ordinary tags the page's example does what its comments say."""

from pathlib import Path
from typing import Final, NamedTuple

import pytest

from holystone.engine.model.history import GitReference, History, Reached
from holystone.engine.model.policy_reasons import CannotJudge, KeptByEntry
from holystone.engine.model.references import Commit, Digest, RegistryHost, Repository, RepositoryPath, Tag
from holystone.engine.model.verdicts import Delete, Verdict
from holystone.policies.git_references import select_references
from holystone.policies.retention.candidates import (
    Candidate,
    Candidates,
    CloneFacts,
    Facts,
    Mentions,
    Moment,
    SelectedHistory,
)
from holystone.policies.retention.judge import judge
from holystone.policies.retention.rules import Policy
from tests.retention_file.conftest import Load
from tests.retention_file.pages import example

DAY: Final = 86_400
NOW: Final = 1_796_083_200
"""1 December 2026, midnight UTC."""
COMMITS: Final = [Commit(f"{number}" * 40) for number in range(1, 6)]
BRANCHES: Final = tuple(
    GitReference("branch", name, COMMITS[-1], NOW - 100 * DAY) for name in ("main", "feature/login", "release/1.4")
)


class Row(NamedTuple):
    tag: str
    days: int
    known: str
    entries: str


def rows() -> list[Row]:
    lines = Path(__file__).with_name("ordinary_tags.txt").read_text().splitlines()
    return [_row(line.split()) for line in lines if not line.startswith("#")]


def _row(words: list[str]) -> Row:
    tag, days, *rest = words
    known = rest.pop(0) if rest and rest[0].startswith(("=", "@", "keep=")) else ""
    return Row(tag, int(days), known, " ".join(rest))


def candidate(row: Row) -> Candidate:
    known = row.known
    labels = {"keep": frozenset({known[5:]})} if known.startswith("keep=") else {}
    if known.startswith("@"):
        labels = {"org.opencontainers.image.revision": frozenset({COMMITS[int(known[1:]) - 1]})}
    image = known[1:] if known.startswith("=") else row.tag
    return Candidate(
        Tag.parse(row.tag), Digest.of(image.encode()), Moment(NOW - row.days * DAY, "tag-pushed"), labels=labels
    )


def facts(policy: Policy) -> Facts:
    commits_of = next(entry.commits_of for entry in policy.keep if entry.commits_of)
    mentioned = next(entry.mentioned_in for entry in policy.keep if entry.mentioned_in)
    times = {commit: NOW - (200 - number) * DAY for number, commit in enumerate(COMMITS)}
    history = History(times, Reached([COMMITS[-1]], dict.fromkeys(COMMITS, 1)), reached=frozenset(COMMITS))
    return Facts(
        NOW,
        clones={"shop": CloneFacts(BRANCHES)},
        histories={commits_of: SelectedHistory(select_references(BRANCHES, commits_of.keep_policies, NOW), history)},
        mentions={mentioned: Mentions(frozenset({Tag("build-1042")}), frozenset())},
    )


def said(verdict: Verdict) -> str:
    if isinstance(verdict, Delete):
        return ""
    kept = [str(each.entry) for each in verdict.reasons if isinstance(each, KeptByEntry)]
    doubted = [f"?{each.entry}" for each in verdict.reasons if isinstance(each, CannotJudge)]
    return " ".join([*kept, *doubted])


@pytest.fixture
def shop(load: Load) -> Policy:
    team = "format: 1\npolicies: [{name: a, repositories: registry.example.com/team-a/*, keep: [{newest: 1}]}]\n"
    loaded = load(example(), pinned_csv="v1.4.7,the customer's\n", teams__a_yaml=team)
    return next(each for each in loaded.file.policies if each.name == "shop")


def test_the_pages_example_does_what_its_comments_say(shop: Policy) -> None:
    assert len(rows()) == 47
    repository = Repository(RegistryHost("registry.example.com"), RepositoryPath("shop/web"))
    judgement = judge(shop, Candidates(repository, tuple(map(candidate, rows()))), facts(shop))
    assert {tag: said(verdict) for tag, verdict in judgement.verdicts.items()} == {
        Tag(row.tag): row.entries for row in rows()
    }
    assert judgement.refusals == ()
