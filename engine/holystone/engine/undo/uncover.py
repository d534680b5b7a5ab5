"""A run that nobody should go on with leaves no tag on its tombstone: what was there before is put back, out of the
journal, and the next plan judges it anew."""

from collections.abc import Callable

import anyio

from holystone.engine.errors import HolystoneError
from holystone.engine.executor.work import WORKERS
from holystone.engine.journal import Run
from holystone.engine.model.outcomes import is_settled
from holystone.engine.model.plan import RepositoryPlan, Untag
from holystone.engine.model.references import Digest, Repository, Tag
from holystone.engine.ports import Registry
from holystone.engine.scheduler import for_each
from holystone.engine.undo.push import Sleep
from holystone.engine.undo.putting import PuttingBack
from holystone.engine.undo.taken import to_come_back


async def uncover(run: Run, registries: Callable[[Repository], Registry], *, sleep: Sleep = anyio.sleep) -> None:
    """What fails stays as it is: the next plan tells of it, and `undo` tries it again."""
    for plan in run.plan.repositories:
        try:
            await _uncover(plan, registries, run, sleep)
        except HolystoneError:
            continue


async def _uncover(plan: RepositoryPlan, registries: Callable[[Repository], Registry], run: Run, sleep: Sleep) -> None:
    journal = await run.repository(plan.repository)
    if journal is None or journal.known.tombstone is None:
        return
    registry, known = registries(plan.repository), journal.known
    parts = journal.known.tombstone.parts
    any_part = {part.digest for part in parts}
    covered: dict[Tag, Digest] = {}

    async def look(step: Untag) -> None:
        if await registry.resolve(plan.repository, step.tag, alone=True) in any_part:
            covered[step.tag] = step.digest

    open_steps = [
        step
        for number, step in enumerate(plan.steps)
        if isinstance(step, Untag) and step.how == "tombstone"
        if number not in known.outcomes or not is_settled(known.outcomes[number])
    ]
    await for_each(open_steps, look, workers=WORKERS)
    if not covered:
        return
    gone = to_come_back(frozenset(), covered, await journal.journaled())
    work = PuttingBack(plan, registry, gone, journal.manifest, parts, _silent, False, sleep)
    await work.everything()
    await work.delete_tombstone()


def _silent(repository: Repository, done: int, of: int) -> None:
    pass
