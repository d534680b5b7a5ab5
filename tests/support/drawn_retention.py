"""Random small repositories and policies, in which everything that retention looks at occurs, and collides."""

import random
from typing import TypeVar

from holystone.engine.model.history import GitReference, History, Reached
from holystone.engine.model.in_use import ListEntry
from holystone.engine.model.policy_reasons import TimeSource
from holystone.engine.model.reasons import InUse
from holystone.engine.model.references import Commit, Digest, RegistryHost, Repository, RepositoryPath, Tag
from holystone.policies.git_references import SelectedReference
from holystone.policies.keep_policies import Limit
from holystone.policies.retention.candidates import (
    Candidate,
    Candidates,
    CloneFacts,
    Facts,
    Mentions,
    Moment,
    SelectedHistory,
)
from holystone.policies.retention.patterns import parse_tag_pattern
from holystone.policies.retention.repository_patterns import RepositoryPattern
from holystone.policies.retention.rules import (
    CommitOf,
    CommitsOf,
    Entry,
    Label,
    Mentioned,
    Policy,
    Prereleases,
    Semver,
    Thin,
)

NOW = 1_780_000_000
DAY = 24 * 3600
REVISION = "org.opencontainers.image.revision"
COMMITS = [f"{text * 40}"[:40] for text in ("a1b2c3d", "a1b2c3e", "b" * 7, "0123456", "deadbee")]
BRANCHES = ["main", "feature/x", "Feature/X", "fix_#1", "release/1.0"]
VERSIONS = ["1.0.0", "1.0.1", "1.0.2", "1.1.0", "1.10.0", "1.9.0", "2.0.0", "2.0.0-rc.1", "2.0.0-rc.2", "1.1.0-rc.10"]
VERSIONS += ["1.1.0-rc.9", "1.0.1_b1", "1.0.1_b2", "3.0.0-alpha", "1.2", "01.2.3"]
PATTERNS = [
    "latest",
    "v*",
    "*-*",
    "nightly-?",
    r"/^v?(?P<version>[0-9]+\.[0-9]+\.[0-9]+[^=]*)$/",
    r"/^v?(?P<version>[0-9.]+)(?:-(?P<variant>alpine|slim))?$/",
    r"/^(?P<branch>.+)-(?P<commit>[0-9a-f]{7,40})$/",
    r"/^(?P<branch>main|feature-x|release-1\.0)(?:-.*)?$/",
    r"/^.*$/",
]
BY = [CommitOf(), CommitOf("group", "commit"), CommitOf("provenance")]
MENTIONED = Mentioned("gitops", 30 * DAY)
HISTORY = CommitsOf("shop", ())
_Any = TypeVar("_Any")


def drawn_retention(seed: int) -> tuple[Policy, Candidates, Facts]:
    draw = random.Random(seed)
    digests = [Digest.of(bytes([number])) for number in range(draw.randint(2, 9))]
    names = dict.fromkeys(drawn_name(draw) for _ in range(draw.randint(1, 14)))
    # What a digest is cannot depend on the tag: labels, provenance, archived.
    labels = {digest: drawn_labels(draw) for digest in digests}
    provenance = {digest: _provenance(draw) for digest in digests}
    archived = {digest: draw.random() < 0.05 for digest in digests}
    tags = []
    for name in names:
        digest = draw.choice(digests)
        tags.append(
            Candidate(
                Tag.parse(name),
                digest,
                drawn_moment(draw),
                drawn_moment(draw),
                drawn_moment(draw),
                labels[digest],
                provenance[digest],
                archived[digest],
            )
        )
    repository = Repository(RegistryHost("r.example"), RepositoryPath("shop/app"))
    entries = tuple(drawn_entry(draw) for _ in range(draw.randint(1, 4)))
    policy = Policy(
        "shop", (RepositoryPattern("r.example/**"),), keep=entries, times=draw.choice(["pushed", "pushed", "created"])
    )
    facts = Facts(
        NOW,
        clones={"shop": CloneFacts(tuple(_branch(draw, name) for name in _some(draw, BRANCHES)))},
        histories={HISTORY: _history(draw), CommitsOf("shop", (), BY[1]): _history(draw)},
        mentions={MENTIONED: Mentions(frozenset(map(Tag, _some(draw, [*names])[:2])), frozenset(digests[:1]))},
        in_use={Tag(name): (InUse(ListEntry("a list")),) for name in names if draw.random() < 0.05},
    )
    return policy, Candidates(repository, tuple(tags), tells_pulls=True), facts


def _some(draw: random.Random, of: list[_Any]) -> list[_Any]:
    return draw.sample(of, draw.randint(0, len(of)))


def _maybe(draw: random.Random, chance: float, value: _Any) -> _Any | None:
    return value if draw.random() < chance else None


