"""Azure as a run is connected with it, on its emulator, and short ways to fill and to ask that."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from yarl import URL

from holystone.adapters.registries.acr import entra
from holystone.adapters.registries.acr.registry import AcrSession
from holystone.adapters.registries.connections import Connections
from holystone.adapters.registries.reach import Access
from holystone.engine.model.manifests import RawManifest
from holystone.engine.model.references import Digest, RegistryHost, Repository, RepositoryPath
from holystone.engine.scheduler import Limits
from tests.emulators.acr import AcrEmulator
from tests.emulators.vendor import Login
from tests.support import images

PATH = "team/app"
ABSENT = Digest("sha256:" + "0" * 64)


class Clock:
    """Unix time of a server; moved by hand."""

    def __init__(self) -> None:
        self.now = 1_790_000_000.25

    def __call__(self) -> float:
        return self.now


@dataclass
class Connected:
    emulator: AcrEmulator
    session: AcrSession
    repository: Repository

    def image(self, text: str, *tags: str, subject: RawManifest | None = None) -> RawManifest:
        return push(self.emulator, text, *tags, subject=subject)

    def asked(self, path: str) -> int:
        return sum(path in each.path for each in self.emulator.requests)


def push(emulator: AcrEmulator, text: str, *tags: str, subject: RawManifest | None = None) -> RawManifest:
    config = images.config(text)
    emulator.storage.put_blob(PATH, config)
    return put(emulator, images.image(config, subject=subject), *tags)


def put(emulator: AcrEmulator, raw: RawManifest, *tags: str) -> RawManifest:
    for tag in tags or (None,):
        emulator.storage.put_manifest(PATH, raw.body, raw.media_type, tag)
    return raw


@asynccontextmanager
async def connected(
    emulator: AcrEmulator, folder: Path, login: Login | None = None, host: str = ""
) -> AsyncIterator[Connected]:
    """To a server that runs already."""
    (folder / "config.json").write_text(json.dumps((login or emulator.login()).docker_config))
    connections = Connections(
        folder,
        access={"images": Access(api_url=URL(emulator.url))},
        environ={},
        limits=Limits(attempts=4, host_patience=0.2),
    )
    repository = Repository(RegistryHost.parse(host or emulator.host), RepositoryPath(PATH))
    async with connections:
        session = await connections.session(repository, "acr")
        assert isinstance(session, AcrSession)
        yield Connected(emulator, session, repository)


@dataclass
class FakeToken:
    token: str


class FakeCredential:
    """Stands in for azure-identity, which would ask Entra ID."""

    def __init__(self, token: Callable[[], str]) -> None:
        self._token = token
        self.asked: list[tuple[str, ...]] = []
        self.closed = False

    async def get_token(self, *scopes: str) -> FakeToken:
        self.asked.append(scopes)
        return FakeToken(self._token())

    async def close(self) -> None:
        self.closed = True


def as_azure(monkeypatch: pytest.MonkeyPatch, token: Callable[[], str]) -> FakeCredential:
    credential = FakeCredential(token)
    monkeypatch.setattr(entra, "azure_credential", lambda: credential)
    return credential
