"""Whole runs, as fixtures."""

import re
import shutil
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import pytest_asyncio

from holystone.engine.model.addresses import ImagesRepoMode
from tests.support.certificates import Pair
from tests.support.distribution_storage import write
from tests.support.docker_registry import PASSWORD, USER, DockerRegistry, docker_registry
from tests.support.holystone_process import Holystone
from tests.support.registry_state import reader, repositories_of
from tests.support.scenes import Scene, Scenes, Size, Templates, Tiny, TinyScene
from tests.support.tiny_project import tiny_story
from tests.support.werf_project import NewProject, WerfProject


@pytest.fixture(scope="session")
def templates(tmp_path_factory: pytest.TempPathFactory) -> Templates:
    return Templates(tmp_path_factory.mktemp)


@pytest.fixture
def scene(templates: Templates, tmp_path: Path) -> Scenes:
    """A project on a real distribution of its own."""

    @asynccontextmanager
    async def opened(
        size: Size, mode: ImagesRepoMode, *, basic_auth: bool = False, program: str | None = None
    ) -> AsyncIterator[Scene]:
        project, storage = await templates.get(size, mode, now=int(time.time()))
        credentials = (USER, PASSWORD) if basic_auth else None
        async with docker_registry(tmp_path / "registry", basic_auth=basic_auth, program=program) as registry:
            shutil.copytree(storage, registry.storage, dirs_exist_ok=True)
            async with reader(registry.url, credentials) as read:
                before = await read.tags(repositories_of(project))
                cli = Holystone(tmp_path, registry.host, project, credentials)
                yield Scene(project, before, read, cli, registry.host, registry.storage)

    return opened


@pytest.fixture
def tiny(tmp_path: Path) -> Tiny:
    """The smallest project on a real distribution of its own."""

    @asynccontextmanager
    async def opened(
        *, certificate: Pair | None = None, environ: Mapping[str, str] | None = None
    ) -> AsyncIterator[TinyScene]:
        composer = tiny_story(tmp_path / "clone", now=int(time.time()))
        async with docker_registry(tmp_path / "registry", basic_auth=True, certificate=certificate) as registry:
            write(registry.storage, composer.pushes)
            project = composer.described()
            cli = Holystone(tmp_path / "user", registry.host, project, (USER, PASSWORD), environ)
            yield TinyScene(project, cli, registry)

    return opened


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def shared_registry(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[DockerRegistry]:
    """For tests that keep to repositories of their own."""
    async with docker_registry(tmp_path_factory.mktemp("shared-registry")) as registry:
        yield registry


@pytest.fixture
def werf(shared_registry: DockerRegistry, tmp_path: Path, request: pytest.FixtureRequest) -> NewProject:
    """Makes a project, its keep policies given as in werf.yaml."""
    test = f"{request.node.path.stem}/{request.node.name}".lower()
    name = re.sub(r"[^a-z0-9/]+", "-", test).strip("-")
    return lambda keep_policies="": WerfProject(tmp_path, shared_registry, name, keep_policies)
