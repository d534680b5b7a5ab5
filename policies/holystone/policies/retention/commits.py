"""Which commits images say that they are of."""

import re
from collections import defaultdict
from collections.abc import Mapping
from typing import Final, TypeAlias

from holystone.policies.retention.candidates import Candidate, Candidates
from holystone.policies.retention.patterns import Groups, matcher
from holystone.policies.retention.rules import CommitOf, CommitsOf, Policy

CommitPrefix: TypeAlias = str
"""A commit's id or its beginning: 7 to 64 hexadecimal digits, lower case."""

_PREFIX: Final = re.compile("[0-9a-f]{7,64}")


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
