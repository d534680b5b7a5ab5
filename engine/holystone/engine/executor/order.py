"""Whose turn comes first, where a budget may end a run before all have had theirs."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import Final

from holystone.engine.model.plan import How, Remove, RepositoryPlan, Step, StepId
from holystone.engine.model.references import RegistryHost

_REQUESTS: Final[Mapping[How, int]] = {"delete": 2, "tombstone": 2, "anchor": 3}
"""A look, and what is sent then."""
_LOOKS: Final = 1
"""At each tag that stays, before what it may need goes. Of many, few are looked at after all."""


def freed_per_request(plan: RepositoryPlan, due: Collection[StepId]) -> float:
    """Bytes at most, by the requests of the steps that are due and of the looks around them. How many deletions one
    request takes, and how many tags one listing tells of, is the same in all repositories of a registry."""
    steps = [step for step in plan.steps if step.id in due]
    if not steps:
        return 0.0
    freed = sum(step.size for step in steps if isinstance(step, Remove))
    return freed / (_LOOKS * len(plan.kept) + sum(map(_requests, steps)))


def most_first(repositories: Iterable[tuple[RegistryHost, float]]) -> list[int]:
    """The positions of repositories, given with what each is worth: what is worth most comes first in its registry,
    and the registries take turns, since each has a rate of its own."""
    of_host: defaultdict[RegistryHost, list[tuple[float, int]]] = defaultdict(list)
    for position, (host, worth) in enumerate(repositories):
        of_host[host].append((-worth, position))
    return [
        position
        for _, _, position in sorted(
            (turn, *each) for some in of_host.values() for turn, each in enumerate(sorted(some))
        )
    ]


def _requests(step: Step) -> int:
    return 1 + len(step.tags) if isinstance(step, Remove) else _REQUESTS[step.how]
