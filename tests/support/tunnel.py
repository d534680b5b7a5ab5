"""A proxy for names that no resolver knows: each leads to a server on loopback, over a tunnel or in clear text."""

import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import anyio
from anyio.abc import ByteStream, SocketAttribute, SocketStream
from anyio.streams.buffered import BufferedByteReceiveStream
from anyio.streams.tls import TLSStream


@asynccontextmanager
async def tunnel(
    places: Mapping[str, str], *, tls: ssl.SSLContext | None = None, refused: set[str] | None = None
) -> AsyncIterator[str]:
    """The proxy's URL. `places`: by `host:port`, the address on loopback. To others there is no way (502); their names
    are put into `refused`. `tls`: TLS ends here, as at a company's proxy that looks into it."""

    async def serve(client: SocketStream) -> None:
        async with client:
            try:
                head = await BufferedByteReceiveStream(client).receive_until(b"\r\n\r\n", 65536)
            except (anyio.IncompleteRead, anyio.BrokenResourceError):
                return
            method, target, _ = head.decode().split("\r\n")[0].split(" ")
            asked = target if method == "CONNECT" else target.removeprefix("http://").split("/")[0]
            asked = asked if ":" in asked else f"{asked}:80"
            place = places.get(asked)
            if place is None:
                if refused is not None:
                    refused.add(asked)
                await client.send(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")
                return
            host, _, port = place.rpartition(":")
            async with await anyio.connect_tcp(host, int(port)) as server:
                inside: ByteStream | None = client
                if method == "CONNECT":
                    await client.send(b"HTTP/1.1 200 Connection established\r\n\r\n")
                    inside = await _unwrapped(client, tls) if tls else client
                else:
                    await server.send(head + b"\r\n\r\n")
                if inside:
                    await _both_ways(inside, server)

    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    async with listener, anyio.create_task_group() as group:
        group.start_soon(listener.serve, serve)
        yield f"http://127.0.0.1:{listener.extra(SocketAttribute.local_port)}"
        group.cancel_scope.cancel()


async def _unwrapped(client: SocketStream, tls: ssl.SSLContext) -> ByteStream | None:
    """None if the client does not trust us."""
    try:
        return await TLSStream.wrap(client, server_side=True, ssl_context=tls, standard_compatible=False)
    except (ssl.SSLError, anyio.BrokenResourceError, anyio.EndOfStream):
        return None


async def _both_ways(client: ByteStream, server: ByteStream) -> None:
    async with anyio.create_task_group() as both:
        both.start_soon(_pour, client, server)
        await _pour(server, client)
        both.cancel_scope.cancel()


async def _pour(source: ByteStream, into: ByteStream) -> None:
    try:
        async for chunk in source:
            await into.send(chunk)
        if isinstance(into, SocketStream):  # TLS has no end in one direction only
            await into.send_eof()
    except (anyio.BrokenResourceError, anyio.ClosedResourceError):
        pass
