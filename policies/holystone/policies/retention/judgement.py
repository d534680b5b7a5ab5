"""What is judged of a repository."""

from collections.abc import Iterable, Mapping

import msgspec

from holystone.engine.model.delete_reasons import DeleteReason
from holystone.engine.model.notices import Notice
from holystone.engine.model.policy_reasons import Doubt
from holystone.engine.model.references import Digest
from holystone.engine.model.refusals import EntryMatchesNothing, Refusal
from holystone.engine.model.verdicts import Verdicts
from holystone.policies.retention.patterns import shown_pattern
from holystone.policies.retention.rules import Policy


class EntryTally(msgspec.Struct, frozen=True):
    """How many tags an entry speaks of, in one repository or in several."""

    matched: int = 0
    """By what `tags` says, whatever the other keys say."""
    alone: int = 0
    """Kept by it, and by no other entry."""
    together: int = 0
    """Kept by it, and by others."""
    doubts: Mapping[Doubt, int] = {}
    """Not judged by it, and why."""
    groups: int = 0
    """Values of the named groups of `per`."""
    groups_of_one: int = 0
    """Those that one tag has: where most are, the expression takes something else for a group."""

    def __add__(self, other: "EntryTally") -> "EntryTally":
        doubts = dict(self.doubts)
        for doubt, number in other.doubts.items():
            doubts[doubt] = doubts.get(doubt, 0) + number
        return EntryTally(
            self.matched + other.matched,
            self.alone + other.alone,
            self.together + other.together,
            doubts,
            self.groups + other.groups,
            self.groups_of_one + other.groups_of_one,
        )


class Judgement(msgspec.Struct, frozen=True):
    verdicts: Verdicts
    """By tag, sorted. Attached artifacts have none, for they go and stay with their subjects, unless they are orphans
    that go."""
    entries: tuple[EntryTally, ...]
    """As many as the policy has, in its order."""
    loose: Mapping[Digest, DeleteReason]
    """Manifests without a tag that may go. Sorted."""
    refusals: tuple[Refusal, ...] = ()
    notices: tuple[Notice, ...] = ()


def add_tallies(one: Iterable[EntryTally], other: Iterable[EntryTally]) -> tuple[EntryTally, ...]:
    """What the entries of one policy do in both."""
    return tuple(each + more for each, more in zip(one, other, strict=True))


def entries_without_match(policy: Policy, tallies: Iterable[EntryTally]) -> tuple[EntryMatchesNothing, ...]:
    """Refusals of a policy all of whose repositories were read. Some may be missing: then it is only to be told."""
    return tuple(
        EntryMatchesNothing(policy.name, number, ", ".join(map(shown_pattern, entry.tags)))
        for number, (entry, tally) in enumerate(zip(policy.keep, tallies, strict=True), start=1)
        if entry.tags is not None and not entry.optional and not tally.matched
    )
