"""Harbor: credentials, and where its API is."""

from pathlib import Path

import pytest

from holystone.engine.errors import Unauthorized
from holystone.engine.model.outcomes import Deleted, Forbidden
from holystone.engine.model.references import Tag
from tests.emulators.harbor import MAINTAINER, PASSWORD, Account, HarborEmulator
from tests.emulators.vendor import Login
from tests.registries.harbor.connected import connected, put, robot, served, there

CLI_SECRET = "cli-secret-of-an-oidc-user"


# Rights


async def test_the_cli_secret_of_an_oidc_user_deletes_tags_only(tmp_path: Path) -> None:
    async with HarborEmulator() as harbor:
        harbor.accounts["jane"] = Account(CLI_SECRET, oidc_cli=True)
        image = put(harbor, "one", "v1", "v2")
        async with connected(harbor, tmp_path, harbor.login_as("jane", CLI_SECRET)) as session:
            found = await session.probe()
            assert (found.forbidden, bool(found.tags), bool(found.digests)) == ("", True, False)
            assert await session.delete_tags([Tag("v1")]) == [Deleted()]
            assert there(harbor) == {"v2": image.digest}
            (outcome,) = await session.delete_manifests([image.digest])
            assert isinstance(outcome, Forbidden)
        async with connected(harbor, tmp_path, harbor.login_as("jane", CLI_SECRET), path="shop/none") as other:
            assert not (await other.list_tags()).exists


async def test_a_wrong_password_is_told_once_with_its_origin(tmp_path: Path) -> None:
    async with HarborEmulator() as harbor:
        put(harbor, "one", "v1")
        async with connected(harbor, tmp_path, harbor.bad_login()) as session:
            for asking in (session.probe, session.list_tags):
                with pytest.raises(Unauthorized, match="WERF_REPO_HARBOR_PASSWORD") as raised:
                    await asking()
                assert "Not-The-Password" not in str(raised.value)


async def test_nobody_may_read_a_public_project_and_not_delete(tmp_path: Path) -> None:
    async with HarborEmulator(public=True) as harbor:
        image = put(harbor, "one", "v1")
        async with connected(harbor, tmp_path, Login()) as session:
            found = await session.probe()
            assert found.forbidden
            assert "anonymous access" in found.forbidden
            assert (await session.list_tags()).tags == {"v1": image.digest}
            assert await session.read_manifests([image.digest]) == {image.digest: image}


async def test_docker_s_configuration_and_the_registry_s_own_host_are_enough(tmp_path: Path) -> None:
    async with HarborEmulator() as harbor:
        image = put(harbor, "one", "v1")
        auth = {"username": "sweeper", "password": PASSWORD}
        login = Login(docker_config={"auths": {harbor.host: auth}})
        async with connected(harbor, tmp_path, login, api_url=False) as session:
            assert not (await session.probe()).forbidden
            assert await session.delete_manifests([image.digest]) == [Deleted()]


async def test_the_api_may_be_elsewhere(tmp_path: Path) -> None:
    async with HarborEmulator() as harbor, HarborEmulator() as core:
        core.storage = harbor.storage
        put(harbor, "one", "v1")
        login = harbor.login()
        elsewhere = Login({**login.environ, "HOLYSTONE_REPO_API_URL": core.url})
        async with connected(harbor, tmp_path, elsewhere) as session:
            assert (await session.list_tags()).tags.keys() == {"v1"}
            assert await session.delete_tags([Tag("v1")]) == [Deleted()]
        assert {each.path.split("/")[1] for each in harbor.requests} == {"v2"}
        assert {each.path.split("/")[1] for each in core.requests} == {"api"}


# Later


async def test_a_robot_that_expires_in_the_middle_is_told(tmp_path: Path) -> None:
    async with HarborEmulator() as harbor:
        harbor.accounts["robot$sweeper"] = robot(*MAINTAINER)
        put(harbor, "one", "v1", "v2")
        async with connected(harbor, tmp_path, harbor.login_as("robot$sweeper", "Robot-Secret-9")) as session:
            assert await session.delete_tags([Tag("v1")]) == [Deleted()]
            del harbor.accounts["robot$sweeper"]
            (outcome,) = await session.delete_tags([Tag("v2")])
            assert isinstance(outcome, Forbidden)
            assert "robot$sweeper" in outcome.what
            with pytest.raises(Unauthorized):
                await session.list_tags()


async def test_no_cookie_is_sent_back_so_that_no_csrf_token_is_wanted(tmp_path: Path) -> None:
    async with served(tmp_path) as (harbor, session):
        image = put(harbor, "one", "v1")
        await session.list_tags()
        assert await session.delete_manifests([image.digest]) == [Deleted()]
