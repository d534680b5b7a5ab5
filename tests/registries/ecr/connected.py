"""Amazon ECR as a run is connected with it, on its emulator, and short ways to fill and to ask that."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any

from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from holystone.adapters.http.reply import Reply
from holystone.adapters.registries.connections import Connections
from holystone.adapters.registries.ecr.registry import EcrSession
from holystone.embedded.faults import Answer, Fault, Truncate
from holystone.engine.model.manifests import RawManifest
from holystone.engine.model.references import Digest, RegistryHost, Repository, RepositoryPath
from holystone.engine.scheduler import Limits
from holystone.settings.access import resolve_access
from holystone.settings.given import Given
from tests.emulators.ecr import EcrEmulator
from tests.emulators.vendor import Login
from tests.support import images

PATH = "team/app"
ABSENT = Digest("sha256:" + "0" * 64)


@asynccontextmanager
async def connected(
    served: EcrEmulator,
    folder: Path,
    login: Login | None = None,
    *,
    host: str = "",
    environ: Mapping[str, str] = MappingProxyType({}),
    attempts: int = 4,
) -> AsyncIterator[EcrSession]:
    given = {**served.environ, **(served.login() if login is None else login).environ, **environ}
    repository = Repository(RegistryHost.parse(host or served.host), RepositoryPath(PATH))
    async with Connections(
        folder,
        access=resolve_access(Given({}, given)),
        environ=given,
        limits=Limits(attempts=attempts, host_patience=0.2),
    ) as connections:
        session = await connections.session(repository, "ecr")
        assert isinstance(session, EcrSession)
        yield session


def push(
    served: EcrEmulator, text: str, *tags: str, subject: RawManifest | None = None, path: str = PATH
) -> RawManifest:
    config = images.config(text)
    served.storage.put_blob(path, config)
    return store(served, images.image(config, subject=subject), *tags, path=path)


def store(served: EcrEmulator, raw: RawManifest, *tags: str, path: str = PATH) -> RawManifest:
    for tag in tags or (None,):
        served.storage.put_manifest(path, raw.body, raw.media_type, tag)
    return raw


def present(served: EcrEmulator) -> tuple[set[str], set[str]]:
    state = served.storage.repositories[PATH]
    return set(state.tags), set(state.manifests)


def asked(served: EcrEmulator, operation: str) -> list[dict[str, Any]]:
    return [fields for each, fields in served.calls if each == operation]


def says(body: object, status: int = 200, headers: Mapping[str, str] = MappingProxyType({})) -> Answer:
    encoded = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Answer(status, encoded, {"Content-Type": "application/x-amz-json-1.1", **headers})


def to_api(answer: Answer | Truncate, times: int | None = None) -> Fault:
    return Fault("POST", "^/$", answer, times=times)


def reply(body: object, status: int = 400, headers: Mapping[str, str] = MappingProxyType({})) -> Reply:
    encoded = body if isinstance(body, bytes) else json.dumps(body).encode()
    at = URL("http://127.0.0.1:1/")
    return Reply(status, CIMultiDictProxy(CIMultiDict(headers)), encoded, at, at)
