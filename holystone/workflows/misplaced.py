"""Whether the repositories that were named are this project's, by what they hold and lack."""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import msgspec

from holystone.engine.model.plan import Refusal
from holystone.engine.model.reasons import WithoutMetadata
from holystone.engine.model.references import ImageName, Repository
from holystone.engine.model.verdicts import Delete, Keep, Verdicts
from holystone.engine.report.words import count
from holystone.policies.werf.v1 import kind_of
from holystone.policies.werf.v1.git_history import ImageDecision
from holystone.policies.werf.v1.project import ImageTag, StagesStorage
from holystone.workflows.inventory import ProjectInventory

_SHOWN: Final = 3
"""Repositories that a refusal names."""


def misplaced(inventory: ProjectInventory, storage: StagesStorage) -> Refusal | None:
    """Where no image has a tag: why that is more likely a wrong address than a project without images. What a registry
    says of a repository that was never pushed does not help: some say that it is empty (olareg, and Cloudflare's
    serverless-registry: seen)."""
    at, places = inventory.storage, _places(inventory)
    if records := len(storage.metadata) + len(storage.unclaimed_metadata):
        why = f"{count(records, 'record')} in {at} name images that were published, and no image has a tag in {places}"
    elif storage.stages or storage.bookkeeping or storage.rejected or storage.unreadable:
        return None
    elif swapped := _looks_like_storage(inventory):
        why = f"no image has a tag in {places}, and {swapped} holds werf's stages or records"
    elif storage.foreign:
        why = f"no image has a tag in {places}, and none of the tags in {at} is a stage or a record of werf's"
    else:
        return None
    return Refusal(
        promise="fail-closed",
        repository=None,
        why=f"{why}: that is probably not where they are, or the two are swapped",
        what_to_do="check --images-repo (with --images-repo-mode) and --stages-storage; if the project really has no "
        f"image any more, `holystone stages purge --stages-storage {at}` deletes its stages and records",
    )


class Unrecorded(NamedTuple):
    notices: Sequence[str] = ()
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
        refusals = [_metadata_missing(inventory, name, len(tags[name])) for name in missing]
        return decisions, Unrecorded(refusals=refusals)
    kept = {name: msgspec.structs.replace(each, tags=_kept(each.tags)) for name, each in missing.items()}
    notices = [
        f"{_none_of_them(inventory, name, len(tags[name]))}, where other images have theirs: they stay. "
        "If they may go, say so with --git-history-based-cleanup-v1.2"
        for name in missing
    ]
    return {**decisions, **kept}, Unrecorded(notices=notices)


def _kept(verdicts: Verdicts) -> Verdicts:
    stay = Keep((WithoutMetadata(),))
    return {tag: stay if isinstance(verdict, Delete) else verdict for tag, verdict in verdicts.items()}


def _none_of_them(inventory: ProjectInventory, image: ImageName, tags: int) -> str:
    has = f"image {image.shown} has {tags} tags in {inventory.layout.repository(image)}"
    return f"{has}, and not one of them has a metadata record in {inventory.storage}"


def _metadata_missing(inventory: ProjectInventory, image: ImageName, tags: int) -> Refusal:
    return Refusal(
        promise="fail-closed",
        repository=inventory.layout.repository(image),
        why=f"{_none_of_them(inventory, image, tags)}: that is probably not the stages storage they were built with",
        what_to_do="check --stages-storage; if it is right and the tags may go, confirm with "
        "--git-history-based-cleanup-v1.2",
    )


def _places(inventory: ProjectInventory) -> str:
    repositories = sorted({str(inventory.layout.repository(name)) for name in inventory.images})
    more = len(repositories) - _SHOWN
    return (", ".join(repositories[:_SHOWN]) or "the images repo") + (f" and {more} more" if more > 0 else "")


def _looks_like_storage(inventory: ProjectInventory) -> Repository | None:
    """A repository of images that holds what belongs into the stages storage."""
    names = {
        at: inventory.snapshots[at].names for at in {inventory.layout.repository(name) for name in inventory.images}
    }
    if inventory.images_root:
        names[inventory.images_root.repository] = inventory.images_root.names
    others = sorted(names.keys() - {inventory.storage})
    return next((at for at in others if any(kind_of(tag) != "foreign" for tag in names[at])), None)
