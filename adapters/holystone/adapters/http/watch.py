"""Connections that notice a reply which nobody asked for.

A server or proxy that answers one question twice puts a reply too many on a kept connection, and the HTTP client hands
it out as the answer to the next question, and so on for every later one (aio-libs/aiohttp#13656; 3.14.5 does). Seen of
others: pyre/pyre#180, mitmproxy/mitmproxy#3612, HAProxy's 408 on idle connections. So:

- what arrives on a connection that nobody is waiting on ends that connection, as in Go's net/http and in nginx;
- final replies are counted against requests, connection by connection. One too many puts every answer of that
  connection in doubt, those that were handed out before too: the reply that is left over may be the true answer to the
  last question, and the one before it that to the question before. So that what is left over is always a whole reply,
  HEAD and what has content are asked over connections of their own (`wire`).
"""

import asyncio
import re
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from functools import partial
from typing import Any, Final

import aiohttp
import anyio
from aiohttp.client_proto import ResponseHandler
from aiohttp.connector import Connection
from aiohttp.helpers import DEBUG
from aiohttp.http_exceptions import BadStatusLine, HttpProcessingError

from holystone.engine.errors import Doubtful, PlanDoubtful
from holystone.engine.scheduler import Overdue, until

_STATUS: Final = re.compile(rb"(?:\A|\n)HTTP/\d(?:\.\d)? (\d{3})")
_BEGINS: Final = b"HTTP/1.1 200"
_CUT: Final = re.compile(rb"H(?:T(?:T(?:P(?:/[0-9.]*(?: [0-9]*)?)?)?)?)?\Z")
"""A line of a status that ends before the status does."""
_LARGEST_HEAD: Final = 128 << 10
"""Bytes, and what comes with the last of them: aiohttp takes 128 fields of any length that one may have, and dozens of
replies are read at once. What announces a reply counts, too."""
_TIMED_OUT: Final = 408
"""A proxy's farewell to a connection on which it was asked nothing for too long: no answer to anything."""
_CROSSES: Final = 1.0
"""Seconds in which the end of a connection that was kept comes to light, once it is asked again."""
_LEAST, _MOST = 0.1, 2.0
"""Seconds in which a reply that is left over is waited for."""
TO_DO: Final = (
    "A proxy or server on the way there answers some requests twice: find it, or go around it. "
    "Then run the command again: it reads everything anew."
)


class Watch:
    """What was asked and what came, on all connections to one place. Connections belong to a generation: `renew`
    begins the next, so that what is asked from then on is answered by connections that have answered nothing before."""

    def __init__(self, place: str = "") -> None:
        """`place`: whom the connections lead to, for people; whoever is at their other end if it is not said."""
        self.place = place
        self.generation = 0
        self.asked = 0
        """Requests that were sent over watched connections."""
        self._doubts: dict[int, str] = {}
        self._last_reply = 0.0
        self._slowest = 0.0

    def connection(self, loop: asyncio.AbstractEventLoop) -> "WatchedConnection":
        return WatchedConnection(loop, self)

    def renew(self) -> None:
        self.generation += 1

    def doubt(self, generation: int, what: str) -> None:
        self._doubts.setdefault(generation, what)

    def answered(self, seconds: float, now: float) -> None:
        """Notes an answer on a connection that had answered before: only there can an answer be the one to another
        question."""
        self._last_reply = now
        self._slowest = max(self._slowest, seconds)

    def check(self) -> None:
        """Raises Doubtful if an answer of this generation may be the one to another question."""
        if what := self._doubts.get(self.generation):
            raise Doubtful(what, what_to_do=TO_DO)

    async def settle(self) -> None:
        """Waits until a reply that is left over would be here: twice as long as the slowest took. Raises Doubtful as
        `check`, and PlanDoubtful if it is an earlier generation's."""
        if self._last_reply:
            patience = min(max(_LEAST, 2 * self._slowest), _MOST)
            waited = asyncio.get_running_loop().time() - self._last_reply
            if waited < patience:
                await anyio.sleep(patience - waited)
        self.check()
        if self._doubts:
            raise PlanDoubtful(next(iter(self._doubts.values())), what_to_do=TO_DO)

    def __repr__(self) -> str:
        return f"<Watch {self.asked} asked, {len(self._doubts)} doubts>"


