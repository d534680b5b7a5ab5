"""One exchange on the wire: redirects followed by hand, replies capped, faults named. No retries, no tokens."""

import ssl
from collections.abc import Awaitable, Callable, Mapping
from enum import Enum, auto
from functools import lru_cache, partial
from io import BytesIO
from types import TracebackType
from typing import NamedTuple, Self

import aiohttp
import anyio
from yarl import URL

from holystone.adapters.http.authorization import Authorization, with_authorization
from holystone.adapters.http.bodies import Bodies
from holystone.adapters.http.faults import NoAnswer, fault
from holystone.adapters.http.proxies import Proxy, proxy_for
from holystone.adapters.http.reply import Reply, address, printable, to_url
from holystone.adapters.http.tls import usual_trust
from holystone.adapters.http.trust import origin
from holystone.adapters.http.watch import Watch, WatchedConnector, asked_over
from holystone.engine.errors import IncompleteSource, UsageError
from holystone.engine.scheduler import until

CONNECT_TIMEOUT = 15.0
"""Seconds for one TCP connection and its TLS handshake. All other times are the attempt's (see `transport`)."""
MAX_REDIRECTS = 5
_REDIRECTS = frozenset((301, 302, 303, 307, 308))
_REPEATABLE = frozenset(("GET", "HEAD", "PUT", "DELETE"))
"""Sent twice, they do what they do once (RFC 9110, 9.2.2)."""
_LONGEST_HEADER = 32 * 1024
_PLACES = 64
"""To which the way is kept in mind: a registry, its token server, and where redirects lead."""
_CROSSES_ORIGINS = frozenset(("accept", "accept-encoding", "range", "user-agent"))
"""Headers that may go to another host: some vendors' own ones carry a token."""


class _Carries(Enum):
    """What a connection is for. A reply to HEAD and one with content share none: where a reply too many comes, the one
    would be taken for the beginning of the other, and none would be left over to be counted (see `watch`)."""

    HEADS = auto()
    CONTENT = auto()
    ONE = auto()
    """A single request."""


class _Way(NamedTuple):
    """How one place is reached."""

    proxy: Proxy
    tls: ssl.SSLContext | bool


