"""What stands against a plan that a policy makes, or should be known of it."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Final

from holystone.engine.model.notices import FamiliarTagsGo, Notice
from holystone.engine.model.references import Digest, Repository, Tag
from holystone.engine.model.refusals import EmptiesRepository, OneTime, PullsUntold, Refusal
from holystone.engine.model.verdicts import Delete, Verdict
from holystone.policies.retention.candidates import Candidates
from holystone.policies.retention.rules import Entry
from holystone.policies.retention.sight import Sight

_MANY: Final = 20
"""Digests from which on one time for most of them is no accident."""
_FAMILIAR: Final = frozenset(
    {"latest", "stable", "current", "edge", "lts", "release", "main", "master", "trunk", "develop"}
    | {"prod", "production", "live", "staging"}
)
"""Names by which people deploy, in lower case."""


def refusals_of(candidates: Candidates, sight: Sight, verdicts: Mapping[Tag, Verdict]) -> tuple[Refusal, ...]:
    return tuple(_refusals(candidates, sight, verdicts))


def notices_of(repository: Repository, verdicts: Mapping[Tag, Verdict]) -> tuple[Notice, ...]:
    familiar = tuple(tag for tag in sorted(verdicts) if tag.lower() in _FAMILIAR and isinstance(verdicts[tag], Delete))
    return (FamiliarTagsGo(repository, familiar),) if familiar else ()


def _refusals(candidates: Candidates, sight: Sight, verdicts: Mapping[Tag, Verdict]) -> Iterator[Refusal]:
    policy, repository = sight.policy, candidates.repository
    if not candidates.tells_pulls:
        for number, entry in enumerate(policy.keep, start=1):
            if entry.pulled_within is not None:
                yield PullsUntold(repository, policy.name, number)
    doomed = sum(isinstance(verdicts[each.tag], Delete) for each in candidates.tags)
    if doomed and doomed == len(candidates.tags) and not (policy.keeps_nothing or policy.may_empty):
        yield EmptiesRepository(repository, policy.name, doomed)
    if doomed and any(_goes_by_order(entry) for entry in policy.keep):
        times: dict[Digest, int] = {}
        for each in sight.tags:
            if each.at is not None:
                digest = each.candidate.digest
                times[digest] = max(each.at.seconds, times.get(digest, each.at.seconds))
        alike = max(Counter(times.values()).values(), default=0)
        if len(times) >= _MANY and alike * 2 > len(times):
            yield OneTime(repository, policy.name, alike, len(times))


def _goes_by_order(entry: Entry) -> bool:
    return entry.newest is not None or entry.thin is not None or entry.groups is not None
