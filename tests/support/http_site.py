"""A real HTTP server on loopback that does what a test's handler says, and remembers what it was sent."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ssl import SSLContext

from aiohttp import web

from holystone.engine.model.references import RegistryHost

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Seen:
    method: str
    path: str
    """With the query, as sent."""
    headers: dict[str, str]
    body: bytes

    @property
    def authorization(self) -> str:
        return self.headers.get("Authorization", "")


@dataclass(slots=True)
class Site:
    host: RegistryHost
    url: str
    seen: list[Seen] = field(default_factory=list)

    def to(self, prefix: str) -> list[Seen]:
        return [seen for seen in self.seen if seen.path.startswith(prefix)]


@asynccontextmanager
async def site(handler: Handler, *, address: str = "127.0.0.1", tls: SSLContext | None = None) -> AsyncIterator[Site]:
    """All of 127.0.0.0/8 is loopback, so that `address` gives tests as many hosts as they need."""

    async def remember(request: web.BaseRequest) -> web.StreamResponse:
        assert isinstance(request, web.Request)
        headers = dict(request.headers)
        here.seen.append(Seen(request.method, request.raw_path, headers, await request.read()))
        return await handler(request)

    application = web.Application(client_max_size=16 * 1024 * 1024)
    application.router.add_route("*", "/{path:.*}", remember)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, address, 0, ssl_context=tls).start()
        port = runner.addresses[0][1]
        host = RegistryHost.parse(f"{address}:{port}")
        here = Site(host, f"{'https' if tls else 'http'}://{host}")
        yield here
    finally:
        await runner.cleanup()


@asynccontextmanager
async def raw_site(*replies: bytes) -> AsyncIterator[Site]:
    """Sends each connection the next of these bytes, the last one for ever, and hangs up."""
    left = list(replies)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        method, path, _ = head.split(b"\r\n")[0].decode().split(" ")
        here.seen.append(Seen(method, path, {}, b""))
        writer.write(left.pop(0) if len(left) > 1 else left[0])
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    here = Site(RegistryHost.parse(f"127.0.0.1:{port}"), f"http://127.0.0.1:{port}")
    try:
        yield here
    finally:
        server.close()
        await server.wait_closed()
