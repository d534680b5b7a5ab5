"""From settings to plan: reads everything that decides, at the same time where nothing depends on the other."""

import os
from collections.abc import Collection

import msgspec

from holystone.adapters.git.prepare import prepare_history
from holystone.adapters.git.references import References
from holystone.adapters.git.repository import GitRepository
from holystone.cleanup.connections import Connections
from holystone.cleanup.decide import Intent, Rules, Scope, decide
from holystone.cleanup.in_use import InUse, Users, find_users, read_in_use, refuse_unfilled
from holystone.cleanup.intent import read_git, read_names
from holystone.cleanup.inventory import ProjectInventory, read_inventory
from holystone.cleanup.locate import Places, locate, storage_repository
from holystone.cleanup.planning import PlanningOptions, make_plan
from holystone.engine.journal import refuse_if_busy
from holystone.engine.model.in_use import UsedImage
from holystone.engine.model.plan import Plan, Refusal
from holystone.engine.naming import (
    read_images,
    read_storage,
)
from holystone.engine.planner.fuse import FuseLimits
from holystone.engine.ports import Knowledge
from holystone.engine.scheduler import for_each
from holystone.settings.project import Project, load_project
from holystone.settings.values import CleanupSettings, HistorySettings


async def prepare_plan(
    connections: Connections,
    knowledge: Knowledge,
    settings: CleanupSettings,
    scope: Scope,
    command: str,
    as_of: int,
    listed: Collection[UsedImage] = (),
) -> Plan:
    """`listed`: images that the user says are in use. Raises HolystoneError; nothing is changed anywhere."""
    project = await load_project(settings.project)
    if not (settings.run.dry_run or settings.run.plan_out):
        refuse_if_busy(settings.run.state_dir, storage_repository(settings, project.name))
    users = await find_users(settings.kubernetes, listed, os.environ) if scope.images else Users()
    places = await locate(connections, settings, project)
    git, in_use, inventory = await _read(connections, knowledge, settings, scope, project, places, users)
    refuse_unfilled(in_use, inventory.snapshots)
    intent, warnings, refusals = None, project.notes, tuple[Refusal, ...]()
    if git is not None:
        intent, references = await _read_intent(git, inventory, settings.history, project, as_of)
        if settings.history.decides:
            warnings += references.warnings
        refusals = _check_branches(git, references, settings.history.synchronize)
    rules = Rules(
        v1_2=settings.history.v1_2,
        v1_2_confirmed=settings.history.v1_2_explicit,
        stages_grace=settings.stages_grace,
        as_of=as_of,
    )
    decision = decide(inventory, intent, scope, rules, in_use.images)
    decision = msgspec.structs.replace(
        decision, notices=(*in_use.notices, *decision.notices, *warnings), refusals=(*decision.refusals, *refusals)
    )
    located = places.located(inventory.snapshots)
    fuse = None if settings.run.yes_delete_that_many else FuseLimits()
    options = PlanningOptions(command, as_of, fuse)
    return await make_plan(connections, knowledge, decision, inventory.snapshots, located, options)


async def _read(
    connections: Connections,
    knowledge: Knowledge,
    settings: CleanupSettings,
    scope: Scope,
    project: Project,
    places: Places,
    users: Users,
) -> tuple[GitRepository | None, InUse, ProjectInventory]:
    """Git, clusters and registries at the same time; whichever fails first stops the others."""
    git: list[GitRepository | None] = []
    in_use: list[InUse] = []
    inventory: list[ProjectInventory] = []

    async def git_history() -> None:
        history = settings.history
        git.append(
            await prepare_history(
                settings.project.directory.absolute(),
                allow_shallow=history.allow_shallow_clone,
                synchronize_first=history.synchronize,
            )
        )

    async def used() -> None:
        in_use.append(await read_in_use(users, os.environ))

    async def registries() -> None:
        inventory.append(
            await read_inventory(connections, knowledge, places.layout, places.images, places.storage, project.images)
        )

    jobs = (registries, used, git_history) if scope.images else (registries, used)
    await for_each(jobs, lambda job: job(), workers=len(jobs))
    return (git[0] if git else None), in_use[0], inventory[0]


async def _read_intent(
    git: GitRepository, inventory: ProjectInventory, settings: HistorySettings, project: Project, as_of: int
) -> tuple[Intent, References]:
    if settings.decides:
        records = read_storage(inventory.snapshots[inventory.storage], inventory.images).metadata
        return await read_git(git, project.keep_policies, records, as_of)
    tags = (tag for name in inventory.images for tag in read_images(inventory.layout, name, inventory.of_image(name)))
    return await read_names(git, tags, settings.strategies)


def _check_branches(git: GitRepository, references: References, synchronized: bool) -> tuple[Refusal, ...]:
    """A clone without a single branch of origin is far more often a CI job's narrow checkout than a project without
    branches, and reading it as "no branch needs anything" would delete nearly everything."""
    if references.has_branches or synchronized:
        return ()
    return (
        Refusal(
            promise="fail-closed",
            repository=None,
            why=f"the clone in {git.directory} has no branch of origin (refs/remotes/origin/*)",
            what_to_do="fetch them: git fetch --tags --prune origin '+refs/heads/*:refs/remotes/origin/*', "
            "or add --git-history-synchronization, which does that",
        ),
    )
