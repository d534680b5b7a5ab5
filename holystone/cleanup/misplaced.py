"""Whether the repositories that were named are this project's, by what they hold and lack."""

from typing import Final

from holystone.cleanup.inventory import ProjectInventory
from holystone.engine.model.plan import Refusal
from holystone.engine.model.project import StagesStorage
from holystone.engine.model.references import Repository
from holystone.engine.naming import kind_of
from holystone.engine.report.words import count

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


def metadata_missing(repository: Repository, image: str, tags: int, storage: Repository) -> Refusal:
    return Refusal(
        promise="fail-closed",
        repository=repository,
        why=f"image {image} has {tags} tags here, and not one of them has a metadata record in {storage}: "
        "that is probably not the stages storage they were built with",
        what_to_do="check --stages-storage; if it is right and the tags may go, confirm with "
        "--git-history-based-cleanup-v1.2",
    )


def _places(inventory: ProjectInventory) -> str:
    repositories = sorted({str(inventory.layout.repository(name)) for name in inventory.images})
    more = len(repositories) - _SHOWN
    return (", ".join(repositories[:_SHOWN]) or "the images repo") + (f" and {more} more" if more > 0 else "")


def _looks_like_storage(inventory: ProjectInventory) -> Repository | None:
    """A repository of images that holds what belongs into the stages storage."""
    names = {inventory.layout.repository(name): inventory.of_image(name).names for name in inventory.images}
    if inventory.images_root:
        names[inventory.images_root.repository] = inventory.images_root.names
    others = sorted(names.keys() - {inventory.storage})
    return next((at for at in others if any(kind_of(tag) != "foreign" for tag in names[at])), None)
