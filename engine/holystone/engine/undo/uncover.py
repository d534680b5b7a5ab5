"""A run that nobody should go on with leaves no tag on its tombstone: what was there before is put back, out of the
journal, and the next plan judges it anew."""

import anyio

from holystone.engine.errors import HolystoneError
from holystone.engine.executor.gather import IN_HAND
from holystone.engine.executor.work import WORKERS
from holystone.engine.model.outcomes import is_settled
from holystone.engine.model.plan import RepositoryPlan, Untag
from holystone.engine.model.references import Digest, Tag
from holystone.engine.ports import OpenSession, RepositorySession, Run
from holystone.engine.scheduler import Sleep, for_each
from holystone.engine.undo.putting import PuttingBack
from holystone.engine.undo.taken import to_come_back


async def uncover(run: Run, open_session: OpenSession, *, sleep: Sleep = anyio.sleep) -> None:
    """What fails stays as it is: the next plan tells of it, and `undo` tries it again."""
    for plan in run.plan.repositories:
        try:
            async with open_session(plan) as session:
                await _uncover(plan, session, run, sleep)
        except HolystoneError:
            continue


async def _uncover(plan: RepositoryPlan, session: RepositorySession, run: Run, sleep: Sleep) -> None:
    journal = await run.repository(plan)
    if journal is None or journal.known.tombstone is None:
        return
    known = journal.known
    parts = journal.known.tombstone.parts
    any_part = {part.digest for part in parts}
    covered: dict[Tag, Digest] = {}

    async def look(step: Untag) -> None:
        if await session.resolve(step.tag, alone=True) in any_part:
            covered[step.tag] = step.digest

    open_steps = [
        step
        for step in plan.steps
        if isinstance(step, Untag) and step.how == "tombstone"
        if step.id not in known.outcomes or not is_settled(known.outcomes[step.id])
    ]
    await for_each(open_steps, look, workers=WORKERS)
    if not covered:
        return
    gone = to_come_back(frozenset(), covered, await journal.journaled())
    work = PuttingBack(plan, session, gone, journal.manifest, parts, anyio.CapacityLimiter(IN_HAND), False, sleep)
    await work.everything()
    await work.delete_tombstone()
