"""A purge: everything of the project goes, and no policy, no history and no cluster is asked."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from itertools import chain

import msgspec

from holystone.adapters.registries.connections import Connections
from holystone.engine.inventory.contents import Contents
from holystone.engine.inventory.snapshot import read_repository
from holystone.engine.model.delete_reasons import Purged
from holystone.engine.model.inventory import RepositorySnapshot
from holystone.engine.model.notices import (
    BuiltOnDoomed,
    ImagesNotFound,
    ImagesNotLookedUp,
    Notice,
    RecordsOfAnyProject,
    TagsOfOtherProject,
)
from holystone.engine.model.plan import Plan
from holystone.engine.model.reasons import BesideOtherProject, Foreign, OtherProject
from holystone.engine.model.references import Reference, Repository, Tag
from holystone.engine.model.refusals import AllOfAnotherProject
from holystone.engine.model.verdicts import Delete, Keep, Verdict, Verdicts
from holystone.engine.planner.facts import TagFacts
from holystone.engine.planner.refusals import ask_first
from holystone.engine.ports import DigestCache
from holystone.policies.werf.v1 import (
    Ownership,
    belongings_among_images,
    belongings_in_storage,
    looks_stored,
    marked_stages,
    needs_config,
    read_images,
    readable_enough,
)
from holystone.policies.werf.v1.labels import looked_at
from holystone.policies.werf.v1.project import ImageTag
from holystone.settings.project import known_project, load_project
from holystone.settings.values import DirectSettings, ImagesSettings
from holystone.workflows.broken import broken_notices
from holystone.workflows.decision import Decision, Scope
from holystone.workflows.inventory import RepositoryTarget, read_inventory
from holystone.workflows.locate import locate, locate_storage
from holystone.workflows.notices import repository_notices
from holystone.workflows.planning import PlanningOptions, make_plan


class Holdings(msgspec.Struct, frozen=True):
    """What was read of a project."""

    project: str | None
    """Its name, if anything says it."""
    storage: Repository
    snapshots: Mapping[Repository, RepositorySnapshot]
    """The stages storage, and the images' repositories if anybody knows them."""
    images: tuple[ImageTag, ...] | None
    """None if nobody said where they are."""
    notes: tuple[Notice, ...] = ()
    """What was noticed in the settings."""


async def prepare_purge(
    connections: Connections, cache: DigestCache, settings: DirectSettings, scope: Scope, command: str, as_of: int
) -> Plan:
    """Raises HolystoneError; nothing is changed anywhere."""
    holdings, located = await _read(connections, cache, settings, scope)
    plan = await make_plan(
        connections,
        cache,
        decide_purge(holdings, scope, as_of),
        holdings.snapshots,
        located,
        PlanningOptions(command, as_of, fuse=None, folder=settings.run.cache_dir),
    )
    return ask_first(plan, holdings.project or settings.address(images_first=not scope.stages))


def decide_purge(holdings: Holdings, scope: Scope, as_of: int) -> Decision:
    """No grace counts here; that a tag did not move since it was read does, as always."""
    nothing = Ownership(frozenset(), {})
    images = holdings.images or ()
    stored = belongings_in_storage(holdings.snapshots[holdings.storage], holdings.project) if scope.stages else nothing
    published = (
        belongings_among_images(images, holdings.snapshots, holdings.storage, holdings.project)
        if scope.images
        else nothing
    )
    own = stored.own | published.own
    others = stored.others | published.others
    verdicts: dict[Repository, dict[Tag, Verdict]] = {each: {} for each in _places(holdings, scope)}
    for repository, judged in verdicts.items():
        judged.update(_foreign(holdings, repository))
    for at, whose in others.items():
        verdicts.setdefault(at.repository, {})[at.tag] = Keep((OtherProject(whose),))
    for at in stored.doubtful:
        verdicts[at.repository][at.tag] = Keep((BesideOtherProject(),))
    for at in own:
        verdicts.setdefault(at.repository, {})[at.tag] = Delete((Purged(),))
    written_once: defaultdict[Repository, set[Tag]] = defaultdict(set)
    for at in (*stored.own, *(each.reference for each in images if each.is_written_once)):
        written_once[at.repository].add(at.tag)
    return Decision(
        verdicts=verdicts,
        facts={
            repository: TagFacts(
                written_once=frozenset(written_once[repository]),
                as_of=as_of,
                marks=marked_stages(holdings.snapshots[repository].names) if repository == holdings.storage else {},
            )
            for repository in verdicts
        },
        notices=(
            *holdings.notes,
            *repository_notices(holdings.snapshots.values()),
            *broken_notices(holdings.snapshots.values()),
            *_whose(holdings, stored, others),
            *_consequences(holdings, scope, own),
        ),
        refusals=() if own else tuple(_all_is_theirs(holdings, others)),
    )


