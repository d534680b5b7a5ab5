"""Puts the plans of all repositories together."""

from collections.abc import Iterable

import msgspec

from holystone.engine.model.codec import to_json
from holystone.engine.model.notices import Notice
from holystone.engine.model.plan import Plan, RepositoryPlan
from holystone.engine.model.refusals import Refusal


def assemble(
    *,
    as_of: int,
    command: str,
    repositories: Iterable[RepositoryPlan],
    notices: Iterable[Notice] = (),
    refusals: Iterable[Refusal] = (),
) -> Plan:
    """Sorted, and each notice and refusal once, so that the order in which repositories were read leaves no trace."""
    plan = Plan(as_of, command, tuple(sorted(repositories, key=lambda each: each.repository)))
    return with_more(plan, notices=notices, refusals=refusals)


def with_more(plan: Plan, *, notices: Iterable[Notice], refusals: Iterable[Refusal]) -> Plan:
    """Likewise."""
    return msgspec.structs.replace(
        plan,
        notices=tuple(sorted({*plan.notices, *notices}, key=to_json)),
        refusals=tuple(sorted({*plan.refusals, *refusals}, key=_order)),
    )


def _order(refusal: Refusal) -> tuple[str, str, bytes]:
    return str(refusal.repository or ""), refusal.promise, to_json(refusal)
