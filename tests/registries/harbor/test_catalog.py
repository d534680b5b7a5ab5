"""Harbor: the list of repositories, what it shows, takes and refuses."""

from pathlib import Path

import pytest

from holystone.adapters.registries.harbor import catalog as harbor_catalog
from holystone.engine.errors import Unauthorized, Unseen
from tests.emulators.harbor import Account, HarborEmulator
from tests.support.catalogs import listed, push, registry_of


async def test_a_project_that_is_not_there_or_closed_is_never_empty(tmp_path: Path) -> None:
    async with HarborEmulator() as served:
        push(served, served.path)
        served.accounts["robot$deleter"] = Account("Robots-0-Read", frozenset({"delete tag", "read project"}))
        async with registry_of(tmp_path, served) as registry:
            with pytest.raises(Unauthorized):
                await listed(registry, "nobody")
        async with registry_of(tmp_path, served, served.login_as("robot$deleter", "Robots-0-Read")) as registry:
            with pytest.raises(Unauthorized) as raised:
                await listed(registry, "shop")
            assert "repository:list" in raised.value.what_to_do
            with pytest.raises(Unseen):
                await listed(registry)


async def test_harbor_s_empty_project_is_empty(tmp_path: Path) -> None:
    async with HarborEmulator() as served, registry_of(tmp_path, served) as registry:
        assert await listed(registry, "shop") == []


async def test_repositories_that_move_between_harbor_s_pages_are_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(harbor_catalog, "PAGE_SIZE", 2)
    async with HarborEmulator() as served:
        names = [f"shop/app{number}" for number in range(7)]
        push(served, *names)
        served.before_page = lambda number: served.storage.repositories.pop("shop/app0", None) if number == 2 else None
        async with registry_of(tmp_path, served) as registry:
            assert sorted(await listed(registry, "shop")) == names
