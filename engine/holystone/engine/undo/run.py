"""The undo of a whole run, in which repositories overlap and what stops one does not stop the others; and of a run that
is given up, what must not stay as it is."""

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, TypeAlias

import anyio
import msgspec

from holystone.engine.errors import HolystoneError
from holystone.engine.events import about, tell
from holystone.engine.executor import check_after
from holystone.engine.executor.check import Deletions
from holystone.engine.executor.gather import IN_HAND, gather
from holystone.engine.executor.results import Stopped
from holystone.engine.executor.work import WORKERS
from holystone.engine.model.events import Done
from holystone.engine.model.manifests import RawManifest
from holystone.engine.model.outcomes import Outcome, is_settled, kind_of
from holystone.engine.model.plan import RepositoryPlan, Untag
from holystone.engine.model.records import Journaled, RepositoryRecord
from holystone.engine.model.references import Digest, Repository, Tag
from holystone.engine.ports import DigestCache, OpenSession, RepositoryJournal, RepositorySession, Run, Spool
from holystone.engine.scheduler import Sleep, for_each
from holystone.engine.undo.putting import PuttingBack, look, moved
from holystone.engine.undo.results import Moved, RepositoryUndo, UndoResult
from holystone.engine.undo.taken import Names, Part, taken, to_come_back, whole

Settle: TypeAlias = Callable[[Repository], Awaitable[None]]
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
    part: Part | None = None,
    dry_run: bool = False,
    sleep: Sleep = anyio.sleep,
    settle: Settle = _settled,
) -> UndoResult:
    """Puts back what the run took away, in whatever state it is. From the first request on `resume` leaves the run
    alone; it is undone when everything is back that can come back. Of a `part` neither is said: the run must not be
    one that `resume` takes up. `dry_run` only looks: what it calls restored is what would be pushed. `settle` raises
    Doubtful if answers that the repository's registry gave so far may have been the ones to other questions; then
    another undo looks again. The results are in `results`. Raises HolystoneError if the journal cannot be written."""

    in_hand = anyio.CapacityLimiter(IN_HAND)

    async def one(plan: RepositoryPlan) -> None:
        with about(run=run.id, repository=plan.repository):
            named = part[plan.repository.canonical] if part else frozenset[Tag | Digest]()
            done = await _undo_repository(
                plan, open_session, run, cache, in_hand, named, dry_run=dry_run, sleep=sleep, settle=settle
            )
        results.append(done)

    if part:
        plans = (each for each in run.plan.repositories if each.repository.canonical in part)
        await for_each(plans, one, workers=_AT_ONCE)
        return UndoResult(results, is_part=True)
    if not dry_run:
        await run.begin_undo()
    await for_each(run.plan.repositories, one, workers=_AT_ONCE)
    result = UndoResult(results)
    if not dry_run and not result.incomplete:
        await run.finish("undone")
    return result


async def uncover(run: Run, open_session: OpenSession, *, sleep: Sleep = anyio.sleep) -> None:
    """A run that nobody should go on with leaves no tag on its tombstone: what was there before is put back, out of the
    journal, and the next plan judges it anew. What fails stays as it is: the next plan tells of it, and `undo` tries it
    again."""
    for plan in run.plan.repositories:
        try:
            async with open_session(plan) as session:
                await _uncover(plan, session, run, sleep)
        except HolystoneError:
            continue


async def _undo_repository(
    plan: RepositoryPlan,
    open_session: OpenSession,
    run: Run,
    cache: DigestCache,
    in_hand: anyio.CapacityLimiter,
    named: Names,
    *,
    dry_run: bool,
    sleep: Sleep,
    settle: Settle,
) -> RepositoryUndo:
    """`named`: what is to come back, if that is not all. Raises no HolystoneError: it is in the result, so that other
    repositories go on."""
    work: PuttingBack | None = None
    stopped: HolystoneError | None = None
    left: Outcome | None = None
    others: tuple[Moved, ...] = ()
    try:
        if journal := await run.repository(plan):
            async with open_session(plan) as session:
                known, journaled = await _known(plan, session, cache, journal, in_hand, dry_run=dry_run)
                gone, looked_at = taken(plan, known, journaled), plan
                tombstone = known.tombstone.parts if known.tombstone else ()
                if named:
                    gone = whole(gone, named, plan.marks)
                    looked_at = msgspec.structs.replace(plan, kept=(), kept_manifests={})
                work = PuttingBack(plan, session, gone, journal.manifest, tombstone, in_hand, dry_run, sleep)
                await work.everything()
                if not dry_run:
                    left = None if named else await work.delete_tombstone()
                    there = await look(session, looked_at, gone)
                    await work.compare(there)
                    others = moved(looked_at, gone, there)
                await settle(plan.repository)
    except HolystoneError as error:
        stopped = error
    except BaseException:
        tell(_done(plan.repository, work, "interrupted"))
        raise
    told = _done(plan.repository, work, stopped.message if stopped else "")
    tell(told)
    return RepositoryUndo(
        plan.repository,
        work.put_back() if work else (),
        others,
        told.not_tried,
        Stopped.by(stopped) if stopped else None,
        left,
    )


def _done(repository: Repository, work: PuttingBack | None, stopped: str) -> Done:
    put_back = work.put_back() if work else ()
    outcomes = Counter(kind_of(each.outcome) for each in put_back)
    return Done(repository, work.total - len(put_back) if work else 0, stopped, 0, outcomes)


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
