"""A trial without registry and clone says of no tag that it goes, or that it stays, if the truth may be otherwise."""

from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from holystone.engine.model.history import GitReference
from holystone.engine.model.references import Commit, Digest, RegistryHost, Repository, RepositoryPath, Tag
from holystone.engine.model.verdicts import Keep
from holystone.policies.retention.candidates import Candidate, Candidates, CloneFacts, Facts, Mentions, Moment
from holystone.policies.retention.judge import judge
from holystone.policies.retention.patterns import ExpressionPattern, GlobPattern
from holystone.policies.retention.repository_patterns import RepositoryPattern
from holystone.policies.retention.rules import CommitOf, Entry, Label, Mentioned, Policy, Semver, Thin
from holystone.policies.retention.trial import try_policy

DAY = 86_400
NOW = 1_796_083_200
REPOSITORY = Repository(RegistryHost("r.example"), RepositoryPath("web"))
COMMITS = [Commit(f"{number}" * 40) for number in range(3)]
TAGS = ["latest", "v1.0.0", "v1.0.1", "v1.1.0-rc.1", "v2", "main-0000000", "main-1111111", "gone-2222222", "x"]
BY_BRANCH = ExpressionPattern("^(?P<branch>.+)-(?P<commit>[0-9a-f]{7})$")
MENTIONED = Mentioned("gitops", 30 * DAY)
ENTRIES = (
    Entry(tags=(GlobPattern("v*"),)),
    Entry(newest=2),
    Entry(pushed_within=30 * DAY),
    Entry(tags=(GlobPattern("v*"),), semver=Semver(1)),
    Entry(thin=Thin(daily=2)),
    Entry(tags=(BY_BRANCH,), newest=1, per=("branch",)),
    Entry(tags=(BY_BRANCH,), branch_exists_in="shop", newest=1, per=("branch",)),
    Entry(tags=(BY_BRANCH,), branch_head_of="shop", commit=CommitOf("group", "commit")),
    Entry(branch_head_of="shop", pushed_within=30 * DAY),
    Entry(mentioned_in=MENTIONED),
    Entry(tags=(GlobPattern("*.*"),), mentioned_in=MENTIONED, newest=1, with_siblings=True),
    Entry(label=Label("keep")),
    Entry(label=Label("keep", "yes"), newest=1),
    Entry(pulled_within=30 * DAY),
    Entry(same_commit=True),
    Entry(tags=(BY_BRANCH,), same_commit=True, commit=CommitOf("group", "commit")),
)


def known(tag: str, random: Random) -> tuple[Candidate, Candidate]:
    """As a list has it, and as the registry does."""
    image = random.choice([tag, tag, "shared"])
    pushed = random.choice([None, *(Moment(NOW - days * DAY, "tag-pushed") for days in (1, 20, 40, 400))])
    listed = Candidate(Tag(tag), Digest.of(image.encode()), pushed)
    labels: dict[str, frozenset[str]] = {}
    if random.random() < 0.5:
        labels["keep"] = frozenset({random.choice(["yes", "no"])})
    if random.random() < 0.7:
        labels["org.opencontainers.image.revision"] = frozenset({random.choice(COMMITS)})
    pulled = random.choice([pushed, Moment(NOW - 5 * DAY, "tag-pushed")])
    return listed, Candidate(
        Tag(tag), listed.digest, pushed, pulled=pulled, labels=random.choice([labels, labels, None])
    )


@settings(max_examples=50, deadline=None)
@given(
    entries=st.lists(st.sampled_from(ENTRIES), min_size=1, max_size=4, unique=True),
    random=st.randoms(use_true_random=False),
)
def test_what_is_not_open_is_so_whatever_else_is_true(entries: list[Entry], random: Random) -> None:
    policy = Policy("a", (RepositoryPattern("r.example/**"),), keep=tuple(entries))
    listed, real = zip(*(known(tag, random) for tag in TAGS), strict=True)
    branches = tuple(
        GitReference("branch", name, random.choice(COMMITS), NOW) for name in random.sample(["main", "gone"], 1)
    )
    mentioned = Mentions(frozenset(map(Tag, random.sample(TAGS, 2))), frozenset())
    trial = try_policy(policy, Candidates(REPOSITORY, listed, tells_pulls=True), Facts(NOW))
    facts = Facts(NOW, clones={"shop": CloneFacts(branches)}, mentions={MENTIONED: mentioned})
    truth = judge(policy, Candidates(REPOSITORY, real, tells_pulls=True), facts)
    for tag in map(Tag, TAGS):
        if tag not in trial.open:
            assert isinstance(truth.verdicts[tag], Keep) == isinstance(trial.verdicts[tag], Keep), tag


def test_nothing_is_open_where_names_and_times_are_all_that_is_asked_for() -> None:
    policy = Policy("a", (RepositoryPattern("r.example/**"),), keep=ENTRIES[:6])
    listed = tuple(known(tag, Random(1))[0] for tag in TAGS)
    trial = try_policy(policy, Candidates(REPOSITORY, listed), Facts(NOW))
    assert (trial.open, trial.missing) == (frozenset(), {})
    assert trial.verdicts == judge(policy, Candidates(REPOSITORY, listed), Facts(NOW)).verdicts


def test_an_open_tag_stays_by_the_entry_that_may_keep_it() -> None:
    policy = Policy("a", (RepositoryPattern("r.example/**"),), keep=(Entry(tags=(GlobPattern("v*"),)), ENTRIES[11]))
    candidates = (Candidate(Tag("v1"), Digest.of(b"1"), None), Candidate(Tag("x"), Digest.of(b"2"), None))
    trial = try_policy(policy, Candidates(REPOSITORY, candidates), Facts(NOW))
    assert trial.open == {Tag("x")}
    assert trial.missing == {1: "labels"}
    assert [each.matched for each in trial.entries] == [1, 2]
    assert trial.refusals == ()


def test_the_other_tags_of_what_an_open_entry_may_keep_are_open_too() -> None:
    entry = Entry(tags=(GlobPattern("v*"),), mentioned_in=MENTIONED, with_siblings=True)
    policy = Policy("a", (RepositoryPattern("r.example/**"),), keep=(entry,))
    image = Digest.of(b"1")
    candidates = (Candidate(Tag("v1"), image, None), Candidate(Tag("x"), image, None))
    assert try_policy(policy, Candidates(REPOSITORY, candidates), Facts(NOW)).open == {Tag("v1"), Tag("x")}
