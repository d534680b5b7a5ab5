"""Promise 7: a credential goes to the host it belongs to and to nobody else, and shows up nowhere."""

import logging
import pickle
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import msgspec
import pytest
from aiohttp import web
from yarl import URL

from holystone.adapters.credentials.credential import Credential, IdentityToken, RegistryToken, UserPassword
from holystone.adapters.credentials.secret import Secret
from holystone.adapters.http.authorization import Authorization, bearer, with_authorization
from holystone.adapters.http.paging import pages
from holystone.adapters.http.proxies import Proxy
from holystone.adapters.http.trust import check_realm, registrable_domain
from holystone.adapters.http.wire import Wire
from holystone.adapters.registries.connections import Connections
from holystone.engine.errors import HolystoneError, IncompleteSource, RegistryFailure, Unauthorized, UsageError
from holystone.engine.model.addresses import Address
from holystone.engine.model.references import RegistryHost
from tests.http.conftest import Connect
from tests.support.http_site import Handler, site
from tests.support.token_registry import BASIC, PASSWORD, USER, TokenRegistry

ROB = UserPassword(USER, Secret(PASSWORD), "auths in ~/.docker/config.json")
READY = RegistryToken(Secret("ready-made-token"), "auths")
OTHER = "127.0.0.2"
SHARED = (
    *("kiev.ua", "spb.ru", "msk.ru", "tokyo.jp", "waw.pl", "co.uk", "com.br"),
    *("ts.net", "ddns.net", "synology.me", "deno.dev", "github.io", "run.app", "ngrok.io", "web.app", "herokuapp.com"),
    *("cluster.local", "azurecr.io", "pkg.dev", "nip.io"),  # these are not in the list
)
"""Suffixes under which strangers live side by side."""


def constant(status: int = 200, **headers: str) -> Handler:
    async def handle(_: web.Request) -> web.Response:
        return web.Response(status=status, text="ok", headers={k.replace("_", "-"): v for k, v in headers.items()})

    return handle


def redirecting(to: Callable[[], str], status: int = 307) -> Handler:
    async def handle(_: web.Request) -> web.Response:
        return web.Response(status=status, headers={"Location": to()})

    return handle


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("address", [OTHER, "127.0.0.1"])
async def test_a_redirect_to_another_host_or_port_goes_without(connect: Connect, status: int, address: str) -> None:
    async with (
        site(constant(), address=address) as other,
        site(redirecting(lambda: f"http://eve:pw@{other.host}/blob?sig=1", status)) as registry,
        connect(registry.host, READY) as client,
    ):
        plain = {"Range": "bytes=0-9", "Accept": "a/b", "Accept-Encoding": "identity", "User-Agent": "somebody"}
        reply = await client.get(headers={"X-Vendor-Token": "secret", **plain})
        assert (reply.status, reply.body) == (200, b"ok")
        assert registry.seen[0].authorization == "Bearer ready-made-token"
        assert other.seen[0].path == "/blob?sig=1"
        assert "Authorization" not in other.seen[0].headers
        assert "X-Vendor-Token" not in other.seen[0].headers
        assert {name: other.seen[0].headers[name] for name in plain} == plain


async def test_a_redirect_back_from_a_stranger_goes_without_too(connect: Connect) -> None:
    home = ""

    async def handle(request: web.Request) -> web.Response:
        if request.path == "/back":
            return web.Response(text=request.headers.get("Authorization", "none"))
        return web.Response(status=302, headers={"Location": f"http://{other.host}/"})

    async with (
        site(redirecting(lambda: home), address=OTHER) as other,
        site(handle) as registry,
        connect(registry.host, READY) as client,
    ):
        home = f"{registry.url}/back"
        assert (await client.get()).body == b"none"


async def test_a_redirect_on_the_same_host_keeps_it(connect: Connect) -> None:
    async def handle(request: web.Request) -> web.Response:
        if request.path == "/there":
            return web.Response(text=request.headers["Authorization"])
        return web.Response(status=307, headers={"Location": "/there"})

    async with site(handle) as registry, connect(registry.host, READY) as client:
        assert (await client.get()).body == b"Bearer ready-made-token"


