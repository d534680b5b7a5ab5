"""Steps that are not tried, since something else has to go first, or tried no more, since nothing else will.

A mark says of another tag not to use it, so it is left alone until that one is gone.
"""

from collections.abc import Iterable, Mapping

from holystone.engine.executor.guard import Hold
from holystone.engine.executor.work import RepositoryWork
from holystone.engine.model.outcomes import AlreadyGone, Deleted, Outcome, Referenced, StillReferenced, is_settled
from holystone.engine.model.references import Tag


def too_early(work: RepositoryWork, steps: Iterable[int]) -> Mapping[int, Outcome]:
    """The outcomes of those of the steps that would take a mark away from what is still there."""
    found: dict[int, Outcome] = {}
    for number in sorted(work.states.due.intersection(steps)):
        for mark in work.states.steps[number].tags:
            marked = work.plan.marks.get(mark)
            if marked and (hold := _hold(work, number, marked)):
                found[number] = hold.outcome
    return found


def _hold(work: RepositoryWork, step: int, marked: Tag) -> Hold | None:
    number = work.states.number_of(marked)
    if number is None or number == step:  # both go in one request
        return None
    outcome = work.states.outcomes.get(number)
    if isinstance(outcome, Deleted | AlreadyGone):
        return None
    return Hold(marked, for_good=outcome is not None and is_settled(outcome))


def refused_for_good(work: RepositoryWork) -> Mapping[int, Outcome]:
    """The outcomes of those that no later attempt will change: nothing else is left to do in the repository. But where
    an index that lists it went in this attempt, the registry may not know of that yet."""
    states = work.states
    if states.unsettled != states.refused():
        return {}
    before = work.journal.known.outcomes
    gone = {step.digest for number, step in enumerate(states.steps) if number not in before}
    listed = {child for digest in gone if (index := work.manifests.get(digest)) for child in index.children}
    return {
        number: StillReferenced(outcome.by)
        for number in states.unsettled
        if isinstance(outcome := states.outcomes[number], Referenced) and states.steps[number].digest not in listed
    }
