"""Quay as a run is connected with it, on its emulator, and short ways to fill and to ask that."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Literal

from holystone.adapters.registries.connections import Connections
from holystone.engine.model.references import Digest, RegistryHost, Repository, RepositoryPath
from holystone.engine.ports import RepositorySession
from holystone.engine.scheduler import Limits
from holystone.settings.access import resolve_access
from holystone.settings.given import Given
from tests.emulators.quay import QuayEmulator
from tests.emulators.vendor import Login
from tests.support import images

Door = Literal["api", "robot"]


ABSENT = Digest("sha256:" + "0" * 64)
PATH = "team/app"


class Wall:
    """A clock of long ago that tests move."""

    def __init__(self) -> None:
        self.now = 1_600_000_000.0

    def __call__(self) -> float:
        return self.now


@asynccontextmanager
async def connected(
    folder: Path, quay: QuayEmulator, *logins: Login, path: str = PATH, api_url: str = ""
) -> AsyncIterator[RepositorySession]:
    logins = logins or (quay.login(),)
    environ = dict(quay.environ)
    for login in logins:
        environ |= login.environ
        if login.docker_config:
            (folder / "config.json").write_text(json.dumps(login.docker_config))
    if api_url:
        environ["HOLYSTONE_REPO_API_URL"] = api_url
    repository = Repository(RegistryHost.parse(quay.host), RepositoryPath(path))
    access = resolve_access(Given({}, environ))
    limits = Limits(attempts=3, host_patience=0.2)
    async with Connections(folder, access=access, environ=environ, limits=limits) as connections:
        yield await connections.session(repository, "quay")


def put(quay: QuayEmulator, *tags: str, text: str = "one") -> Digest:
    config = images.config(text)
    manifest = images.image(config)
    quay.storage.put_blob(PATH, config)
    for tag in tags or (None,):
        quay.storage.put_manifest(PATH, manifest.body, manifest.media_type, tag)
    return manifest.digest


def fill(quay: QuayEmulator, wall: Wall, count: int) -> dict[str, Digest]:
    """So many tags, three of them on each manifest."""
    quay.storage.repository(PATH)
    tags = {}
    for number in range(count):
        wall.now += 1
        tags[f"v{number:04}"] = put(quay, f"v{number:04}", text=str(number // 3))
    return tags


def tags_of(quay: QuayEmulator) -> dict[str, Digest]:
    return dict(quay.storage.repositories[PATH].tags)


def asked(quay: QuayEmulator, method: str, part: str) -> int:
    return sum(each.method == method and part in each.path for each in quay.requests)
