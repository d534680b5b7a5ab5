"""A host without a name that tells is asked what it is: once, without a credential, and whatever it answers."""

import base64
import json
from collections.abc import Mapping
from pathlib import Path
from unittest import mock

import anyio
import pytest

from holystone.adapters.credentials.reference import AsGiven, PasswordLogin
from holystone.adapters.credentials.secret import Secret
from holystone.adapters.registries import fingerprint
from holystone.adapters.registries.connections import Connections
from holystone.adapters.registries.implementations import VENDORS
from holystone.adapters.registries.reach import Access
from holystone.embedded.access import Basic, User
from holystone.embedded.faults import Action, Answer, Drop, Fault, Hang, Truncate, redirect
from holystone.embedded.server import EmbeddedRegistry
from holystone.engine.errors import HolystoneError, UsageError
from holystone.engine.model.addresses import Address
from holystone.engine.model.references import RegistryHost, Repository, RepositoryPath
from holystone.engine.scheduler import Limits
from tests.contract.stands import EMULATORS, emulator

TELL = {name for name, vendor in VENDORS.items() if vendor.recognizes}
HARBOR = PasswordLogin("sweeper", AsGiven(Secret("Belongs-Elsewhere-1"), "$WERF_REPO_HARBOR_PASSWORD"))


def address(registry: EmbeddedRegistry) -> Address:
    return Address(RegistryHost.parse(registry.host))


