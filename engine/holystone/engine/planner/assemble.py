"""Puts the plans of all repositories together."""

from collections.abc import Iterable

from holystone.engine.model.plan import Plan, Refusal, RepositoryPlan


def assemble(
    *,
    as_of: int,
    command: str,
    repositories: Iterable[RepositoryPlan],
    notices: Iterable[str] = (),
    refusals: Iterable[Refusal] = (),
) -> Plan:
    """Sorted, and each notice and refusal once, so that the order in which repositories were read leaves no trace."""
    return Plan(
        as_of=as_of,
        command=command,
        repositories=tuple(sorted(repositories, key=lambda each: each.repository)),
        notices=tuple(sorted(set(notices))),
        refusals=tuple(sorted(set(refusals), key=_order)),
    )


def _order(refusal: Refusal) -> tuple[str, ...]:
    return str(refusal.repository or ""), refusal.promise, refusal.why, refusal.what_to_do
