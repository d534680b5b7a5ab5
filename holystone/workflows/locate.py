"""Where a project is, and what each of its registries is."""

from collections.abc import Iterable

import msgspec

from holystone.adapters.registries.connections import Connections
from holystone.adapters.registries.detection import Detected, mode_rules
from holystone.engine.errors import UsageError
from holystone.engine.model.addresses import Address
from holystone.engine.model.references import InvalidName, Repository
from holystone.engine.names import parse_address, repository_of
from holystone.policies.werf.v1 import ImagesRepo, check_image_names, resolve_mode
from holystone.settings.project import Project
from holystone.settings.values import ImagesSettings, StorageSettings
from holystone.workflows.inventory import RepositoryTarget, located_image


class Places(msgspec.Struct, frozen=True):
    layout: ImagesRepo
    images: Detected
    storage: RepositoryTarget

    def located(self, repositories: Iterable[Repository]) -> dict[Repository, RepositoryTarget]:
        return {
            each: self.storage if each == self.storage.repository else located_image(each, self.images)
            for each in repositories
        }


async def locate(connections: Connections, settings: ImagesSettings, project: Project) -> Places:
    """Raises UsageError for an address or a mode that cannot be."""
    images_repo = _address(settings.images_repo_of(project.name), "--images-repo")
    stages_storage = storage_repository(settings, project.name)
    identity = await connections.identify(images_repo, settings.images_implementation)
    rules = mode_rules(identity.implementation, images_repo)
    mode = resolve_mode(rules, images_repo, settings.images_repo_mode)
    check_image_names(rules, images_repo, project.images)
    storage = await _located(connections, settings, stages_storage)
    return Places(ImagesRepo.at(images_repo, mode), identity, storage)


async def locate_storage(
    connections: Connections, settings: StorageSettings, project: str | None = None
) -> RepositoryTarget:
    """Raises UsageError for an address that cannot be."""
    return await _located(connections, settings, storage_repository(settings, project))


def storage_repository(settings: StorageSettings, project: str | None = None) -> Repository:
    """Raises UsageError."""
    stages_storage = _address(settings.stages_storage, "--stages-storage")
    if stages_storage.path is None:
        raise UsageError(
            f"--stages-storage {stages_storage} names a registry, and stages need a repository in it.",
            what_to_do=f"Add one, as in {stages_storage}/{project or 'PROJECT'}/stages.",
        )
    return repository_of(stages_storage)


async def _located(connections: Connections, settings: StorageSettings, storage: Repository) -> RepositoryTarget:
    there = await connections.identify(Address(storage.host, storage.path), settings.stages_implementation)
    return RepositoryTarget(storage, there.implementation, "stages", there.detected_by)


def _address(text: str, option: str) -> Address:
    try:
        return parse_address(text)
    except InvalidName as error:
        raise UsageError(f"{option}: {error}") from error