@pytest.mark.parametrize(
    ("method", "status", "follows"),
    [
        *(("GET", status, True) for status in (301, 302, 303, 307, 308)),
        *(("HEAD", status, True) for status in (301, 302, 303, 307, 308)),
        *(("PUT", status, False) for status in (301, 302, 303)),
        *(("PUT", status, True) for status in (307, 308)),
        *((method, status, False) for method in ("GET", "PUT") for status in (201, 202, 300, 304)),
    ],
)
async def test_which_redirects_are_followed(connect: Connect, method: str, status: int, follows: bool) -> None:
    async def handle(request: web.Request) -> web.Response:
        if request.path == "/there":
            return web.Response(text="")
        return web.Response(status=status, headers={"Location": "/there"})

    async with site(handle) as registry, connect(registry.host) as client:
        assert (await client.send(method, "/x")).status == (200 if follows else status)
        assert [seen.method for seen in registry.seen] == [method] * (1 + follows)


async def test_a_redirect_that_leads_nowhere_is_a_reply(connect: Connect) -> None:
    async with site(constant(307)) as registry, connect(registry.host) as client:
        assert (await client.get()).status == 307


async def test_a_redirect_in_circles_ends(connect: Connect) -> None:
    async with site(redirecting(lambda: "/again")) as registry, connect(registry.host) as client:
        with pytest.raises(IncompleteSource, match="more than 5 times"):
            await client.get()
        assert len(registry.seen) == 6


async def test_a_401_of_another_host_gets_no_answer(connect: Connect) -> None:
    challenge = 'Basic realm="give me"'
    async with (
        site(constant(401, WWW_Authenticate=challenge), address=OTHER) as other,
        site(redirecting(lambda: other.url)) as registry,
        connect(registry.host, ROB, preemptive=True) as client,
    ):
        assert (await client.get()).status == 401
        assert [seen.authorization for seen in other.seen] == [""]


@pytest.mark.parametrize("method", ["PUT", "POST", "DELETE", "PATCH"])
async def test_a_write_does_not_follow_to_another_host(connect: Connect, method: str) -> None:
    async with (
        site(constant(), address=OTHER) as other,
        site(redirecting(lambda: other.url)) as registry,
        connect(registry.host, READY) as client,
    ):
        with pytest.raises(IncompleteSource, match="another host"):
            await client.send(method, "/x", body=b"body")
        assert other.seen == []


async def test_https_is_not_left_for_plain_http(certificate: ssl.SSLContext) -> None:
    async with (
        site(constant()) as plain,
        site(redirecting(lambda: plain.url), tls=certificate) as registry,
        Wire(connections=2, unverified=lambda _: True) as wire,
    ):
        with pytest.raises(IncompleteSource, match="plain http"):
            await wire.send("GET", URL(registry.url), limit=10, headers={}, authorization=bearer(Secret("t")))
        assert plain.seen == []


@pytest.mark.parametrize("location", ["file:///etc/passwd", "ftp://x/y", "http://[broken", "//[::1]x@", "https:///x"])
async def test_a_redirect_to_no_web_address_is_refused(connect: Connect, location: str) -> None:
    async with site(redirecting(lambda: location)) as registry, connect(registry.host) as client:
        with pytest.raises(IncompleteSource, match="not a web address"):
            await client.get()


NO_NAMES = ("a..b", f"{'a' * 64}.example", "xn--a.example", "xn--", ".")


@pytest.mark.parametrize("host", NO_NAMES)
async def test_what_no_host_can_be_called_is_refused_wherever_it_stands(connect: Connect, host: str) -> None:
    """Python's `idna` has a word of its own for it."""
    challenge = {"WWW_Authenticate": f'Bearer realm="https://{host}/token",service="x"'}
    for handler in (redirecting(lambda: f"https://{host}/x"), constant(401, **challenge)):
        async with site(handler) as registry, connect(registry.host) as client:
            with pytest.raises(IncompleteSource):
                await client.get()
    async with site(constant(401, **challenge)) as registry, Connections(Path("/nowhere")) as connections:
        assert (await connections.identify(Address(registry.host))).implementation == "default"


