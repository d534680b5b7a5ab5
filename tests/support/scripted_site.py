"""A server on loopback that keeps its connections and sends what a script says: for replies that are not as they should
be. Nothing in it knows HTTP well enough to mend them."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from holystone.engine.model.references import RegistryHost

Part: TypeAlias = bytes
"""What is sent in one piece; nothing closes the connection."""
CLOSE: Final[Part] = b""
_APART: Final = 0.01
"""Seconds between two pieces."""


@dataclass(frozen=True, slots=True)
class Asked:
    n: int
    """Of all requests, from 1 on."""
    connection: int
    method: str
    path: str

    @property
    def reply(self) -> bytes:
        return reply(self.path, head=self.method == "HEAD")


Script: TypeAlias = Callable[[Asked], Sequence[Part]]


@dataclass(slots=True)
class ScriptedSite:
    host: RegistryHost
    asked: list[Asked] = field(default_factory=list)
    connections: int = 0
    hung_up: asyncio.Event = field(default_factory=asyncio.Event)
    """The client has closed a connection."""
    sent: asyncio.Event = field(default_factory=asyncio.Event)
    """What was late is on its way."""

    @property
    def url(self) -> str:
        return f"http://{self.host}"


def reply(path: str, status: str = "200 OK", *, head: bool = False, more: str = "") -> bytes:
    """It names its question, in a header and in the body."""
    lines = f"HTTP/1.1 {status}\r\nQuestion: {path}\r\nContent-Length: {len(path)}\r\n{more}\r\n"
    return lines.encode() + (b"" if head else path.encode())


@asynccontextmanager
async def scripted_site(
    script: Script, *, late_after: str = "", late: Sequence[Part] = ()
) -> AsyncIterator[ScriptedSite]:
    """`late` is sent after the answer to the question `late_after`, when the client has had time to read that."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        serving.add(asyncio.current_task())
        here.connections += 1
        connection = here.connections

        async def send(parts: Sequence[Part]) -> None:
            for number, data in enumerate(parts):
                if number:
                    await asyncio.sleep(_APART)
                if not data:
                    writer.close()
                    break
                writer.write(data)
                await writer.drain()

        with closing(writer), suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                method, path, _ = head.split("\r\n")[0].split(" ")
                length = [
                    line.split(":")[1] for line in head.split("\r\n") if line.lower().startswith("content-length")
                ]
                await reader.readexactly(int(length[0]) if length else 0)
                asked = Asked(len(here.asked) + 1, connection, method, path)
                here.asked.append(asked)
                await send(script(asked))
                if asked.path == late_after:
                    await asyncio.sleep(_APART)
                    await send(late)
                    here.sent.set()
        here.hung_up.set()

    serving: set[asyncio.Task[None] | None] = set()
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    here = ScriptedSite(RegistryHost.parse(f"127.0.0.1:{server.sockets[0].getsockname()[1]}"))
    try:
        yield here
    finally:
        server.close()
        running = [task for task in serving if task]
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
