"""Which addresses are asked directly although there is a proxy: those that Docker asks directly."""

import asyncio
import base64
import ssl

import pytest
from aiohttp import web
from yarl import URL

from holystone.adapters.credentials.credential import RegistryToken
from holystone.adapters.credentials.redaction import remember
from holystone.adapters.credentials.secret import Secret
from holystone.adapters.http.errors import summary
from holystone.adapters.http.faults import NoAnswer
from holystone.adapters.http.proxies import Proxy, proxy_for
from holystone.adapters.http.wire import Wire
from holystone.adapters.kubernetes.kubeconfig import Cluster
from holystone.adapters.kubernetes.tls import tls_context
from holystone.engine.errors import HolystoneError
from tests.http.conftest import Connect
from tests.support.http_site import site

NO_PROXY = (
    "10.0.0.0/8, fd00::/8,192.168.1.7,.corp.example,whole.example,*.wild.example,port.example:5000,[fe80::1]:8443"
)


async def ok(_: web.Request) -> web.Response:
    return web.Response(text="ok")


async def test_what_is_on_this_machine_is_asked_without_the_proxy(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Elsewhere `localhost` is another machine: it would be shown our credential, and be cleaned."""
    async with site(ok) as proxy, site(ok) as registry:
        for name in ("http_proxy", "https_proxy", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        async with connect(registry.host, RegistryToken(Secret("ready-made-token"), "auths")) as client:
            await client.get()
        assert len(registry.seen) == 1
        assert proxy.seen == []


@pytest.mark.parametrize(
    ("address", "direct"),
    [
        *((address, True) for address in ("http://localhost", "https://127.8.0.1:5000", "http://[::1]:5000")),
        *((address, True) for address in ("https://10.1.2.3", "https://[fd00::7]", "https://192.168.1.7:5000")),
        *(
            (address, True)
            for address in ("https://a.corp.example", "https://whole.example", "https://a.whole.example")
        ),
        *(
            (address, True)
            for address in ("https://a.wild.example", "https://port.example:5000", "https://A.Corp.Example")
        ),
        *((address, True) for address in ("https://b.port.example:5000", "https://[fe80::1]:8443")),
        *((address, False) for address in ("https://11.1.2.3", "https://192.168.1.8", "https://port.example")),
        *((address, False) for address in ("https://awhole.example", "https://[fe80::1]", "https://registry.example")),
    ],
)
def test_as_docker_reads_it(monkeypatch: pytest.MonkeyPatch, address: str, direct: bool) -> None:
    """The cases of golang.org/x/net/http/httpproxy."""
    for name in ("http_proxy", "https_proxy"):
        monkeypatch.setenv(name, "http://proxy.example:3128")
    monkeypatch.setenv("no_proxy", NO_PROXY)
    assert (proxy_for(URL(address)).url is None) is direct


def test_a_star_is_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://proxy.example:3128")
    monkeypatch.setenv("no_proxy", "a.example, *")
    assert proxy_for(URL("https://registry.example")).url is None


@pytest.mark.parametrize("whose", ["a registry's", "a cluster's"])
@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_an_exception_for_another_certificate_is_none_for_the_proxys(
    certificate: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch, scheme: str, whose: str
) -> None:
    """Whoever stands before the proxy would be told its password."""
    if whose == "a cluster's":
        wire = Wire(connections=1, tls=tls_context(Cluster(insecure_skip_tls_verify=True), None))
    else:
        wire = Wire(connections=1, unverified=lambda url: url.host == "registry.example")
    asked: list[bytes] = []

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        writer.close()

    proxy = await asyncio.start_server(accept, "127.0.0.1", 0, ssl=certificate)
    port = proxy.sockets[0].getsockname()[1]
    monkeypatch.setenv(f"{scheme}_proxy", f"https://pat:proxy-secret@127.0.0.1:{port}")
    monkeypatch.setenv("no_proxy", "")
    async with proxy, wire:
        with pytest.raises(HolystoneError, match=r"proxy|certificate"):
            await wire.send("GET", URL(f"{scheme}://registry.example/"), limit=10, headers={})
    assert asked == []


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_proxy_that_is_reached_by_https_is_asked_where_certificates_are_looked_at(scheme: str) -> None:
    """In clear text there is none to be looked at, whatever the user says of the registry's."""
    proxy = Proxy(URL("https://127.0.0.1:1"))
    async with Wire(connections=1, unverified=lambda _: scheme == "http", proxy=proxy) as wire:
        with pytest.raises(NoAnswer):
            await wire.send("GET", URL(f"{scheme}://registry.example/x"), limit=10, headers={})


@pytest.mark.parametrize("login", ["me:correct-horse", ":correct-horse", "correct-horse:", "correct-horse"])
async def test_a_proxy_that_repeats_its_password_is_not_shown_however_many_secrets_came_since(
    monkeypatch: pytest.MonkeyPatch, login: str
) -> None:
    """Each repository has tokens of its own, and only so many secrets are remembered. Some proxies want a key as the
    user, and no password."""

    async def repeating(request: web.Request) -> web.Response:
        said = request.headers["Proxy-Authorization"]
        user, _, password = base64.b64decode(said.removeprefix("Basic ")).decode().partition(":")
        return web.Response(status=503, text=f"{said} {password or user} is not welcome")

    async with site(repeating) as proxy, Wire(connections=1) as wire:
        monkeypatch.setenv("http_proxy", f"http://{login}@{proxy.host}")
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        for _ in range(2):
            reply = await wire.send("GET", URL("http://registry.example/v2/"), limit=4096, headers={})
            assert summary(reply) == "503 Basic *** *** is not welcome"
            for number in range(300):
                remember(f"token-of-repository-{number}")
