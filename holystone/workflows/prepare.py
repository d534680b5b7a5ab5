"""From settings to plan: reads everything that decides, at the same time where nothing depends on the other."""

from collections.abc import Collection, Mapping
from functools import partial
from itertools import chain
from typing import NamedTuple

import anyio
import msgspec

from holystone.adapters.git.prepare import prepare_history
from holystone.adapters.git.repository import GitRepository
from holystone.adapters.registries.connections import Connections
from holystone.adapters.state.sqlite import FileLocks
from holystone.engine.inventory.belief import NO_MEMORY, Unbelieving
from holystone.engine.model.in_use import UsedImage
from holystone.engine.model.plan import Plan
from holystone.engine.model.references import Repository
from holystone.engine.planner.refusals import FuseLimits
from holystone.engine.ports import DigestCache, RepositorySession, TagMemory
from holystone.engine.scheduler import for_each
from holystone.policies.werf.v1.tag_strategy import saved_by_folding
from holystone.settings.project import Project, load_project
from holystone.settings.values import CleanupSettings
from holystone.workflows.baselines import count_sources, hold_against_last
from holystone.workflows.belief import acts, are_as_believed, believed_notices
from holystone.workflows.clock import check_clock
from holystone.workflows.decide import decide
from holystone.workflows.decision import Decision, Rules, Scope, StrategyIntent
from holystone.workflows.in_use import A_WHILE, FoundInUse, Users, find_users, read_in_use, refuse_unfilled
from holystone.workflows.intent import GitAnswer, ask_git, image_tags
from holystone.workflows.inventory import ProjectInventory, RepositoryTarget, read_inventory
from holystone.workflows.locate import Places, locate, storage_repository
from holystone.workflows.planning import PlanningOptions, make_plan
from holystone.workflows.unlisted import folding, look_up


class Prepared(NamedTuple):
    plan: Plan
    users: Users
    """Who was asked what is in use."""
    asked: float
    """When; Unix seconds."""


class _Decided(NamedTuple):
    decision: Decision
    inventory: ProjectInventory
    located: Mapping[Repository, RepositoryTarget]
    git: GitAnswer
    asked: float


async def prepare_plan(
    connections: Connections,
    cache: DigestCache,
    settings: CleanupSettings,
    scope: Scope,
    command: str,
    as_of: int,
    listed: Collection[UsedImage] = (),
    memory: TagMemory = NO_MEMORY,
) -> Prepared:
    """`listed`: images that the user says are in use; `memory`: where tags pointed to that need not be looked at again,
    unless something goes by it. Raises HolystoneError; nothing is changed anywhere."""
    project = await load_project(settings.project)
    if not (settings.run.dry_run or settings.run.plan_out):
        await FileLocks(settings.run.state_dir).refuse_if_busy(storage_repository(settings, project.name))
    users = await find_users(settings.kubernetes, listed, connections.environ) if scope.images else Users(listed=listed)
    places = await locate(connections, settings, project)

    async def decided(memory: TagMemory) -> _Decided:
        return await _decided(connections, cache, memory, settings, scope, project, places, users, as_of)

    made = await decided(memory)
    snapshots = made.inventory.snapshots
    believed = [at for each in snapshots.values() for at in each.believed.values()]
    if acts(made.decision) and not settings.run.is_only_shown:
        if not await are_as_believed(snapshots.values(), memory, partial(_registry, connections, made.located)):
            made = await decided(Unbelieving(memory))
        believed = []
    decision = msgspec.structs.replace(
        made.decision, notices=(*made.decision.notices, *believed_notices(believed, as_of))
    )
    fuse = None if settings.run.yes_delete_that_many else FuseLimits()
    options = PlanningOptions(command, as_of, fuse, settings.run.cache_dir)
    plan = await make_plan(connections, cache, decision, made.inventory.snapshots, made.located, options)
    asked = scope.images and bool(users.clusters or users.listed)
    counted = count_sources(plan, made.inventory, made.git, users_asked=asked)
    plan = msgspec.structs.replace(plan, clusters=users.asked, counted=counted)
    plan = await hold_against_last(plan, settings.run.state_dir, accepted=settings.run.accept_new_baseline)
    return Prepared(plan, users, made.asked)


async def _decided(
    connections: Connections,
    cache: DigestCache,
    memory: TagMemory,
    settings: CleanupSettings,
    scope: Scope,
    project: Project,
    places: Places,
    users: Users,
    as_of: int,
) -> _Decided:
    git, in_use, inventory = await _read(connections, cache, memory, settings, scope, project, places, users)
    refuse_unfilled(in_use, inventory.snapshots)
    located = places.located(inventory.snapshots)
    session_of = partial(_registry, connections, located)
    seen = {at: each for at, each in inventory.snapshots.items() if not each.unseen}
    there = {at: {**dict.fromkeys(each.broken), **each.tags} for at, each in seen.items()}
    used = (*in_use.images, *await look_up(in_use.images, there, session_of))
    inventory = msgspec.structs.replace(inventory, project=(project.name,) if project.name else ())
    answer = GitAnswer()
    if git is not None:
        answer = await ask_git(
            git,
            inventory,
            settings.history,
            project.keep_policies,
            as_of,
            accepted=settings.run.accept_new_baseline,
        )
    intent = answer.intent
    if isinstance(intent, StrategyIntent):
        doubtful = saved_by_folding(image_tags(inventory), intent.names)
        folds = await folding(doubtful, inventory.snapshots, session_of)
        intent = msgspec.structs.replace(intent, folding=folds)
    clock = check_clock(connections.dates.nearest, answer.newest, as_of, allow_skew=settings.allow_clock_skew)
    rules = Rules(
        v1_2=settings.history.v1_2,
        v1_2_confirmed=settings.history.v1_2_explicit,
        stages_grace=settings.stages_grace,
        as_of=as_of,
    )
    decision = decide(inventory, intent, scope, rules, used)
    decision = msgspec.structs.replace(
        decision,
        notices=(*in_use.notices, *decision.notices, *project.notes, *answer.notices, *clock),
        refusals=(*decision.refusals, *answer.refusals),
    )
    return _Decided(decision, inventory, located, answer, in_use.moment)


async def _registry(
    connections: Connections, located: Mapping[Repository, RepositoryTarget], repository: Repository
) -> RepositorySession:
    at = located[repository]
    return await connections.session(at.repository, at.implementation, at.place, at.detected_by)


async def _read(
    connections: Connections,
    cache: DigestCache,
    memory: TagMemory,
    settings: CleanupSettings,
    scope: Scope,
    project: Project,
    places: Places,
    users: Users,
) -> tuple[GitRepository | None, FoundInUse, ProjectInventory]:
    """Git, clusters and registries at the same time; whichever fails first stops the others. In use is what was so at
    any time meanwhile."""
    git: list[GitRepository | None] = []
    in_use: list[FoundInUse] = []
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
        in_use.append(await read_in_use(users, connections.environ))

    async def registries() -> None:
        inventory.append(
            await read_inventory(
                connections, cache, places.layout, places.images, places.storage, project.images, memory
            )
        )

    jobs = (registries, used, git_history) if scope.images else (registries, used)
    began = anyio.current_time()
    await for_each(jobs, lambda job: job(), workers=len(jobs))
    if anyio.current_time() - began > A_WHILE:
        # The first time told at once of one that cannot be asked. Somebody may have rolled back since to what is about
        # to be doomed.
        await used()
    images = tuple(dict.fromkeys(chain.from_iterable(each.images for each in in_use)))
    return (git[0] if git else None), msgspec.structs.replace(in_use[-1], images=images), inventory[0]
