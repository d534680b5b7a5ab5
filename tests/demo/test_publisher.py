"""What a push does when the server ends a connection that it kept."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest

from holystone.demo.images import image, layer
from holystone.demo.publisher import Publisher
from holystone.engine.model.references import RepositoryPath, Tag

IMAGE = image(created=1, labels={}, layers=(layer("one"), layer("two")))


@asynccontextmanager
async def server(answered: int) -> AsyncIterator[tuple[str, list[str]]]:
    """Its address, and the requests that it answered: so many on a connection, the next of which it ends."""
    heard: list[str] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with_body = itertools.count()
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                length = next((int(each[16:]) for each in head.splitlines() if each.startswith("Content-Length: ")), 0)
                await reader.readexactly(length)
                if next(with_body) == answered:
                    return
                heard.append(" ".join(head.split()[:2]))
                writer.write(b"HTTP/1.1 201 Created\r\nLocation: /upload\r\nContent-Length: 0\r\n\r\n")
        except asyncio.IncompleteReadError:
            return
        finally:
            writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as listening:
        yield f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}", heard


async def test_what_was_not_answered_is_sent_again() -> None:
    """workerd ends connections without a word, and aiohttp repeats no POST."""
    async with server(answered=2) as (url, heard), Publisher(url, at_once=1) as publisher:
        await publisher.push(RepositoryPath("team/app"), Tag("v1"), IMAGE)
    assert [each.split()[0] for each in heard] == ["POST", "PUT"] * len(IMAGE.blobs) + ["PUT"]


async def test_a_server_that_answers_nothing_is_not_asked_for_ever() -> None:
    async with server(answered=0) as (url, heard), Publisher(url, at_once=1) as publisher:
        with pytest.raises(aiohttp.ServerDisconnectedError):
            await publisher.push(RepositoryPath("team/app"), Tag("v1"), IMAGE)
    assert heard == []
