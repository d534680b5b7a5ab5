"""Replies that nobody asked for, on kept connections: with both of aiohttp's parsers."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from typing import Any
from unittest import mock

import aiohttp
import anyio
import pytest
from aiohttp import client_proto, http_parser
from yarl import URL

from holystone.adapters.http import watch as watch_module
from holystone.adapters.http import wire as wire_module
from holystone.adapters.http.reply import Reply
from holystone.adapters.http.watch import Watch
from holystone.adapters.http.wire import Wire
from holystone.engine.errors import Doubtful, IncompleteSource, PlanDoubtful
from tests.http.conftest import Connect
from tests.support.scripted_site import CLOSE, Asked, Part, ScriptedSite, reply, scripted_site

PARSERS = {"C": http_parser.HttpResponseParser, "Python": http_parser.HttpResponseParserPy}


@pytest.fixture(params=PARSERS, autouse=True)
def parser(request: pytest.FixtureRequest) -> Iterator[str]:
    with mock.patch.object(client_proto, "HttpResponseParser", PARSERS[request.param]):
        yield request.param


class Asking:
    def __init__(self, site: ScriptedSite, wire: Wire) -> None:
        self._site = site
        self.wire = wire

    async def ask(self, path: str, method: str = "GET", *, alone: bool = False) -> Reply:
        with anyio.fail_after(5):
            return await self.wire.send(
                method, URL(f"{self._site.url}{path}"), limit=4096, headers={}, redirects=False, alone=alone
            )

    async def right(self, path: str, method: str = "GET", *, alone: bool = False) -> None:
        got = await self.ask(path, method, alone=alone)
        assert got.headers["Question"] == path


@pytest.fixture
def development() -> Iterator[None]:
    """Python's development mode, in which aiohttp's parsers are strict."""
    with mock.patch.object(http_parser, "DEBUG", True), mock.patch.object(watch_module, "DEBUG", True):
        yield


@asynccontextmanager
async def asking(*late: Part, instead: bytes = b"", connections: int = 1) -> AsyncIterator[tuple[ScriptedSite, Asking]]:
    """`late` is what comes after the reply to the question /odd, `instead` what comes for the reply itself."""

    def script(asked: Asked) -> list[Part]:
        return [instead if asked.path == "/odd" and instead else asked.reply]

    async with (
        scripted_site(script, late_after="/odd", late=late) as site,
        Wire(connections=connections, watch=Watch("the registry")) as wire,
    ):
        yield site, Asking(site, wire)


async def comes(site: ScriptedSite, client: Asking) -> None:
    """What is late has come, and the client has hung up because of it."""
    with anyio.fail_after(5):
        await site.sent.wait()
        await site.hung_up.wait()


COPY = reply("/odd")


async def test_a_connection_is_used_again_and_nothing_is_in_doubt_where_every_question_has_one_answer() -> None:
    async with asking() as (site, client):
        for number in range(20):
            await client.right(f"/{number}", ("GET", "HEAD", "PUT", "DELETE")[number % 4])
        await client.wire.watch.settle()
        assert client.wire.watch.asked == 20
        assert {each.connection for each in site.asked if each.method == "HEAD"} == {2}
        assert {each.connection for each in site.asked if each.method != "HEAD"} == {1}


@pytest.mark.usefixtures("development")
async def test_in_development_mode_nothing_is_in_doubt_either_and_what_is_left_over_is_noticed() -> None:
    async with asking(instead=COPY + COPY[:20]) as (_, client):
        for method in ("GET", "HEAD"):
            await client.right("/first", method)
            await client.right("/next", method)
        await client.wire.watch.settle()
        with pytest.raises(Doubtful):
            await client.ask("/odd")


async def test_a_reply_that_comes_twice_while_nobody_asks_is_no_answer_to_the_next_question() -> None:
    async with asking(COPY) as (site, client):
        await client.right("/odd")
        await comes(site, client)
        with pytest.raises(Doubtful, match=r"the registry answered more often .* 2 replies came to 1 requests"):
            await client.ask("/next")


async def test_a_reply_to_head_that_is_left_over_is_not_taken_for_the_head_of_another() -> None:
    """On one connection it would swallow the reply to the GET as its body, and nothing would be left over to count."""

    def script(asked: Asked) -> list[Part]:
        return [reply("/odd", head=True), asked.reply] if asked.path == "/next" else [asked.reply]

    async with scripted_site(script) as site, Wire(connections=1) as wire:
        client = Asking(site, wire)
        await client.right("/odd", "HEAD")
        wrong = await client.ask("/next", "HEAD")
        assert wrong.headers["Question"] == "/odd", "as aiohttp has it: if not, the test shows nothing"
        with suppress(Doubtful):  # at once, where what is left over was faster
            await client.right("/content")
        with pytest.raises(Doubtful):
            await wire.watch.settle()


async def test_a_copy_with_a_body_is_not_taken_for_an_answer_to_head() -> None:
    """Its body would be taken for what some servers send with HEAD: no reply, and so not counted."""
    head, body = COPY[: -len("/odd")], b"/odd"
    async with asking(head, body) as (site, client):
        await client.right("/odd")
        with suppress(Doubtful):  # at once, where the copy was faster
            await client.right("/next", "HEAD")
        await comes(site, client)
        with pytest.raises(Doubtful):
            await client.wire.watch.settle()


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE"])
async def test_a_copy_that_is_taken_for_the_next_answer_is_noticed_by_the_one_that_is_left_over(method: str) -> None:
    def script(asked: Asked) -> list[Part]:
        copy = reply("/odd", head=method == "HEAD")
        return [copy, asked.reply] if asked.path == "/next" else [asked.reply]

    async with scripted_site(script) as site, Wire(connections=1) as wire:
        client = Asking(site, wire)
        await client.right("/odd", method)
        wrong = await client.ask("/next", method)
        assert wrong.headers["Question"] == "/odd", "as aiohttp has it: if not, the test shows nothing"
        await site.hung_up.wait()
        with pytest.raises(Doubtful, match=r"127\.0\.0\.1"):
            await wire.watch.settle()
        with pytest.raises(Doubtful):
            await client.ask("/another")


async def test_a_copy_in_one_piece_with_the_reply_is_noticed_at_once() -> None:
    async with asking(instead=COPY + COPY) as (_, client):
        with pytest.raises(Doubtful):
            await client.ask("/odd")


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("begun", [1, 11, 20, 40])
async def test_a_reply_that_begins_in_one_piece_with_the_one_before_it_is_noticed(method: str, begun: int) -> None:
    """What the parser has of it would be thrown away with that, and the rest be no reply."""

    def script(asked: Asked) -> list[Part]:
        if asked.path != "/next":
            return [asked.reply]
        copy = reply("/odd", head=method == "HEAD")
        return [copy + asked.reply[:begun], asked.reply[begun:]]

    async with scripted_site(script) as site, Wire(connections=1) as wire:
        client = Asking(site, wire)
        await client.right("/odd", method)
        with pytest.raises(Doubtful, match="3 replies came to 2 requests"):
            await client.ask("/next", method)


@pytest.mark.parametrize(
    "behind", [b"HTTP/1.1 103 Early Hints\r\nLink: <", b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n"]
)
async def test_what_is_no_answer_puts_nothing_in_doubt_in_one_piece_with_a_reply_either(behind: bytes) -> None:
    async with asking(instead=COPY + behind) as (_, client):
        await client.right("/odd")
        await client.right("/next")
        await client.wire.watch.settle()


def _digest(of: str) -> str:
    return f"Docker-Content-Digest: sha256:{of}\r\n"


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_answers_that_are_out_of_step_when_the_server_ends_the_connection_are_noticed(method: str) -> None:
    """Nothing is left over: what it was asked last it never answered."""

    def script(asked: Asked) -> list[Part]:
        def said(path: str, more: str = "") -> bytes:
            return reply(path, head=method == "HEAD", more=_digest(path) + more)

        if asked.connection == 1 and asked.path == "/next":
            return [said("/odd"), said("/next", "Connection: close\r\n"), CLOSE]
        return [said(asked.path)]

    async with scripted_site(script) as site, Wire(connections=1) as wire:
        client = Asking(site, wire)
        await client.right("/odd", method)
        wrong = await client.ask("/next", method)
        assert wrong.headers["Question"] == "/odd", "as aiohttp has it: if not, the test shows nothing"
        with pytest.raises(Doubtful, match=r"127\.0\.0\.1"):
            await client.ask("/last", method)
        with pytest.raises(Doubtful):
            await wire.watch.settle()


async def test_a_server_that_ends_its_connections_is_asked_again_only_where_it_had_answered_before() -> None:
    def script(asked: Asked) -> list[Part]:
        ends = asked.n % 3 == 0 or asked.connection > 2
        return [reply(asked.path, head=asked.method == "HEAD", more="Connection: close\r\n" if ends else "")]

    async with scripted_site(script) as site, Wire(connections=1) as wire:
        client = Asking(site, wire)
        for number in range(1, 4):
            await client.right(f"/{number}", "HEAD")
        assert [(each.connection, each.path) for each in site.asked] == [(1, "/1"), (1, "/2"), (1, "/3"), (2, "/3")]
        for number in range(5, 8):
            await client.right(f"/{number}", "HEAD")
        assert [each.path for each in site.asked[4:]] == ["/5", "/6", "/7"]
        await client.wire.watch.settle()


async def test_what_goes_while_the_server_ends_its_connection_is_gone_and_puts_nothing_in_doubt() -> None:
    def script(asked: Asked) -> list[Part]:
        if asked.path == "/gone" and asked.connection == 1:
            return [reply(asked.path, head=True, more=_digest("1") + "Connection: close\r\n"), CLOSE]
        return [reply(asked.path, "404 Not Found" if asked.path == "/gone" else "200 OK", head=True)]

    async with scripted_site(script) as site, Wire(connections=1) as wire:
        client = Asking(site, wire)
        await client.right("/first", "HEAD")
        assert (await client.ask("/gone", "HEAD")).status == 404
        await wire.watch.settle()


@pytest.mark.parametrize("split", [1, 5, 12, 20])
async def test_a_copy_that_comes_in_pieces_is_noticed(split: int) -> None:
    async with asking(COPY[:split], COPY[split:]) as (site, client):
        await client.right("/odd")
        await comes(site, client)
        with pytest.raises(Doubtful):
            await client.wire.watch.settle()


@pytest.mark.parametrize(
    "late",
    [
        b"\r\n",
        b"0\r\n\r\n",
        b'{"body": "of a HEAD"}',
        b"null",
        b"HTTP/1.1 103 Early Hints\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n",
        reply("/odd", "408 Request Timeout"),
        b"HTTP/1.0 408 Request Time-out\r\nCache-Control: no-cache\r\nConnection: close\r\n\r\n<html>",
    ],
)
@pytest.mark.parametrize("kept", [True, False])
async def test_what_is_no_answer_ends_an_idle_connection_and_puts_nothing_in_doubt(late: bytes, kept: bool) -> None:
    async with asking(late, *(() if kept else (CLOSE,))) as (site, client):
        await client.right("/odd")
        await comes(site, client)
        for number in range(3):
            await client.right(f"/{number}")
        await client.wire.watch.settle()
        assert site.connections == 2


async def test_a_connection_whose_server_says_that_it_waited_too_long_is_not_used_again(connect: Connect) -> None:
    """HAProxy's 408 that crosses our question: the question is asked again, elsewhere."""

    def script(asked: Asked) -> list[Part]:
        return [reply(asked.path, "408 Request Timeout") if asked.n == 1 else asked.reply]

    async with scripted_site(script) as site, connect(site.host) as client:
        assert (await client.get("/v2/x")).body == b"/v2/x"
        assert [each.connection for each in site.asked] == [1, 2]


