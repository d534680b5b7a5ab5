"""A proxy for names that no resolver knows: each leads to a server on loopback, over a tunnel or in clear text."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import anyio
from anyio.abc import SocketAttribute, SocketStream
from anyio.streams.buffered import BufferedByteReceiveStream


@asynccontextmanager
async def tunnel(places: Mapping[str, str]) -> AsyncIterator[str]:
    """The proxy's URL. `places`: by `host:port`, the address on loopback. To others there is no way (502)."""

    async def serve(client: SocketStream) -> None:
        async with client:
            head = await BufferedByteReceiveStream(client).receive_until(b"\r\n\r\n", 65536)
            method, target, _ = head.decode().split("\r\n")[0].split(" ")
            asked = target if method == "CONNECT" else target.removeprefix("http://").split("/")[0]
            place = places.get(asked if ":" in asked else f"{asked}:80")
            if place is None:
                await client.send(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")
                return
            host, _, port = place.rpartition(":")
            async with await anyio.connect_tcp(host, int(port)) as server, anyio.create_task_group() as both:
                if method == "CONNECT":
                    await client.send(b"HTTP/1.1 200 Connection established\r\n\r\n")
                else:
                    await server.send(head + b"\r\n\r\n")
                both.start_soon(_pour, client, server)
                await _pour(server, client)
                both.cancel_scope.cancel()

    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    async with listener, anyio.create_task_group() as group:
        group.start_soon(listener.serve, serve)
        yield f"http://127.0.0.1:{listener.extra(SocketAttribute.local_port)}"
        group.cancel_scope.cancel()


async def _pour(source: SocketStream, into: SocketStream) -> None:
    try:
        async for chunk in source:
            await into.send(chunk)
        await into.send_eof()
    except (anyio.BrokenResourceError, anyio.ClosedResourceError):
        pass
