"""GitHub: the list of repositories, what it shows, takes and refuses."""

from pathlib import Path

import pytest

from holystone.adapters.registries.github import catalog as github_catalog
from holystone.engine.errors import Unauthorized, Unseen
from tests.emulators.github import WORKFLOW, GithubEmulator
from tests.support.catalogs import listed, push, registry_of


async def test_a_workflow_s_token_is_told_that_it_may_not_list(tmp_path: Path) -> None:
    async with GithubEmulator() as served:
        push(served, served.path)
        async with registry_of(tmp_path, served, served._login(WORKFLOW)) as registry:
            with pytest.raises(Unauthorized) as raised:
                await listed(registry, "acme")
            assert "GITHUB_TOKEN may not list packages" in raised.value.what_to_do


async def test_another_user_s_packages_are_not_listed_in_part(tmp_path: Path) -> None:
    async with GithubEmulator(owner_kinds={"acme": "User"}, public=True) as served:
        push(served, served.path)
        async with registry_of(tmp_path, served) as registry:
            with pytest.raises(Unauthorized, match="only those that everybody may see"):
                await listed(registry, "acme")


async def test_one_s_own_packages_are_listed(tmp_path: Path) -> None:
    async with GithubEmulator(owner_kinds={"captain": "User"}) as served:
        push(served, "captain/log", "captain/ship/bridge")
        async with registry_of(tmp_path, served) as registry:
            assert sorted(await listed(registry, "captain")) == ["captain/log", "captain/ship/bridge"]
            assert await listed(registry, "captain/ship") == ["captain/ship/bridge"]


async def test_packages_that_move_between_github_s_pages_are_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(github_catalog, "PAGE_SIZE", 2)
    async with GithubEmulator() as served:
        names = [f"acme/app{number}" for number in range(7)]
        push(served, *names)
        served.before_page = lambda number: served.storage.repositories.pop("acme/app6", None) if number == 2 else None
        async with registry_of(tmp_path, served) as registry:
            assert sorted(await listed(registry, "acme")) == names


async def test_packages_that_github_hides_all_are_unseen(tmp_path: Path) -> None:
    async with GithubEmulator() as served:
        push(served, served.path)
        served.hidden.add(served.path)
        async with registry_of(tmp_path, served) as registry:
            with pytest.raises(Unseen):
                await listed(registry, "acme")
