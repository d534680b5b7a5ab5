"""GitLab as a run is connected with it, on its emulator, and short ways to fill and to ask that."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from holystone.adapters.registries.connections import Connections
from holystone.adapters.registries.gitlab.registry import GitlabSession
from holystone.embedded.faults import Action, Fault
from holystone.engine.model.manifests import RawManifest
from holystone.engine.model.references import Digest, RegistryHost, Repository, RepositoryPath
from holystone.engine.scheduler import Limits
from holystone.settings.access import resolve_access
from holystone.settings.given import Given
from tests.emulators.gitlab import GitlabEmulator
from tests.emulators.vendor import Login
from tests.support import images

PATH = RepositoryPath("team/app")
PAGE = 1000


@asynccontextmanager
async def connected(
    server: GitlabEmulator, folder: Path, login: Login | None = None, environ: dict[str, str] | None = None
) -> AsyncIterator[GitlabSession]:
    login = login or server.login()
    (folder / "config.json").write_text(json.dumps(login.docker_config))
    variables = {**server.environ, **login.environ, **(environ or {})}
    async with Connections(
        folder,
        limits=Limits(attempts=3, host_patience=0.2),
        access=resolve_access(Given({}, variables)),
        environ=variables,
    ) as connections:
        repository = Repository(RegistryHost.parse(server.host), PATH)
        session = await connections.session(repository, "gitlab")
        assert isinstance(session, GitlabSession)
        yield session


@asynccontextmanager
async def served(
    folder: Path, login: str = "login", **quirks: Any
) -> AsyncIterator[tuple[GitlabEmulator, GitlabSession]]:
    async with (
        GitlabEmulator(**quirks) as server,
        connected(server, folder, getattr(server, login)()) as session,
    ):
        yield server, session


def put(server: GitlabEmulator, raw: RawManifest, *tags: str, path: str = PATH) -> Digest:
    for tag in tags or (None,):
        server.storage.put_manifest(path, raw.body, raw.media_type, tag)
    return raw.digest


def put_image(server: GitlabEmulator, text: str, *tags: str, path: str = PATH) -> RawManifest:
    config = images.config(text)
    server.storage.put_blob(path, config)
    raw = images.image(config)
    put(server, raw, *tags, path=path)
    return raw


def asked(server: GitlabEmulator, part: str) -> list[str]:
    return [f"{each.method} {each.path}" for each in server.requests if part in each.path]


def error(code: str) -> bytes:
    return json.dumps({"errors": [{"code": code, "message": "as said"}]}).encode()


def faulty(path: str, action: Action, *, method: str = "GET", nth: int = 1, times: int | None = None) -> Fault:
    return Fault(method, path, action, nth=nth, times=times)
