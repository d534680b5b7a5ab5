"""Carries out a run of the journal, with whatever has to be held meanwhile."""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, nullcontext
from functools import partial

from holystone.adapters.registries.connections import Connections
from holystone.adapters.state.registry_tags import holding_all
from holystone.engine.events import tell
from holystone.engine.executor.results import RunResult
from holystone.engine.executor.run import execute_plan
from holystone.engine.model.events import Begun
from holystone.engine.model.plan import Plan, RepositoryPlan
from holystone.engine.model.references import Repository
from holystone.engine.ports import RepositorySession, Run
from holystone.engine.report.document import Ending
from holystone.engine.undo import UndoResult, uncover, undo_run
from holystone.workflows.session import Session


async def carry_out(session: Session, run: Run, *, lock_in_registry: bool) -> RunResult:
    """Raises HolystoneError."""
    connections = session.connections
    opened = await _open(connections, run.plan)
    tell(Begun(run.id, sum(len(each.steps) for each in run.plan.repositories)))
    connections.renew()

    locks = await run.may_lock(wanted=lock_in_registry)
    locked = [opened[each.repository] for each in run.plan.repositories if each.passes and locks]

    async def locking(work: Callable[[], Awaitable[RunResult]]) -> RunResult:
        async def whole() -> RunResult:
            result = await work()
            connections.renew()  # locks are given back, whatever was in doubt
            if result.plan_is_doubtful:
                await uncover(run, partial(_opened, opened))
            return result

        return await holding_all(locked, run.id, whole, now=connections.dates.now)

    return await execute_plan(
        run,
        partial(_opened, opened),
        session.cache,
        settle=lambda repository: connections.settle(repository.host),
        held=locking,
    )


async def take_back(session: Session, run: Run, *, lock_in_registry: bool, dry_run: bool) -> UndoResult:
    """The undo of a run, or a look at what it would put back. Raises HolystoneError."""
    connections = session.connections
    opened = await _open(connections, run.plan)
    if not dry_run:
        tell(Begun(run.id, 0))

    locks = not dry_run and await run.may_lock(wanted=lock_in_registry)
    locked = [opened[each.repository] for each in run.plan.repositories if each.passes and locks]

    async def locking(work: Callable[[], Awaitable[UndoResult]]) -> UndoResult:
        return await holding_all(locked, run.id, work, now=connections.dates.now)

    return await undo_run(
        run,
        partial(_opened, opened),
        session.cache,
        dry_run=dry_run,
        settle=lambda repository: connections.settle(repository.host),
        held=locking,
    )


async def _open(connections: Connections, plan: Plan) -> dict[Repository, RepositorySession]:
    """All before the first request that changes anything: a credential helper that fails does so here."""
    return {
        each.repository: await connections.session(each.repository, each.implementation, each.place, each.detected_by)
        for each in plan.repositories
    }


def _opened(
    sessions: Mapping[Repository, RepositorySession], plan: RepositoryPlan
) -> AbstractAsyncContextManager[RepositorySession]:
    """They last as long as the connections."""
    return nullcontext(sessions[plan.repository])


def ending_of(result: RunResult) -> tuple[Ending, int]:
    """How a run ended, with the exit code."""
    if result.losses:
        return "failed", 1
    if result.incomplete:
        # What is said to be deleted and still served is done in part: some of it may be gone a moment later.
        done = result.counts.get("deleted") or result.counts.get("still-served") or result.doubtful
        return ("partial", 4) if done else ("failed", 1)
    return "done", 0
