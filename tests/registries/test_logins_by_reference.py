"""A vendor's login whose secret is somewhere else is read where the registry is connected to, and only once."""

import os
import threading
from pathlib import Path

import pytest

from holystone.adapters.registries.connections import Connections
from holystone.engine.errors import UsageError
from holystone.engine.model.references import RegistryHost, Repository, RepositoryPath, Tag
from holystone.settings.access import resolve_access
from holystone.settings.given import Given
from tests.emulators.harbor import HarborEmulator
from tests.registries.harbor.connected import put


def opened(folder: Path, harbor: HarborEmulator, password: str, **environ: str) -> Connections:
    (folder / "config.json").write_text("{}")
    login = {**harbor.login().environ, "WERF_REPO_HARBOR_PASSWORD": password}
    return Connections(folder, access=resolve_access(Given({}, {**harbor.environ, **login})), environ=environ)


async def tags_of(connections: Connections, harbor: HarborEmulator, path: str) -> set[Tag]:
    at = Repository(RegistryHost.parse(harbor.host), RepositoryPath(path))
    session = await connections.session(at, "harbor", detected_by="user")
    return set((await session.list_tags()).tags)


async def test_a_variable_and_a_pipe_serve_all_repositories(tmp_path: Path) -> None:
    async with HarborEmulator() as harbor:
        password = harbor.login().environ["WERF_REPO_HARBOR_PASSWORD"]
        for path in ("shop/one", "shop/two"):
            put(harbor, path, "v1", path=path)
        os.mkfifo(tmp_path / "pipe")
        writer = threading.Thread(target=(tmp_path / "pipe").write_text, args=(f"{password}\n",))
        writer.start()
        for there in (
            opened(tmp_path, harbor, "env:THE_PASSWORD", THE_PASSWORD=password),
            opened(tmp_path, harbor, f"file:{tmp_path}/pipe"),
        ):
            async with there as connections:
                for path in ("shop/one", "shop/two"):
                    assert await tags_of(connections, harbor, path) == {"v1"}
        writer.join()


async def test_what_is_not_there_is_told_before_the_registry_is_asked(tmp_path: Path) -> None:
    async with HarborEmulator() as harbor:
        for password in ("env:THE_PASSWORD", f"file:{tmp_path}/none"):
            async with opened(tmp_path, harbor, password) as connections:
                with pytest.raises(UsageError, match=r"\$WERF_REPO_HARBOR_PASSWORD refers to the (variable|file)"):
                    await tags_of(connections, harbor, "shop/one")
        assert not harbor.requests
