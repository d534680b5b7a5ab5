"""The managed-image records of the stages storage: which there are, a new one, and the removal of some."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import msgspec

from holystone.adapters.registries.connections import Connections
from holystone.engine.errors import BlobsMissing, RegistryFailure, UsageError
from holystone.engine.inventory.snapshot import read_repository
from holystone.engine.model.delete_reasons import Asked
from holystone.engine.model.inventory import RepositorySnapshot
from holystone.engine.model.layerless import layerless_image
from holystone.engine.model.manifests import RawManifest
from holystone.engine.model.notices import RecordAbsent
from holystone.engine.model.plan import Plan
from holystone.engine.model.reasons import NotAsked
from holystone.engine.model.references import ImageName, InvalidName, Tag
from holystone.engine.model.refusals import RecordStays
from holystone.engine.model.verdicts import Delete, Keep, Verdict
from holystone.engine.planner.facts import TagFacts
from holystone.engine.ports import DigestCache, RepositorySession
from holystone.policies.werf.v1 import is_manageable, managed_image_tag, managed_images
from holystone.settings.values import StorageSettings
from holystone.workflows.decision import Decision
from holystone.workflows.locate import locate_storage
from holystone.workflows.notices import repository_notices
from holystone.workflows.planning import PlanningOptions, make_plan


async def list_managed(connections: Connections, settings: StorageSettings) -> tuple[ImageName, ...] | None:
    """Sorted; None if there is no such repository. Raises HolystoneError."""
    at = await locate_storage(connections, settings)
    session = await connections.session(at.repository, at.implementation, at.place, at.detected_by)
    listing = await session.list_tags()
    return managed_images(listing.tags) if listing.exists else None


async def add_managed(
    connections: Connections, settings: StorageSettings, image: ImageName, project: str | None, *, dry_run: bool
) -> bool:
    """Writes the record of a managed image; False if it is there already. Raises HolystoneError; UsageError for a name
    that can have no record."""
    tag = record_tag(image)
    at = await locate_storage(connections, settings)
    session = await connections.session(at.repository, at.implementation, at.place, at.detected_by)
    if await session.resolve(tag):
        return False
    if not dry_run:
        await _push(session, tag, image, project)
    return True


def record_tag(image: ImageName) -> Tag:
    """Raises UsageError."""
    if not is_manageable(image):
        raise UsageError(f"{image}: the names of managed images are lower case, and werf ignores all others")
    try:
        return Tag.parse(managed_image_tag(image))
    except InvalidName as error:
        raise UsageError(
            f"{image[:200]}: there can be no record of this name, because its tag would break the rules for tags",
            what_to_do="Letters, digits, `/`, `+`, `_`, `.` and `-`; about a hundred characters at most.",
        ) from error


def record_image(image: ImageName, project: str | None, *, oci: bool) -> tuple[RawManifest, bytes]:
    """The image of a managed image record, of which werf reads the tag alone. With the name inside, no two records have
    one digest, and each can go by itself."""
    labels = {"holystone.managed-image": image.shown, **({"werf": project} if project else {})}
    return layerless_image(labels, oci=oci)


async def _push(session: RepositorySession, tag: Tag, image: ImageName, project: str | None) -> None:
    """Pushes a record in Docker's format, as werf's own records are, unless the registry takes OCI's alone."""
    try:
        await _push_as(session, tag, record_image(image, project, oci=False))
    except BlobsMissing:
        raise
    except RegistryFailure as refused:
        try:
            await _push_as(session, tag, record_image(image, project, oci=True))
        except RegistryFailure:
            raise refused from None


async def _push_as(session: RepositorySession, tag: Tag, made: tuple[RawManifest, bytes]) -> None:
    manifest, config = made
    await session.push_blob(config)
    await session.push_manifest(tag, manifest)


async def prepare_removal(
    connections: Connections,
    cache: DigestCache,
    settings: StorageSettings,
    images: Sequence[ImageName],
    command: str,
    as_of: int,
    folder: Path,
) -> Plan:
    """A plan like any other, so that it can be shown, resumed and undone. `folder`: where what does not fit into memory
    is kept meanwhile. Raises HolystoneError."""
    at = await locate_storage(connections, settings)
    session = await connections.session(at.repository, at.implementation, at.place, at.detected_by)
    snapshot = await read_repository(session, cache, needs_config=lambda _: False)
    plan = await make_plan(
        connections,
        cache,
        decide_removal(snapshot, images, as_of),
        {at.repository: snapshot},
        {at.repository: at},
        PlanningOptions(command, as_of, fuse=None, folder=folder),
    )
    return refuse_what_stays(plan, images)


def decide_removal(snapshot: RepositorySnapshot, images: Iterable[ImageName], as_of: int) -> Decision:
    there = snapshot.names
    named = {managed_image_tag(image): image for image in images}
    verdicts: Mapping[Tag, Verdict] = {
        tag: Delete((Asked(),)) if tag in named else Keep((NotAsked(),)) for tag in there
    }
    missing = [RecordAbsent(image) for tag, image in named.items() if tag not in there]
    return Decision(
        verdicts={snapshot.repository: verdicts},
        facts={snapshot.repository: TagFacts(written_once=frozenset(there & named.keys()), as_of=as_of)},
        notices=(*(repository_notices([snapshot]) if not snapshot.exists else ()), *missing),
        refusals=(),
    )


def refuse_what_stays(plan: Plan, images: Iterable[ImageName]) -> Plan:
    """Whoever names a record wants that one gone: if it cannot go, the command has failed, and does nothing by half."""
    named = {managed_image_tag(image): image for image in images}
    stays = tuple(
        RecordStays(each.repository, named[kept.tag], kept.reasons[0])
        for each in plan.repositories
        for kept in each.kept
        if kept.tag in named
    )
    return msgspec.structs.replace(plan, refusals=(*plan.refusals, *stays))