async def test_a_link_to_another_host_is_refused(connect: Connect) -> None:
    async with site(constant(), address=OTHER) as other:
        link = f'<{other.url}/v2/next>; rel="next"'
        async with site(constant(Link=link)) as registry, connect(registry.host, READY) as client:
            with pytest.raises(IncompleteSource, match=r"another host, 127\.0\.0\.2"):
                async for _ in pages(client.get, "/v2/list", what="tags"):
                    pass
        assert other.seen == []


@pytest.mark.parametrize("credential", [ROB, IdentityToken(Secret("identity"), "auths")])
async def test_a_realm_on_another_host_sees_nothing(connect: Connect, credential: Credential) -> None:
    evil = TokenRegistry(post=True)
    registry = TokenRegistry()
    async with (
        site(evil.handle, address=OTHER) as other,
        site(registry.handle) as home,
        connect(home.host, credential) as client,
    ):
        registry.realm = f"{other.url}/token"
        with pytest.raises(Unauthorized, match=r"127\.0\.0\.2"):
            await client.get()
        assert other.seen == []


async def test_who_comes_without_a_credential_does_not_bring_one_later(
    connect: Connect, certificate: ssl.SSLContext
) -> None:
    """Whom anybody may ask anonymously must not be asked again with what was found since."""
    registry = TokenRegistry()

    async def found(_: Credential) -> Credential:
        return ROB

    async with (
        site(constant(401), address=OTHER, tls=certificate) as other,
        site(registry.handle) as home,
        connect(home.host, refresh=found, unverified=lambda _: True) as client,
    ):
        registry.realm = f"{other.url}/token"
        with pytest.raises(Unauthorized, match="must not see the credential"):
            await client.get()
        assert [seen.authorization for seen in other.seen] == [""]


async def test_a_realm_on_another_host_that_the_user_named_is_asked(connect: Connect) -> None:
    registry = TokenRegistry()
    async with site(registry.handle, address=OTHER) as other, site(registry.handle) as home:
        registry.realm = f"{other.url}/token"
        async with connect(home.host, ROB, token_servers=[OTHER]) as client:
            assert (await client.get()).status == 200
        assert [seen.authorization for seen in other.seen] == [BASIC]


async def test_a_token_server_that_redirects_elsewhere_is_not_believed(connect: Connect) -> None:
    async with site(constant(), address=OTHER) as other:

        async def handle(request: web.Request) -> web.Response:
            if request.path == "/token":
                return web.Response(status=307, headers={"Location": other.url})
            return web.Response(status=401, headers={"WWW-Authenticate": f'Bearer realm="http://{request.host}/token"'})

        async with site(handle) as home:
            async with connect(home.host, ROB) as client:
                with pytest.raises(RegistryFailure, match="redirects to another host"):
                    await client.get()
            assert [seen.authorization for seen in other.seen] == [""]
            async with connect(home.host, IdentityToken(Secret("identity"), "auths")) as client:
                with pytest.raises(IncompleteSource, match="POST to another host"):
                    await client.get()
            assert len(other.seen) == 1


