"""A decision → the plan of all its repositories."""

from collections.abc import Mapping
from pathlib import Path

import msgspec

from holystone.adapters.registries.connections import Connections
from holystone.adapters.state.spool import FileSpool
from holystone.engine.model.inventory import RepositorySnapshot
from holystone.engine.model.plan import Plan, RepositoryPlan
from holystone.engine.model.references import Repository
from holystone.engine.planner.assemble import assemble
from holystone.engine.planner.refusals import FuseLimits
from holystone.engine.planning import Where, plan_snapshot
from holystone.engine.ports import DigestCache
from holystone.engine.scheduler import for_each
from holystone.workflows.decision import Decision
from holystone.workflows.inventory import REPOSITORIES_AT_ONCE, RepositoryTarget


class PlanningOptions(msgspec.Struct, frozen=True):
    command: str
    as_of: int
    """Unix seconds."""
    fuse: FuseLimits | None
    """None: the user said --yes-delete-that-many, or is asked for confirmation instead."""
    folder: Path
    """Where what does not fit into memory is kept meanwhile."""


async def make_plan(
    connections: Connections,
    cache: DigestCache,
    decision: Decision,
    snapshots: Mapping[Repository, RepositorySnapshot],
    located: Mapping[Repository, RepositoryTarget],
    options: PlanningOptions,
) -> Plan:
    """Raises what the registries raise, and HolystoneError if the proof finds a mistake of ours."""
    plans = FileSpool(RepositoryPlan, options.folder)
    refusals = list(decision.refusals)
    notices = list(decision.notices)

    async def plan(repository: Repository) -> None:
        at = located[repository]
        session = await connections.session(repository, at.implementation, at.place, at.detected_by)
        planned = await plan_snapshot(
            session,
            cache,
            snapshots[repository],
            decision.verdicts[repository],
            decision.facts[repository],
            Where(at.place, at.detected_by),
            fuse=options.fuse,
            now=connections.dates.now(repository.host),
        )
        plans.append(planned.plan)
        notices.extend(planned.notices)
        refusals.extend(planned.refusals)

    present = [repository for repository in sorted(decision.verdicts) if snapshots[repository].exists]
    await for_each(present, plan, workers=REPOSITORIES_AT_ONCE)
    return assemble(
        as_of=options.as_of,
        command=options.command,
        repositories=plans,
        notices=notices,
        refusals=refusals,
    )
