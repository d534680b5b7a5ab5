"""From settings to plan: reads everything that decides, at the same time where nothing depends on the other."""

import os
from collections.abc import Collection

import msgspec

from holystone.adapters.git.prepare import prepare_history
from holystone.adapters.git.references import References
from holystone.adapters.git.repository import GitRepository
from holystone.adapters.registries.detection import detect, mode_rules
from holystone.cleanup.connections import Connections
from holystone.cleanup.decide import Rules, Scope, decide
from holystone.cleanup.in_use import InUse, Users, find_users, read_in_use
from holystone.cleanup.intent import read_git
from holystone.cleanup.inventory import Located, ProjectInventory, read_inventory
from holystone.cleanup.planning import PlanningOptions, make_plan
from holystone.engine.errors import UsageError
from holystone.engine.model.addresses import Address
from holystone.engine.model.in_use import UsedImage
from holystone.engine.model.plan import Plan, Refusal
from holystone.engine.model.references import InvalidName
from holystone.engine.naming import (
    ImagesRepo,
    check_image_names,
    parse_address,
    read_storage,
    repository_of,
    resolve_mode,
)
from holystone.engine.planner.fuse import FuseLimits
from holystone.engine.ports import Knowledge
from holystone.engine.scheduler import for_each
from holystone.settings.project import Project, load_project
from holystone.settings.values import CleanupSettings


class Places(msgspec.Struct, frozen=True):
    """Where the project is, with the implementation of each registry: detected, or as the user said."""

    layout: ImagesRepo
    images_implementation: str
    storage: Located


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
    places = locate(settings, project)
    users = await find_users(settings.kubernetes, listed, os.environ) if scope.images else Users()
    git, in_use, inventory = await _read(connections, knowledge, settings, scope, project, places, users)
    intent, warnings, refusals = None, project.notes, tuple[Refusal, ...]()
    if git is not None:
        records = read_storage(inventory.snapshots[inventory.storage], inventory.images).metadata
        intent, references = await read_git(git, project.keep_policies, records, as_of)
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
    located = {
        repository: places.storage
        if repository == inventory.storage
        else Located(repository, places.images_implementation, "images")
        for repository in inventory.snapshots
    }
    fuse = None if settings.run.yes_delete_that_many else FuseLimits()
    options = PlanningOptions(command, as_of, fuse)
    return await make_plan(connections, knowledge, decision, inventory.snapshots, located, options)


def locate(settings: CleanupSettings, project: Project) -> Places:
    """Raises UsageError for an address or a mode that cannot be."""
    images_repo = _address(settings.images_repo_of(project.name), "--images-repo")
    stages_storage = _address(settings.stages_storage, "--stages-storage")
    if stages_storage.path is None:
        raise UsageError(
            f"--stages-storage {stages_storage} names a registry, and stages need a repository in it.",
            what_to_do=f"Add one, as in {stages_storage}/{project.name or 'PROJECT'}/stages.",
        )
    implementation = detect(images_repo, settings.images_implementation)
    rules = mode_rules(implementation, images_repo)
    mode = resolve_mode(rules, images_repo, settings.images_repo_mode)
    check_image_names(rules, images_repo, project.images)
    implementation_there = detect(stages_storage, settings.stages_implementation)
    storage = Located(repository_of(stages_storage), implementation_there, "stages")
    return Places(ImagesRepo.at(images_repo, mode), implementation, storage)


def _address(text: str, option: str) -> Address:
    try:
        return parse_address(text)
    except InvalidName as error:
        raise UsageError(f"{option}: {error}") from error


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
            await read_inventory(
                connections, knowledge, places.layout, places.images_implementation, places.storage, project.images
            )
        )

    jobs = (registries, used, git_history) if scope.images else (registries, used)
    await for_each(jobs, lambda job: job(), workers=len(jobs))
    return (git[0] if git else None), in_use[0], inventory[0]


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