async def test_netrc_is_not_read(connect: Connect, monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login rob password netrc-secret\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    async with site(constant()) as registry, connect(registry.host) as client:
        await client.get()
        assert "Authorization" not in registry.seen[0].headers


@pytest.mark.parametrize(
    ("registry", "realm"),
    [
        ("https://registry-1.docker.io", "https://auth.docker.io/token"),
        ("https://registry.gitlab.com", "https://gitlab.com/jwt/auth"),
        ("https://ghcr.io", "https://ghcr.io/token"),
        ("https://registry.acme.co.uk", "https://auth.acme.co.uk/token"),
        ("https://registry.acme.example:5000", "https://registry.acme.example/token"),
        ("https://acme.azurecr.io", "https://acme.azurecr.io/oauth2/token"),
        ("http://127.0.0.1:5000", "http://127.0.0.1:5001/token"),
        ("http://harbor.lan", "http://harbor.lan/service/token"),
        ("http://harbor.lan:5000", "https://harbor.lan/service/token"),
        ("https://registry.shop.github.io", "https://auth.shop.github.io/token"),
        ("https://registry.shop.kiev.ua", "https://auth.shop.kiev.ua/token"),
    ],
)
def test_realms_that_belong_to_the_registry(registry: str, realm: str) -> None:
    check_realm(URL(registry), URL(realm))


@pytest.mark.parametrize(
    ("registry", "realm"),
    [
        ("https://registry-1.docker.io", "https://auth.docker.io.evil.example/token"),
        ("https://registry-1.docker.io", "https://evildocker.io/token"),
        ("https://registry.acme.co.uk", "https://auth.evil.co.uk/token"),
        ("https://registry.acme.com.br", "https://auth.evil.com.br/token"),
        ("https://acme.azurecr.io", "https://evil.azurecr.io/oauth2/token"),
        ("https://1.dkr.ecr.eu-west-1.amazonaws.com", "https://evil.s3.eu-west-1.amazonaws.com/"),
        ("https://a.westeurope.cloudapp.azure.com", "https://b.westeurope.cloudapp.azure.com/"),
        ("https://acme.jfrog.io", "https://evil.jfrog.io/"),
        ("https://registry.a.svc.cluster.local", "https://evil.b.svc.cluster.local/"),
        ("https://10.0.0.1", "https://10.0.0.2/"),
        ("https://10.0.0.1", "https://11.0.0.1/"),
        ("https://registry", "https://auth/"),
        ("https://registry.lan", "http://registry.lan/token"),
        ("http://registry.lan", "http://auth.lan/token"),
        ("https://registry.gitlab.com", "http://gitlab.com/jwt/auth"),
        ("https://registry.gitlab.com", "ftp://gitlab.com/"),
        ("https://registry.gitlab.com", "/jwt/auth"),
        ("https://[::1]", "https://[::2]/"),
        ("http://harbor.lan", "http://harbor.lan:8080/service/token"),
        ("http://harbor.lan:5000", "http://harbor.lan/service/token"),
        ("http://10.0.0.1:5000", "http://10.0.0.1:5001/token"),
        *((f"https://registry-of-a.{suffix}", f"https://auth-of-b.{suffix}/token") for suffix in SHARED),
    ],
)
def test_realms_that_do_not(registry: str, realm: str) -> None:
    with pytest.raises(Unauthorized):
        check_realm(URL(registry), URL(realm))


def test_a_token_server_in_clear_text_has_to_be_named_with_its_port() -> None:
    registry, realm = URL("http://registry.lan:5000"), URL("http://registry.lan:5001/token")
    with pytest.raises(Unauthorized, match=r"--trust-token-server registry\.lan:5001 if it may see"):
        check_realm(registry, realm, token_servers={"registry.lan"})
    check_realm(registry, realm, token_servers={"registry.lan:5001"})
    with pytest.raises(Unauthorized, match="not encrypted"):
        check_realm(registry, URL("http://auth.lan:5001/"), token_servers={"auth.lan:5001"})


@pytest.mark.parametrize(
    ("registry", "realm", "why"),
    [
        ("https://registry.example", "https:///token", "is not a web address"),
        ("http://127.0.0.1:5000", "http://elsewhere.example/token", "is not encrypted"),
        ("http://registry.lan", "http://auth.lan/token", "is not encrypted"),
    ],
)
def test_nobody_is_asked_there_without_a_credential_either(registry: str, realm: str, why: str) -> None:
    with pytest.raises(Unauthorized, match=why) as caught:
        check_realm(URL(registry), URL(realm), has_credential=False)
    assert "--trust-token-server" not in caught.value.what_to_do


@pytest.mark.parametrize("home", ["registry.example", "127.0.0.1"])
def test_from_a_registry_that_speaks_https_no_name_leads_to_clear_text(home: str) -> None:
    registry, realm = URL(f"https://{home}"), URL(f"http://{home}:5001/token")
    with pytest.raises(Unauthorized, match="is not encrypted") as caught:
        check_realm(registry, realm, token_servers=[f"{home}:5001", home])
    assert caught.value.what_to_do == "Ask the registry's operator for a token server that speaks https."


def test_a_user_may_name_a_token_server_but_not_over_plain_http() -> None:
    registry = URL("https://nvcr.io")
    check_realm(registry, URL("https://authn.nvidia.com/token"), token_servers={"authn.nvidia.com"})
    check_realm(registry, URL("https://authn.nvidia.com:8443/token"), token_servers={"authn.nvidia.com:8443"})
    with pytest.raises(Unauthorized, match="not encrypted"):
        check_realm(registry, URL("http://authn.nvidia.com/token"), token_servers={"authn.nvidia.com"})
    with pytest.raises(Unauthorized, match=r"--trust-token-server authn\.nvidia\.com"):
        check_realm(registry, URL("https://authn.nvidia.com/token?x=1"))


@pytest.mark.parametrize(
    ("host", "domain"),
    [
        ("a.b.docker.io", "docker.io"),
        ("docker.io.", "docker.io"),
        ("com.br", None),
        ("x.com.br", "x.com.br"),
        ("a.ab.de", "ab.de"),
        ("io", None),
        ("10.0.0.1", None),
    ],
)
def test_registrable_domain(host: str, domain: str | None) -> None:
    assert registrable_domain(host) == domain


@pytest.mark.parametrize(
    "more",
    [
        "repository:other/app:*",
        "registry:catalog:*",
        "repository:a/bb:pull",
        "repository(plugin):a/b:pull",
        "a/b:*",
        "*",
    ],
)
async def test_a_challenge_gets_no_token_for_anything_else(connect: Connect, more: str) -> None:
    tokens = TokenRegistry(grants="")

    async def handle(request: web.Request) -> web.Response:
        if request.path == "/token":
            return await tokens.handle(request)
        scope = f"{more} repository:a/b:pull,delete"
        challenge = f'Bearer realm="http://{request.host}/token",scope="{scope}",error="insufficient_scope"'
        return web.Response(status=401, headers={"WWW-Authenticate": challenge})

    async with site(handle) as registry, connect(registry.host, ROB) as client:
        with pytest.raises(Unauthorized):
            await client.get()
    asked = {scope for scopes in tokens.scopes.values() for scope in scopes.split()}
    assert asked == {"repository:a/b:pull,delete"}


@pytest.mark.parametrize(
    ("query", "kept"),
    [
        ("?scope=repository:other/app:*", {}),
        ("?%73cope=registry:catalog:*&tenant=a%26b", {"tenant": ["a&b"]}),
        ("?Scope=repository:other/app:*", {}),
        ("?tenant=a;scope=repository:other/app:*", {"tenant": ["a;scope=repository:other/app:*"]}),
        ("?x=1&x=2", {"x": ["1", "2"]}),
    ],
)
@pytest.mark.parametrize("credential", [ROB, IdentityToken(Secret("identity-secret"), "auths")])
async def test_nor_does_the_address_of_its_token_server(
    connect: Connect, query: str, kept: dict[str, list[str]], credential: Credential
) -> None:
    """A server of tokens takes each `scope` that is there (distribution: docs/content/spec/auth/token.md)."""
    asked: list[str] = []

    async def handle(request: web.Request) -> web.Response:
        if request.path == "/token":
            asked.append(request.raw_path)
            return web.json_response({"token": "token-number-1"})
        challenge = f'Bearer realm="http://{request.host}/token{query}",scope="repository:a/b:pull"'
        return web.Response(status=401, headers={"WWW-Authenticate": challenge})

    async with site(handle) as registry, connect(registry.host, credential) as client:
        with pytest.raises(Unauthorized):
            await client.get()
    assert asked
    for path in asked:
        assert ";" not in path, "which some take for another &"
        ours = parse_qs(path.partition("?")[2])
        scope = ours.pop("scope", ["repository:a/b:pull,delete"])
        assert scope == ["repository:a/b:pull,delete"]
        assert {name: ours[name] for name in ours if name not in ("client_id", "account", "service")} == kept


SECRETS = (PASSWORD, "identity-secret", "ready-made-token", BASIC.removeprefix("Basic "), "token-number-")


def _echo(status: int) -> Handler:
    """A server that repeats in its reply, in every way, what it was sent."""

    async def handle(request: web.Request) -> web.Response:
        said = f"{request.headers.get('Authorization')} {await request.text()}"
        headers = {"WWW-Authenticate": f'Bearer realm="http://{request.host}/token"'} if status == 401 else {}
        return web.json_response({"errors": [{"code": "DENIED", "message": said}]}, status=status, headers=headers)

    return handle


@pytest.mark.parametrize("status", [400, 401, 403, 404, 429, 500, 503])
@pytest.mark.parametrize("credential", [ROB, READY, IdentityToken(Secret("identity-secret"), "auths")])
async def test_no_error_reply_log_or_repr_shows_a_secret(
    connect: Connect, caplog: pytest.LogCaptureFixture, credential: Credential, status: int
) -> None:
    caplog.set_level(logging.DEBUG)
    shown: list[object] = [credential, caplog]
    async with site(_echo(status)) as server, connect(server.host, credential, preemptive=True) as client:
        shown.append(client.http)
        try:
            shown.append(await client.get())
        except HolystoneError as error:
            shown += _chain(error)
    text = " ".join(f"{thing!r} {thing}" for thing in shown) + caplog.text
    assert not [secret for secret in SECRETS if secret in text]


async def test_nothing_of_aiohttps_errors_is_carried_along(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    """They hold the request headers and the proxy's password."""
    monkeypatch.setenv("http_proxy", "http://pat:proxy-secret@127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "")
    async with connect(RegistryHost.parse("registry.example"), READY, base=URL("http://registry.example")) as client:
        with pytest.raises(HolystoneError) as caught:
            await client.get()
    text = " ".join(f"{error!r} {error} {vars(error)}" for error in _chain(caught.value))
    assert "proxy" in text
    assert "proxy-secret" not in text
    assert "ready-made-token" not in text


@pytest.mark.parametrize("proxy", ["http://me:s3cret@bad host:x/", "http://me:s3/cret@host:1", "ftp://me:s3cret@h:1"])
async def test_a_proxy_that_is_no_address(connect: Connect, monkeypatch: pytest.MonkeyPatch, proxy: str) -> None:
    monkeypatch.setenv("http_proxy", proxy)
    monkeypatch.setenv("no_proxy", "")
    async with connect(RegistryHost.parse("registry.example"), READY, base=URL("http://registry.example")) as client:
        with pytest.raises(UsageError, match="The proxy for http in the environment is no address") as caught:
            await client.get()
    assert "cret" not in str(caught.value)


def _chain(error: BaseException | None) -> list[BaseException]:
    found: list[BaseException] = []
    while error is not None:
        found.append(error)
        error = error.__cause__ or error.__context__
    return found


@pytest.mark.parametrize("dump", [pickle.dumps, msgspec.json.encode])
def test_an_authorization_can_be_written_nowhere(dump: Callable[[object], Awaitable[bytes]]) -> None:
    authorization: Authorization = bearer(Secret("ready-made-token"))
    with pytest.raises(TypeError):
        dump(authorization)
    assert "ready-made-token" not in repr(authorization)


def test_a_secret_with_a_line_break_is_a_usage_error_that_does_not_show_it() -> None:
    with pytest.raises(UsageError, match="line break") as caught:
        with_authorization({}, bearer(Secret("abc\nX-Evil: 1")))
    assert "abc" not in str(caught.value)


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "POST", "DELETE", "PATCH"])
async def test_only_what_reads_goes_on_to_another_host(connect: Connect, method: str) -> None:
    async with site(constant(200), address=OTHER) as other, site(redirecting(lambda: other.url)) as registry:
        async with connect(registry.host) as client:
            if method in ("GET", "HEAD"):
                assert (await client.send(method, "/v2/a/b/x")).status == 200
            else:
                with pytest.raises(IncompleteSource, match=f"redirects a {method} to another host"):
                    await client.send(method, "/v2/a/b/x", retry=False)
        assert [seen.method for seen in other.seen] == ([method] if method in ("GET", "HEAD") else [])
        assert [seen.headers["Accept"] for seen in other.seen] == ["application/json"] * len(other.seen)


async def test_what_is_for_the_proxy_is_not_told_to_whom_it_leads_by_https(certificate: ssl.SSLContext) -> None:
    proxy = Proxy(None, "secret", "c2VjcmV0")
    for tls, told in ((certificate, False), (None, True)):
        async with (
            site(constant(), tls=tls) as registry,
            Wire(connections=1, unverified=lambda _: True, proxy=proxy) as wire,
        ):
            await wire.send("GET", URL(registry.url), limit=10, headers={})
            assert ("Proxy-Authorization" in registry.seen[0].headers) is told
