"""Replies and failures that no server can be made to give at will, handed to the client in aiohttp's place."""

import errno
from collections.abc import Callable, Iterator
from typing import Any
from unittest import mock

import aiohttp
import pytest
from aiohttp import ClientResponse
from aiohttp.client_reqrep import ConnectionKey
from aioresponses import CallbackResult, aioresponses
from yarl import URL

from holystone.adapters.http.watch import Watch
from holystone.engine.errors import IncompleteSource, RegistryFailure, Unreachable
from holystone.engine.model.references import RegistryHost
from tests.http.conftest import Connect

HOST = RegistryHost("registry.example")
ASKED = f"https://{HOST}/v2/a/b/x"


class _Response(ClientResponse):
    """aiohttp 3.14 wants to know how much was sent, and aioresponses 0.7.9 does not say it (its issue 289)."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, stream_writer=mock.Mock(output_size=0), **named)


class Odd:
    def __init__(self, replies: aioresponses) -> None:
        self._replies = replies
        self.watch = Watch()
        self.asked = 0

    def replies(
        self, *statuses: int, method: str = "GET", body: bytes = b"{}", headers: dict[str, str] | None = None
    ) -> None:
        """One after the other, and the last for ever."""
        left = list(statuses)

        def answer(_: URL, **__: Any) -> CallbackResult:
            self._noted()
            status = left.pop(0) if len(left) > 1 else left[0]
            return CallbackResult(
                method, status, body, headers=dict(headers or {}), response_class=_Response, reason=""
            )

        self._replies.add(ASKED, method, callback=answer, repeat=True)

    def fails(self, error: Exception, method: str = "GET") -> None:
        self._replies.add(ASKED, method, exception=error, callback=lambda *_, **__: self._noted(), repeat=True)

    def _noted(self) -> None:
        self.asked += 1
        self.watch.asked += 1  # as each connection does


@pytest.fixture
def odd() -> Iterator[Odd]:
    with aioresponses() as replies:
        yield Odd(replies)


@pytest.mark.parametrize(
    "status", [201, 204, 205, 206, 226, 299, 300, 304, 305, 306, 402, 405, 410, 418, 421, 451, 499]
)
async def test_a_status_that_nobody_expects_is_for_the_caller_and_is_no_reason_to_ask_again(
    odd: Odd, connect: Connect, status: int
) -> None:
    odd.replies(status)
    async with connect(HOST, watch=odd.watch) as client:
        assert (await client.get()).status == status
    assert odd.asked == 1


@pytest.mark.parametrize("status", [501, 505, 507, 508, 520, 530, 599, 600, 999])
async def test_an_error_that_does_not_pass_is_for_the_caller(odd: Odd, connect: Connect, status: int) -> None:
    odd.replies(status)
    async with connect(HOST, watch=odd.watch) as client:
        assert (await client.get()).status == status
    assert odd.asked == 1


@pytest.mark.parametrize(
    "location", ["", "http://", "https://[::1", "//", "file:///etc/passwd", "https://\u2100.example/", "?"]
)
async def test_a_redirect_to_no_place_is_refused_or_leads_back_and_never_ends_in_a_traceback(
    odd: Odd, connect: Connect, location: str
) -> None:
    odd.replies(302, headers={"Location": location})
    async with connect(HOST, watch=odd.watch) as client:
        if not location:
            assert (await client.get()).status == 302
            return
        with pytest.raises(IncompleteSource, match="redirects"):
            await client.get()


@pytest.mark.parametrize(
    "headers",
    [
        {"Retry-After": "nan"},
        {"Retry-After": "inf"},
        {"Retry-After": "-0"},
        {"Retry-After": "\u0663"},
        {"Retry-After": "Thu, 01 Jan 0000 00:00:00 GMT"},
        {"Retry-After": "Fri, 31 Dec 9999 23:59:60 GMT"},
        {"RateLimit-Remaining": "1e999", "RateLimit-Reset": "nan"},
        {"X-RateLimit-Remaining": "-1", "X-RateLimit-Limit": "0", "X-RateLimit-Reset": "-9"},
        {"RateLimit": '"default";r=;t='},
        {"x-ms-ratelimit-remaining-calls-per-second": "NaN"},
        {"Date": "yesterday"},
        {"Content-Type": ""},
        {"Content-Type": "text"},
        {"Content-Encoding": "br"},
        {"Docker-Content-Digest": "sha256:"},
    ],
)
async def test_a_header_that_means_nothing_changes_nothing(odd: Odd, connect: Connect, headers: dict[str, str]) -> None:
    odd.replies(429, 200, headers=headers)
    async with connect(HOST, watch=odd.watch) as client:
        assert (await client.get()).body == b"{}"
    assert odd.asked == 2


@pytest.mark.parametrize("body", [b"", b"\x00", b"\xff\xfe", b"<html>", b"[" * 4000, b'{"errors":'])
async def test_a_body_is_handed_on_as_it_came(odd: Odd, connect: Connect, body: bytes) -> None:
    odd.replies(200, body=body, headers={"Content-Type": "application/octet-stream"})
    async with connect(HOST, watch=odd.watch) as client:
        assert (await client.get()).body == body


KEY = ConnectionKey(str(HOST), 443, True, True, None, None, None)
REQUEST: Any = aiohttp.RequestInfo(URL(ASKED), "GET", mock.Mock(), URL(ASKED))
SECRET = "hunter2"


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (aiohttp.ServerDisconnectedError(), "the connection to registry.example broke"),
        (aiohttp.ClientOSError(errno.EPIPE, "Broken pipe"), "the connection to registry.example broke"),
        (aiohttp.ClientConnectionResetError("Cannot write"), "the connection to registry.example broke"),
        (aiohttp.ClientConnectorError(KEY, OSError(errno.EHOSTUNREACH, "x")), "cannot be reached: No route to host"),
        (aiohttp.ClientConnectorError(KEY, ConnectionResetError(errno.ECONNRESET, "x")), "Connection reset by peer"),
        (aiohttp.ClientConnectorError(KEY, OSError(errno.EMFILE, "x")), "cannot be reached: Too many open files"),
        (aiohttp.ClientProxyConnectionError(KEY, OSError(errno.ECONNREFUSED, "x")), "the proxy for registry.example"),
        (aiohttp.ClientHttpProxyError(REQUEST, (), status=407, message=SECRET), "status 407"),
        (aiohttp.ConnectionTimeoutError(f"to {SECRET}"), "no connection in time"),
        (aiohttp.SocketTimeoutError(), "did not answer in time"),
        (TimeoutError(), "did not answer in time"),
        (aiohttp.ClientPayloadError(SECRET), "the reply of registry.example was cut short"),
        (aiohttp.ClientResponseError(REQUEST, (), status=400, message="Bad\x1b[31m line"), "what is no reply of HTTP"),
        (UnicodeError("label too long"), "is no name that a host can have"),
    ],
    ids=lambda each: type(each).__name__ if isinstance(each, Exception) else None,
)
@pytest.mark.parametrize("method", ["GET", "DELETE"])
async def test_every_failure_is_told_in_words_and_decides_nothing(
    odd: Odd, connect: Connect, error: Exception, said: str, method: str
) -> None:
    odd.fails(error, method)
    async with connect(HOST, watch=odd.watch) as client:
        with pytest.raises((Unreachable, IncompleteSource, RegistryFailure)) as told:
            await client.send(method, "/v2/a/b/x")
    assert said in told.value.message
    assert told.value.what_to_do
    assert SECRET not in f"{told.value!r} {told.value} {told.value.what_to_do}"
    assert told.value.message.isprintable()
    assert odd.asked in (1, 2), "as often as the lane allows"


@pytest.mark.parametrize("kind", [aiohttp.ServerDisconnectedError, TimeoutError, aiohttp.ClientPayloadError])
async def test_what_must_not_be_sent_twice_is_not_sent_again_after_a_failure(
    odd: Odd, connect: Connect, kind: Callable[[], Exception]
) -> None:
    odd.fails(kind(), "PUT")
    async with connect(HOST, watch=odd.watch) as client:
        with pytest.raises((Unreachable, RegistryFailure)):
            await client.send("PUT", "/v2/a/b/x", body=b"once", retry=False)
    assert odd.asked == 1
