"""The passes over one repository, in rounds: what was refused because of something else is tried again after that.

Steps are not tried while something else has to go first, and no more once nothing else will. A mark says of another tag
not to use it, so it is left alone until that one is gone.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Final

from holystone.engine.executor.deletes import remove, untag
from holystone.engine.executor.guard import Guard, Hold
from holystone.engine.executor.tombstones import overwrite_with_tombstones
from holystone.engine.executor.work import RepositoryWork
from holystone.engine.model.manifests import NESTED_AT_MOST
from holystone.engine.model.outcomes import AlreadyGone, Deleted, Outcome, Referenced, StillReferenced, is_settled
from holystone.engine.model.plan import Pass, Remove, Step, StepId, Untag
from holystone.engine.model.references import Tag

_ROUNDS: Final = 3
"""How often steps are tried again that a registry refused because something referred to them."""
_LOOKS: Final = 2 * NESTED_AT_MOST
"""Passes that begin with a look of their own. Whoever may push can make thousands of them, out of manifests that each
refer to the one before."""


async def do_passes(work: RepositoryWork, settle: Callable[[], Awaitable[None]]) -> None:
    await _one_round(work, settle)
    for _ in range(_ROUNDS):
        refused = work.states.refused()
        work.states.reopen(refused)
        if refused:
            await _one_round(work, settle)
        if len(work.states.refused()) >= len(refused):
            break
    if final := _refused_for_good(work):
        await work.settle(final)
        work.states.reopen(work.states.refused())  # what waited for these stays with them
        await _one_round(work, settle)


async def _one_round(work: RepositoryWork, settle: Callable[[], Awaitable[None]]) -> None:
    before: Sequence[Step] = ()
    guard = Guard(work)
    for turn, one_pass in enumerate(work.plan.passes):
        await settle()
        await work.settle(_too_early(work, one_pass.steps), held=True)
        guard = Guard(work) if turn < _LOOKS else guard.next_pass((*before, *one_pass.steps))
        due = [step for step in one_pass.steps if step.id in work.states.due]
        await _one_pass(work, one_pass, due, guard)
        if work.rights.worth_another_try and (forbidden := work.states.forbidden(due)):
            work.states.reopen(step.id for step in forbidden)
            await _one_pass(work, one_pass, forbidden, guard.next_pass(due))
        # One that is alone in its pass may be forbidden by itself: the passes after it tell.
        if len(work.states.forbidden(due)) > 1:
            work.rights.expect_success()
        before = one_pass.steps
    work.rights.expect_success()


async def _one_pass(work: RepositoryWork, one_pass: Pass, steps: Sequence[Step], guard: Guard) -> None:
    untags = work.states.due_steps(Untag, steps)
    removes = work.states.due_steps(Remove, steps)
    if untags:
        await (overwrite_with_tombstones if one_pass.kind == "tombstone" else untag)(work, untags)
    if removes:
        await remove(work, removes, guard)
    work.end_if_spent(step.id for step in steps)


def _too_early(work: RepositoryWork, steps: Iterable[Step]) -> Mapping[StepId, Outcome]:
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


def _refused_for_good(work: RepositoryWork) -> Mapping[StepId, Outcome]:
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
