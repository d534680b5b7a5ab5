"""The undo of a whole run: repositories overlap, and what stops one does not stop the others."""

from collections.abc import Awaitable, Callable
from typing import Final, TypeAlias

import anyio

from holystone.engine.executor.gather import IN_HAND
from holystone.engine.model.plan import RepositoryPlan
from holystone.engine.model.references import Repository
from holystone.engine.ports import DigestCache, OpenSession, Run
from holystone.engine.scheduler import Sleep, map_each
from holystone.engine.undo.repository import Settle, undo_repository
from holystone.engine.undo.results import RepositoryUndo, UndoResult

Held: TypeAlias = Callable[[Callable[[], Awaitable[UndoResult]]], Awaitable[UndoResult]]
"""Does the work while something is held, such as locks."""

_AT_ONCE: Final = 8
"""Repositories. Bounds memory; the lanes bound the requests."""


async def _settled(repository: Repository) -> None:
    pass


async def _unheld(work: Callable[[], Awaitable[UndoResult]]) -> UndoResult:
    return await work()


async def undo_run(
    run: Run,
    open_session: OpenSession,
    cache: DigestCache,
    *,
    dry_run: bool = False,
    sleep: Sleep = anyio.sleep,
    settle: Settle = _settled,
    held: Held = _unheld,
) -> UndoResult:
    """Puts back what the run took away, in whatever state it is. From the first request on `resume` leaves the run
    alone; it is undone when everything is back that can come back. `dry_run` only looks: what it calls restored is
    what would be pushed. `settle` raises Doubtful if answers that the repository's registry gave so far may have been
    the ones to other questions; then another undo looks again. What `held` holds has been given back before the run
    counts as undone. Raises HolystoneError if the journal cannot be written."""

    in_hand = anyio.CapacityLimiter(IN_HAND)

    async def one(plan: RepositoryPlan) -> RepositoryUndo:
        return await undo_repository(
            plan, open_session, run, cache, in_hand, dry_run=dry_run, sleep=sleep, settle=settle
        )

    async def work() -> UndoResult:
        if not dry_run:
            await run.begin_undo()
        return UndoResult(tuple(await map_each(run.plan.repositories, one, workers=_AT_ONCE)))

    result = await held(work)
    if not dry_run and not result.incomplete:
        await run.finish("undone")
    return result
