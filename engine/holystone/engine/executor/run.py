"""A whole run: repositories overlap, and what stops one does not stop the others."""

from collections.abc import Awaitable, Callable
from typing import Final

import anyio

from holystone.engine.errors import NOTHING_DELETED, Refused
from holystone.engine.events import about
from holystone.engine.executor.gather import IN_HAND
from holystone.engine.executor.repository import execute_repository
from holystone.engine.executor.results import RepositoryResult, RunResult
from holystone.engine.model.plan import RepositoryPlan
from holystone.engine.model.references import Repository
from holystone.engine.ports import DigestCache, OpenSession, Run, Spool
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
    at_once: int = _AT_ONCE,
    sleep: Sleep = anyio.sleep,
) -> RunResult:
    """Carries out the plan of a run that was begun or loaded from the journal. The run is finished if nothing is left
    to do, or if nobody should go on with its plan, and stays open for `resume` otherwise, also when this is cancelled.
    What stops a repository is in its result, and the results in `results`. A repository's session is opened when its
    turn comes, and has been left, with whatever is held there, before the run counts as finished: if that is cut short,
    `resume` finds the run and gives it back. `settle` raises Doubtful if answers that the repository's registry gave so
    far may have been the ones to other questions. `doubted` is called where nobody should go on with the plan, before
    the run is finished.

    Raises Refused if the plan may not be applied."""
    if run.plan.refusals:
        promises = ", ".join(sorted({each.promise for each in run.plan.refusals}))
        raise Refused(
            f"The plan may not be carried out: {promises}.",
            not_deleted=NOTHING_DELETED,
            what_to_do="Make a new one once what it is refused for is settled.",
        )

    in_hand = anyio.CapacityLimiter(IN_HAND)

    async def one(plan: RepositoryPlan) -> None:
        with about(run=run.id, repository=plan.repository):
            results.append(await execute_repository(plan, open_session, run, cache, settle, sleep, in_hand))

    await for_each(run.plan.repositories, one, workers=at_once)
    result = RunResult(results)
    if result.plan_is_doubtful:
        await doubted()
    if (result.plan_is_doubtful or not result.incomplete) and run.record.state == "open":
        await run.finish()
    return result
