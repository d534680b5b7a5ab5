"""The registry on a socket: aiohttp.web on a free loopback port. The only module here that does I/O."""

import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from types import TracebackType
from typing import Final, Self

import anyio
import msgspec
from aiohttp import web
from multidict import CIMultiDict, CIMultiDictProxy

from holystone.embedded.access import Anyone, Auth, Gate
from holystone.embedded.dispatch import dispatch
from holystone.embedded.errors import ErrorReply, plain, silenced, unrouted
from holystone.embedded.exchange import Incoming, Reply
from holystone.embedded.faults import Action, Answer, Drop, Fault, Faults, Hang, Truncate
from holystone.embedded.limits import FixedWindow, RateLimit
from holystone.embedded.manifests import SIZE_LIMIT
from holystone.embedded.quirks import OCI, Quirks
from holystone.embedded.recording import RecordedRequest, Recording
from holystone.embedded.routes import route
from holystone.embedded.storage import Storage

Latency = Callable[[RecordedRequest], Awaitable[None]]
"""Awaited before a request is looked at."""
_BODY_LIMIT: Final = 64 << 20
_FORM_LIMIT: Final = 64 << 10
"""Of whom nobody knows yet."""


class EmbeddedRegistry:
    """`async with EmbeddedRegistry(quirks=DISTRIBUTION_2_8) as registry:` serves until the block is left.

    A vendor emulator subclasses it and overrides `answer` for the paths of its own.
    """

    def __init__(
        self,
        *,
        quirks: Quirks = OCI,
        auth: Auth | None = None,
        rate_limit: RateLimit | None = None,
        latency: Latency | None = None,
        faults: tuple[Fault, ...] = (),
        records: bool = True,
        storage: Storage | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.quirks = quirks
        self.storage = storage or Storage()
        self.faults = Faults(faults)
        self.recording = Recording(keeps=records)
        self.gate = Gate(auth or Anyone(), quirks, clock)
        self.port = 0
        """Known once the block is entered."""
        self._window = FixedWindow(rate_limit, clock) if rate_limit else None
        self._latency = latency
        self._closing = anyio.Event()
        self._runner: web.ServerRunner | None = None

    def __repr__(self) -> str:
        return f"<EmbeddedRegistry {self.host} {self.storage!r}, {len(self.requests)} requests>"

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"http://{self.host}"

    def origin(self, host: str) -> str:
        """What absolute addresses in replies to a request to this host begin with."""
        return f"http://{host}"

    @property
    def requests(self) -> list[RecordedRequest]:
        return self.recording.requests

    @property
    def counts(self) -> Counter[str]:
        return self.recording.counts

    async def __aenter__(self) -> Self:
        # web.Server without an Application: its router costs as much as our whole handling of a HEAD.
        self._runner = web.ServerRunner(web.Server(self._serve, access_log=None), shutdown_timeout=1.0)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.set()
        if self._runner is not None:
            with anyio.CancelScope(shield=True):
                await self._runner.cleanup()

    def admit(self, request: Incoming) -> int:
        """How many bytes of the body are worth reading. Raises ErrorReply for who may not be here."""
        where = route(request.path)
        if where is None:
            return _BODY_LIMIT if self.gate.is_open else _FORM_LIMIT
        self.gate.check(request, where)
        sized = where.kind == "manifest" and not self.quirks.takes_anything
        return SIZE_LIMIT + 1 if sized else _BODY_LIMIT

    def answer(self, request: Incoming) -> Reply:
        """The answer to one request, without I/O. Raises ErrorReply."""
        if request.path == self.gate.token_path:
            return self.gate.token(request)
        if request.path == "/v2":
            return Reply(301, headers={"Location": "/v2/", "Content-Type": "text/html"})
        where = route(request.path)
        if where is None:
            raise unrouted(404, self.quirks.router_code)
        self.gate.check(request, where)
        return dispatch(self.storage, self.quirks, request, where)

    async def _serve(self, http: web.BaseRequest) -> web.StreamResponse:
        where = route(http.path)
        record = RecordedRequest(
            method=http.method,
            path=http.raw_path,
            kind=where.kind if where else ("token" if http.path == self.gate.token_path else "other"),
            authorization=http.headers.get("Authorization", ""),
            host=http.host,
        )
        self.recording.arrived(record)
        try:
            if self._latency is not None:
                await self._latency(record)
            fault = self.faults.due(http.method, http.raw_path)
            response = await self._respond(http, fault)
            if not isinstance(fault, Drop | Hang):
                record.status = response.status
            return response
        finally:
            self.recording.left()

    async def _respond(self, http: web.BaseRequest, fault: Action | None) -> web.StreamResponse:
        request = self._incoming(http)
        if http.can_read_body:
            try:
                limit = _BODY_LIMIT if fault else self.admit(request)
                request = msgspec.structs.replace(request, body=await _read(http, limit))
            except ErrorReply as refused:
                return _response(self._worded(refused.reply))
            except web.RequestPayloadError as error:
                return _response(plain(400, f"{error}\n").reply)
        if isinstance(fault, Answer):
            return _response(Reply(fault.status, fault.body, fault.headers))
        if not isinstance(fault, Drop | Hang) or fault.after_handling:
            reply = self._handle(request)
        if isinstance(fault, Hang):
            await self._closing.wait()
        if isinstance(fault, Drop | Hang):
            return _drop(http)
        if isinstance(fault, Truncate):
            return await _truncated(http, reply, fault.keep)
        return _response(reply)

    def _incoming(self, http: web.BaseRequest) -> Incoming:
        """The request without its body."""
        query = http.query
        return Incoming(
            method=http.method,
            path=http.path,
            target=http.raw_path,
            query=dict(query),
            scopes=tuple(query.getall("scope", ())),
            headers=_joined(http.headers),
            base=self.origin(http.host),
        )

    def _handle(self, request: Incoming) -> Reply:
        try:
            if self._window is not None:
                self._window.take()
            reply = self.answer(request)
        except ErrorReply as refused:
            reply = refused.reply
        return self._worded(reply)

    def _worded(self, reply: Reply) -> Reply:
        if self.quirks.silent and reply.status >= 400:
            reply = silenced(reply)
        if reply.headers.get("Content-Type") == "application/json":
            return msgspec.structs.replace(reply, headers={**reply.headers, "Content-Type": self.quirks.json_type})
        return reply


def _joined(headers: CIMultiDictProxy[str]) -> Mapping[str, str]:
    """Several lines of one name are one list (RFC 9110, 5.3)."""
    names = {name.lower() for name in headers}
    if len(names) == len(headers):
        return headers
    return CIMultiDict({name: ", ".join(headers.getall(name)) for name in names})


def _response(reply: Reply) -> web.Response:
    headers = {"Docker-Distribution-Api-Version": "registry/2.0", **reply.headers}
    if not reply.body and reply.status not in (204, 304):
        headers["Content-Length"] = "0"  # which aiohttp leaves out of a reply to HEAD
    return web.Response(status=reply.status, body=reply.body, headers=headers)


async def _read(http: web.BaseRequest, limit: int) -> bytes:
    if not http.can_read_body:
        return b""
    chunks, left = [], limit
    while left > 0 and (chunk := await http.content.read(left)):
        chunks.append(chunk)
        left -= len(chunk)
    return b"".join(chunks)


def _drop(http: web.BaseRequest) -> web.StreamResponse:
    if http.transport is not None:
        http.transport.abort()
    return web.Response(status=500)


async def _truncated(http: web.BaseRequest, reply: Reply, keep: int) -> web.StreamResponse:
    response = web.StreamResponse(status=reply.status, headers=dict(reply.headers))
    response.content_length = len(reply.body)
    await response.prepare(http)
    await response.write(reply.body[:keep])
    if http.transport is not None:
        http.transport.close()
    return response
