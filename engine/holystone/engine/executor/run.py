"""A run, and each of its repositories from the first request to the check after the last one. Repositories overlap, and
what stops one does not stop the others."""

from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from random import Random
from typing import Final

import anyio

from holystone.engine.errors import (
    NOTHING_DELETED,
    BudgetSpent,
    DeletionDisabled,
    Doubtful,
    HolystoneError,
    PlanDoubtful,
    Refused,
)
from holystone.engine.events import about, tell
from holystone.engine.executor.budget import Budget
from holystone.engine.executor.check import check_after, what_went
from holystone.engine.executor.gather import IN_HAND, gather
from holystone.engine.executor.looks import Sampling
from holystone.engine.executor.order import freed_per_request, most_first
from holystone.engine.executor.passes import do_passes
from holystone.engine.executor.results import CheckReport, Coverage, Halt, RepositoryResult, RunResult, Stopped
from holystone.engine.executor.step_states import StepStates
from holystone.engine.executor.tag_resolver import look_again
from holystone.engine.executor.tombstones import make_tombstone
from holystone.engine.executor.work import RepositoryWork
from holystone.engine.model.events import Checked, Done, Halted
from holystone.engine.model.outcomes import Deleted, Failed, kind_of
from holystone.engine.model.plan import RepositoryPlan
from holystone.engine.model.records import RepositoryRecord
from holystone.engine.model.references import Digest, Repository
from holystone.engine.ports import DigestCache, OpenSession, RepositoryJournal, RepositorySession, Run, Spool
from holystone.engine.scheduler import Sleep, for_each

_AT_ONCE: Final = 8
"""Repositories. Bounds memory; the lanes bound the requests."""


async def _settled(repository: Repository) -> None:
    pass


async def _nothing() -> None:
    pass


async def execute_plan(
    run: Run,
    open_session: OpenSession,
    cache: DigestCache,
    results: Spool[RepositoryResult],
    *,
    settle: Callable[[Repository], Awaitable[None]] = _settled,
    doubted: Callable[[], Awaitable[None]] = _nothing,
    budget: Budget | None = None,
    at_once: int = _AT_ONCE,
    sleep: Sleep = anyio.sleep,
) -> RunResult:
    """Carries out the plan of a run that was begun or loaded from the journal. The run is finished if nothing is left
    to do, or if nobody should go on with its plan, and stays open for `resume` otherwise, also when this is cancelled.
    What stops a repository is in its result, and the results in `results`. A repository's session is opened when its
    turn comes, and has been left, with whatever is held there, before the run counts as finished: if that is cut short,
    `resume` finds the run and gives it back. `settle` raises Doubtful if answers that the repository's registry gave so
    far may have been the ones to other questions. `doubted` is called where nobody should go on with the plan, before
    the run is finished. With a `budget` what frees most bytes a request comes first; once it is spent no other
    repository is begun, and those at work end where they are whole, with their check.

    Raises Refused if the plan may not be applied."""
    if run.plan.refusals:
        promises = ", ".join(sorted({each.promise for each in run.plan.refusals}))
        raise Refused(
            f"The plan may not be carried out: {promises}.",
            not_deleted=NOTHING_DELETED,
            what_to_do="Make a new one once what it is refused for is settled.",
        )

    in_hand = anyio.CapacityLimiter(IN_HAND)
    budget = budget or Budget()

    async def one(plan: RepositoryPlan) -> None:
        with about(run=run.id, repository=plan.repository):
            results.append(
                await _leave(plan, run, budget)
                if budget.spent()
                else await _execute_repository(plan, open_session, run, cache, settle, sleep, in_hand, budget)
            )

    order, settled_before = await _order(run) if budget.is_limited else (run.plan.repositories, 0)
    await for_each(order, one, workers=at_once)
    result = _result(results, budget, settled_before)
    if result.plan_is_doubtful:
        await doubted()
    if (result.plan_is_doubtful or not result.incomplete) and run.record.state == "open":
        await run.finish()
    return result


async def _order(run: Run) -> tuple[Iterable[RepositoryPlan], int]:
    """The repositories, in the order in which they have their turns, and the steps that earlier attempts have
    settled."""
    worths, settled = [], 0
    for plan in run.plan.repositories:
        try:
            journal = await run.repository(plan)
        except HolystoneError:  # it is told when its turn comes
            journal = None
        states = StepStates(plan, journal.known.outcomes if journal else {})
        settled += len(states.steps) - len(states.due)
        worths.append((plan.repository.host, freed_per_request(plan, states.due)))
    return (run.plan.repositories[each] for each in most_first(worths)), settled


