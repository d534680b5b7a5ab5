"""Carries out a run of the journal, or takes it back: one repository after the other has its turn, in which its session
is open and its lock held."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from functools import partial

from holystone.adapters.registries.connections import Connections
from holystone.adapters.state.registry_tags import holding
from holystone.engine.errors import Doubtful, HolystoneError
from holystone.engine.events import tell
from holystone.engine.executor.results import RepositoryResult, RunResult
from holystone.engine.executor.run import execute_plan
from holystone.engine.model.events import Begun
from holystone.engine.model.plan import Plan, RepositoryPlan
from holystone.engine.ports import OpenSession, RepositorySession, Run
from holystone.engine.undo import Part, RepositoryUndo, UndoResult, uncover, undo_run
from holystone.workflows.session import Session


async def carry_out(session: Session, run: Run, *, lock_in_registry: bool) -> RunResult:
    """Raises HolystoneError."""
    connections = session.connections
    await _log_in(connections, run.plan)
    tell(Begun(run.id, sum(len(each.steps) for each in run.plan.repositories)))
    connections.renew()
    turns = await _turns(connections, run, wanted=lock_in_registry)

    async def doubted() -> None:
        connections.renew()  # what was there before is put back, whatever was in doubt
        await uncover(run, turns)

    scheduler, before = connections.scheduler, connections.scheduler.requests
    result = await execute_plan(
        run,
        turns,
        session.cache,
        session.spool(RepositoryResult),
        settle=lambda repository: connections.settle(repository.host),
        doubted=doubted,
        budget=session.budget.counting(lambda: scheduler.requests - before),
    )
    if run.record.locks and result.doubtful and not result.plan_is_doubtful:
        connections.renew()
        await _give_back(turns, run.plan, result)
    return result


async def _give_back(turns: OpenSession, plan: Plan, result: RunResult) -> None:
    """Gives back locks that stayed where answers were in doubt: whoever has a turn takes away what is left there of his
    run."""
    for each, done in zip(plan.repositories, result.repositories, strict=True):
        if done.is_stopped_by(Doubtful):
            with suppress(HolystoneError):
                async with turns(each):
                    pass


async def take_back(
    session: Session, run: Run, part: Part | None, *, lock_in_registry: bool, dry_run: bool
) -> UndoResult:
    """The undo of a run, or of a part of it, or a look at what it would put back. Raises HolystoneError."""
    connections = session.connections
    await _log_in(connections, run.plan)
    if not dry_run:
        tell(Begun(run.id, 0))
    return await undo_run(
        run,
        partial(_turn, connections, None) if dry_run else await _turns(connections, run, wanted=lock_in_registry),
        session.cache,
        session.spool(RepositoryUndo),
        part=part,
        dry_run=dry_run,
        settle=lambda repository: connections.settle(repository.host),
    )


async def _turns(connections: Connections, run: Run, *, wanted: bool) -> OpenSession:
    """`wanted`: the user wants locks in the registry."""
    return partial(_turn, connections, run.id if await run.may_lock(wanted=wanted) else None)


@asynccontextmanager
async def _turn(
    connections: Connections, locked_by: str | None, plan: RepositoryPlan
) -> AsyncIterator[RepositorySession]:
    async with AsyncExitStack() as held:
        opened = connections.turn(plan.repository, plan.implementation, plan.place, plan.detected_by)
        session = await held.enter_async_context(opened)
        if locked_by and plan.passes:
            now = partial(connections.dates.now, plan.repository.host)
            await held.enter_async_context(holding(session, locked_by, now=now))
        yield session


async def _log_in(connections: Connections, plan: Plan) -> None:
    """To each registry before the first request that changes anything: a credential helper that fails does so here."""
    known = set()
    for each in plan.repositories:
        registry = each.repository.host, each.implementation, each.place, each.detected_by
        if registry not in known:
            known.add(registry)
            await connections.session(each.repository, each.implementation, each.place, each.detected_by)
