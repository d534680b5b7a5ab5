"""One repository: puts back what is to come back, and compares what was there before the run with what is there now."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeAlias

import anyio
import msgspec

from holystone.engine.errors import HolystoneError
from holystone.engine.executor import check_after
from holystone.engine.executor.gather import gather
from holystone.engine.executor.served import Deletions
from holystone.engine.executor.stopped import Stopped
from holystone.engine.model.manifests import RawManifest
from holystone.engine.model.outcomes import Outcome
from holystone.engine.model.plan import RepositoryPlan
from holystone.engine.model.records import Journaled, RepositoryRecord
from holystone.engine.model.references import Repository
from holystone.engine.ports import DigestCache, OpenSession, RepositoryJournal, RepositorySession, Run
from holystone.engine.scheduler import Sleep
from holystone.engine.undo.compare import look, moved
from holystone.engine.undo.putting import PuttingBack
from holystone.engine.undo.results import Moved, RepositoryUndo
from holystone.engine.undo.taken import taken

Settle: TypeAlias = Callable[[Repository], Awaitable[None]]


async def undo_repository(
    plan: RepositoryPlan,
    open_session: OpenSession,
    run: Run,
    cache: DigestCache,
    in_hand: anyio.CapacityLimiter,
    *,
    dry_run: bool,
    sleep: Sleep,
    settle: Settle,
) -> RepositoryUndo:
    """Raises no HolystoneError: it is in the result, so that other repositories go on."""
    work: PuttingBack | None = None
    stopped: HolystoneError | None = None
    left: Outcome | None = None
    others: tuple[Moved, ...] = ()
    try:
        if journal := await run.repository(plan.repository):
            async with open_session(plan) as session:
                known, journaled = await _known(plan, session, cache, journal, in_hand, dry_run=dry_run)
                gone = taken(plan, known, journaled)
                tombstone = known.tombstone.parts if known.tombstone else ()
                work = PuttingBack(plan, session, gone, journal.manifest, tombstone, in_hand, dry_run, sleep)
                await work.everything()
                if not dry_run:
                    left = await work.delete_tombstone()
                    there = await look(session, plan, gone)
                    await work.compare(there)
                    others = moved(plan, gone, there)
                await settle(plan.repository)
    except HolystoneError as error:
        stopped = error
    put_back = work.put_back() if work else ()
    return RepositoryUndo(
        plan.repository,
        put_back,
        others,
        work.total - len(put_back) if work else 0,
        Stopped.by(stopped) if stopped else None,
        left,
    )


async def _known(
    plan: RepositoryPlan,
    session: RepositorySession,
    cache: DigestCache,
    journal: RepositoryJournal,
    in_hand: anyio.CapacityLimiter,
    *,
    dry_run: bool,
) -> tuple[RepositoryRecord, Journaled]:
    """What the journal knows, with bytes from elsewhere for what is damaged there. A run that did not come to its own
    check has lost what it kept without knowing it: then that is looked for now, and written down before the first
    request that changes anything."""
    known, journaled = journal.known, await journal.journaled()
    losses = () if known.checked else (await check_after(session, cache, plan, Deletions({}))).losses
    lacking = {loss.digest for loss in losses} - journaled.whole.keys() | journaled.damaged
    keep = _unkept if dry_run else journal.keep
    found = (await gather(session, cache, lacking, keep, in_hand)).found
    if not (known.checked or dry_run):
        await journal.record_check(losses)
    known = msgspec.structs.replace(known, losses=tuple(dict.fromkeys((*known.losses, *losses))))
    whole = {**journaled.whole, **found}
    return known, Journaled(whole, journaled.damaged - whole.keys())


async def _unkept(_: Sequence[RawManifest]) -> None:
    pass
