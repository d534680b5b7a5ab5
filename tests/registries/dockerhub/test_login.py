"""Docker Hub: one login for the registry, another one for the Hub's API."""

import base64
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest
from yarl import URL

from holystone.adapters.credentials.credential import Anonymous, Credential, UserPassword
from holystone.adapters.credentials.docker_config import DockerConfig
from holystone.adapters.credentials.secret import Secret
from holystone.adapters.http.transport import RegistryHttp
from holystone.adapters.registries.dockerhub.connect import connect
from holystone.adapters.registries.dockerhub.login import HubLogin
from holystone.adapters.registries.endpoint import Endpoint
from holystone.embedded.faults import Answer, Fault
from holystone.engine.errors import IncompleteSource, RegistryFailure, Unauthorized
from holystone.engine.model.outcomes import Deleted, Failed, Forbidden
from holystone.engine.model.references import RegistryHost, Tag
from holystone.engine.scheduler import Limits, Scheduler
from tests.emulators.dockerhub import Account, DockerHubEmulator
from tests.emulators.vendor import Login
from tests.registries.dockerhub.connected import HUB, PATH, opened, options, put, served


async def test_options_win_for_the_hub_api_and_dockers_configuration_for_the_registry(tmp_path: Path) -> None:
    async with DockerHubEmulator() as emulator:
        reader = Account("pat", "ann", "dckr_pat_ann-may-pull", frozenset({"read"}))
        emulator.let_in(*emulator.accounts, reader)
        docker = emulator.docker_login(reader.secret, reader.identifier)
        mine = options("rob", emulator.accounts[0].secret)
        login = Login({**docker.environ, **mine.environ}, docker.docker_config)
        raw = put(emulator, "one", "v1")
        async with opened(emulator, tmp_path, login) as session:
            assert not (await session.probe()).forbidden
            assert await session.resolve(Tag("v1")) == raw.digest
            with pytest.raises(Unauthorized, match="user 'ann'"):
                await session.push_manifest(Tag("v2"), raw)
        async with opened(emulator, tmp_path, mine) as session:
            await session.push_manifest(Tag("v2"), raw)


async def test_fifty_at_once_log_in_once_and_once_more_when_the_token_ends(tmp_path: Path) -> None:
    async with served(tmp_path) as (emulator, session):
        put(emulator, "one", *(f"v{number}" for number in range(50)))

        async def delete(number: int) -> None:
            assert await session.delete_tags([Tag(f"v{number}")]) == [Deleted()]

        async def delete_some(numbers: range) -> None:
            async with anyio.create_task_group() as group:
                for number in numbers:
                    group.start_soon(delete, number)

        await delete_some(range(25))
        assert emulator.logins == 1
        emulator.expire_tokens()
        await delete_some(range(25, 50))
        assert emulator.logins == 2
        assert emulator.storage.repositories[PATH].tags == {}


@asynccontextmanager
async def hub_login(emulator: DockerHubEmulator, secret: str = "", **more: Any) -> AsyncIterator[HubLogin]:
    host = RegistryHost.parse(emulator.host)
    credential = UserPassword("rob", Secret(secret or emulator.accounts[0].secret), "the test")
    async with RegistryHttp(host, Anonymous()) as http:
        yield HubLogin(credential, http, Scheduler(Limits(attempts=2)).lane(host, "rob", "login"), **more)


async def test_a_token_is_renewed_before_it_ends(tmp_path: Path) -> None:
    now = [1000.0]
    async with DockerHubEmulator() as emulator, hub_login(emulator, clock=lambda: now[0]) as login:
        first = await login.token()
        now[0] += 569
        assert await login.token() == first
        now[0] += 2
        second = await login.token()
        assert second != first
        assert await login.token(refused=second) != second
        assert emulator.logins == 3


async def test_a_short_token_is_used_for_three_quarters_of_its_life() -> None:
    now = [1000.0]
    async with DockerHubEmulator(lifetime=8) as emulator, hub_login(emulator, clock=lambda: now[0]) as login:
        first = await login.token()
        assert first.renew_at == pytest.approx(1006)


async def test_a_connection_takes_over_a_newer_token_without_being_refused_first(tmp_path: Path) -> None:
    async with served(tmp_path, lifetime=1e-6) as (emulator, session):
        emulator.clock = lambda: 1000.0  # the server's own: there the tokens stay good
        put(emulator, "one", "v1")
        await session.list_tags()
        await session.list_tags()
        assert emulator.logins == 4
        assert [each.status for each in emulator.requests if each.path.startswith(HUB)] == [200] * 4


@pytest.mark.parametrize(
    "claims",
    [{}, {"exp": 5, "iat": 9}, {"exp": "x", "iat": 1}, {"exp": float("inf"), "iat": 1}, {"exp": 10**400, "iat": 1}],
)
async def test_a_token_that_does_not_say_how_long_lives_ten_minutes(claims: Mapping[str, Any]) -> None:
    payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    body = json.dumps({"access_token": f"e30.{payload}.sig"}).encode()
    async with DockerHubEmulator() as emulator, hub_login(emulator, clock=lambda: 0.0) as login:
        emulator.faults.add(Fault("POST", "/v2/auth/token", Answer(200, body)))
        assert (await login.token()).renew_at == 570


