"""A project on a registry, the command line beside it, and a plain client that looks."""

import shutil
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from holystone.demo.composer import Composer
from holystone.demo.git_story import GitStory
from holystone.demo.project import build
from holystone.demo.published import PublishedProject
from holystone.engine.model.addresses import ImagesRepoMode
from holystone.engine.model.references import Digest, RepositoryPath, Tag
from tests.support.docker_registry import DockerRegistry, docker_registry
from tests.support.expected_survivors import Survivors, expected_survivors
from tests.support.holystone_process import Holystone
from tests.support.registry_state import Reader, assert_exactly, revisions
from tests.support.scenario_projects import tell_large, tell_middling

Size: TypeAlias = Literal["middling", "large"]
STORIES: dict[Size, Callable[[GitStory, Composer], None]] = {"middling": tell_middling, "large": tell_large}


@dataclass(frozen=True, slots=True)
class Scene:
    project: PublishedProject
    before: dict[RepositoryPath, dict[Tag, Digest]]
    read: Reader
    cli: Holystone
    host: str
    storage: Path | None = None
    """Of a distribution on a file system."""

    def expected(self, as_of: int | None = None, *, images: bool = True, stages: bool = True) -> Survivors:
        """`as_of`: the story's end, unless ages were judged at another moment that matters."""
        return expected_survivors(self.project, self.before, as_of or self.project.now, images=images, stages=stages)

    async def assert_exactly(self, expected: Survivors) -> None:
        await assert_exactly(self.read, expected)
        if self.storage:  # also what nobody knows of, such as a forgotten tombstone
            found = {repository: revisions(self.storage, repository) for repository in expected.manifests}
            assert found == expected.manifests


Scenes: TypeAlias = Callable[..., AbstractAsyncContextManager[Scene]]


@dataclass(frozen=True, slots=True)
class TinyScene:
    project: PublishedProject
    cli: Holystone
    registry: DockerRegistry

    def tags(self, repository: str) -> set[str]:
        """Those that stand in its storage, served or not."""
        return {each.name for each in self.folder(repository).iterdir()}

    def folder(self, repository: str) -> Path:
        return self.registry.storage / "docker/registry/v2/repositories" / repository / "_manifests/tags"


Tiny: TypeAlias = Callable[..., AbstractAsyncContextManager[TinyScene]]


class Templates:
    """Projects are built once; each test gets a copy of the registry. The clone is shared, as no run writes to it."""

    def __init__(self, folder: Callable[[str], Path]) -> None:
        self._folder = folder
        self._built: dict[tuple[Size, ImagesRepoMode], tuple[PublishedProject, Path]] = {}

    async def get(self, size: Size, mode: ImagesRepoMode, now: int) -> tuple[PublishedProject, Path]:
        """The project, and the storage of a distribution that holds it."""
        if (size, mode) not in self._built:
            folder = self._folder(f"{size}-{mode}")
            async with docker_registry(folder / "registry") as registry:
                composer = compose(folder / "clone", registry.host, mode, now)
                project = await build(composer, registry.url, STORIES[size])
                shutil.copytree(registry.storage, folder / "storage")
            self._built[size, mode] = project, folder / "storage"
        return self._built[size, mode]


def compose(clone: Path, host: str, mode: ImagesRepoMode, now: int) -> Composer:
    return Composer("shop", clone, host=host, now=now, mode=mode, images_repo="shop/app", stages_storage="shop/stages")
