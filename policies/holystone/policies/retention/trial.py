"""What a policy says of a list of tags alone, where neither a registry nor a clone is asked.

An entry that asks for more than a name, a digest and a time may keep any tag that it is about, or none. So the policy
is judged twice: as if such entries kept nothing, and as if they kept all of them. A tag that goes in the one and stays
in the other is open.
"""

from collections.abc import Mapping
from typing import Final, Literal, TypeAlias

import msgspec

from holystone.engine.model.notices import Notice
from holystone.engine.model.references import Tag
from holystone.engine.model.refusals import Refusal
from holystone.engine.model.verdicts import Keep, Verdicts
from holystone.policies.retention.candidates import Candidates, Facts
from holystone.policies.retention.judge import judge
from holystone.policies.retention.judgement import EntryTally
from holystone.policies.retention.rules import Entry, Policy

Missing: TypeAlias = Literal["clone", "labels", "pulls", "commits"]
"""What a list of tags does not say."""


class Trial(msgspec.Struct, frozen=True):
    verdicts: Verdicts
    """Those of open tags say what keeps them if something does."""
    open: frozenset[Tag]
    entries: tuple[EntryTally, ...]
    missing: Mapping[int, Missing]
    """What entries ask for that is not known, by their positions, counted from 0."""
    refusals: tuple[Refusal, ...]
    notices: tuple[Notice, ...]


def try_policy(policy: Policy, candidates: Candidates, facts: Facts) -> Trial:
    missing = {number: what for number, entry in enumerate(policy.keep) if (what := _missing(entry))}
    least = judge(_with(policy, dict.fromkeys(missing, _KEEPS_NOTHING)), candidates, facts)
    most = judge(_with(policy, {number: _keeps_all(policy.keep[number]) for number in missing}), candidates, facts)
    are_open = {
        tag
        for tag, verdict in most.verdicts.items()
        if isinstance(verdict, Keep) and not isinstance(least.verdicts[tag], Keep)
    }
    certain = most if are_open else least
    return Trial(
        {**least.verdicts, **{tag: most.verdicts[tag] for tag in are_open}},
        frozenset(are_open),
        tuple(
            _of_names(most.entries[number]) if number in missing else tally
            for number, tally in enumerate(least.entries)
        ),
        missing,
        certain.refusals,
        certain.notices,
    )


_KEEPS_NOTHING: Final = Entry(tags=())


def _keeps_all(entry: Entry) -> Entry:
    return Entry(
        tags=entry.tags,
        except_=entry.except_,
        pushed_within=entry.pushed_within,
        with_siblings=entry.with_siblings,
        per=entry.per,
    )


def _of_names(tally: EntryTally) -> EntryTally:
    """What names alone say."""
    return EntryTally(tally.matched, groups=tally.groups, groups_of_one=tally.groups_of_one)


def _with(policy: Policy, others: Mapping[int, Entry]) -> Policy:
    entries = tuple(others.get(number, entry) for number, entry in enumerate(policy.keep))
    return msgspec.structs.replace(policy, keep=entries)


def _missing(entry: Entry) -> Missing | None:
    if entry.branch_exists_in or entry.branch_head_of or entry.commits_of or entry.mentioned_in:
        return "clone"
    if entry.label:
        return "labels"
    if entry.pulled_within is not None:
        return "pulls"
    return "commits" if entry.same_commit and entry.commit.source != "group" else None
