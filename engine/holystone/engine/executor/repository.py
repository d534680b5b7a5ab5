"""One repository from its first request to the check after the last one."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import anyio

from holystone.engine.errors import DeletionDisabled, Doubtful, HolystoneError, PlanDoubtful
from holystone.engine.events import tell
from holystone.engine.executor.check import Deletions, check_after
from holystone.engine.executor.gather import gather
from holystone.engine.executor.guard import Guard
from holystone.engine.executor.held_back import refused_for_good, too_early
from holystone.engine.executor.manifests import remove
from holystone.engine.executor.results import CheckReport, RepositoryResult
from holystone.engine.executor.step_states import StepStates
from holystone.engine.executor.stopped import Stopped
from holystone.engine.executor.tag_resolver import look_again
from holystone.engine.executor.tombstones import make_tombstone, overwrite_with_tombstones
from holystone.engine.executor.untag import untag
from holystone.engine.executor.work import RepositoryWork
from holystone.engine.model.events import Checked, Done
from holystone.engine.model.manifests import NESTED_AT_MOST
from holystone.engine.model.outcomes import AlreadyGone, Deleted, Failed
from holystone.engine.model.plan import Pass, Remove, RepositoryPlan, Step, Untag
from holystone.engine.model.references import Digest, Repository
from holystone.engine.ports import DigestCache, OpenSession, RepositoryJournal, RepositorySession, Run
from holystone.engine.scheduler import Sleep

_ROUNDS: Final = 3
"""How often steps are tried again that a registry refused because something referred to them."""
_LOOKS: Final = 2 * NESTED_AT_MOST
"""Passes that begin with a look of their own. Whoever may push can make thousands of them, out of manifests that each
refer to the one before."""


async def execute_repository(
    plan: RepositoryPlan,
    open_session: OpenSession,
    run: Run,
    cache: DigestCache,
    settle: Callable[[Repository], Awaitable[None]],
    sleep: Sleep,
    in_hand: anyio.CapacityLimiter,
) -> RepositoryResult:
    """Raises no HolystoneError: it is in the result, so that other repositories go on."""
    states = StepStates(plan, {})
    check: CheckReport | None = None
    stopped: HolystoneError | None = None
    work: RepositoryWork | None = None
    try:
        async with open_session(plan) as session:
            journal = await run.repository(plan)
            if journal:
                states = StepStates(plan, journal.known.outcomes)
            if states.due:
                work = await _prepare(plan, session, run, journal, cache, states, in_hand)
                journal = work.journal
                await _passes(work, lambda: settle(plan.repository))
            if journal:
                found = await check_after(session, cache, plan, _deletions(journal, states), sleep=sleep)
                await settle(plan.repository)
                check = found
                tell(Checked(plan.repository, len(check.losses), len(check.moved)))
                await _record(session, cache, journal, states, check, in_hand)
                await _contradictions(session, plan, check)
    except HolystoneError as error:
        stopped = error
    if work and isinstance(stopped, Doubtful):
        await _reopen(work, stopped)
    lost = {loss.digest for loss in check.losses} if check else set[Digest]()
    tell(Done(plan.repository, states.not_tried, stopped.message if stopped else ""))
    return RepositoryResult(
        plan.repository,
        states.outcomes,
        states.not_tried,
        Stopped.by(stopped) if stopped else None,
        check,
        work.mended if work else {},
        frozenset(lost & set(states.deleted_tags.values())),
    )


async def _contradictions(session: RepositorySession, plan: RepositoryPlan, check: CheckReport) -> None:
    """Raises Doubtful as `tag_resolver.look_again`: it is too late for what went, and not for who reads the report."""
    kept = {each.tag: each.digest for each in plan.kept if each.written_once and each.digest}
    for tag in check.moved:
        if tag in kept:
            await look_again(session, plan, tag, (kept[tag],), once=True)


async def _reopen(work: RepositoryWork, doubt: Doubtful) -> None:
    """What this attempt left alone because of an answer that may have been another question's is tried again by
    `resume`. What it deleted is looked for by the check."""
    before, now = work.journal.known.outcomes, work.states.outcomes
    left = [
        step_id
        for step_id, outcome in now.items()
        if before.get(step_id) != outcome and not isinstance(outcome, Deleted)
    ]
    await work.settle(dict.fromkeys(left, Failed(f"left alone: {doubt.message}")))


async def _prepare(
    plan: RepositoryPlan,
    session: RepositorySession,
    run: Run,
    journal: RepositoryJournal | None,
    cache: DigestCache,
    states: StepStates,
    in_hand: anyio.CapacityLimiter,
) -> RepositoryWork:
    """Reads only, and then writes down all that is needed to finish or undo. Raises PlanDoubtful if the plan is of a
    registry that does something else."""
    capabilities = await session.probe()
    if capabilities.forbidden:
        raise DeletionDisabled(f"{plan.repository}: nothing can be deleted: {capabilities.forbidden}")
    if plan.manners and capabilities.manners != plan.manners:
        raise PlanDoubtful(
            f"{plan.repository}: asked what it can delete, and how, the registry does not answer now as when the plan "
            "was made.",
            what_to_do="Run the command again: it makes a new plan. If it happens again, find out which machines "
            "answer there, and what stands before them.",
        )
    recorded = dict((await journal.journaled()).whole) if journal else {}
    begun = journal is not None
    if journal is None:
        buries = any(one_pass.kind == "tombstone" for one_pass in plan.passes)
        tombstone = make_tombstone(run.id, plan.repository) if buries else None
        journal = await run.open_repository(plan.repository, tombstone)
    lacking = states.due_digests - recorded.keys()
    gathered = await gather(session, cache, lacking, journal.keep, in_hand)
    if not begun:
        await journal.seal()
    return RepositoryWork(
        plan,
        session,
        cache,
        capabilities,
        journal,
        states,
        manifests=recorded | gathered.found,
        unreadable=gathered.unreadable,
    )


def _deletions(journal: RepositoryJournal, states: StepStates) -> Deletions:
    tombstone = journal.known.tombstone
    parts = frozenset(part.digest for part in tombstone.parts) if tombstone else frozenset[Digest]()
    return Deletions(states.deleted_tags, states.gone_manifests(Deleted), states.gone_manifests(AlreadyGone), parts)


async def _record(
    session: RepositorySession,
    cache: DigestCache,
    journal: RepositoryJournal,
    states: StepStates,
    check: CheckReport,
    in_hand: anyio.CapacityLimiter,
) -> None:
    """What is lost, for `undo`, with its bytes where they are known or still to be had; and what is still served, for
    `resume`."""
    lost = {loss.digest for loss in check.losses}
    await gather(session, cache, lost, journal.keep, in_hand)
    await journal.record_check(check.losses)
    still = states.still_served(check.served)
    await journal.record(still)
    states.settle(still)


async def _passes(work: RepositoryWork, settle: Callable[[], Awaitable[None]]) -> None:
    await _one_round(work, settle)
    for _ in range(_ROUNDS):
        refused = work.states.refused()
        work.states.reopen(refused)
        if refused:
            await _one_round(work, settle)
        if len(work.states.refused()) >= len(refused):
            break
    if final := refused_for_good(work):
        await work.settle(final)
        work.states.reopen(work.states.refused())  # what waited for these stays with them
        await _one_round(work, settle)


async def _one_round(work: RepositoryWork, settle: Callable[[], Awaitable[None]]) -> None:
    before: Sequence[Step] = ()
    guard = Guard(work)
    for turn, one_pass in enumerate(work.plan.passes):
        await settle()
        await work.settle(too_early(work, one_pass.steps), held=True)
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
