"""Which registries are asked in clear text, whose certificates are not looked at, and what a credential waits for."""

import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import anyio
import pytest
from aiohttp import web
from anyio.abc import SocketAttribute, SocketStream
from yarl import URL

from holystone.adapters.credentials.credential import Credential, RegistryToken, UserPassword
from holystone.adapters.credentials.secret import Secret
from holystone.adapters.http import schemes
from holystone.adapters.http.hosts import NOWHERE, Hosts
from holystone.adapters.http.schemes import Schemes
from holystone.adapters.http.trust import is_near
from holystone.adapters.http.wire import Wire
from holystone.engine.errors import Unreachable
from holystone.engine.model.references import RegistryHost
from tests.http.conftest import Connect
from tests.support.http_site import site
from tests.support.tunnel import tunnel

REGISTRY = RegistryHost("registry.example:5000")
OWN = Hosts(registries=True)
TOKEN = RegistryToken(Secret("ready-made-token"), "auths")
USER = UserPassword("rob", Secret("correct-horse"), "auths")


def only(*hosts: str) -> Hosts:
    return Hosts(named=frozenset(map(RegistryHost, hosts)))


async def ok(_: web.Request) -> web.Response:
    return web.Response(text="ok")


@asynccontextmanager
async def behind_proxy(monkeypatch: pytest.MonkeyPatch, **places: str) -> AsyncIterator[None]:
    """`places` by name, `_` for `.` and the port after `__`."""
    by_name = {name.replace("__", ":").replace("_", "."): place for name, place in places.items()}
    async with tunnel(by_name) as proxy:
        for name in ("http_proxy", "https_proxy"):
            monkeypatch.setenv(name, proxy)
        monkeypatch.setenv("no_proxy", "")
        yield


@asynccontextmanager
async def curt(reply: bytes) -> AsyncIterator[str]:
    """Says this to whoever begins to speak, and hangs up."""

    async def answer(client: SocketStream) -> None:
        async with client:
            await client.receive()
            if reply:
                await client.send(reply)

    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    async with listener, anyio.create_task_group() as group:
        group.start_soon(listener.serve, answer)
        yield f"127.0.0.1:{listener.extra(SocketAttribute.local_port)}"
        group.cancel_scope.cancel()


async def scheme(host: RegistryHost, insecure: Hosts, unverified: Hosts = NOWHERE) -> str:
    found = Schemes(insecure, unverified)
    await found.find_out(host)
    return found.base(host).scheme


async def test_a_plain_registry_is_asked_over_http_if_the_user_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    async with site(ok) as server, behind_proxy(monkeypatch, registry_example__5000=server.host):
        assert await scheme(REGISTRY, OWN) == "http"
        assert await scheme(REGISTRY, only("registry.example")) == "http"
        assert await scheme(REGISTRY, only("registry.example:5000")) == "http"
        assert await scheme(REGISTRY, only("registry.example:5001")) == "https"
        assert await scheme(REGISTRY, only("other.example")) == "https"
        assert await scheme(REGISTRY, NOWHERE) == "https"


async def test_a_registry_that_speaks_tls_is_asked_over_https_whatever_the_user_says(
    monkeypatch: pytest.MonkeyPatch, certificate: ssl.SSLContext
) -> None:
    """Whoever vouches for its certificate or not: that is another option's matter."""
    async with site(ok, tls=certificate) as server, behind_proxy(monkeypatch, registry_example__5000=server.host):
        assert await scheme(REGISTRY, OWN) == "https"
        assert not server.seen
        assert await scheme(REGISTRY, OWN, OWN) == "https"
        assert [seen.authorization for seen in server.seen] == [""]


@pytest.mark.parametrize("reply", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"SSH-2.0-x\r\n"])
async def test_whoever_hangs_up_on_tls_or_answers_something_else_speaks_none(
    monkeypatch: pytest.MonkeyPatch, reply: bytes
) -> None:
    async with curt(reply) as place, behind_proxy(monkeypatch, registry_example__5000=place):
        assert await scheme(REGISTRY, OWN) == "http"


@asynccontextmanager
async def silent() -> AsyncIterator[str]:
    """Listens, and waits for more."""

    async def wait(client: SocketStream) -> None:
        async with client:
            await anyio.sleep_forever()

    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    async with listener, anyio.create_task_group() as group:
        group.start_soon(listener.serve, wait)
        yield f"127.0.0.1:{listener.extra(SocketAttribute.local_port)}"
        group.cancel_scope.cancel()


async def test_on_this_machine_plain_http_needs_no_word_of_the_user(certificate: ssl.SSLContext) -> None:
    """As with Docker and werf: https first, whoever vouches for the certificate, and http where nothing speaks TLS."""
    async with site(ok) as plain, site(ok, tls=certificate) as encrypted:
        for insecure in (NOWHERE, OWN):
            for unverified in (NOWHERE, OWN):
                assert await scheme(plain.host, insecure, unverified) == "http"
                assert await scheme(encrypted.host, insecure, unverified) == "https"
        assert plain.seen == []
        assert [seen.authorization for seen in encrypted.seen] == ["", ""], "where certificates are not looked at"


@pytest.mark.parametrize("reply", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"SSH-2.0-x\r\n"])
async def test_on_this_machine_whoever_hangs_up_on_tls_is_asked_over_http(reply: bytes) -> None:
    async with curt(reply) as place:
        assert await scheme(RegistryHost(place), NOWHERE) == "http"