async def test_a_408_without_a_length_on_an_idle_connection_hangs_nobody() -> None:
    """With aiohttp alone the question after it waits beyond every timeout of aiohttp's (torn between two parsers)."""
    head = b"HTTP/1.1 408 Request Timeout\r\nContent-Type: text/html\r\n\r\n<html>"
    async with asking(head) as (site, client):
        await client.right("/odd")
        await comes(site, client)
        with anyio.fail_after(1):
            await client.right("/next")
        await client.wire.watch.settle()


async def test_more_than_a_reply_is_told_as_what_came_and_not_as_a_network(connect: Connect) -> None:
    def script(asked: Asked) -> list[Part]:
        return [asked.reply + b"0\r\n\r\n"]

    async with scripted_site(script) as site, connect(site.host) as client:
        with pytest.raises(IncompleteSource) as told:
            await client.get("/v2/x")
    assert "sent what is no reply of HTTP: " in told.value.message
    assert "a body with HEAD" in told.value.what_to_do
    assert "network" not in told.value.what_to_do


@pytest.mark.parametrize("status", ["100 Continue", "103 Early Hints"])
async def test_what_announces_a_reply_is_not_counted_as_one(status: str) -> None:
    announced = f"HTTP/1.1 {status}\r\n\r\n".encode() * 2 + COPY
    async with asking(instead=announced) as (_, client):
        await client.right("/odd")
        await client.right("/next")
        await client.wire.watch.settle()


