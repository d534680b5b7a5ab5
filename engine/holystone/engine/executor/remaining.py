"""What of a plan is left to do, as a plan."""

from collections.abc import Awaitable, Callable, Mapping

import msgspec

from holystone.engine.executor.step_states import StepStates
from holystone.engine.model.outcomes import Outcome
from holystone.engine.model.plan import Pass, Plan, RepositoryPlan, StepId
from holystone.engine.model.records import RepositoryRecord
from holystone.engine.ports import Spool


async def remaining(
    plan: Plan, recorded: Callable[[RepositoryPlan], Awaitable[RepositoryRecord | None]], into: Spool[RepositoryPlan]
) -> Plan:
    """The plan without the steps that the journal calls settled. `into` has its repositories."""
    for each in plan.repositories:
        record = await recorded(each)
        into.append(_left(each, record.outcomes) if record else each)
    return msgspec.structs.replace(plan, repositories=into)


def _left(plan: RepositoryPlan, known: Mapping[StepId, Outcome]) -> RepositoryPlan:
    due = StepStates(plan, known).due
    passes = (Pass(each.kind, tuple(step for step in each.steps if step.id in due)) for each in plan.passes)
    return msgspec.structs.replace(plan, passes=tuple(each for each in passes if each.steps))
