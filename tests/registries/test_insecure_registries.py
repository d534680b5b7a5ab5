"""`--insecure-registry` is about a registry's own door: what opens its vendor's API never travels in clear text."""

from pathlib import Path

import pytest
from aiohttp import web

from holystone.adapters.credentials.reference import AsGiven, Login, PasswordLogin, TokenLogin
from holystone.adapters.credentials.secret import Secret
from holystone.adapters.http.hosts import Hosts
from holystone.adapters.registries.connections import Connections
from holystone.adapters.registries.reach import Access, TokenServer
from holystone.engine.errors import HolystoneError
from holystone.engine.model.references import RegistryHost, Repository, RepositoryPath
from tests.support.http_site import site
from tests.support.tunnel import tunnel

USER = PasswordLogin("robot", AsGiven(Secret("the-robots-secret"), "--repo-harbor-password"))
TOKEN = TokenLogin(AsGiven(Secret("the-oauth-token"), "--repo-quay-token"))


async def open_door(request: web.Request) -> web.Response:
    return web.json_response({"tags": []} if request.path.startswith("/v2/") else [])


@pytest.mark.parametrize(("implementation", "login"), [("harbor", USER), ("quay", TOKEN)])
async def test_a_vendors_login_does_not_go_out_in_clear_text(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, implementation: str, login: Login
) -> None:
    repository = Repository(RegistryHost("registry.example:5000"), RepositoryPath("team/app"))
    async with site(open_door) as plain, tunnel({"registry.example:5000": plain.host}) as proxy:
        for name in ("http_proxy", "https_proxy"):
            monkeypatch.setenv(name, proxy)
        monkeypatch.setenv("no_proxy", "")
        connections = Connections(
            tmp_path, insecure=Hosts(registries=True), access={"images": Access({implementation: login})}
        )
        async with connections:
            session = await connections.session(repository, implementation)
            with pytest.raises(HolystoneError, match="does not speak https") as caught:
                await session.list_tags()
        assert "http:// in --repo-api-url" in caught.value.what_to_do
        assert [seen.path for seen in plain.seen if seen.authorization] == []


async def test_a_token_server_is_trusted_for_the_registry_it_is_named_with(tmp_path: Path) -> None:
    """What one registry is known by is nothing to another one's token server."""

    async def challenging(_: web.Request) -> web.Response:
        realm = f'Bearer realm="http://{tokens.host}/token",service="x"'
        return web.Response(status=401, headers={"WWW-Authenticate": realm})

    async def handing_out(_: web.Request) -> web.Response:
        return web.json_response({"token": "a-token-of-its-own"})

    async with (
        site(handing_out, address="127.0.0.3") as tokens,
        site(challenging) as one,
        site(challenging, address="127.0.0.2") as other,
    ):
        auths = {str(each.host): {"username": "rob", "password": "correct-horse"} for each in (one, other)}
        (tmp_path / "config.json").write_text(web.json_response({"auths": auths}).text or "")
        trusted = (TokenServer(RegistryHost("127.0.0.3"), one.host),)
        async with Connections(tmp_path, token_servers=trusted) as connections:
            for server, seen in ((other, 0), (one, 1)):
                repository = Repository(server.host, RepositoryPath("team/app"))
                session = await connections.session(repository, "default")
                with pytest.raises(HolystoneError):
                    await session.list_tags()
                assert bool(tokens.seen) is bool(seen)