def _result(results: Spool[RepositoryResult], budget: Budget, settled_before: int) -> RunResult:
    result = RunResult(results)
    if (spent := budget.spent()) and any(each.is_stopped_by(BudgetSpent) for each in results):
        halt = Halt(spent, result.settled - settled_before, result.not_tried)
        tell(Halted(halt.budget, halt.done, halt.left))
        return RunResult(results, halt)
    return result


async def _leave(plan: RepositoryPlan, run: Run, budget: Budget) -> RepositoryResult:
    """What comes of a repository that is not begun in this attempt. One that an earlier attempt has brought to its end
    needs no more: else each night would begin with looking at what the ones before have done."""
    states = StepStates(plan, {})
    check: CheckReport | None = None
    stopped: HolystoneError | None = None
    try:
        if journal := await run.repository(plan):
            states = StepStates(plan, journal.known.outcomes)
            check = CheckReport(journal.known.losses, ()) if journal.known.checked else None
        if states.due or (journal and not check):
            budget.ask()
    except HolystoneError as error:
        stopped = error
    tell(_done(states, stopped.message if stopped else ""))
    return RepositoryResult(
        plan.repository, states.outcomes, states.not_tried, Stopped.by(stopped) if stopped else None, check
    )


async def _execute_repository(
    plan: RepositoryPlan,
    open_session: OpenSession,
    run: Run,
    cache: DigestCache,
    settle: Callable[[Repository], Awaitable[None]],
    sleep: Sleep,
    in_hand: anyio.CapacityLimiter,
    budget: Budget,
) -> RepositoryResult:
    """Raises no HolystoneError: it is in the result, so that other repositories go on."""
    states = StepStates(plan, {})
    check: CheckReport | None = None
    stopped: HolystoneError | None = None
    work: RepositoryWork | None = None
    try:
        async with open_session(plan) as session:
            if journal := await run.repository(plan):
                states = StepStates(plan, journal.known.outcomes)
            earlier = journal.known if journal else None
            if states.due:
                work = await _prepare(plan, session, run, journal, cache, states, in_hand, budget)
                journal = work.journal
                try:
                    await do_passes(work, lambda: settle(plan.repository))
                except BudgetSpent as spent:  # what is done by then is checked all the same
                    stopped = spent
            if journal:
                gone, sampling = what_went(journal, states), _sampling(run, earlier, work)
                found = await check_after(session, cache, plan, gone, sampling=sampling, sleep=sleep)
                await settle(plan.repository)
                check = found
                tell(_checked(plan.repository, check))
                await _record(session, cache, journal, states, check, in_hand)
                await _contradictions(session, plan, check)
    except HolystoneError as error:
        stopped = error
    except BaseException:
        tell(_done(states, "interrupted"))
        raise
    if work and isinstance(stopped, Doubtful):
        await _reopen(work, stopped)
    lost = {loss.digest for loss in check.losses} if check else set[Digest]()
    tell(_done(states, stopped.message if stopped else ""))
    return RepositoryResult(
        plan.repository,
        states.outcomes,
        states.not_tried,
        Stopped.by(stopped) if stopped else None,
        check,
        work.mended if work else {},
        frozenset(lost & set(states.deleted_tags.values())),
    )


def _checked(repository: Repository, check: CheckReport) -> Checked:
    coverage = check.coverage or Coverage()
    return Checked(repository, len(check.losses), len(check.moved), coverage.looked_at, coverage.left_out)


def _done(states: StepStates, stopped: str) -> Done:
    outcomes = Counter(map(kind_of, states.outcomes.values()))
    return Done(states.repository, states.not_tried, stopped, len(states.deleted_tags), outcomes)


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
    budget: Budget,
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
        budget=budget,
    )


def _sampling(run: Run, earlier: RepositoryRecord | None, work: RepositoryWork | None) -> Sampling | None:
    """None where the plan was contradicted, or an earlier attempt found a loss or did not live to tell."""
    if (work and work.contradicted) or (earlier and (earlier.losses or not earlier.checked)):
        return None
    return Sampling(work.elsewhere if work else (), Random(run.id))  # noqa: S311 - a draw, and no secret


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
