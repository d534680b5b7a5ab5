"""Whether the repositories that were named are this project's, by what they hold and lack."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec

from holystone.engine.model.notices import ImageWithoutRecords, Notice
from holystone.engine.model.reasons import WithoutMetadata
from holystone.engine.model.references import ImageName, Repository
from holystone.engine.model.refusals import ImagesMissing, RecordsMissing, Refusal, RepositoriesSwapped, StorageForeign
from holystone.engine.model.verdicts import Delete, Keep, Verdicts
from holystone.policies.werf.v1 import kind_of
from holystone.policies.werf.v1.git_history import ImageDecision
from holystone.policies.werf.v1.project import ImageTag, StagesStorage
from holystone.workflows.inventory import ProjectInventory


def misplaced(inventory: ProjectInventory, storage: StagesStorage) -> Refusal | None:
    """Where no image has a tag: why that is more likely a wrong address than a project without images. What a registry
    says of a repository that was never pushed does not help: some say that it is empty (olareg, and Cloudflare's
    serverless-registry: seen)."""
    at = inventory.storage
    places = tuple(sorted({inventory.layout.repository(name) for name in inventory.images}, key=str))
    if records := len(storage.metadata) + len(storage.unclaimed_metadata):
        return ImagesMissing(at, places, records)
    if storage.stages or storage.bookkeeping or storage.rejected or storage.unreadable:
        return None
    if swapped := _looks_like_storage(inventory):
        return RepositoriesSwapped(at, places, swapped)
    return StorageForeign(at, places) if storage.foreign else None


class Unrecorded(NamedTuple):
    notices: Sequence[Notice] = ()
    refusals: Sequence[Refusal] = ()


def without_unrecorded(
    decisions: Mapping[ImageName, ImageDecision],
    inventory: ProjectInventory,
    tags: Mapping[ImageName, Sequence[ImageTag]],
) -> tuple[Mapping[ImageName, ImageDecision], Unrecorded]:
    """Images of which no tag has a metadata record. If that is so of all of them, it is probably the wrong stages
    storage. If others have theirs there, it is the right one, and what is missing is a fact about these images: they
    stay."""
    missing = {name: each for name, each in decisions.items() if each.metadata_missing}
    if not any(each.has_metadata for each in decisions.values()):
        refusals = [
            RecordsMissing(inventory.layout.repository(name), name, len(tags[name]), inventory.storage)
            for name in missing
        ]
        return decisions, Unrecorded(refusals=refusals)
    kept = {name: msgspec.structs.replace(each, tags=_kept(each.tags)) for name, each in missing.items()}
    notices = [
        ImageWithoutRecords(inventory.layout.repository(name), name, len(tags[name]), inventory.storage)
        for name in missing
    ]
    return {**decisions, **kept}, Unrecorded(notices=notices)


def _kept(verdicts: Verdicts) -> Verdicts:
    stay = Keep((WithoutMetadata(),))
    return {tag: stay if isinstance(verdict, Delete) else verdict for tag, verdict in verdicts.items()}


def _looks_like_storage(inventory: ProjectInventory) -> Repository | None:
    """A repository of images that holds what belongs into the stages storage."""
    names = {
        at: inventory.snapshots[at].names for at in {inventory.layout.repository(name) for name in inventory.images}
    }
    if inventory.images_root:
        names[inventory.images_root.repository] = inventory.images_root.names
    others = sorted(names.keys() - {inventory.storage})
    return next((at for at in others if any(kind_of(tag) != "foreign" for tag in names[at])), None)
