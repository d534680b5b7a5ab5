"""One project, from its folder and addresses to a plan: reads everything that decides, at the same time where nothing
depends on the other. A run is of one project, or of several one after another."""

from collections.abc import Awaitable, Callable, Collection, Mapping
from functools import partial
from itertools import chain
from pathlib import Path
from typing import NamedTuple, TypeAlias

import anyio
import msgspec

from holystone.adapters.git.prepare import prepare_history
from holystone.adapters.git.repository import GitRepository
from holystone.adapters.registries.connections import Connections
from holystone.adapters.state.sqlite import FileLocks
from holystone.engine.inventory.belief import Unbelieving
from holystone.engine.model.inventory import RepositorySnapshot
from holystone.engine.model.plan import Plan
from holystone.engine.model.references import RegistryHost, Repository
from holystone.engine.ports import DigestCache, RepositorySession, TagMemory
from holystone.engine.scheduler import for_each
from holystone.policies.werf.v1.tag_strategy import saved_by_folding
from holystone.settings.project import Project
from holystone.settings.values import ProjectCleanup
from holystone.workflows.baselines import count_sources
from holystone.workflows.belief import acts, are_as_believed, believed_notices
from holystone.workflows.clock import check_clock
from holystone.workflows.decide import decide
from holystone.workflows.decision import Decision, Rules, Scope, StrategyIntent
from holystone.workflows.in_use import A_WHILE, FoundInUse, refuse_unfilled
from holystone.workflows.intent import GitAnswer, ask_git, image_tags
from holystone.workflows.inventory import ProjectInventory, RepositoryTarget, read_inventory
from holystone.workflows.locate import Places, locate, storage_repository
from holystone.workflows.planning import PlanningOptions, make_plan
from holystone.workflows.unlisted import folding, look_up

ReadUsers: TypeAlias = Callable[[], Awaitable[FoundInUse]]


class ProjectOptions(PlanningOptions, frozen=True, kw_only=True):
    """What a run says of all its projects."""

    locks: Path | None
    """The folder of the locks of runs on this machine; None: nothing is going to be changed."""
    users_asked: bool
    """Somebody is asked what is in use."""
    is_only_shown: bool = False
    """Nobody can act upon the plan."""
    accept_new_baseline: bool = False
    """What has shrunk since the last run has done so rightly."""
    allow_clock_skew: bool = False
    """Our clock, or a registry's, is wrong, and that is meant."""


class PlannedProject(msgspec.Struct, frozen=True):
    plan: Plan
    """Not held against the last run yet, and without what is said of all users of images."""
    repositories: frozenset[Repository]
    """All where something of the project may be, also those that are not there."""
    in_use: FoundInUse


class _Decided(NamedTuple):
    decision: Decision
    inventory: ProjectInventory
    located: Mapping[Repository, RepositoryTarget]
    git: GitAnswer
    in_use: FoundInUse

    @property
    def snapshots(self) -> Mapping[Repository, RepositorySnapshot]:
        return self.inventory.snapshots


async def plan_project(
    connections: Connections,
    cache: DigestCache,
    memory: TagMemory,
    settings: ProjectCleanup,
    project: Project,
    scope: Scope,
    options: ProjectOptions,
    read_users: ReadUsers,
    elsewhere: Collection[RegistryHost] = (),
) -> PlannedProject:
    """`memory`: where tags pointed to that need not be looked at again, unless something goes by it; `elsewhere`:
    registries with which the project has nothing to do, and whose clocks are no witnesses. Raises HolystoneError;
    nothing is changed anywhere."""
    if options.locks:
        await FileLocks(options.locks).refuse_if_busy(storage_repository(settings, project.name))
    places = await locate(connections, settings, project)

    async def decided(memory: TagMemory) -> _Decided:
        at = connections, cache, memory
        return await _decided(*at, settings, project, scope, options, places, read_users, elsewhere)

    made = await decided(memory)
    believed = [moment for each in made.snapshots.values() for moment in each.believed.values()]
    if acts(made.decision) and not options.is_only_shown:
        if not await are_as_believed(made.snapshots.values(), memory, partial(_registry, connections, made.located)):
            made = await decided(Unbelieving(memory))
        believed = []
    notices = (*made.decision.notices, *believed_notices(believed, options.as_of))
    decision = msgspec.structs.replace(made.decision, notices=notices)
    plan = await make_plan(connections, cache, decision, made.snapshots, made.located, options)
    counted = count_sources(plan, made.inventory, made.git, users_asked=scope.images and options.users_asked)
    return PlannedProject(msgspec.structs.replace(plan, counted=counted), frozenset(made.snapshots), made.in_use)


async def _decided(
    connections: Connections,
    cache: DigestCache,
    memory: TagMemory,
    settings: ProjectCleanup,
    project: Project,
    scope: Scope,
    options: ProjectOptions,
    places: Places,
    read_users: ReadUsers,
    elsewhere: Collection[RegistryHost],
) -> _Decided:
    git, in_use, inventory = await _read(connections, cache, memory, settings, scope, project, places, read_users)
    refuse_unfilled(in_use, inventory.snapshots)
    located = places.located(inventory.snapshots)
    session_of = partial(_registry, connections, located)
    seen = {at: each for at, each in inventory.snapshots.items() if not each.unseen}
    there = {at: {**dict.fromkeys(each.broken), **each.tags} for at, each in seen.items()}
    used = (*in_use.images, *await look_up(in_use.images, there, session_of))
    inventory = msgspec.structs.replace(inventory, project=(project.name,) if project.name else ())
    as_of, answer = options.as_of, GitAnswer()
    if git is not None:
        answer = await ask_git(
            git, inventory, settings.history, project.keep_policies, as_of, accepted=options.accept_new_baseline
        )
    intent = answer.intent
    if isinstance(intent, StrategyIntent):
        doubtful = saved_by_folding(image_tags(inventory), intent.names)
        folds = await folding(doubtful, inventory.snapshots, session_of)
        intent = msgspec.structs.replace(intent, folding=folds)
    said = {host: reading for host, reading in connections.dates.nearest.items() if host not in elsewhere}
    clock = check_clock(said, answer.newest, as_of, allow_skew=options.allow_clock_skew)
    rules = Rules(
        v1_2=settings.history.v1_2,
        v1_2_confirmed=settings.history.v1_2_explicit,
        stages_grace=settings.stages_grace,
        as_of=as_of,
    )
    decision = decide(inventory, intent, scope, rules, used)
    decision = msgspec.structs.replace(
        decision,
        notices=(*decision.notices, *project.notes, *answer.notices, *clock),
        refusals=(*decision.refusals, *answer.refusals),
    )
    return _Decided(decision, inventory, located, answer, in_use)


async def _registry(
    connections: Connections, located: Mapping[Repository, RepositoryTarget], repository: Repository
) -> RepositorySession:
    at = located[repository]
    return await connections.session(at.repository, at.implementation, at.place, at.detected_by)


async def _read(
    connections: Connections,
    cache: DigestCache,
    memory: TagMemory,
    settings: ProjectCleanup,
    scope: Scope,
    project: Project,
    places: Places,
    read_users: ReadUsers,
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
        in_use.append(await read_users())

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
