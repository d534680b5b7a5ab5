"""Reads a project's repositories: the stages storage first, because its records name images that werf.yaml has
forgotten, then the repositories of all images at the same time."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import msgspec

from holystone.adapters.registries.connections import Connections
from holystone.adapters.registries.detection import Detected
from holystone.adapters.registries.oci_replies import STRANGE
from holystone.engine import events
from holystone.engine.closure.graph import names_its_subject
from holystone.engine.errors import Doubtful, IncompleteSource, RegistryFailure, Unseen, UsageError
from holystone.engine.inventory.belief import NO_MEMORY
from holystone.engine.inventory.contents import Contents
from holystone.engine.inventory.reader import WORKERS
from holystone.engine.inventory.snapshot import read_repository
from holystone.engine.model.addresses import Address
from holystone.engine.model.inventory import RepositorySnapshot
from holystone.engine.model.plan import DetectedBy, Place
from holystone.engine.model.references import ImageName, InvalidName, Repository, Tag
from holystone.engine.names import repository_of
from holystone.engine.ports import DigestCache, RepositorySession, TagMemory
from holystone.engine.scheduler import for_each
from holystone.policies.werf.v1 import (
    ImagesRepo,
    contradicted,
    is_written_once,
    managed_images,
    needs_config,
    never_published,
    without_rejected,
)
from holystone.policies.werf.v1.labels import looked_at
from holystone.workflows.breadth import refuse_alike

REPOSITORIES_AT_ONCE: Final = 8
_CONTENTS: Final = Contents(looked_at, immutable=lambda tag: is_written_once(tag) or names_its_subject(tag))
log: Final = events.logger()


class RepositoryTarget(msgspec.Struct, frozen=True):
    """A repository, and which implementation its registry is."""

    repository: Repository
    implementation: str
    place: Place
    detected_by: DetectedBy = "user"


def located_image(repository: Repository, identity: Detected) -> RepositoryTarget:
    return RepositoryTarget(repository, identity.implementation, "images", identity.detected_by)


class ProjectInventory(msgspec.Struct, frozen=True):
    layout: ImagesRepo
    images: tuple[ImageName, ...]
    """Managed images and those of werf.yaml, sorted."""
    snapshots: Mapping[Repository, RepositorySnapshot]
    """The images' repositories and the stages storage."""
    storage: Repository
    images_root: RepositorySnapshot | None = None
    """What is listed at the address of the images repo itself, where nothing was found at all: no image, no stage and
    no record."""
    configured: tuple[ImageName, ...] | None = None
    """Those of werf.yaml or of the options alone; None: all."""
    project: tuple[str, ...] = ()
    """What the project is called; nothing if nobody says it."""
    homeless: Mapping[ImageName, str] = {}
    """Managed images that can have no repository, so that none was ever published, and why not."""

    def of_image(self, image: ImageName) -> RepositorySnapshot:
        return self.snapshots[self.layout.repository(image)]


async def read_inventory(
    connections: Connections,
    cache: DigestCache,
    layout: ImagesRepo,
    identity: Detected,
    storage: RepositoryTarget,
    configured: Sequence[ImageName],
    memory: TagMemory = NO_MEMORY,
) -> ProjectInventory:
    """`memory`: where tags pointed to that need not be looked at again. Raises what the registries raise, and
    UsageError for an image that can have no repository."""
    snapshots: dict[Repository, RepositorySnapshot] = {}
    unpublished: set[Repository] = set()

    async def read(at: RepositoryTarget, needs_config: Callable[[Tag], bool] = lambda _: True) -> None:
        session = await connections.session(at.repository, at.implementation, at.place, at.detected_by)
        try:
            snapshot = await read_repository(
                session, cache, needs_config=needs_config, contents=_CONTENTS, memory=memory
            )
        except Unseen:
            if at.repository not in unpublished:
                raise
            snapshot = RepositorySnapshot(at.repository, {}, {}, {}, {}, exists=False, unseen=True)
        except IncompleteSource as error:
            if error.what_to_do.startswith(STRANGE):
                error.what_to_do = f"{error.what_to_do} {_doubt(at)}"
            raise
        if at is storage:
            snapshot = without_rejected(snapshot)
        await _hold_against_labels(session, snapshot)
        snapshots[at.repository] = snapshot

    await read(storage, needs_config)
    stored = snapshots[storage.repository]
    repositories: dict[ImageName, Repository] = {}
    homeless: dict[ImageName, str] = {}
    for image in sorted({*configured, *managed_images(stored.names)}):
        try:
            repositories[image] = layout.repository(image)
        except InvalidName as error:
            if image in configured:
                raise UsageError(f"An image of this project can have no repository: {error}") from error
            homeless[image] = str(error)  # whoever may push can write such a record
    images = tuple(repositories)
    refuse_alike(images)
    absent = never_published(images, stored.names)
    unpublished |= {*repositories.values()} - {at for image, at in repositories.items() if image not in absent}
    # The stages storage is among them if somebody keeps both in one repository: then every tag may be an image.
    located = [located_image(each, identity) for each in sorted({*repositories.values()})]
    await for_each(located, read, workers=REPOSITORIES_AT_ONCE)
    root = None
    if not any(each.names for each in snapshots.values()):
        root = await _list_root(connections, layout, identity, snapshots)
    return ProjectInventory(layout, images, snapshots, storage.repository, root, tuple(configured), homeless=homeless)


async def _hold_against_labels(session: RepositorySession, snapshot: RepositorySnapshot) -> None:
    """Raises Doubtful if a tag was read as another one's: its image's labels show that, and a look over a connection of
    its own. A second name that somebody gave an image is a fact, and looks the same both times."""

    async def look(tag: Tag) -> None:
        now = await session.resolve(tag, alone=True)
        if now != snapshot.tags[tag]:
            raise Doubtful(
                f"{snapshot.repository}: {tag} was read as {snapshot.tags[tag]}, whose labels name another tag, and is "
                f"{now or 'not there'} when it is asked for again.",
                what_to_do="Run it again. If that happens again, a proxy or the registry mixes up its answers: find "
                "out which one before anything is deleted.",
            )

    seen = (tag for tag in contradicted(snapshot) if tag not in snapshot.believed)  # the others were, when they were
    await for_each(seen, look, workers=WORKERS)


async def _list_root(
    connections: Connections, layout: ImagesRepo, identity: Detected, snapshots: Mapping[Repository, RepositorySnapshot]
) -> RepositorySnapshot | None:
    """The images repo itself; None where it was read with the others, or there can be none. It is asked for a doubt
    only, so that a registry which will not list it is no reason to stop."""
    if layout.path is None or (root := repository_of(Address(layout.host, layout.path))) in snapshots:
        return None
    at = located_image(root, identity)
    session = await connections.session(at.repository, at.implementation, at.place, at.detected_by)
    try:
        listing = await session.list_tags()
    except (IncompleteSource, RegistryFailure) as error:
        log.info("images repo itself not listed", repository=str(root), why=error.message)
        return None
    return RepositorySnapshot(root, {}, dict.fromkeys(listing.tags, "not read"), {}, {}, listing.exists)


def _doubt(at: RepositoryTarget) -> str:
    """An answer that is not the registry's own may also be another registry's."""
    why = {"user": "as you say", "name": "as its name says", "registry": "as it says itself"}[at.detected_by]
    if at.detected_by == "registry" and at.implementation == "default":
        why = "since it does not say what it is"
    return (
        f"{at.repository.host} is taken for {at.implementation}, {why}; if it is another, name that one by "
        "--repo-implementation."
    )
