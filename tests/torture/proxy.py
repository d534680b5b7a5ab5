"""A proxy on loopback before one real registry. It takes requests one by one, numbers them, and does to each what it is
told: nothing, as a rule."""

import asyncio
import contextlib
import itertools
import socket
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TypeAlias

from tests.torture.faults import BEFORE, ERROR_PAGES, GARBAGE, Fault, Memory, instead
from tests.torture.messages import Broken, Reply, Request, as_head, read_reply, read_request, reply

Decide: TypeAlias = Callable[[Request], Fault | None]
Watch: TypeAlias = Callable[[Request, Reply], None]
Tell: TypeAlias = Callable[[Request, Reply], Reply]


@dataclass(frozen=True, slots=True)
class Seen:
    n: int
    connection: int
    method: str
    path: str
    status: int
    """Of the registry; 0 if it was not asked or did not answer."""
    fault: Fault | None


def no_fault(request: Request) -> None:
    return None


def as_it_is(request: Request, answer: Reply) -> Reply:
    return answer


class FaultProxy:
    """`decide` may be changed at any time; `arrived` is called before a request is forwarded, `answered` with the
    registry's own reply, both before the client learns anything; `tell` makes what is told of that reply."""

    def __init__(self, registry: str) -> None:
        self.decide: Decide = no_fault
        self.arrived: Callable[[Request], None] = no_fault
        self.answered: Watch | None = None
        self.tell: Tell = as_it_is
        self.log: list[Seen] = []
        self.host = ""
        self._registry = registry.split(":")
        self._port = 0
        self._server: asyncio.Server | None = None
        self._connections = itertools.count(1)
        self._requests = itertools.count(1)
        self._open: set[asyncio.Task[None]] = set()
        self._memory = Memory()
        self._reopening: asyncio.Task[None] | None = None

    def begin(self, decide: Decide) -> None:
        """Another command: its requests count from 1."""
        self.decide = decide
        self._requests = itertools.count(1)
        self.log.clear()

    def forget(self) -> None:
        """What was seen until now is no longer told."""
        self._memory = Memory()

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self._port, limit=1 << 20)
        self._port = self._server.sockets[0].getsockname()[1]
        self.host = f"127.0.0.1:{self._port}"

    async def close(self) -> None:
        if self._reopening:
            await self._reopening
        if self._server:
            self._server.close()
        for task in self._open:
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        client = _Client(reader, writer)
        upstream = _Upstream(*self._registry)
        try:
            await self._serve(client, upstream, next(self._connections))
        except (Broken, OSError, asyncio.CancelledError):
            pass  # the client has gone, or the trial is over
        finally:
            upstream.close()
            client.close()
            self._open.discard(task)

    async def _serve(self, client: "_Client", upstream: "_Upstream", connection: int) -> None:
        while request := await read_request(client.reader, 0, connection):
            request = Request(next(self._requests), connection, request.method, request.path, request.raw)
            self.arrived(request)
            fault = self.decide(request)
            answer: Reply | None = None
            if not (fault and fault.kind in BEFORE):
                answer = await upstream.ask(request)
                self._memory.saw(request, answer)
                if self.answered:
                    self.answered(request, answer)
                answer = self.tell(request, answer)
            status = answer.status if answer else 0
            self.log.append(Seen(request.n, connection, request.method, request.path, status, fault))
            if fault is None:
                await client.send((answer or reply(502)).raw)
            elif not await self._spoil(client, request, fault, answer):
                return

    async def _spoil(self, client: "_Client", request: Request, fault: Fault, answer: Reply | None) -> bool:
        """Whether the connection goes on."""
        if answer is None:
            if fault.kind == "down":
                self._go_down(fault.seconds)
            made = instead(fault, request)
            if made:
                await client.send(made.raw)
                return True
            return await _break(client, fault)
        told = self._memory.lied(fault, request, answer)
        match fault.kind:
            case "dup":
                await client.twice(told.raw, told.raw, fault.seconds)
            case "early-error":
                await client.twice(reply(fault.status, ERROR_PAGES[2]).raw, told.raw, fault.seconds)
            case "idle-408":
                late = reply(408, b"Your browser didn't send a complete request in time.\n", "text/plain")
                await client.twice(told.raw, late.raw, fault.seconds)
            case "late":
                await asyncio.sleep(fault.seconds)
                await client.send(told.raw)
            case "slow":
                await client.drip(told.raw, fault.seconds)
            case "continues":
                await client.send(
                    (b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 Early Hints\r\n\r\n")[fault.detail % 2]
                )
                await client.send(told.raw)
            case "says-close":
                await client.send(told.saying(Connection="close").raw)
                return False
            case "closes":
                await client.send(told.raw)
                return False
            case "status-after":
                await client.send(as_head(reply(fault.status, ERROR_PAGES[fault.detail % 4]), request.method).raw)
            case "half-head":
                await client.send(told.head[: 1 + fault.detail % (len(told.head) - 3)])
                return False
            case "half-body" | "too-short":
                longer = told if told.body else told.holding(told.body).saying(Content_Length="40")
                whole = longer.raw if fault.kind == "half-body" else told.saying(Content_Length="65000").raw
                await client.send(
                    whole[: -1 - len(told.body) // 2] if told.body and fault.kind == "half-body" else whole
                )
                return False
            case "reset-after" | "close-after" | "stall-after" | "garbage-after":
                return await _break(client, fault)
            case _:
                await client.send(told.raw)
        return True

    def _go_down(self, seconds: float) -> None:
        assert self._server
        self._server.close()
        for task in self._open - {asyncio.current_task()}:
            task.cancel()

        async def reopen() -> None:
            await asyncio.sleep(seconds)
            await self.open()

        if self._reopening is None or self._reopening.done():
            self._reopening = asyncio.create_task(reopen())


async def _break(client: "_Client", fault: Fault) -> bool:
    match fault.kind:
        case "reset-before" | "reset-after" | "down":
            client.reset()
        case "stall-before" | "stall-after":
            await client.gone(fault.seconds)
        case "garbage" | "garbage-after":
            await client.send(GARBAGE[fault.detail % len(GARBAGE)])
    return False


class _Client:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self._writer = writer

    async def send(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()

    async def twice(self, first: bytes, second: bytes, gap: float) -> None:
        """Without a gap, both in one segment. Later ones come while the next request may be on its way."""
        if not gap:
            await self.send(first + second)
            return
        await self.send(first)
        await asyncio.sleep(gap)
        await self.send(second)

    async def drip(self, data: bytes, seconds: float) -> None:
        step = max(1, len(data) // 12)
        for at in range(0, len(data), step):
            await self.send(data[at : at + step])
            await asyncio.sleep(seconds / 12)

    async def gone(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while await self.reader.read(1024):
                    pass

    def reset(self) -> None:
        sock = self._writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()

    def close(self) -> None:
        self._writer.close()


class _Upstream:
    """A connection to the registry, opened when there is something to ask."""

    def __init__(self, host: str, port: str) -> None:
        self._address = (host, int(port))
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, request: Request) -> Reply:
        for again in (True, False):  # the registry may close a connection that idles
            fresh = self._streams is None
            try:
                if self._streams is None:
                    self._streams = await asyncio.open_connection(*self._address, limit=1 << 20)
                reader, writer = self._streams
                writer.write(request.raw)
                answer = await read_reply(reader, request.method)
            except (Broken, OSError):
                self.close()
                if fresh or not again or request.method not in ("GET", "HEAD"):
                    raise
            else:
                if answer.header("Connection").lower() == "close":
                    self.close()
                return answer
        raise Broken

    def close(self) -> None:
        if self._streams:
            self._streams[1].close()
            self._streams = None


@asynccontextmanager
async def fault_proxy(registry: str, decide: Decide = no_fault) -> AsyncIterator[FaultProxy]:
    """`registry` is `127.0.0.1:PORT`."""
    proxy = FaultProxy(registry)
    proxy.decide = decide
    await proxy.open()
    try:
        yield proxy
    finally:
        await proxy.close()
