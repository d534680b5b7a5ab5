"""What of a plan is left to do, as a plan."""

from collections.abc import Awaitable, Callable, Mapping

import msgspec

from holystone.engine.executor.step_states import StepStates
from holystone.engine.model.outcomes import Outcome
from holystone.engine.model.plan import Plan, RepositoryPlan
from holystone.engine.model.records import RepositoryRecord
from holystone.engine.model.references import Repository
from holystone.engine.ports import Spool


async def remaining(
    plan: Plan, recorded: Callable[[Repository], Awaitable[RepositoryRecord | None]], into: Spool[RepositoryPlan]
) -> Plan:
    """The plan without the steps that the journal calls settled. `into` has its repositories."""
    for each in plan.repositories:
        record = await recorded(each.repository)
        into.append(_left(each, record.outcomes) if record else each)
    return msgspec.structs.replace(plan, repositories=into)


def _left(plan: RepositoryPlan, known: Mapping[int, Outcome]) -> RepositoryPlan:
    due, passes, first = StepStates(plan, known).due, [], 0
    for each in plan.passes:
        steps = tuple(step for number, step in enumerate(each.steps, first) if number in due)
        first += len(each.steps)
        if steps:
            passes.append(msgspec.structs.replace(each, steps=steps))
    return msgspec.structs.replace(plan, passes=tuple(passes))
