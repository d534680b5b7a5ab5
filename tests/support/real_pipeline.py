"""A plain world through everything that decides: read out of snapshots, judged, closed, planned and proved."""

from collections.abc import Collection, Mapping
from typing import cast

from holystone.adapters.git.references import References
from holystone.adapters.http.dates import Dates
from holystone.adapters.registries.connections import Connections
from holystone.adapters.state.sqlite.digest_cache import SqliteDigestCache
from holystone.engine.model.capabilities import Capabilities
from holystone.engine.model.history import GitReference, History
from holystone.engine.model.image_config import ImageConfig
from holystone.engine.model.in_use import ListEntry
from holystone.engine.model.inventory import RepositorySnapshot
from holystone.engine.model.manifests import DOCKER_MANIFEST, Manifest
from holystone.engine.model.plan import Plan
from holystone.engine.model.references import Commit, Digest, ImageName, Repository, Tag
from holystone.engine.names import parse_address, parse_used_image, repository_of
from holystone.engine.ports import RepositorySession
from holystone.policies.keep_policies import default_keep_policies
from holystone.policies.keep_policies_data import parse_keep_policies
from holystone.policies.werf.v1 import ImagesRepo, managed_images, read_storage
from holystone.policies.werf.v1.tag_strategy import Allowance, StrategyRules
from holystone.workflows.decide import decide
from holystone.workflows.decision import Intent, Rules, Scope
from holystone.workflows.intent import image_tags, read_git, read_names
from holystone.workflows.inventory import ProjectInventory, RepositoryTarget
from holystone.workflows.planning import PlanningOptions, make_plan
from tests.support.commit_graph import CommitGraph
from tests.support.memory_registry import MemoryRegistry
from tests.support.plain_world import HOST, REPO, Image, World
from tests.support.spools import FOLDER


class WorldGit:
    """The world's history in the place of a GitRepository."""

    def __init__(self, world: World, *, complete: bool = True) -> None:
        self._world = world
        self._graph = CommitGraph(
            {Commit(commit): [Commit(each) for each in parents] for commit, parents in world.parents.items()},
            {Commit(commit): time for commit, time in world.times.items()},
        )
        self._complete = complete

    def references(self) -> References:
        found = tuple(GitReference(ref.kind, ref.name, Commit(ref.commit), ref.date) for ref in self._world.refs)
        branches, tags = (tuple(each.name for each in found if each.kind == kind) for kind in ("branch", "tag"))
        return References(found, (), branches, tags)

    def history(
        self, heads: Collection[Commit], commits: Collection[Commit], others: Collection[Commit] = ()
    ) -> History:
        return self._graph.history(heads, commits, others, complete=self._complete)


async def plan_of(world: World, can: Capabilities, *, complete: bool = True) -> Plan:
    """`complete`: False if the world's git is what a shallow clone shows of it."""
    inventory = _inventory(world)
    scope = Scope(world.images, world.stages)
    rules = Rules(v1_2=world.v1_2, v1_2_confirmed=False, stages_grace=world.grace, as_of=world.now)
    intent = await intent_of(world, inventory, complete)
    used = [parse_used_image(name, ListEntry("a file")) for name in world.used]
    decision = decide(inventory, intent, scope, rules, used)
    registry = MemoryRegistry(can)

    class Connected:
        dates = Dates()

        async def session(self, repository: Repository, *_: object) -> RepositorySession:
            return registry.open(repository)

    located = {repository: RepositoryTarget(repository, "memory", "images") for repository in inventory.snapshots}
    return await make_plan(
        cast("Connections", Connected()),
        SqliteDigestCache(None),
        decision,
        inventory.snapshots,
        located,
        PlanningOptions("cleanup", world.now, fuse=None, folder=FOLDER),
    )


def doomed_tags(plan: Plan) -> set[tuple[str, str]]:
    return {(str(each.repository.path), str(tag)) for each in plan.repositories for tag in each.doomed_tags}


async def intent_of(world: World, inventory: ProjectInventory, complete: bool) -> Intent:
    clone = WorldGit(world, complete=complete)
    if world.strategies is None:
        policies = parse_keep_policies(world.policies) or default_keep_policies()
        records = read_storage(inventory.snapshots[inventory.storage], inventory.images).metadata
        return (await read_git(clone, policies, records, world.now))[0]
    tags = image_tags(inventory)
    allowances = {key.replace("-", "_"): Allowance(limit, days) for key, (limit, days) in world.strategies.items()}
    return (await read_names(clone, tags, StrategyRules(**allowances)))[0]


def _inventory(world: World) -> ProjectInventory:
    layout = ImagesRepo.at(parse_address(f"{HOST}/{REPO}"), world.mode)
    storage = _repository(world.storage)
    configured = {ImageName(name) for name in world.configured}
    images = sorted({*configured, *managed_images([Tag(tag) for tag in world.contents.get(world.storage, {})])})
    repositories = {storage, *(layout.repository(image) for image in images)}
    snapshots = {each: _snapshot(each, world.contents.get(str(each.path))) for each in repositories}
    return ProjectInventory(layout, tuple(images), snapshots, storage)


def _repository(path: str) -> Repository:
    return repository_of(parse_address(f"{HOST}/{path}"))


def _snapshot(repository: Repository, there: Mapping[str, Image | None] | None) -> RepositorySnapshot:
    if there is None:
        return RepositorySnapshot(repository, {}, {}, {}, {}, exists=False)
    readable = {Tag(tag): about for tag, about in there.items() if about}
    manifests = {
        Digest(about.manifest): Manifest(Digest(about.manifest), DOCKER_MANIFEST, 1, config=Digest(about.config))
        for about in readable.values()
    }
    configs = {
        Digest(about.config): ImageConfig(
            Digest(about.config), about.created, about.labels, Digest(about.parent) if about.parent else None
        )
        for about in readable.values()
    }
    tags = {tag: Digest(about.manifest) for tag, about in readable.items()}
    broken = {Tag(tag): "no manifest" for tag, about in there.items() if about is None}
    return RepositorySnapshot(repository, tags, broken, manifests, configs)
