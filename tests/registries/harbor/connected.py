"""Harbor as a run is connected with it, on its emulator, and short ways to fill and to ask that."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from holystone.adapters.registries.connections import Connections
from holystone.adapters.registries.harbor.registry import HarborSession
from holystone.engine.model.manifests import RawManifest
from holystone.engine.model.references import Digest, RegistryHost, Repository, RepositoryPath
from holystone.engine.scheduler import Limits
from holystone.settings.access import resolve_access
from holystone.settings.given import Given
from tests.emulators.harbor import Account, HarborEmulator
from tests.emulators.vendor import Login
from tests.support import images

ABSENT = Digest("sha256:" + "0" * 64)
PATH = HarborEmulator.path
HTML = b"<html><head><title>Welcome to nginx</title></head></html>"


@asynccontextmanager
async def connected(
    harbor: HarborEmulator, folder: Path, login: Login | None = None, *, path: str = PATH, api_url: bool = True
) -> AsyncIterator[HarborSession]:
    """`api_url`: the API's address is given, rather than found by the registry's host."""
    login = login or harbor.login()
    (folder / "docker").mkdir(exist_ok=True)
    (folder / "docker" / "config.json").write_text(json.dumps(login.docker_config))
    environ = {**(harbor.environ if api_url else {}), **login.environ}
    host = RegistryHost.parse(harbor.host)
    repository = Repository(host, RepositoryPath(path))
    async with Connections(
        folder / "docker",
        access=resolve_access(Given({}, environ)),
        environ=environ,
        limits=Limits(attempts=4, host_patience=0.2),
    ) as connections:
        session = await connections.session(repository, "harbor")
        assert isinstance(session, HarborSession)
        yield session


@asynccontextmanager
async def served(
    folder: Path, harbor: HarborEmulator | None = None
) -> AsyncIterator[tuple[HarborEmulator, HarborSession]]:
    async with harbor or HarborEmulator() as running, connected(running, folder) as session:
        yield running, session


def put(
    harbor: HarborEmulator, text: str, *tags: str, subject: RawManifest | None = None, path: str = PATH
) -> RawManifest:
    config = images.config(text)
    harbor.storage.put_blob(path, config)
    return put_raw(harbor, images.image(config, subject=subject), *tags, path=path)


def sign(harbor: HarborEmulator, image: RawManifest) -> RawManifest:
    config = images.config(f"signature of {image.digest}")
    harbor.storage.put_blob(PATH, config)
    return put_raw(harbor, images.signature(config), f"sha256-{image.digest.hex}.sig")


def put_raw(harbor: HarborEmulator, raw: RawManifest, *tags: str, path: str = PATH) -> RawManifest:
    for tag in tags or (None,):
        harbor.storage.put_manifest(path, raw.body, raw.media_type, tag)
    return raw


def robot(*rights: str) -> Account:
    return Account("Robot-Secret-9", frozenset(rights))


def there(harbor: HarborEmulator, path: str = PATH) -> dict[str, str]:
    return {tag: str(digest) for tag, digest in harbor.storage.repositories[path].tags.items()}


def asked(harbor: HarborEmulator, method: str, part: str) -> int:
    return sum(each.method == method and part in each.path for each in harbor.requests)
