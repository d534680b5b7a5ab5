"""GitLab: the list of repositories, what it shows, takes and refuses."""

from pathlib import Path

import pytest

from holystone.adapters.registries.gitlab import catalog as gitlab_catalog
from holystone.engine.errors import IncompleteSource, Unauthorized, Unseen
from tests.emulators.gitlab import DEVELOPER, GitlabEmulator
from tests.support.catalogs import listed, push, registry_of


async def test_gitlab_lists_a_group_a_project_and_what_is_below_it(tmp_path: Path) -> None:
    async with GitlabEmulator() as served:
        push(served, "team/app", "team/app/front", "team/app/front/dev", "team/tool", "teams/x")
        async with registry_of(tmp_path, served) as registry:
            assert sorted(await listed(registry, "team")) == [
                "team/app",
                "team/app/front",
                "team/app/front/dev",
                "team/tool",
            ]
            assert sorted(await listed(registry, "team/app")) == ["team/app", "team/app/front", "team/app/front/dev"]
            assert sorted(await listed(registry, "team/app/front")) == ["team/app/front", "team/app/front/dev"]
            assert await listed(registry, "team/app/none") == []


async def test_what_gitlab_hides_or_closes_is_never_empty(tmp_path: Path) -> None:
    async with GitlabEmulator() as served:
        push(served, "team/app", "hidden/app", "closed/app")
        served.closed.add("closed")
        async with registry_of(tmp_path, served) as registry:
            for prefix in ("hidden", "hidden/app", "hidden/app/front", "nobody"):
                with pytest.raises(Unseen, match="no group and no project"):
                    await listed(registry, prefix)
            with pytest.raises(Unauthorized) as raised:
                await listed(registry, "closed")
            assert "read_api" in raised.value.what_to_do


async def test_a_group_that_is_called_like_a_number_is_not_the_one_with_that_number(tmp_path: Path) -> None:
    async with GitlabEmulator() as served:
        push(served, "2024/app/front", "team/app")
        async with registry_of(tmp_path, served) as registry:
            assert await listed(registry, "2024/app") == ["2024/app/front"]
            with pytest.raises(IncompleteSource, match="takes 2024 for the number of a group"):
                await listed(registry, "2024")


async def test_without_an_access_token_gitlab_lists_to_administrators_only(tmp_path: Path) -> None:
    async with GitlabEmulator() as served:
        push(served, "team/app")
        async with registry_of(tmp_path, served, served.docker(DEVELOPER)) as registry:
            with pytest.raises(Unauthorized) as raised:
                await listed(registry, "team")
            assert "--repo-gitlab-token" in raised.value.what_to_do


async def test_projects_that_move_between_gitlab_s_pages_are_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gitlab_catalog, "PAGE_SIZE", 2)
    async with GitlabEmulator() as served:
        names = [f"team/app{number}" for number in range(7)]
        push(served, *names)
        served.before_page = lambda number: served.storage.repositories.pop("team/app0", None) if number == 2 else None
        async with registry_of(tmp_path, served) as registry:
            assert sorted(await listed(registry, "team")) == names
