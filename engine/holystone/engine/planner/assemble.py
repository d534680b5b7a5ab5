"""Puts the plans of all repositories together."""

from collections.abc import Iterable, Sequence

import msgspec

from holystone.engine.model.codec import to_json
from holystone.engine.model.notices import Notice
from holystone.engine.model.plan import Plan, RepositoryPlan
from holystone.engine.model.refusals import Refusal


def assemble(
    *,
    as_of: int,
    command: str,
    repositories: Sequence[RepositoryPlan],
    notices: Iterable[Notice] = (),
    refusals: Iterable[Refusal] = (),
) -> Plan:
    """`repositories`: in order of their names. Notices and refusals are sorted, and each there once, so that the order
    in which repositories were read leaves no trace."""
    return with_more(Plan(as_of, command, repositories=repositories), notices=notices, refusals=refusals)


def with_more(plan: Plan, *, notices: Iterable[Notice] = (), refusals: Iterable[Refusal] = ()) -> Plan:
    """The plan with more notices and refusals, each once and in order."""
    return msgspec.structs.replace(
        plan,
        notices=tuple(sorted({*plan.notices, *notices}, key=to_json)),
        refusals=tuple(sorted({*plan.refusals, *refusals}, key=_order)),
    )


def _order(refusal: Refusal) -> tuple[str, str, bytes]:
    return str(refusal.repository or ""), refusal.promise, to_json(refusal)
