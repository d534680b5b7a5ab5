"""A server that sends a body with HEAD: GET takes its place, on that host and bounded. aiohttp's parser in Python reads
such answers; the one in C, which it has wherever it can, does not."""

from collections.abc import Iterator
from unittest import mock

import pytest
from aiohttp import client_proto

from holystone.adapters.registries.default.registry import OciRegistry
from holystone.engine.errors import IncompleteSource
from holystone.engine.model.references import Repository, RepositoryPath, Tag
from tests.http.conftest import Client, Connect
from tests.http.test_unasked_replies import PARSERS
from tests.support import images
from tests.support.scripted_site import Asked, Part, ScriptedSite, reply, scripted_site


@pytest.fixture(autouse=True)
def in_c() -> Iterator[None]:
    with mock.patch.object(client_proto, "HttpResponseParser", PARSERS["C"]):
        yield


def as_get(asked: Asked) -> list[Part]:
    return [reply(asked.path)]


async def head(client: Client, path: str, limit: int = 4096) -> None:
    answered = await client.send("HEAD", path, limit=limit)
    assert (answered.status, answered.headers["Question"]) == (200, path)


def sent(site: ScriptedSite) -> list[str]:
    return [each.method for each in site.asked]


async def test_get_takes_the_place_of_head(connect: Connect) -> None:
    async with scripted_site(as_get) as site, connect(site.host) as client:
        for number in range(6):
            await head(client, f"/v2/{number}")
    assert sent(site) == ["HEAD", "GET"] * 3 + ["GET"] * 3


async def test_not_where_it_is_read_all_the_same(connect: Connect) -> None:
    with mock.patch.object(client_proto, "HttpResponseParser", PARSERS["Python"]):
        async with scripted_site(as_get) as site, connect(site.host) as client:
            for number in range(6):
                await head(client, f"/v2/{number}")
    assert sent(site) == ["HEAD"] * 6


async def test_not_where_head_has_worked(connect: Connect) -> None:
    def script(asked: Asked) -> list[Part]:
        return [reply(asked.path, head=asked.method == "HEAD" and asked.n != 2)]

    async with scripted_site(script) as site, connect(site.host) as client:
        for number in range(4):
            await head(client, f"/v2/{number}")
    assert sent(site) == ["HEAD"] * 5, "one bad moment, after which it is asked again"


async def test_one_bad_moment_at_the_beginning_is_forgotten(connect: Connect) -> None:
    def script(asked: Asked) -> list[Part]:
        return [reply(asked.path, head=asked.method == "HEAD" and asked.n > 1)]

    async with scripted_site(script) as site, connect(site.host) as client:
        for number in range(4):
            await head(client, f"/v2/{number}")
    assert sent(site) == ["HEAD", "GET", "HEAD", "HEAD", "HEAD"]


async def test_not_for_what_may_be_a_layer(connect: Connect) -> None:
    async with scripted_site(as_get) as site, connect(site.host) as client:
        with pytest.raises(IncompleteSource, match="no reply of HTTP"):
            await head(client, "/v2/layer", limit=0)
    assert set(sent(site)) == {"HEAD"}


async def test_what_comes_in_its_place_is_bounded(connect: Connect) -> None:
    def script(asked: Asked) -> list[Part]:
        return [reply(asked.path if asked.method == "HEAD" else "/" + "x" * 5000)]

    async with scripted_site(script) as site, connect(site.host) as client:
        with pytest.raises(IncompleteSource, match="4"):
            await head(client, "/v2/much")


@pytest.mark.parametrize("says_so", [True, False])
async def test_the_digest_is_the_headers_or_else_the_bodys(connect: Connect, says_so: bool) -> None:
    raw = images.image(images.config("one"))

    def script(asked: Asked) -> list[Part]:
        if "v2.0" in asked.path:
            return [reply("gone", "404 Not Found")]
        more = f"Docker-Content-Digest: {raw.digest}\r\n" if says_so else ""
        return [f"HTTP/1.1 200 OK\r\nContent-Length: {len(raw.body)}\r\n{more}\r\n".encode() + raw.body]

    async with scripted_site(script) as site, connect(site.host) as client:
        at = Repository(site.host, RepositoryPath("team/app"))
        session = OciRegistry(site.host, client.http, client.lane, client.lane).open(at)
        for _ in range(5):
            assert await session.resolve(Tag("v1")) == raw.digest
            assert await session.resolve(Tag("v2.0")) is None
            assert await session.resolve(raw.digest) == raw.digest
        site.asked.clear()
        assert await session.resolve(Tag("v1")) == raw.digest
        assert await session.resolve(Tag("v1"), alone=True) == raw.digest
    assert sent(site) == ["GET", "GET"], "one request each"
