"""Which branches and tags the keep policies select, and how many images each of them keeps."""

from collections.abc import Collection, Iterable, Sequence

import msgspec

from holystone.engine.model.history import GitReference
from holystone.engine.model.references import Commit
from holystone.policies.keep_policies import KeepPolicy, Limit
from holystone.policies.natural_order import natural_key


class SelectedReference(msgspec.Struct, frozen=True):
    reference: GitReference
    images_per_reference: Limit | None
    """None: every image that the reference reaches."""
    policy: int
    """Position, counted from 1, of the policy that said so last."""


def select_references(
    references: Iterable[GitReference],
    policies: Sequence[KeepPolicy],
    now: int,
    gone: Collection[GitReference] = frozenset(),
) -> tuple[SelectedReference, ...]:
    """Branches, then tags, by name. Where several policies select a reference, the last one counts, also when it sets
    no limit; a policy whose own limit leaves a reference out says nothing about it. Of equal dates the first by natural
    order is the older. `now`: Unix seconds. `gone`: those
    that origin has no more, or never had: each keeps what it kept, and counts against no other one."""
    newest_first = sorted(set(references), key=lambda each: (each.date, natural_key(each.name)), reverse=True)
    selected: dict[GitReference, SelectedReference] = {}
    for position, policy in enumerate(policies, start=1):
        matching = [each for each in newest_first if policy.references.matches(each)]
        there = [each for each in matching if each not in gone]
        limit = policy.references.limit
        left = (each for each in _newest(matching, limit, now) if each in gone)
        for each in (*_newest(there, limit, now), *left):
            selected[each] = SelectedReference(each, policy.images_per_reference, position)
    return tuple(selected[each] for each in sorted(selected))


def _newest(newest_first: Sequence[GitReference], limit: Limit | None, now: int) -> Sequence[GitReference]:
    return newest_first[: limit.count([each.date for each in newest_first], now)] if limit else newest_first


def heads_to_ask(selected: Iterable[SelectedReference]) -> frozenset[Commit]:
    """The heads whose history matters: those of branches, for a tag reaches its own commit only."""
    return frozenset(each.reference.commit for each in selected if each.reference.kind == "branch")
