"""Whole runs, as fixtures."""

import shutil
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from holystone.engine.model.addresses import ImagesRepoMode
from tests.support.docker_registry import PASSWORD, USER, docker_registry
from tests.support.holystone_process import Holystone
from tests.support.registry_state import reader, repositories_of
from tests.support.scenes import Scene, Scenes, Size, Templates


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
