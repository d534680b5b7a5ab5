"""Which commits images say that they are of."""

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, TypeAlias

from holystone.engine.model.references import Commit, Digest
from holystone.policies.retention.candidates import Candidate, Candidates
from holystone.policies.retention.patterns import Groups, matcher
from holystone.policies.retention.rules import CommitOf, CommitsOf, Policy

CommitPrefix: TypeAlias = str
"""A commit's id or its beginning: 7 to 64 hexadecimal digits, lower case."""

_PREFIX: Final = re.compile("[0-9a-f]{7,64}")


class CommitIndex:
    """Ids of commits, or beginnings of some, found by their beginnings."""

    def __init__(self, ids: Iterable[CommitPrefix]) -> None:
        self._ids = sorted(set(ids))
        self._known = frozenset(self._ids)
        self._lengths = sorted({len(each) for each in self._ids})

    def beginning_with(self, prefix: CommitPrefix) -> Sequence[CommitPrefix]:
        start = bisect_left(self._ids, prefix)
        return self._ids[start : bisect_left(self._ids, f"{prefix}g", start)]  # g comes after all hexadecimal digits

    def may_have(self, prefix: CommitPrefix) -> CommitPrefix | None:
        """One that may be the same commit: it begins so, or this begins with it."""
        start = bisect_left(self._ids, prefix)
        if start < len(self._ids) and self._ids[start].startswith(prefix):
            return self._ids[start]
        shorter = (prefix[:length] for length in self._lengths if length < len(prefix))
        return next((each for each in shorter if each in self._known), None)


def commits_of(candidate: Candidate, groups: Groups, by: CommitOf) -> frozenset[CommitPrefix] | None:
    """Empty where nothing is said, or what is said is no commit; None where it cannot be read."""
    said: frozenset[str] | None
    match by.source:
        case "group":
            said = frozenset({groups[by.name]}) if by.name in groups else frozenset()
        case "label":
            said = None if candidate.labels is None else candidate.labels.get(by.name, frozenset())
        case "provenance":
            said = candidate.provenance
    return said if not said else frozenset(text for each in said if _PREFIX.fullmatch(text := each.lower()))


def images_of(wanted: CommitsOf, known: Iterable[Commit], policy: Policy, candidates: Candidates) -> int:
    """How many images say a commit that is known: each is looked for in each reference that `wanted` selects."""
    index = CommitIndex(known)
    found: set[Digest] = set()
    for entry in policy.keep:
        if entry.commits_of == wanted:
            match = matcher(entry.tags)
            for each in candidates.tags:
                said = commits_of(each, groups, wanted.by) if (groups := match(each.tag)) is not None else None
                if said and any(index.beginning_with(commit) for commit in said):
                    found.add(each.digest)
    return len(found)


def commits_to_ask(policy: Policy, candidates: Candidates) -> Mapping[CommitsOf, frozenset[CommitPrefix]]:
    """What histories must know about, for each way in which the policy asks for commits."""
    asked: defaultdict[CommitsOf, frozenset[CommitPrefix]] = defaultdict(frozenset)
    for entry in policy.keep:
        if (wanted := entry.commits_of) is None:
            continue
        match = matcher(entry.tags)
        found: set[CommitPrefix] = set()
        for each in candidates.tags:
            if (groups := match(each.tag)) is not None:
                found |= commits_of(each, groups, wanted.by) or frozenset()
        asked[wanted] |= found
    return asked