class WatchedConnection(ResponseHandler):
    """aiohttp makes one for each connection, calls `set_response_params` before each request, `data_received` with
    whatever comes, and `feed_data` with each message that it has parsed."""

    def __init__(self, loop: asyncio.AbstractEventLoop, watch: Watch) -> None:
        super().__init__(loop)
        self._watch = watch
        self._generation = watch.generation
        self._asked = self._answered = 0
        self._asked_at = 0.0
        self._head = 0
        """Bytes that came of a reply that has not begun its body."""
        self._body: aiohttp.StreamReader | None = None
        self.has_ended = False
        """With the last answer, and there were others before it."""

    def set_response_params(self, **params: Any) -> None:
        self._asked += 1
        self._watch.asked += 1
        self._asked_at = self._loop.time()
        super().set_response_params(**params)

    def feed_data(self, data: Any, size: int = 0) -> None:
        message, self._body = data
        if message.code >= 200:  # the others announce one
            self._answered += 1
            if message.code == _TIMED_OUT:
                self.force_close()  # the true answer may still be on its way
            elif self._answered > self._asked:
                self._notice(str(message.code))
            if self._asked > 1:
                self.has_ended = message.should_close
                now = self._loop.time()
                self._watch.answered(now - self._asked_at, now)
        super().feed_data(data, size)

    def data_received(self, data: bytes) -> None:
        if data and self._is_over:
            self._unasked(data)
            return
        super().data_received(data)
        if self._is_over:
            self._look_behind(data)
        self._head = self._head + len(data) if self._answered < self._asked else 0
        if self._head > _LARGEST_HEAD:
            self._refuse(f"its head has more than {_LARGEST_HEAD} bytes")

    @property
    def _is_over(self) -> bool:
        return self._asked <= self._answered and (self._body is None or self._body.is_eof())

    @property
    def was_at_its_end(self) -> bool:
        """Whether a connection that broke had answered before, and nothing came as soon as it was asked once more."""
        is_soon = self._loop.time() - self._asked_at < _CROSSES
        return self._asked > 1 and self._answered < self._asked and not self._head and is_soon

    def _look_behind(self, data: bytes) -> None:
        """The beginning of what follows a reply in one piece with it stays in the parser, of which the next request has
        another: two line ends show what is there, and nothing where nothing is. `data`: what came last."""
        if self._parser is None or self._should_close or (self._payload is not None and not self._payload.is_eof()):
            return
        try:
            # In Python's development mode they are strict.
            ends = b"\r\n\r\n" if DEBUG else b"\n\n"
            begun = [str(message.code) for message, _ in self._parser.feed_data(ends)[0]]
        except HttpProcessingError as error:
            # aiohttp's parser in Python keeps what is no reply, too, such as a body with HEAD.
            is_reply = not data or not isinstance(error, BadStatusLine) or _CUT.search(data)
            begun = ["cut short"] if is_reply else []
        if begun:
            self._count(begun)
            self.force_close()

    def _refuse(self, why: str) -> None:
        if self.transport is not None:
            self.transport.close()
        self.set_exception(HttpProcessingError(message=why))

    def _unasked(self, data: bytes) -> None:
        """Half a body after HEAD, a line end too many: they never become an answer, and are no reply."""
        begun = data.lstrip(b"\r\n")
        statuses = [status.decode() for status in _STATUS.findall(data)]
        if not statuses and begun and _BEGINS.startswith(begun[: len(_BEGINS)]):
            statuses = ["cut short"]
        self._count(statuses)
        self.force_close()
        if self.transport is not None:
            self.transport.close()

    def _count(self, statuses: Iterable[str]) -> None:
        for status in statuses:
            if not status.startswith("1") and status != str(_TIMED_OUT):
                self._answered += 1
                self._notice(status)

    def _notice(self, status: str) -> None:
        peer = self.transport.get_extra_info("peername") if self.transport else None
        place = self._watch.place or (f"{peer[0]}:{peer[1]}" if isinstance(peer, tuple) else "A host")
        self._watch.doubt(
            self._generation,
            f"{place} answered more often than it was asked: on one connection {self._answered} replies came to "
            f"{self._asked} requests (the last: {status}). So an answer may have been taken for the one to another "
            "question, and what was read there is not to be relied on.",
        )


asked_over: Final[ContextVar[WatchedConnection | None]] = ContextVar("asked_over", default=None)
"""The connection of the task's last request; to be unset before each."""


class WatchedConnector(aiohttp.TCPConnector):
    """`_factory` is aiohttp's own; that it is still asked for each connection is checked while we run (see `Wire`)."""

    def __init__(self, watch: Watch, **options: Any) -> None:
        super().__init__(**options)
        made: Callable[[asyncio.AbstractEventLoop], ResponseHandler] = watch.connection
        self._factory = partial(made, self._loop)

    async def connect(self, req: aiohttp.ClientRequest, *more: Any, **options: Any) -> Connection:
        """Where a connection breaks, aiohttp sends DELETE and PUT again by itself, minutes after the look on which they
        were decided: what was pushed meanwhile would go. Whether they are sent again is for those who know the time:
        `Wire` and the lane. Nor is any change sent (by POST with ECR, Quay and old GitHub), by Overdue, if what came
        before took that long: all connections may have been in use, and a token may have been slow to come."""
        if asked_over.get() is not None and req.method not in ("GET", "HEAD"):
            raise aiohttp.ServerDisconnectedError
        connection = await super().connect(req, *more, **options)
        if req.method not in ("GET", "HEAD") and anyio.current_time() >= until():
            connection.release()
            raise Overdue
        asked_over.set(connection.protocol if isinstance(connection.protocol, WatchedConnection) else None)
        return connection