def drawn_name(draw: random.Random) -> str:
    match draw.randrange(5):
        case 0:
            return draw.choice(["latest", "stable", "nightly-1", "nightly-2", "nightly-10", "main", "feature-x"])
        case 1 | 2:
            return draw.choice(["v", ""]) + draw.choice(VERSIONS) + draw.choice(["", "", "", "-alpine", "-slim"])
        case _:
            branch = draw.choice(["main", "feature-x", "feature_x", "fix_-1", "release-1-0", "release-1.0", "gone"])
            return f"{branch}-{draw.choice(COMMITS)[: draw.choice([7, 7, 8, 40])]}"


def drawn_labels(draw: random.Random) -> dict[str, frozenset[str]] | None:
    if draw.random() < 0.08:
        return None
    found = {}
    if draw.random() < 0.7:
        found[REVISION] = frozenset(draw.sample(COMMITS, draw.choice([1, 1, 1, 2])))
    if draw.random() < 0.3:
        found["keep"] = frozenset(draw.sample(["true", "false"], draw.choice([1, 2])))
    return found


def _provenance(draw: random.Random) -> frozenset[str] | None:
    return None if draw.random() < 0.1 else frozenset(draw.sample([*COMMITS, "no commit"], draw.choice([0, 1])))


def drawn_moment(draw: random.Random) -> Moment | None:
    """A few moments, so that some are the same; and such as cannot be."""
    source: TimeSource = draw.choice(["tag-pushed", "created"])
    if draw.random() < 0.1:
        return draw.choice([None, Moment(-62135596800, source), Moment(0, source), Moment(NOW + 2 * DAY, source)])
    ago = draw.choice(
        [-DAY // 2, 0, DAY // 3, DAY, 2 * DAY, 7 * DAY, 8 * DAY, 31 * DAY, 63 * DAY, 365 * DAY, 400 * DAY]
    )
    return Moment(NOW - ago, source)


def _branch(draw: random.Random, name: str) -> GitReference:
    return GitReference("branch", name, Commit(draw.choice(COMMITS)), NOW)


def _history(draw: random.Random) -> SelectedHistory:
    there = _some(draw, COMMITS)
    heads = [Commit(each) for each in _some(draw, there)]
    masks = {
        Commit(each): sum(1 << at for at, head in enumerate(heads) if head == each or draw.random() < 0.4)
        for each in there
    }
    times = {Commit(each): NOW - draw.choice([1, 2, 3]) * DAY for each in there}
    selected = [
        SelectedReference(
            GitReference(draw.choice(["branch", "branch", "tag"]), f"b{at}", head, NOW),
            draw.choice([None, Limit(last=1), Limit(last=2)]),
            1,
        )
        for at, head in enumerate(heads)
    ]
    return SelectedHistory(tuple(selected), History(times, Reached(heads, masks)))


def drawn_entry(draw: random.Random) -> Entry:
    tags = tuple(parse_tag_pattern(each) for each in draw.sample(PATTERNS, draw.choice([1, 1, 2])))
    per = tuple(draw.sample(["branch", "variant"], draw.choice([0, 1, 1, 2])))
    semver = Semver(
        draw.randint(1, 3),
        tuple(draw.sample(["major", "minor", "variant"], draw.choice([0, 1, 2]))),
        _maybe(draw, 0.3, draw.randint(1, 2)),
        _maybe(
            draw,
            0.6,
            Prereleases(_maybe(draw, 0.5, 8 * DAY), _maybe(draw, 0.4, draw.randint(1, 2)), _maybe(draw, 0.4, 31 * DAY)),
        ),
    )
    thin = Thin(draw.randint(0, 3), draw.randint(0, 3), draw.randint(0, 3), draw.choice(["last", "first"]))
    others = tuple(parse_tag_pattern(each) for each in draw.sample(PATTERNS[:4], 1))
    return Entry(
        tags=_maybe(draw, 0.7, tags),
        except_=_maybe(draw, 0.2, others) or (),
        branch_exists_in=_maybe(draw, 0.1, "shop"),
        branch_head_of=_maybe(draw, 0.1, "shop"),
        commits_of=_maybe(draw, 0.2, CommitsOf("shop", (), draw.choice(BY[:2]))),
        mentioned_in=_maybe(draw, 0.05, MENTIONED),
        label=_maybe(draw, 0.1, Label("keep", draw.choice(["true", None]))),
        pushed_within=_maybe(draw, 0.15, draw.choice([DAY, 8 * DAY])),
        pulled_within=_maybe(draw, 0.1, 8 * DAY),
        newest=_maybe(draw, 0.35, draw.randint(1, 3)),
        semver=_maybe(draw, 0.3, semver),
        thin=_maybe(draw, 0.2, thin),
        per=per,
        groups=_maybe(draw, 0.15, draw.randint(1, 2)),
        same_commit=draw.random() < 0.15,
        commit=draw.choice(BY),
        with_siblings=draw.random() < 0.2,
    )
