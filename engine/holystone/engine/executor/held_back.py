"""Steps that are not tried, since something else has to go first, or tried no more, since nothing else will.

A mark says of another tag not to use it, so it is left alone until that one is gone.
"""

from collections.abc import Iterable, Mapping

from holystone.engine.executor.guard import Hold
from holystone.engine.executor.work import RepositoryWork
from holystone.engine.model.outcomes import AlreadyGone, Deleted, Outcome, Referenced, StillReferenced, is_settled
from holystone.engine.model.plan import Step, StepId
from holystone.engine.model.references import Tag


def too_early(work: RepositoryWork, steps: Iterable[Step]) -> Mapping[StepId, Outcome]:
    """The outcomes of those of the steps that would take a mark away from what is still there."""
    found: dict[StepId, Outcome] = {}
    for step in steps:
        for mark in step.tags if step.id in work.states.due else ():
            marked = work.plan.marks.get(mark)
            if marked and (hold := _hold(work, step, marked)):
                found[step.id] = hold.outcome
    return found


def _hold(work: RepositoryWork, step: Step, marked: Tag) -> Hold | None:
    first = work.states.step_of(marked)
    if first is None or first.id == step.id:  # both go in one request
        return None
    outcome = work.states.outcomes.get(first.id)
    if isinstance(outcome, Deleted | AlreadyGone):
        return None
    return Hold(marked, for_good=outcome is not None and is_settled(outcome))


def refused_for_good(work: RepositoryWork) -> Mapping[StepId, Outcome]:
    """The outcomes of those that no later attempt will change: nothing else is left to do in the repository. But where
    an index that lists it went in this attempt, the registry may not know of that yet."""
    states = work.states
    unsettled = states.unsettled
    if set(unsettled) != states.refused():
        return {}
    before = work.journal.known.outcomes
    gone = {step.digest for step_id, step in states.steps.items() if step_id not in before}
    listed = {child for digest in gone if (index := work.manifests.get(digest)) for child in index.children}
    return {
        step_id: StillReferenced(outcome.by)
        for step_id in unsettled
        if isinstance(outcome := states.outcomes[step_id], Referenced) and states.steps[step_id].digest not in listed
    }