async def test_on_this_machine_silence_is_no_tls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schemes, "PATIENCE", 0.2)
    async with silent() as place, behind_proxy(monkeypatch, registry_example__5000=place):
        assert await scheme(RegistryHost(place), NOWHERE) == "http"
        assert await scheme(REGISTRY, OWN) == "https", "elsewhere it may be slow, and nothing goes out in clear text"


async def test_nobody_at_the_port_of_https_says_nothing_of_http() -> None:
    """One that has a port of its own is at that, or nowhere; on this machine it may yet come, as it always did."""
    assert await scheme(RegistryHost("127.0.0.99"), OWN, OWN) == "http"
    assert await scheme(RegistryHost("127.0.0.99:9"), NOWHERE) == "http"
    assert await scheme(RegistryHost("127.0.0.99:9"), OWN, OWN) == "https", "it is said to have certificates"


async def test_a_vendors_api_is_asked_over_https(monkeypatch: pytest.MonkeyPatch) -> None:
    async with site(ok) as server, behind_proxy(monkeypatch, registry_example__5000=server.host):
        found = Schemes(OWN, NOWHERE)
        await found.find_out(REGISTRY)
        assert str(found.base(REGISTRY)) == "http://registry.example:5000"
        assert str(found.vendor_api(REGISTRY)) == "https://registry.example:5000"
        await found.find_out(server.host)
        assert found.vendor_api(server.host).scheme == "http", "but on this machine"


@pytest.mark.parametrize(
    ("hosts", "url", "is_covered"),
    [
        (OWN, "https://registry.example:5000/v2/", True),
        (OWN, "https://registry.example/token", True),
        (OWN, "https://auth.example/token", False),
        (OWN, "https://registry.example.evil/", False),
        (only("auth.example"), "https://auth.example/token", True),
        (only("auth.example"), "https://auth.example:8443/token", True),
        (only("auth.example:8443"), "https://auth.example:8443/token", True),
        (only("auth.example:8443"), "https://auth.example/token", False),
        (only("auth.example:443"), "https://auth.example/token", True),
        (only("auth.example"), "https://registry.example:5000/v2/", False),
        (only("[::1]:5000"), "https://[::1]:5000/v2/", True),
        (only("[::1]"), "https://[::2]/", False),
        (NOWHERE, "https://registry.example:5000/v2/", False),
    ],
)
def test_whom_an_exception_is_about(hosts: Hosts, url: str, is_covered: bool) -> None:
    assert hosts.cover(URL(url), REGISTRY) is is_covered


async def test_a_redirect_and_a_token_server_elsewhere_have_to_have_certificates(certificate: ssl.SSLContext) -> None:
    async with site(ok, tls=certificate, address="127.0.0.2") as other:

        async def redirect(_: web.Request) -> web.Response:
            return web.Response(status=307, headers={"Location": other.url})

        async with site(redirect, tls=certificate) as registry:
            here: Callable[[URL], bool] = lambda url: OWN.cover(url, registry.host)  # noqa: E731
            async with Wire(connections=2, unverified=here) as wire:
                with pytest.raises(Unreachable, match=r"certificate of 127\.0\.0\.2") as caught:
                    await wire.send("GET", URL(registry.url), limit=10, headers={})
        assert f"--skip-tls-verify-registry={other.host}" in caught.value.what_to_do
        assert other.seen == []


def challenging(scheme_name: str) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def handle(request: web.Request) -> web.Response:
        if "Authorization" in request.headers:
            return web.Response(text="ok")
        return web.Response(status=401, headers={"WWW-Authenticate": f'{scheme_name} realm="x"'})

    return handle


@pytest.mark.parametrize(("credential", "challenge"), [(TOKEN, "Bearer"), (USER, "Basic")])
@pytest.mark.parametrize(
    ("base", "named", "first"),
    [
        ("http://registry.example", False, False),
        ("http://registry.lan", False, True),
        ("http://10.0.0.1", False, True),
        ("http://8.8.8.8", False, False),
        ("http://registry.example", True, True),
    ],
)
async def test_in_clear_text_a_credential_waits_to_be_asked_for(
    connect: Connect,
    monkeypatch: pytest.MonkeyPatch,
    credential: Credential,
    challenge: str,
    base: str,
    named: bool,
    first: bool,
) -> None:
    async with site(challenging(challenge)) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        monkeypatch.setenv("no_proxy", "")
        url = URL(base)
        async with connect(RegistryHost(url.authority), credential, base=url, named=named, preemptive=True) as client:
            assert (await client.get()).status == 200
        assert [bool(seen.authorization) for seen in proxy.seen] == ([True] if first else [False, True])


@pytest.mark.parametrize(
    ("host", "near"),
    [
        *((host, True) for host in ("localhost", "127.0.0.1", "[::1]", "192.168.1.1", "fd00::1", "registry", "r.lan")),
        *((host, True) for host in ("r.corp", "r.home.arpa", "r.a.internal", "registry.default.svc.cluster.local")),
        *(
            (host, False)
            for host in ("quay.io", "8.8.8.8", "lan.example", "r.lan.example", "2001:4860::1", "internal.io")
        ),
    ],
)
def test_who_is_near(host: str, near: bool) -> None:
    assert is_near(host) is near
