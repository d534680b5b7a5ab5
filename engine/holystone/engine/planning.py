"""One repository, from its snapshot and verdicts to a proven plan: what the closure still has to know is asked for."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Final, TypeAlias

import msgspec

from holystone.engine import events
from holystone.engine.closure.close import close, needed_to_decide
from holystone.engine.errors import HolystoneError
from holystone.engine.inventory.belief import NO_MEMORY, Unbelieving, is_as_believed
from holystone.engine.inventory.contents import EVERY_LABEL, Contents
from holystone.engine.inventory.snapshot import add_referrers, read_repository
from holystone.engine.model.capabilities import Capabilities
from holystone.engine.model.events import Planned
from holystone.engine.model.inventory import RepositorySnapshot
from holystone.engine.model.lock_tags import false_locks, live_lock, lock_tag
from holystone.engine.model.notices import FalseLocks, Notice, ReferrersUnread, RegistryWarns
from holystone.engine.model.plan import DetectedBy, Place, RepositoryPlan
from holystone.engine.model.references import Digest, Tag
from holystone.engine.model.refusals import Locked, Refusal
from holystone.engine.model.verdicts import NO_LOOSE, Delete, LooseVerdicts, Verdicts
from holystone.engine.planner.check import check_plan
from holystone.engine.planner.facts import TagFacts
from holystone.engine.planner.refusals import FuseLimits, blow_fuse, refuse_if_disabled
from holystone.engine.planner.repository import keep_marks, keep_newest, plan_closed
from holystone.engine.ports import TAGS, DigestCache, RepositorySession, TagMemory, Wanted

log: Final = events.logger()


class Where(msgspec.Struct, frozen=True):
    """Where the repository was named, for whoever carries the plan out."""

    place: Place
    detected_by: DetectedBy


class PlannedRepository(msgspec.Struct, frozen=True):
    plan: RepositoryPlan
    notices: tuple[Notice, ...]
    refusals: tuple[Refusal, ...]
    believed: Mapping[Tag, int] = {}
    """As the snapshot that it was made of has them."""


class Judged(msgspec.Struct, frozen=True):
    verdicts: Verdicts
    facts: TagFacts
    loose: LooseVerdicts = NO_LOOSE

    @property
    def dooms_something(self) -> bool:
        return bool(self.loose) or any(isinstance(each, Delete) for each in self.verdicts.values())


Policy: TypeAlias = Callable[[RepositorySnapshot], Awaitable[Judged]]
"""It sees one repository and nothing else, and may ask for what a snapshot does not say."""


async def plan_repository(
    session: RepositorySession,
    cache: DigestCache,
    policy: Policy,
    where: Where,
    *,
    needs_config: Callable[[Tag], bool],
    contents: Contents = EVERY_LABEL,
    wanted: Wanted = TAGS,
    memory: TagMemory = NO_MEMORY,
    is_only_shown: bool = False,
    fuse: FuseLimits | None,
    now: float,
) -> PlannedRepository:
    """Goes from the listing to a proven plan: of thousands of repositories each is read, judged, planned and forgotten.
    What the policy looks at: `needs_config`, `contents` and `wanted`, as `read_repository` has them. What `memory`
    tells is looked at before anything is doomed, unless the plan is only shown. Raises as `plan_snapshot`."""

    async def read(memory: TagMemory) -> tuple[RepositorySnapshot, Judged]:
        snapshot = await read_repository(
            session, cache, needs_config=needs_config, contents=contents, wanted=wanted, memory=memory
        )
        return snapshot, await policy(snapshot)

    snapshot, judged = await read(memory)
    if snapshot.believed and judged.dooms_something and not is_only_shown:
        if await is_as_believed(session, memory, snapshot):
            snapshot = msgspec.structs.replace(snapshot, believed={})
        else:
            snapshot, judged = await read(Unbelieving(memory))
    planned = await plan_snapshot(
        session,
        cache,
        snapshot,
        judged.verdicts,
        judged.facts,
        where,
        loose=judged.loose,
        fuse=fuse,
        now=now,
    )
    return msgspec.structs.replace(planned, believed=snapshot.believed)


async def plan_snapshot(
    session: RepositorySession,
    cache: DigestCache,
    snapshot: RepositorySnapshot,
    verdicts: Verdicts,
    facts: TagFacts,
    where: Where,
    *,
    loose: LooseVerdicts = NO_LOOSE,
    fuse: FuseLimits | None,
    now: float,
) -> PlannedRepository:
    """Closes, plans and proves. `loose`: the manifests without a tag that are to go. `fuse`: None if it has been taken
    out, or somebody is asked for confirmation instead. `now`: Unix seconds, best by the registry's own clock. Raises
    what the registry raises, and HolystoneError if the proof finds a mistake of ours."""
    repository = snapshot.repository
    with events.about(repository=repository):
        can = await session.probe()
        snapshot, planned = await _plan(session, cache, snapshot, verdicts, facts, can, loose)
    planned = msgspec.structs.replace(
        planned,
        place=where.place,
        detected_by=where.detected_by,
        image_ids=_image_ids(snapshot, planned),
        manners=can.manners,
        undo=can.undo if planned.passes else None,
    )
    _prove(snapshot, planned, loose, facts, can)
    notices: list[Notice] = [RegistryWarns(repository, warning) for warning in can.warnings if planned.passes]
    refusals: list[Refusal | None] = [refuse_if_disabled(planned, can), blow_fuse(planned, fuse) if fuse else None]
    if planned.passes and (lock := live_lock(snapshot.locks, now)):
        refusals.append(Locked(repository, lock_tag(lock)))
    if held := snapshot.held:
        first = min(held)
        notices.append(ReferrersUnread(repository, len(held), first, held[first]))
    if false := false_locks(snapshot.locks, now):
        notices.append(FalseLocks(repository, false))
    events.tell(Planned(repository, len(planned.kept), len(planned.doomed_tags), len(planned.steps)))
    log.debug("capabilities", repository=str(repository), found=can)
    return PlannedRepository(planned, tuple(notices), tuple(refusal for refusal in refusals if refusal))


def _image_ids(snapshot: RepositorySnapshot, planned: RepositoryPlan) -> dict[Digest, Digest]:
    manifests = ((step.digest, snapshot.manifests.get(step.digest)) for step in planned.steps)
    return {digest: manifest.config for digest, manifest in manifests if manifest and manifest.config}


async def _plan(
    session: RepositorySession,
    cache: DigestCache,
    snapshot: RepositorySnapshot,
    verdicts: Verdicts,
    facts: TagFacts,
    capabilities: Capabilities,
    loose: LooseVerdicts = NO_LOOSE,
) -> tuple[RepositorySnapshot, RepositoryPlan]:
    """Referrers are asked for only of what is to be deleted, also where the registry deletes them by itself: what is in
    the plan is in the journal. Each answer may bring more of it. What cannot go may keep more."""
    asked: set[Digest] = set()
    while True:
        closed = close(snapshot, verdicts, capabilities, loose)
        if capabilities.digests and (needed := needed_to_decide(closed, asked)):
            snapshot = await add_referrers(session, cache, snapshot, needed)
            asked.update(needed)
            continue
        fewer = None
        if capabilities.digests and capabilities.digests.keeps_last_tagged:
            fewer = keep_newest(snapshot, closed, verdicts)
        if fewer is None:
            planned = plan_closed(snapshot, closed, capabilities, facts)
            fewer = keep_marks(planned, facts.marks, verdicts)
            if fewer is None:
                return snapshot, planned
        verdicts = fewer


def _prove(
    snapshot: RepositorySnapshot, planned: RepositoryPlan, loose: LooseVerdicts, facts: TagFacts, can: Capabilities
) -> None:
    if mistakes := check_plan(snapshot, planned, can, marks=facts.marks, loose=loose):
        shown = "; ".join(mistakes[:5])
        raise HolystoneError(
            f"The plan for {planned.repository} contradicts its own promises: {shown}",
            not_deleted="Nothing was deleted.",
            what_to_do="This is a bug in Holystone. Please report it with the output of --dry-run.",
        )
