"""Docker Hub: the list of repositories, what it shows, takes and refuses."""

from pathlib import Path

import pytest

from holystone.embedded.faults import Answer, Fault
from holystone.engine.errors import Unauthorized, Unseen
from tests.emulators.dockerhub import Account as HubAccount
from tests.emulators.dockerhub import DockerHubEmulator
from tests.emulators.vendor import Login
from tests.support.catalogs import listed, push, registry_of

JSON = {"Content-Type": "application/json"}


async def test_docker_hub_shows_a_stranger_no_part_of_a_namespace_as_the_whole(tmp_path: Path) -> None:
    async with DockerHubEmulator(private=False) as served:
        push(served, served.path)
        async with registry_of(tmp_path, served, Login()) as registry:
            with pytest.raises(Unauthorized, match="only those that everybody may see would be listed"):
                await listed(registry, "team")


async def test_a_namespace_that_docker_hub_does_not_show_is_unseen(tmp_path: Path) -> None:
    async with DockerHubEmulator() as served:
        push(served, served.path)
        async with registry_of(tmp_path, served) as registry:
            with pytest.raises(Unseen, match=r"none of the repositories of .*/nobody"):
                await listed(registry, "nobody")
            with pytest.raises(Unseen, match=r"shows .* none of the repositories of .*/team/nothing"):
                await listed(registry, "team/nothing")
            served.faults.add(
                Fault("GET", r"/repositories\?", Answer(404, b'{"message":"not found"}', JSON), times=None)
            )
            with pytest.raises(Unseen, match="no namespace team"):
                await listed(registry, "team")


async def test_an_organization_s_token_that_may_not_list_is_shown_nothing_and_that_is_unseen(tmp_path: Path) -> None:
    async with DockerHubEmulator() as served:
        push(served, served.path)
        scopes = frozenset({"scope-repository-read", "scope-tag-admin", "scope-image-pull"})
        served.let_in(HubAccount("oat", "team", "dckr_oat_holystone", scopes))
        async with registry_of(tmp_path, served, served.docker_login("dckr_oat_holystone", "team")) as registry:
            with pytest.raises(Unseen):
                await listed(registry, "team")


async def test_a_repository_that_goes_while_docker_hub_is_read_hides_no_other(tmp_path: Path) -> None:
    def change(hub: DockerHubEmulator, number: int) -> None:
        if number == 1:
            hub.storage.repositories.pop("team/app000", None)

    async with DockerHubEmulator(between_pages=change) as served:
        names = [f"team/app{number:03}" for number in range(205)]
        push(served, *names)
        async with registry_of(tmp_path, served) as registry:
            assert sorted(await listed(registry, "team")) == names