class Wire:
    """An async context manager. Keeps no cookies: Harbor then never asks for a CSRF token.

    `unverified` says where certificates are not looked at; `tls` stands in for the usual trust, `server_name` for the
    host's name in its certificate, `proxy` for the environment's. `watch` may be shared by several, so that a doubt
    about one is a doubt about all, and `bodies`, so that there is room for the large ones of all. `connections`: at
    most, of each kind."""

    def __init__(
        self,
        *,
        connections: int,
        unverified: Callable[[URL], bool] | None = None,
        tls: ssl.SSLContext | None = None,
        server_name: str | None = None,
        proxy: Proxy | None = None,
        watch: Watch | None = None,
        bodies: Bodies | None = None,
    ) -> None:
        self._connections = connections
        self._tls = tls
        self._unverified = unverified
        self._server_name = server_name
        self._given_proxy = proxy
        self.watch = watch or Watch()
        self._bodies = bodies or Bodies()
        self._is_open = False
        self._current: dict[_Carries, aiohttp.ClientSession] = {}
        self._sessions: list[aiohttp.ClientSession] = []
        """Of all generations: a reply too many may still come to an earlier one's connections."""
        self._generation = self.watch.generation
        self._way = lru_cache(_PLACES)(self._find_way)
        """By origin: looking through the environment took a fifth of the time of a small request."""

    async def __aenter__(self) -> Self:
        self._is_open = True
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_open = False
        self._current.clear()
        with anyio.CancelScope(shield=True):
            while self._sessions:
                await self._sessions.pop().close()

    async def send(
        self,
        method: str,
        url: URL,
        *,
        limit: int,
        headers: Mapping[str, str],
        authorization: Authorization | None = None,
        body: bytes | None = None,
        redirects: bool = True,
        alone: bool = False,
    ) -> Reply:
        """`redirects=False` returns a redirect like any other reply. `alone`: over a connection of its own, on which no
        reply to another request can come.

        Raises Transient (see `faults`), Unreachable, UsageError for a proxy that cannot be used, Doubtful if there was
        a reply that nobody asked for, and IncompleteSource for a reply over `limit` bytes or a redirect that must not
        be followed: to plain http, in circles, or of a write to another host."""
        asked = url
        for _ in range(MAX_REDIRECTS + 1):
            sent = with_authorization(headers, authorization)
            ask = partial(self._exchange, method, url, asked, limit, sent, body)
            reply = await self._answer(method, ask, alone=alone)
            target = _target(reply, method) if redirects else None
            if target is None:
                return reply
            if origin(target) != origin(url):
                _check_crossing(method, url, target)
                # Dropped for good: a redirect back to the first host comes from a stranger.
                authorization = None
                headers = {name: value for name, value in headers.items() if name.lower() in _CROSSES_ORIGINS}
            url = target
        raise IncompleteSource(f"{address(asked)} redirects more than {MAX_REDIRECTS} times ({method} {asked.path}).")

    async def _answer(self, method: str, ask: Callable[..., Awaitable[Reply]], *, alone: bool) -> Reply:
        """Where a used connection has ended with the answer, the one that is given over another (see `watch`), and so
        where it has ended without: each of these ends would cost one of the lane's retries."""
        generation = self.watch.generation
        try:
            reply = await ask(alone=alone)
        except NoAnswer:
            if method not in _REPEATABLE or not _crossed_its_end():
                raise
            return await ask(alone=True)
        over = asked_over.get()
        if alone or method not in ("GET", "HEAD") or over is None or not over.has_ended:
            return reply
        before, place = _said(reply), address(reply.url)
        if not before:
            return reply
        del reply  # it may be large
        reply = await ask(alone=True)
        if (now := _said(reply)) not in ("", "404", before):  # what has gone meanwhile puts nothing in doubt
            self.watch.doubt(
                generation,
                f"{place} answered {before} at the end of a connection, and {now} on another one. So answers may have "
                "been taken for those to other questions, and what was read there is not to be relied on.",
            )
            self.watch.check()
        return reply

    async def _exchange(
        self,
        method: str,
        url: URL,
        asked: URL,
        limit: int,
        headers: Mapping[str, str],
        body: bytes | None,
        *,
        alone: bool,
    ) -> Reply:
        self.watch.check()
        carries = _Carries.ONE if alone else _Carries.HEADS if method == "HEAD" else _Carries.CONTENT
        session, asked_before = self._through(carries), self.watch.asked
        proxy, tls = self._way(url.origin())
        for_proxy = proxy.headers
        if for_proxy and url.scheme == "http":
            headers = {**headers, **for_proxy}
        data = None if body is None else BytesIO(body)  # aiohttp warns of large bytes
        asked_over.set(None)
        try:
            async with session.request(
                method,
                url,
                headers=headers,
                data=data,
                allow_redirects=False,
                proxy=proxy.url,
                proxy_headers=for_proxy,
                server_hostname=self._server_name,
                ssl=tls,
            ) as response:
                content = b"" if method == "HEAD" else await self._bodies.read(response, limit, asked)
                reply = Reply(response.status, response.headers, content, url, asked)
            if self.watch.asked == asked_before:
                raise RuntimeError("aiohttp makes its connections otherwise now: nobody counts replies any more")
            self.watch.check()
            return reply
        except (aiohttp.ClientError, OSError, UnicodeError) as error:
            broken = fault(error, address(url))
        # Outside of `except`, so that aiohttp's error with its request headers does not become the context.
        raise broken

    def _through(self, carries: _Carries) -> aiohttp.ClientSession:
        if not self._is_open:
            raise RuntimeError("used outside of its `async with`")
        if self._generation != self.watch.generation:
            self._generation = self.watch.generation
            self._current.clear()
        session = self._current.get(carries)
        if session is None:
            session = self._current[carries] = self._opened(force_close=carries is _Carries.ONE)
        return session

    def _opened(self, *, force_close: bool) -> aiohttp.ClientSession:
        session = aiohttp.ClientSession(
            connector=WatchedConnector(self.watch, limit=self._connections, force_close=force_close),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_TIMEOUT),
            headers={"User-Agent": "holystone", "Accept-Encoding": "gzip"},
            auto_decompress=False,  # see `bodies`
            max_line_size=_LONGEST_HEADER,
            max_field_size=_LONGEST_HEADER,
        )
        self._sessions.append(session)
        return session

    def _find_way(self, place: URL) -> _Way:
        proxy = self._given_proxy or proxy_for(place)
        unverified = place.scheme == "https" and self._unverified is not None and self._unverified(place)
        tls = self._tls or (not unverified and usual_trust())
        if not (tls and tls.verify_mode) and proxy.url and proxy.url.scheme == "https":
            raise UsageError(  # aiohttp would not look at the proxy's certificate either, and tell it its password
                f"{address(place)} is to be asked without a look at its certificate, and through a proxy that is "
                "reached by https: the proxy's would not be looked at, either.",
                what_to_do=f"Name {place.host} in NO_PROXY, or the file of its certificate authority in SSL_CERT_FILE.",
            )
        return _Way(proxy, tls)

    def __repr__(self) -> str:
        return f"<Wire {'open' if self._is_open else 'closed'}, {self._connections} connections>"


def _crossed_its_end() -> bool:
    """Whether a request met a connection that the server was just ending, and there is still time to send it."""
    over = asked_over.get()
    return over is not None and over.was_at_its_end and anyio.current_time() < until()


def _said(reply: Reply) -> str:
    """Whether something is there, and what. Empty for what says neither."""
    if reply.status not in (200, 404):
        return ""
    return printable(f"{reply.status} {reply.headers.get('Docker-Content-Digest', '')}").rstrip()


def _target(reply: Reply, method: str) -> URL | None:
    if reply.status not in _REDIRECTS or not (location := reply.headers.get("Location")):
        return None
    if method not in ("GET", "HEAD") and reply.status not in (307, 308):
        return None
    try:
        target = reply.url.join(to_url(location)).with_fragment(None)
        # A redirect does not choose who we are.
        return target.with_user(None) if target.scheme in ("http", "https") and target.host else _no_address(reply)
    except ValueError:
        return _no_address(reply)


def _no_address(reply: Reply) -> URL:
    raise IncompleteSource(f"{address(reply.url)} redirects {reply.asked.path} to something that is not a web address.")


def _check_crossing(method: str, url: URL, target: URL) -> None:
    if url.scheme == "https" and target.scheme != "https":
        raise IncompleteSource(f"{address(url)} redirects from https to plain http at {address(target)}.")
    if method not in ("GET", "HEAD"):
        raise IncompleteSource(f"{address(url)} redirects a {method} to another host, {address(target)}.")