def connections(folder: Path, docker: Mapping[str, object] | None = None, **more: object) -> Connections:
    (folder / "config.json").write_text(json.dumps(docker or {}))
    limits = Limits(attempts=2, host_patience=0.05, first_patience=0.05)
    return Connections(folder, limits=limits, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", EMULATORS)
async def test_every_vendor_on_a_strange_host(name: str, tmp_path: Path) -> None:
    async with emulator(name) as registry, connections(tmp_path, registry.login().docker_config) as opened:
        found = await opened.identify(address(registry))
        assert found == (name if name in TELL else "default", "registry")
        asked = registry.requests
        assert [(each.method, each.path, each.authorization) for each in asked] == [("GET", "/v2/", "")]


async def test_a_host_is_asked_once(tmp_path: Path) -> None:
    async with emulator("harbor") as registry, connections(tmp_path) as opened:
        async with anyio.create_task_group() as group:
            for override in (None, "", "auto", None):
                group.start_soon(opened.identify, address(registry), override)
        assert len(registry.requests) == 1


async def test_what_the_user_says_is_not_asked(tmp_path: Path) -> None:
    async with emulator("harbor") as registry, connections(tmp_path) as opened:
        assert await opened.identify(address(registry), "default") == ("default", "user")
        assert registry.requests == []


@pytest.mark.parametrize("host", ["harbor.example.com", "quay.io", "gitlab.com", "x.azurecr.io", "docker.io"])
async def test_a_name_that_tells_is_not_asked(host: str, tmp_path: Path) -> None:
    async with connections(tmp_path) as opened:
        with mock.patch.object(opened, "_ask", side_effect=AssertionError):
            assert (await opened.identify(Address(RegistryHost(host)))).detected_by == "name"


CHALLENGE = {"WWW-Authenticate": 'Bearer realm="https://r.example.com/service/token",service="harbor-registry"'}


@pytest.mark.parametrize(
    "action",
    [
        Answer(200, b"<html>a front page</html>"),
        Answer(404),
        Answer(429, headers=CHALLENGE | {"Retry-After": "3600"}),
        Answer(503, headers=CHALLENGE),
        Answer(401, b"x" * 20_000, CHALLENGE),
        Answer(401, headers={"WWW-Authenticate": "Negotiate"}),
        redirect("/v2/"),
        redirect("nowhere://at-all/"),
        Truncate(),
        Drop(),
    ],
)
async def test_an_odd_answer_is_nobodys(action: Action, tmp_path: Path) -> None:
    odd = EmbeddedRegistry(faults=(Fault("GET", "/v2/", action, times=None),))
    async with odd as registry, connections(tmp_path) as opened:
        assert await opened.identify(address(registry)) == ("default", "registry")
        assert not [each for each in registry.requests if each.authorization]


async def test_a_limit_for_strangers_does_not_keep_us_waiting(tmp_path: Path) -> None:
    limit = Fault("GET", "/v2/$", Answer(429, headers={"Retry-After": "3600"}))
    async with EmbeddedRegistry(faults=(limit,)) as registry, connections(tmp_path) as opened:
        default = await opened.session(repository(registry))
        with anyio.fail_after(5):
            assert not (await default.list_tags()).exists


async def test_what_another_host_says_is_nobodys(tmp_path: Path) -> None:
    async with emulator("harbor") as harbor:
        moved = EmbeddedRegistry(faults=(Fault("GET", "/v2/", redirect(f"{harbor.url}/v2/")),))
        async with moved as registry, connections(tmp_path) as opened:
            assert await opened.identify(address(registry)) == ("default", "registry")
        assert len(harbor.requests) == 1


async def test_no_answer_is_nobodys(tmp_path: Path) -> None:
    async with emulator("harbor") as registry:
        there = address(registry)
    async with connections(tmp_path) as opened:
        assert await opened.identify(there) == ("default", "registry")


async def test_an_answer_that_does_not_come_is_not_waited_for(tmp_path: Path) -> None:
    silent = EmbeddedRegistry(faults=(Fault("GET", "/v2/", Hang()),))
    async with silent as registry, connections(tmp_path) as opened:
        with mock.patch.object(fingerprint, "PATIENCE", 0.05), anyio.fail_after(5):
            assert await opened.identify(address(registry)) == ("default", "registry")
        assert [lane.in_flight for lane in opened.scheduler.lanes] == [0]


def repository(registry: EmbeddedRegistry) -> Repository:
    return Repository(RegistryHost.parse(registry.host), RepositoryPath("shop/team/app"))


async def test_the_word_of_a_registry_does_not_get_it_a_login(tmp_path: Path) -> None:
    access = {"images": Access({"harbor": HARBOR})}
    async with emulator("harbor") as registry:
        async with connections(tmp_path, access=access) as opened:
            with pytest.raises(UsageError) as refused:
                await opened.session(repository(registry))
            with pytest.raises(UsageError):  # as a plan says it that was made when it was asked
                await opened.session(repository(registry), "harbor", "images", "registry")
        assert HARBOR.origin in str(refused.value)
        assert "--repo-implementation harbor" in refused.value.what_to_do
        assert [each.authorization for each in registry.requests] == [""]


async def test_it_gets_what_docker_has_for_its_host(tmp_path: Path) -> None:
    access = {"images": Access({"harbor": HARBOR})}
    pair = base64.b64encode(b"guest:Only-Looking-678").decode()
    async with emulator("harbor") as registry:
        docker = {"auths": {registry.host: {"auth": pair}}}
        async with connections(tmp_path, docker, access=access) as opened:
            harbor = await opened.session(repository(registry))
            await harbor.list_tags()
        assert {each.authorization for each in registry.requests} == {"", f"Basic {pair}"}


async def test_the_users_word_gets_it_the_login(tmp_path: Path) -> None:
    access = {"images": Access({"harbor": HARBOR})}
    async with emulator("harbor") as registry, connections(tmp_path, access=access) as opened:
        harbor = await opened.session(repository(registry), "harbor", "images", "user")
        with pytest.raises(HolystoneError):
            await harbor.list_tags()
        assert any(each.authorization.startswith("Basic ") for each in registry.requests)


async def test_a_host_that_has_a_login_of_its_own_is_shown_no_other(tmp_path: Path) -> None:
    """A file of policies names the logins of many registries, and a variable of the pipeline is another one's."""
    access = {"images": Access({"harbor": HARBOR})}
    ours = PasswordLogin("guest", AsGiven(Secret("Only-Looking-678"), "the file"))
    pair = base64.b64encode(b"guest:Only-Looking-678").decode()
    async with emulator("harbor") as registry:
        by_host = {RegistryHost.parse(registry.host): ours}
        async with connections(tmp_path, access=access, by_host=by_host) as opened:
            harbor = await opened.session(repository(registry), "harbor", "images", "user")
            await harbor.list_tags()
        assert {each.authorization for each in registry.requests} == {f"Basic {pair}"}


async def test_a_helper_that_was_asked_anew_opens_no_second_session(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was listed for a plan is known when it is carried out, although a token ran out in between."""
    said = '{"Username": "jane", "Secret": "%s"}'
    helper = tmp_path / "docker-credential-short-lived"
    lines = (
        f"test -e {tmp_path}/asked && word=second || word=first",
        f"touch {tmp_path}/asked",
        f"printf '{said}' $word",
    )
    helper.write_text("\n".join(("#!/bin/sh", *lines)))
    helper.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    users = {"jane": User("first")}
    async with (
        EmbeddedRegistry(auth=Basic(users)) as registry,
        connections(tmp_path, {"credHelpers": {registry.host: "short-lived"}}) as opened,
    ):
        session = await opened.session(repository(registry), "default")
        await session.list_tags()
        users["jane"] = User("second")
        await session.list_tags()
        assert await opened.session(repository(registry), "default") is session
