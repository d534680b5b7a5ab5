"""What a judgement looks at: candidates in natural order of their names, with the times that their policy means."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec

from holystone.policies.natural_order import natural_key
from holystone.policies.retention.branch_names import Branches
from holystone.policies.retention.candidates import Candidate, Candidates, Facts, Moment
from holystone.policies.retention.moments import sane
from holystone.policies.retention.patterns import NO_GROUPS, Groups, TagPattern, matcher
from holystone.policies.retention.rules import CloneName, Policy


class Seen(msgspec.Struct, frozen=True, gc=False):
    candidate: Candidate
    at: Moment | None
    """When it was pushed, or built, as the policy means it; None: not known."""
    pulled: Moment | None


class Matching(msgspec.Struct, frozen=True, gc=False):
    """A tag that an entry is about."""

    order: int
    """Position among the tags of the sight."""
    seen: Seen
    groups: Groups


class Sight(NamedTuple):
    policy: Policy
    facts: Facts
    tags: Sequence[Seen]
    """In natural order of their names, so that of two with one time the one that stands later is the newer."""
    branches: Mapping[CloneName, Branches]
    all_matching: Sequence[Matching]
    """As an entry sees them which reads nothing from their names."""

    def matching(
        self, patterns: tuple[TagPattern, ...] | None, except_: tuple[TagPattern, ...] = ()
    ) -> Sequence[Matching]:
        among = self.all_matching
        if except_:
            is_meant = matcher(except_)
            among = [each for each in among if is_meant(each.seen.candidate.tag) is None]
        if patterns is None:
            return among
        match = matcher(patterns)
        found = ((each, match(each.seen.candidate.tag)) for each in among)
        return [
            Matching(each.order, each.seen, groups) if groups else each for each, groups in found if groups is not None
        ]


def look(policy: Policy, candidates: Candidates, facts: Facts) -> Sight:
    tags = sorted(candidates.tags, key=lambda each: natural_key(each.tag))
    named = {name for entry in policy.keep for name in (entry.branch_exists_in, entry.branch_head_of) if name}
    seen = [
        Seen(
            each,
            sane(each.created if policy.times == "created" else each.pushed, facts.now),
            sane(each.pulled, facts.now),
        )
        for each in tags
    ]
    return Sight(
        policy,
        facts,
        seen,
        {name: Branches.of(facts.clones[name].branches) for name in named},
        [Matching(order, each, NO_GROUPS) for order, each in enumerate(seen)],
    )
