"""The authority of a company, as Python 3.13 and later look at it."""

import ssl
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from yarl import URL

from holystone.adapters.http import tls
from holystone.adapters.http.wire import Wire
from holystone.engine.errors import Unreachable
from tests.support.certificates import Authority
from tests.support.http_site import site


@pytest.fixture(autouse=True)
def strict(monkeypatch: pytest.MonkeyPatch) -> None:
    """As `ssl.create_default_context` is by default from 3.13 on (and 3.12 with OpenSSL's own default)."""
    make = ssl.create_default_context

    def as_3_13(*args: Any, **more: Any) -> ssl.SSLContext:
        context = make(*args, **more)
        context.verify_flags |= ssl.VERIFY_X509_STRICT
        return context

    monkeypatch.setattr(ssl, "create_default_context", as_3_13)
    tls._context.cache_clear()


async def hello(_: web.Request) -> web.Response:
    return web.Response(text="ok")


@pytest.mark.parametrize("trusted", [True, False])
async def test_a_companys_authority_without_modern_extensions_is_trusted_where_it_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trusted: bool
) -> None:
    authority, stranger = Authority(), Authority()
    (tmp_path / "ca.pem").write_text((authority if trusted else stranger).pem)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    async with site(hello, tls=authority.server_context(tmp_path)) as server, Wire(connections=1) as wire:
        asked = wire.send("GET", URL(server.url), limit=100, headers={})
        if trusted:
            assert (await asked).body == b"ok"
        else:
            with pytest.raises(Unreachable, match="is not trusted"):
                await asked
