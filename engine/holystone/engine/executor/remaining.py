"""What of a plan is left to do, as a plan."""

from collections.abc import Iterable, Mapping

import msgspec

from holystone.engine.executor.step_states import StepStates
from holystone.engine.model.outcomes import Outcome
from holystone.engine.model.plan import Plan, RepositoryPlan
from holystone.engine.model.records import RepositoryRecord


def remaining(plan: Plan, records: Iterable[RepositoryRecord]) -> Plan:
    """The plan without the steps that the journal calls settled."""
    known = {each.repository: each.outcomes for each in records}
    return msgspec.structs.replace(
        plan, repositories=tuple(_left(each, known.get(each.repository, {})) for each in plan.repositories)
    )


def _left(plan: RepositoryPlan, known: Mapping[int, Outcome]) -> RepositoryPlan:
    due, passes, first = StepStates(plan, known).due, [], 0
    for each in plan.passes:
        steps = tuple(step for number, step in enumerate(each.steps, first) if number in due)
        first += len(each.steps)
        if steps:
            passes.append(msgspec.structs.replace(each, steps=steps))
    return msgspec.structs.replace(plan, passes=tuple(passes))
