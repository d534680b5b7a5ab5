"""What a catalog shows."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import cast

from holystone.adapters.registries.connections import Connections
from holystone.adapters.registries.oci import OciSession
from holystone.engine.model.references import RegistryHost, Repository, RepositoryPath
from holystone.engine.ports import Registry
from holystone.engine.scheduler import Limits
from holystone.settings.access import resolve_access
from holystone.settings.given import Given
from tests.emulators.vendor import Login, VendorEmulator
from tests.support import images


async def listed(registry: Registry, prefix: str | None = None) -> list[str]:
    """Paths, as often as they come. Of odd names there must be none."""
    found: list[str] = []
    async for page in registry.repositories(RepositoryPath(prefix) if prefix else None):
        assert not page.odd
        assert all(each.host == registry.host for each in page.repositories)
        found += [str(each.path) for each in page.repositories]
    return found


@asynccontextmanager
async def registry_of(
    folder: Path, served: VendorEmulator, login: Login | None = None, environ: Mapping[str, str] | None = None
) -> AsyncIterator[Registry]:
    log_in = login or served.catalog_login()
    (folder / "config.json").write_text(json.dumps(log_in.docker_config))
    environ = {"HOME": str(folder), **served.environ, **log_in.environ, **(environ or {})}
    access = resolve_access(Given({}, environ))
    limits = Limits(attempts=3, host_patience=0.2)
    async with Connections(folder, access=access, environ=environ, limits=limits) as connections:
        repository = Repository(RegistryHost.parse(served.host), RepositoryPath(served.path))
        session = await connections.session(repository, served.implementation)
        assert isinstance(session, OciSession)
        yield cast("Registry", session.registry)


def push(served: VendorEmulator, *paths: str) -> None:
    """An image to each."""
    config = images.config("one")
    raw = images.image(config)
    for path in paths:
        served.storage.put_blob(path, config)
        served.storage.put_manifest(path, raw.body, raw.media_type, "v1")
