"""What each entry of a policy says of some tags, and what it takes for branches that are none: for whoever writes it. A
verdict names no more of this than a plan needs."""

from collections.abc import Collection, Iterator, Mapping
from typing import Final, Literal, TypeAlias

import msgspec

from holystone.engine.model.delete_reasons import DeleteReason
from holystone.engine.model.reasons import KeepReason
from holystone.engine.model.references import Tag
from holystone.policies.retention.branch_names import Branches
from holystone.policies.retention.candidates import Candidates, Facts
from holystone.policies.retention.entries import judge_entries
from holystone.policies.retention.entry_reasons import EntryReasons
from holystone.policies.retention.rules import Entry, Policy
from holystone.policies.retention.sight import Sight, look

EntryAnswer: TypeAlias = Literal["keeps", "cannot-judge", "does-not-keep", "not-about"]
_BRANCH: Final = "branch"


class EntrySays(msgspec.Struct, frozen=True):
    answer: EntryAnswer
    """`not-about`: its `tags` are others."""
    why: tuple[KeepReason | DeleteReason, ...] = ()


def explain(
    policy: Policy, candidates: Candidates, facts: Facts, tags: Collection[Tag]
) -> Mapping[Tag, tuple[EntrySays, ...]]:
    """What all entries say of those of the tags that are there and are judged; as many as the policy has, in its
    order."""
    sight = look(policy, candidates, facts)
    asked = {order: seen for order, seen in enumerate(sight.tags) if seen.candidate.tag in tags}
    found = {seen.candidate.tag: [EntrySays("not-about")] * len(policy.keep) for seen in asked.values()}
    for number, said in judge_entries(sight):
        words = EntryReasons(sight, number, policy.keep[number])
        for order, seen in asked.items():
            standing = said.standings.get(order)
            if standing is None:
                continue
            match standing.answer:
                case True:
                    says = EntrySays("keeps", words.kept(standing, seen))
                case False:
                    says = EntrySays("does-not-keep", (words.missed(standing, seen),))
                case doubt:
                    says = EntrySays("cannot-judge", (words.doubted(doubt),))
            found[seen.candidate.tag][number] = says
    return {tag: tuple(says) for tag, says in found.items()}


def groups_without_branch(policy: Policy, candidates: Candidates, facts: Facts) -> Mapping[int, frozenset[str]]:
    """What entries read from tags as a branch, and is none of the clone that they ask; of one that only counts by
    branch, of no clone that the policy asks. By positions of the entries, counted from 0."""
    if not any(_reads_branches(entry) for entry in policy.keep):
        return {}
    sight = look(policy, candidates, facts)
    return {
        number: frozenset(_unknown(entry, sight, branches))
        for number, entry in enumerate(policy.keep)
        if _reads_branches(entry) and (branches := tuple(_asked(entry, sight)))
    }


def _reads_branches(entry: Entry) -> bool:
    return bool(entry.branch_exists_in or entry.branch_head_of or _BRANCH in entry.per)


def _asked(entry: Entry, sight: Sight) -> Iterator[Branches]:
    own = [name for name in (entry.branch_exists_in, entry.branch_head_of) if name]
    for name in own or sight.branches:
        yield sight.branches[name]


def _unknown(entry: Entry, sight: Sight, clones: Collection[Branches]) -> Iterator[str]:
    for each in sight.matching(entry.tags):
        branch = each.groups.get(_BRANCH)
        if branch and all(known.called(branch) is None for known in clones):
            yield branch
