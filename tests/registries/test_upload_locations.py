"""Where a registry wants an upload is a word of the wire: whatever it says ends in a message."""

import pytest
from aiohttp import web

from holystone.engine.errors import HolystoneError
from tests.registries.test_named_replies import registry

ODD = [
    "//[::1]x@",
    "http://[::1", "http://[", "//", "http://", "http://r.example:99999/v2/", "http://r.example:x/", "http://a b/", "://",
    "?", "#",
    "http://[v1.a]/", "\\\\r.example\\x", "http://\u0430.example/", "%", "%zz", "http://user:pass@r.example/",
    "javascript:1", " ",
    "http://xn--/", "a" * 9000, "/v2/" + "../" * 400,
]  # fmt: skip


@pytest.mark.parametrize("where", ODD)
async def test_an_upload_that_is_wanted_nowhere_is_a_message(where: str) -> None:
    def say(_: int, request: web.Request) -> web.Response:
        if request.method == "POST":
            return web.Response(status=202, headers={"Location": where})
        return web.Response(status=404)

    async with registry(say) as (asked, _):
        with pytest.raises(HolystoneError):
            await asked.push_blob(b"{}")
