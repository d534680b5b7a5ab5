"""Google as a run is connected with it, on its emulator, and short ways to fill and to ask that."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from holystone.adapters.registries.connections import Connections
from holystone.adapters.registries.gcr.registry import GoogleSession
from holystone.engine.model.manifests import RawManifest
from holystone.engine.model.references import Digest, RegistryHost, Repository, RepositoryPath
from holystone.engine.scheduler import Limits
from holystone.settings.access import resolve_access
from holystone.settings.given import Given
from tests.emulators.gcr import ADMIN, GoogleEmulator
from tests.emulators.vendor import Login
from tests.support import images

ABSENT = Digest("sha256:" + "0" * 64)


def write(file: Path, document: object) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(document))
    return file


@asynccontextmanager
async def connected(
    served: GoogleEmulator, folder: Path, login: Login | None = None, *, api: bool = True, path: str | None = None
) -> AsyncIterator[GoogleSession]:
    log_in = login or served.login()
    write(folder / "config.json", log_in.docker_config)
    environ = {"HOME": str(folder), "NO_GCE_CHECK": "true", **served.environ, **log_in.environ}
    if not api:
        del environ["HOLYSTONE_REPO_API_URL"]
    connections = Connections(
        folder,
        access=resolve_access(Given({}, environ)),
        environ=environ,
        limits=Limits(attempts=4, host_patience=0.2),
    )
    async with connections:
        repository = Repository(RegistryHost.parse(served.host), RepositoryPath(path or served.path))
        session = await connections.session(repository, "gcr")
        assert isinstance(session, GoogleSession)
        yield session


def push(
    served: GoogleEmulator, text: str, *tags: str, subject: RawManifest | None = None, path: str | None = None
) -> RawManifest:
    config = images.config(text)
    served.storage.put_blob(path or served.path, config)
    return store(served, images.image(config, subject=subject), *tags, path=path)


def store(served: GoogleEmulator, raw: RawManifest, *tags: str, path: str | None = None) -> RawManifest:
    for tag in tags or (None,):
        served.storage.put_manifest(path or served.path, raw.body, raw.media_type, tag)
    return raw


def asked(served: GoogleEmulator, prefix: str) -> list[str]:
    return [f"{each.method} {each.path}" for each in served.requests if each.path.startswith(prefix)]


def key_file(served: GoogleEmulator, folder: Path, **changed: str) -> Login:
    return by_file(write(folder / "key.json", served.key(ADMIN) | changed))


def by_file(file: Path) -> Login:
    return Login(environ={"GOOGLE_APPLICATION_CREDENTIALS": str(file)})


async def works(session: GoogleSession) -> None:
    assert (await session.list_tags()).tags.keys() == {"v1"}
    assert not (await session.probe()).forbidden