def _all_is_theirs(holdings: Holdings, others: Mapping[Reference, str]) -> Iterable[AllOfAnotherProject]:
    """Whoever purges a project and nothing goes, since all is labelled as another's, has not purged it."""
    for project in sorted(set(others.values())):
        tags = sum(whose == project for whose in others.values())
        yield AllOfAnotherProject(holdings.project, project, tags)


def _foreign(holdings: Holdings, repository: Repository) -> Verdicts:
    """What of a repository that the purge is about is neither an image of the project nor looks like a stage or a
    record of one."""
    images = {each.reference.tag for each in holdings.images or () if each.reference.repository == repository}
    found = holdings.snapshots[repository].names - images
    if repository == holdings.storage:
        found = {tag for tag in found if not looks_stored(holdings.snapshots[repository], tag)}
    return dict.fromkeys(found, Keep((Foreign(),)))


def _places(holdings: Holdings, scope: Scope) -> Iterable[Repository]:
    """Repositories that the purge is about, also where nothing goes."""
    if scope.stages:
        yield holdings.storage
    if scope.images:
        yield from holdings.snapshots.keys() - {holdings.storage}


def _whose(holdings: Holdings, stored: Ownership, others: Mapping[Reference, str]) -> Iterable[Notice]:
    for project in sorted(set(others.values())):
        theirs = sorted(at for at, whose in others.items() if whose == project)
        yield TagsOfOtherProject(len(theirs), theirs[0], project, holdings.project)
    if stored.others:
        yield RecordsOfAnyProject(holdings.storage)


def _consequences(holdings: Holdings, scope: Scope, own: frozenset[Reference]) -> Iterable[Notice]:
    if scope.images and scope.stages and not holdings.images:
        yield ImagesNotFound("tag" if any(each.exists for each in _image_repositories(holdings)) else "repository")
    if scope.stages and holdings.images is None:
        yield ImagesNotLookedUp(holdings.storage)
    built = _built_on(holdings, own)
    if built:
        yield BuiltOnDoomed(len(built), built[0])


def _image_repositories(holdings: Holdings) -> Iterable[RepositorySnapshot]:
    """A project that keeps images and stages in one repository has no other."""
    others = [each for each in holdings.snapshots.values() if each.repository != holdings.storage]
    return others or holdings.snapshots.values()


def _built_on(holdings: Holdings, own: frozenset[Reference]) -> tuple[Reference, ...]:
    """Image tags that stay, of stages that go."""
    storage = holdings.snapshots[holdings.storage]
    stages = {
        manifest.config
        for at in own
        if at.repository == holdings.storage
        and (manifest := storage.manifests.get(storage.tags[at.tag]))
        and manifest.config
    }
    stay = (each for each in holdings.images or () if each.reference not in own)
    return tuple(each.reference for each in stay if each.parent in stages)


async def _read(
    connections: Connections, cache: DigestCache, settings: DirectSettings, scope: Scope
) -> tuple[Holdings, Mapping[Repository, RepositoryTarget]]:
    """The project is needed for the names of its images; where only stages go, its name is welcome."""
    if isinstance(settings.places, ImagesSettings):
        project = await (load_project if scope.images else known_project)(settings.project)
        places = await locate(connections, settings.places, project)
        inventory = await read_inventory(
            connections, cache, places.layout, places.images, places.storage, project.images
        )
        snapshots = dict(inventory.snapshots)
        of_each = read_images(inventory.layout, inventory.images, inventory.snapshots)
        images = tuple(chain.from_iterable(of_each.values()))
        located = places.located(snapshots)
        storage = inventory.storage
    else:
        project = await known_project(settings.project)
        at = await locate_storage(connections, settings.places)
        storage, images, located = at.repository, None, {at.repository: at}
        session = await connections.session(storage, at.implementation, at.place, at.detected_by)
        snapshots = {
            storage: await read_repository(session, cache, needs_config=needs_config, contents=Contents(looked_at))
        }
    if scope.stages:
        snapshots[storage] = readable_enough(snapshots[storage])
    return Holdings(project.name, storage, snapshots, images, project.notes), located