async def test_what_is_asked_alone_has_a_connection_of_its_own_and_no_other_reply_can_come_on_it() -> None:
    async with asking(connections=4) as (site, client):
        await client.right("/first")
        await client.right("/second", alone=True)
        await client.right("/third", alone=True)
        await client.right("/fourth")
        assert [each.connection for each in site.asked] == [1, 2, 3, 1]


async def test_new_connections_can_be_asked_after_a_doubt_and_the_plan_of_the_old_ones_stays_doubtful() -> None:
    async with asking(COPY) as (site, client):
        await client.right("/odd")
        client.wire.watch.renew()
        await comes(site, client)
        await client.right("/next")
        with pytest.raises(PlanDoubtful):
            await client.wire.watch.settle()
        await client.right("/lock")


async def test_a_doubt_about_new_connections_is_none_about_the_plan() -> None:
    async with asking(COPY) as (site, client):
        await client.right("/first")
        client.wire.watch.renew()
        await client.right("/odd")
        await comes(site, client)
        with pytest.raises(Doubtful) as caught:
            await client.wire.watch.settle()
        assert not isinstance(caught.value, PlanDoubtful)


async def test_an_aiohttp_that_makes_its_connections_otherwise_is_not_used() -> None:
    def unwatched(watch: Watch, **options: Any) -> aiohttp.TCPConnector:
        return aiohttp.TCPConnector(**options)

    with mock.patch.object(wire_module, "WatchedConnector", unwatched):
        async with asking() as (_, client):
            with pytest.raises(RuntimeError, match="nobody counts replies"):
                await client.ask("/first")
