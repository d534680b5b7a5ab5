"""One repository and one policy in few words: images by name and age in days, and which of them stay."""

from collections.abc import Iterable, Mapping
from typing import Any

from holystone.engine.model.history import GitReference
from holystone.engine.model.policy_reasons import CannotJudge
from holystone.engine.model.references import Commit, Digest, RegistryHost, Repository, RepositoryPath, Tag
from holystone.engine.model.verdicts import Keep
from holystone.policies.retention.candidates import Candidate, Candidates, CloneFacts, Facts, Moment
from holystone.policies.retention.judge import judge
from holystone.policies.retention.judgement import Judgement
from holystone.policies.retention.patterns import parse_tag_pattern
from holystone.policies.retention.repository_patterns import RepositoryPattern
from holystone.policies.retention.rules import Entry, Policy

DAY = 24 * 3600
NOW = 1_780_272_000  # 2026-06-01 00:00 UTC, a Monday
APP = Repository(RegistryHost("r.example"), RepositoryPath("shop/app"))
REVISION = "org.opencontainers.image.revision"


def commit(beginning: str) -> Commit:
    return Commit(f"{beginning}{'0' * 40}"[:40])


def ago(days: float) -> Moment:
    return Moment(NOW - round(days * DAY), "tag-pushed")


def image(
    name: str,
    days: float | None = 100,
    digest: str | None = None,
    *,
    labels: Mapping[str, str] | None = {},
    revision: str | None = None,
    **more: Any,
) -> Candidate:
    """`days`: since it was pushed; None: not known. Those of one `digest` are one image; each other has its own."""
    found = None if labels is None else {key: frozenset({value}) for key, value in labels.items()}
    if found is not None and revision is not None:
        found[REVISION] = frozenset({revision})
    pushed = None if days is None else ago(days)
    return Candidate(Tag.parse(name), Digest.of((digest or name).encode()), pushed, labels=found, **more)


def tags(*patterns: str) -> Any:
    return tuple(map(parse_tag_pattern, patterns))


def branches(**heads: str) -> CloneFacts:
    """`__` in a name is a slash."""
    return CloneFacts(
        tuple(GitReference("branch", name.replace("__", "/"), commit(head), NOW) for name, head in heads.items())
    )


def judged(
    entries: Iterable[Entry], images: Iterable[Candidate], facts: Facts | None = None, **policy: Any
) -> Judgement:
    entries = tuple(entries)
    made = Policy("shop", (RepositoryPattern("**"),), keep=entries, keeps_nothing=not entries, **policy)
    return judge(made, Candidates(APP, tuple(images), tells_pulls=True), facts or Facts(NOW))


def staying(entries: Entry | Iterable[Entry], *images: Candidate, facts: Facts | None = None, **policy: Any) -> str:
    """The names of those that stay, sorted; those that cannot be judged have a `?`."""
    entries = (entries,) if isinstance(entries, Entry) else entries
    found = judged(entries, images, facts, **policy).verdicts
    return " ".join(
        f"{tag}{'?' * all(isinstance(reason, CannotJudge) for reason in verdict.reasons)}"
        for tag, verdict in found.items()
        if isinstance(verdict, Keep)
    )
