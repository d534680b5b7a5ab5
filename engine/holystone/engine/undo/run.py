"""The undo of a whole run: repositories overlap, and what stops one does not stop the others."""

from typing import Final

import anyio

from holystone.engine.executor.gather import IN_HAND
from holystone.engine.model.plan import RepositoryPlan
from holystone.engine.model.references import Repository
from holystone.engine.ports import DigestCache, OpenSession, Run, Spool
from holystone.engine.scheduler import Sleep, for_each
from holystone.engine.undo.repository import Settle, undo_repository
from holystone.engine.undo.results import RepositoryUndo, UndoResult

_AT_ONCE: Final = 8
"""Repositories. Bounds memory; the lanes bound the requests."""


async def _settled(repository: Repository) -> None:
    pass


async def undo_run(
    run: Run,
    open_session: OpenSession,
    cache: DigestCache,
    results: Spool[RepositoryUndo],
    *,
    dry_run: bool = False,
    sleep: Sleep = anyio.sleep,
    settle: Settle = _settled,
) -> UndoResult:
    """Puts back what the run took away, in whatever state it is. From the first request on `resume` leaves the run
    alone; it is undone when everything is back that can come back. `dry_run` only looks: what it calls restored is
    what would be pushed. `settle` raises Doubtful if answers that the repository's registry gave so far may have been
    the ones to other questions; then another undo looks again. The results are in `results`. Raises HolystoneError
    if the journal cannot be written."""

    in_hand = anyio.CapacityLimiter(IN_HAND)

    async def one(plan: RepositoryPlan) -> None:
        results.append(
            await undo_repository(plan, open_session, run, cache, in_hand, dry_run=dry_run, sleep=sleep, settle=settle)
        )

    if not dry_run:
        await run.begin_undo()
    await for_each(run.plan.repositories, one, workers=_AT_ONCE)
    result = UndoResult(results)
    if not dry_run and not result.incomplete:
        await run.finish("undone")
    return result
