"""Verdicts → plan: closes each repository's graph, asks for what the closure still has to know, proves the result."""

from collections.abc import Iterator, Mapping
from typing import Final

import msgspec

from holystone.cleanup.connections import Connections
from holystone.cleanup.decide import Decision
from holystone.cleanup.inventory import REPOSITORIES_AT_ONCE, Located
from holystone.engine import events
from holystone.engine.closure.close import close, needed_to_decide
from holystone.engine.errors import HolystoneError
from holystone.engine.inventory.snapshot import add_referrers
from holystone.engine.model.capabilities import Capabilities
from holystone.engine.model.events import Planned
from holystone.engine.model.inventory import RepositorySnapshot
from holystone.engine.model.lock_tags import LockTag, false_locks, false_locks_text, live_lock, lock_tag
from holystone.engine.model.plan import Plan, Refusal, RepositoryPlan
from holystone.engine.model.references import Digest, Repository
from holystone.engine.model.verdicts import Verdicts
from holystone.engine.planner.assemble import assemble
from holystone.engine.planner.check import check_plan
from holystone.engine.planner.disabled import refuse_if_disabled
from holystone.engine.planner.facts import TagFacts
from holystone.engine.planner.fuse import FuseLimits, blow_fuse
from holystone.engine.planner.last_tagged import keep_newest
from holystone.engine.planner.marks import keep_marks
from holystone.engine.planner.repository import plan_repository
from holystone.engine.ports import DigestCache, RepositorySession
from holystone.engine.report.words import count
from holystone.engine.scheduler import for_each

log: Final = events.logger()


class PlanningOptions(msgspec.Struct, frozen=True):
    command: str
    as_of: int
    """Unix seconds."""
    fuse: FuseLimits | None
    """None: the user said --yes-delete-that-many, or is asked for confirmation instead."""


async def make_plan(
    connections: Connections,
    cache: DigestCache,
    decision: Decision,
    snapshots: Mapping[Repository, RepositorySnapshot],
    located: Mapping[Repository, Located],
    options: PlanningOptions,
) -> Plan:
    """Raises what the registries raise, and HolystoneError if the proof finds a mistake of ours."""
    plans: list[RepositoryPlan] = []
    refusals = list(decision.refusals)
    notices = list(decision.notices)

    async def plan(repository: Repository) -> None:
        snapshot = snapshots[repository]
        at = located[repository]
        session = await connections.session(repository, at.implementation, at.place, at.told_by)
        capabilities = await session.probe()
        verdicts, facts = decision.verdicts[repository], decision.facts[repository]
        snapshot, planned = await _plan(session, cache, snapshot, verdicts, facts, capabilities)
        planned = msgspec.structs.replace(
            planned,
            place=at.place,
            told_by=at.told_by,
            image_ids=_image_ids(snapshot, planned),
            manners=capabilities.manners,
            undo=capabilities.undo if planned.passes else None,
        )
        _prove(snapshot, planned, facts, capabilities)
        plans.append(planned)
        if planned.passes:
            notices.extend(f"{repository}: {warning}" for warning in capabilities.warnings)
        events.tell(Planned(repository, len(planned.kept), len(planned.doomed_tags), len(planned.steps)))
        log.debug("capabilities", repository=str(repository), found=capabilities)
        refusals.extend(_refusals(planned, refuse_if_disabled(planned, capabilities), options))
        now = connections.dates.now(repository.host)
        if planned.passes and (lock := live_lock(snapshot.locks, now)):
            refusals.append(_locked(repository, lock))
        notices.extend(_held(snapshot))
        if false := false_locks(snapshot.locks, now):
            notices.append(f"{repository}: {false_locks_text(false)}")

    present = [repository for repository in sorted(decision.verdicts) if snapshots[repository].exists]
    await for_each(present, plan, workers=REPOSITORIES_AT_ONCE)
    return assemble(
        as_of=options.as_of,
        command=options.command,
        repositories=plans,
        notices=notices,
        refusals=refusals,
    )


def _held(snapshot: RepositorySnapshot) -> Iterator[str]:
    if snapshot.held:
        first = min(snapshot.held)
        them = f"what refers to {count(len(snapshot.held), 'manifest')} cannot be read"
        yield (
            f"{snapshot.repository}: {them}, e.g. to {first}: {snapshot.held[first]}. So they stay, with their tags. "
            "Run again; if it happens each time, that is for whoever runs the registry to mend"
        )


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
) -> tuple[RepositorySnapshot, RepositoryPlan]:
    """Referrers are asked for only of what is to be deleted, also where the registry deletes them by itself: what is in
    the plan is in the journal. Each answer may bring more of it. What cannot go may keep more."""
    asked: set[Digest] = set()
    while True:
        closed = close(snapshot, verdicts, capabilities)
        if capabilities.digest_delete and (needed := needed_to_decide(closed, asked)):
            snapshot = await add_referrers(session, cache, snapshot, needed)
            asked.update(needed)
            continue
        fewer = keep_newest(snapshot, closed, verdicts) if capabilities.keeps_last_tagged else None
        if fewer is None:
            planned = plan_repository(snapshot, closed, capabilities, facts)
            fewer = keep_marks(planned, facts.marks, verdicts)
            if fewer is None:
                return snapshot, planned
        verdicts = fewer


def _locked(repository: Repository, lock: LockTag) -> Refusal:
    return Refusal(
        promise="locked",
        repository=repository,
        why=f"another run of Holystone is at work there ({lock})",
        what_to_do="wait for it to end; if it has died, `holystone resume` on its machine goes on with it, "
        "and its lock counts no more after that time; "
        f"if there is no such run, remove the tag {lock_tag(lock)} by hand",
    )


def _prove(snapshot: RepositorySnapshot, planned: RepositoryPlan, facts: TagFacts, can: Capabilities) -> None:
    if mistakes := check_plan(snapshot, planned, can, marks=facts.marks):
        shown = "; ".join(mistakes[:5])
        raise HolystoneError(
            f"The plan for {planned.repository} contradicts its own promises: {shown}",
            not_deleted="Nothing was deleted.",
            what_to_do="This is a bug in Holystone. Please report it with the output of --dry-run.",
        )


def _refusals(planned: RepositoryPlan, disabled: Refusal | None, options: PlanningOptions) -> list[Refusal]:
    blown = blow_fuse(planned, options.fuse) if options.fuse else None
    return [refusal for refusal in (disabled, blown) if refusal]