async def test_a_helpers_newer_password_is_tried_once() -> None:
    async with DockerHubEmulator() as emulator:
        newer = UserPassword("rob", Secret(emulator.accounts[0].secret), "the helper")
        asked_for: list[Credential] = []

        async def renew(refused: Credential) -> Credential:
            asked_for.append(refused)
            return newer

        async with hub_login(emulator, "out-of-date", renew=renew) as login:
            assert (await login.token()).origin == "the helper"
        assert len(asked_for) == 1
        emulator.let_in()
        async with hub_login(emulator, "out-of-date", renew=renew) as login:
            for times in (4, 5):  # the second time it has nothing newer
                with pytest.raises(Unauthorized, match=r"\(the helper\)"):
                    await login.token()
                assert emulator.logins == times


@pytest.mark.parametrize("how", ["docker", "options"])
async def test_a_wrong_password_is_named_and_not_shown(tmp_path: Path, how: str) -> None:
    """The emulator repeats it in its answer."""
    async with DockerHubEmulator() as emulator:
        login = emulator.bad_login() if how == "docker" else options("rob", "dckr_pat_wrong")
        put(emulator, "one", "v1")
        async with opened(emulator, tmp_path, login) as session:
            for ask in (session.list_tags, session.probe):
                with pytest.raises(Unauthorized, match="refuses user 'rob'") as raised:
                    await ask()
                assert ("auths in " if how == "docker" else "$WERF_REPO_DOCKER_HUB") in raised.value.message
                assert "***" in raised.value.message
                assert not any(secret in str(raised.value) for secret in login.secrets)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Answer(200, b"<html>"), IncompleteSource),
        (Answer(200, b'{"access_token":""}'), IncompleteSource),
        (Answer(200, b'{"token":"a-secret-of-theirs"}'), IncompleteSource),
        (Answer(200, b'{"access_token":["a-secret-of-theirs"]}'), IncompleteSource),
        (Answer(404, b"404 page not found"), IncompleteSource),
        (Answer(403, b'{"message":"forbidden"}'), Unauthorized),
        (Answer(502), RegistryFailure),
    ],
)
async def test_odd_replies_to_a_login(tmp_path: Path, answer: Answer, error: type[Exception]) -> None:
    async with served(tmp_path, Fault("POST", "/v2/auth/token", answer, times=None)) as (emulator, session):
        put(emulator, "one", "v1")
        with pytest.raises(error, match=r"127\.0\.0\.1") as raised:
            await session.list_tags()
        assert "theirs" not in str(raised.value)
        (outcome,) = await session.delete_tags([Tag("v1")])
        assert isinstance(outcome, Failed | Forbidden)


async def test_a_ready_token_is_used_until_it_ends(tmp_path: Path) -> None:
    async with DockerHubEmulator() as emulator:
        put(emulator, "one", "v1", "v2")
        token = emulator.issue(emulator.accounts[0])
        login = Login({"WERF_REPO_DOCKER_HUB_TOKEN": token}, emulator.login().docker_config)
        async with opened(emulator, tmp_path, login) as session:
            assert not (await session.probe()).forbidden
            assert await session.delete_tags([Tag("v1")]) == [Deleted()]
            emulator.expire_tokens()
            with pytest.raises(Unauthorized, match=r"the token \(\$WERF_REPO_DOCKER_HUB_TOKEN\)") as raised:
                await session.list_tags()
            assert "ten minutes" in raised.value.what_to_do
            assert token not in str(raised.value)
            (outcome,) = await session.delete_tags([Tag("v2")])
            assert isinstance(outcome, Forbidden)
        assert emulator.logins == 0


@pytest.mark.parametrize(
    ("host", "api"),
    [
        ("docker.io", "https://hub.docker.com"),
        ("index.docker.io", "https://hub.docker.com"),
        ("registry-1.docker.io", "https://hub.docker.com"),
        ("registry.hub.docker.com", "https://hub.docker.com"),
        ("mirror.example.com", "https://mirror.example.com"),
    ],
)
async def test_where_the_hub_api_is(host: str, api: str) -> None:
    """The credential of a host that is not Docker Hub's stays there."""
    opened: list[str] = []

    def open_http(base: URL | RegistryHost, credential: Credential, **more: Any) -> RegistryHttp:
        at = base if isinstance(base, URL) else None
        name = RegistryHost.parse(base.authority) if isinstance(base, URL) else base
        del more["preemptive"]
        http = RegistryHttp(name, credential, base=at, **more)
        opened.append(repr(http).split()[1])
        return http

    async def same(refused: Credential) -> Credential:
        return refused

    parsed = RegistryHost.parse(host)
    scheduler = Scheduler()
    docker = UserPassword("rob", Secret("secret"), "the test")
    async with AsyncExitStack() as resources:
        endpoint = Endpoint(
            host=parsed,
            login=None,
            docker=docker,
            refresh_docker=same,
            api_url=None,
            own_api=URL(f"https://{host}"),
            vouched=True,
            environ={},
            lane=lambda kind, quota=None: scheduler.lane(parsed, "rob", kind, quota),
            open_http=open_http,
            resources=resources,
        )
        assert (await connect(endpoint)).host == host
    registry = "https://registry-1.docker.io" if "docker" in host else api
    assert opened == [registry, api, api]


@pytest.mark.parametrize("host", ["docker.io", "index.docker.io", "registry-1.docker.io", "registry.hub.docker.com"])
async def test_every_name_of_docker_hub_has_the_login_that_docker_keeps_for_it(tmp_path: Path, host: str) -> None:
    auth = base64.b64encode(b"rob:secret").decode()
    (tmp_path / "config.json").write_text(json.dumps({"auths": {"https://index.docker.io/v1/": {"auth": auth}}}))
    found = await DockerConfig.read(tmp_path).credential(RegistryHost(host), PATH)
    assert isinstance(found, UserPassword)
    assert found.username == "rob"
