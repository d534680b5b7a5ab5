"""Docker Hub as a run is connected with it, on its emulator, and short ways to fill and to ask that."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from holystone.adapters.registries.connections import Connections
from holystone.adapters.registries.dockerhub.registry import DockerHubSession
from holystone.embedded.faults import Fault
from holystone.engine.model.manifests import RawManifest
from holystone.engine.model.references import RegistryHost, Repository, RepositoryPath
from holystone.engine.scheduler import Limits
from holystone.settings.access import resolve_access
from holystone.settings.given import Given
from tests.emulators.dockerhub import DockerHubEmulator
from tests.emulators.vendor import Login
from tests.support import images

PATH = DockerHubEmulator.path
HUB = "/v2/namespaces/team/repositories/app"


@asynccontextmanager
async def opened(
    emulator: DockerHubEmulator, folder: Path, login: Login | None = None, path: str = PATH
) -> AsyncIterator[DockerHubSession]:
    """As the program does it. The emulator serves already."""
    chosen = emulator.login() if login is None else login
    environ = {**emulator.environ, **chosen.environ}
    (folder / "config.json").write_text(json.dumps(chosen.docker_config))
    connections = Connections(
        folder,
        access=resolve_access(Given({}, environ)),
        environ=environ,
        limits=Limits(attempts=4, host_patience=0.2),
    )
    async with connections:
        repository = Repository(RegistryHost.parse(emulator.host), RepositoryPath(path))
        session = await connections.session(repository, "dockerhub")
        assert isinstance(session, DockerHubSession)
        yield session


@asynccontextmanager
async def served(
    folder: Path, *faults: Fault, login: Login | None = None, **quirks: Any
) -> AsyncIterator[tuple[DockerHubEmulator, DockerHubSession]]:
    emulator = DockerHubEmulator(**quirks)
    for fault in faults:
        emulator.faults.add(fault)
    async with emulator, opened(emulator, folder, login) as session:
        yield emulator, session


def put(emulator: DockerHubEmulator, text: str, *tags: str, path: str = PATH) -> RawManifest:
    config = images.config(text)
    emulator.storage.put_blob(path, config)
    raw = images.image(config)
    for tag in tags or (None,):
        emulator.storage.put_manifest(path, raw.body, raw.media_type, tag)
    return raw


def asked(emulator: DockerHubEmulator, method: str, prefix: str) -> list[str]:
    return [each.path for each in emulator.requests if each.method == method and each.path.startswith(prefix)]


def options(user: str, password: str) -> Login:
    return Login(
        environ={"WERF_REPO_DOCKER_HUB_USERNAME": user, "WERF_REPO_DOCKER_HUB_PASSWORD": password}, secrets=(password,)
    )
