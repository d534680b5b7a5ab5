"""What all entries say of each tag, taken together: who keeps it, who cannot judge it, who nearly kept it."""

from array import array
from collections import Counter
from typing import Final

import msgspec

from holystone.engine.model.delete_reasons import DeleteReason
from holystone.engine.model.policy_reasons import Doubt, NothingKeeps
from holystone.engine.model.reasons import KeepReason, LockedBy
from holystone.engine.model.references import Tag
from holystone.engine.model.verdicts import Delete, Keep, Verdict
from holystone.policies.retention.entries import EntryVerdicts
from holystone.policies.retention.entry_reasons import EntryReasons
from holystone.policies.retention.judgement import EntryTally
from holystone.policies.retention.sight import Sight

_NAMED: Final = 3
"""Entries that keep a tag or cannot judge it which a verdict names: a plan is written with all of them."""
_MISSES_NAMED: Final = 2
"""Entries that nearly keep a tag, likewise: of 200,000 tags most go."""
_ARCHIVED: Final = LockedBy("it is archived")


class Votes:
    def __init__(self, sight: Sight) -> None:
        self._sight = sight
        self._keeps: dict[int, list[KeepReason]] = {}
        self._doubts: dict[int, list[KeepReason]] = {}
        self._misses: dict[int, list[DeleteReason]] = {}
        self._keepers = array("I", bytes(4 * len(sight.tags)))
        self._last_keeper = array("I", bytes(4 * len(sight.tags)))
        self._tallies: dict[int, EntryTally] = {}

    def add(self, number: int, said: EntryVerdicts) -> None:
        """`number`: the entry's position in the policy, counted from 0."""
        entry = self._sight.policy.keep[number]
        words = EntryReasons(self._sight, number, entry)
        doubts: Counter[Doubt] = Counter()
        kept = 0
        for order, standing in said.standings.items():
            match standing.answer:
                case True:
                    kept += 1
                    self._keepers[order] += 1
                    self._last_keeper[order] = number
                    named = self._keeps.setdefault(order, [])
                    if len(named) < _NAMED:
                        named += words.kept(standing, self._sight.tags[order])
                case False:
                    missed = self._misses.setdefault(order, [])
                    if len(missed) < _MISSES_NAMED:
                        missed.append(words.missed(standing, self._sight.tags[order]))
                case doubt:
                    doubts[doubt] += 1
                    doubted = self._doubts.setdefault(order, [])
                    if len(doubted) < _NAMED:
                        doubted.append(words.doubted(doubt))
        sizes = said.group_sizes.values()
        self._tallies[number] = EntryTally(
            matched=said.matched,
            together=kept,
            doubts=dict(doubts),
            groups=len(sizes),
            groups_of_one=sum(size == 1 for size in sizes),
        )

    def tallies(self) -> tuple[EntryTally, ...]:
        alone = Counter(self._last_keeper[order] for order, keepers in enumerate(self._keepers) if keepers == 1)
        return tuple(
            msgspec.structs.replace(each, alone=alone[number], together=each.together - alone[number])
            for number, each in sorted(self._tallies.items())
        )

    def verdicts(self) -> dict[Tag, Verdict]:
        in_use = self._sight.facts.in_use
        nothing: tuple[DeleteReason, ...] = (NothingKeeps(self._sight.policy.name),)
        found: dict[Tag, Verdict] = {}
        for order, seen in enumerate(self._sight.tags):
            tag = seen.candidate.tag
            reasons: list[KeepReason] = [*in_use.get(tag, ())]
            if seen.candidate.archived:
                reasons.append(_ARCHIVED)
            reasons += self._keeps.get(order, ())
            reasons += self._doubts.get(order, ())
            found[tag] = Keep(tuple(reasons)) if reasons else Delete(tuple(self._misses.get(order, ())) or nothing)
        return found
