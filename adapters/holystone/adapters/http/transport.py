"""Requests to one registry host as one credential."""

import time
from collections.abc import Callable, Collection, Mapping
from types import TracebackType
from typing import Any, Self, TypeAlias

from yarl import URL

from holystone.adapters.credentials.credential import Credential
from holystone.adapters.http.authorization import Authorization
from holystone.adapters.http.authorizer import Authorizer, Refresh
from holystone.adapters.http.dates import Dates
from holystone.adapters.http.faults import Garbled, failure, retry_rule
from holystone.adapters.http.heads import Heads
from holystone.adapters.http.rates import calls_per_second, rate_hint
from holystone.adapters.http.reply import Reply, address
from holystone.adapters.http.signer import Outgoing, Signer
from holystone.adapters.http.tokens import Tokens
from holystone.adapters.http.trust import is_loopback, is_near, origin
from holystone.adapters.http.watch import TO_DO, Watch
from holystone.adapters.http.wire import Wire
from holystone.engine.errors import Doubtful, HolystoneError, TooLate, Unauthorized
from holystone.engine.model.references import RegistryHost
from holystone.engine.scheduler import Lane, Overdue, RateLimited, RetriesExhausted, Transient

REQUEST_TIMEOUT = 60.0
"""Seconds for one attempt, a token round trip included."""

Classify: TypeAlias = Callable[[Reply], RateLimited | Transient | None]

_API_HOSTS = dict.fromkeys(("docker.io", "index.docker.io", "registry.hub.docker.com"), "registry-1.docker.io")
"""Hosts whose API answers under another name."""


class RegistryHttp:
    """An async context manager.

    `classify` is the vendor's own way of saying "later": it sees every reply first and returns the RateLimited or
    Transient to raise inside the attempt (so that the lane retries), or None for the usual rules. `refresh` gives a
    newer credential after the registry refused the old one (helpers hand out short-lived ones), or the same.
    `preemptive`: a user and password are sent as Basic from the first request on, without waiting for a challenge.
    `token_servers`: hosts besides the registry's own domain that may see the credential. `base`: where the API is, if
    not at the host's root by https (by http on this machine); paths are appended to its own. In clear text a credential
    goes nowhere but to the neighbourhood before it is asked for, unless the user `named` that address. `unverified`
    says where certificates are not looked at. `signer`: authorizes every attempt instead of
    the credential; a 401 is then returned like every other status. `watch`: of the replies, if it is to be shared.
    `clock` is monotonic, `wall` unix time.
    """

    def __init__(
        self,
        host: RegistryHost,
        credential: Credential,
        *,
        named: bool = False,
        unverified: Callable[[URL], bool] | None = None,
        preemptive: bool = False,
        token_servers: Collection[str] = (),
        refresh: Refresh | None = None,
        classify: Classify | None = None,
        connections: int = 64,
        base: URL | None = None,
        signer: Signer | None = None,
        watch: Watch | None = None,
        dates: Dates | None = None,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._host = host
        self._base = base or base_url(host)
        self._root, self._origin = str(self._base), origin(self._base)
        self._classify = classify
        self._signer = signer
        self._wall = wall
        self._dates = dates
        self._heads = Heads()
        self._wire = Wire(connections=connections, unverified=unverified, watch=watch)
        self._authorizer = Authorizer(
            self._base,
            credential,
            Tokens(self._wire, classify=self._check, clock=clock),
            preemptive=preemptive,
            unasked=named or self._base.scheme == "https" or is_near(self._base.host or ""),
            token_servers=token_servers,
            refresh=refresh,
            clock=clock,
        )

    @property
    def host(self) -> RegistryHost:
        return self._host

    @property
    def base(self) -> URL:
        return self._base

    async def __aenter__(self) -> Self:
        await self._wire.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._wire.__aexit__(kind, error, trace)

    async def request(
        self,
        method: str,
        path: str,
        *,
        lane: Lane | None,
        limit: int,
        scope: str = "",
        accept: str = "application/json",
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        timeout: float = REQUEST_TIMEOUT,
        final: Collection[int] = (),
        retry: bool = True,
        alone: bool = False,
    ) -> Reply:
        """One request, as often as the lane allows.

        `path` begins with `/` and may carry a query, both already percent-encoded. `scope` is the token scope, e.g.
        `repository:team/app:pull,delete`; several are separated by a space. `limit`: bytes of reply body taken at most;
        of a HEAD, of the GET that takes its place on hosts that send a body with HEAD, and 0 if none may.
        Every status is returned for the caller to classify, but: a 401 is answered (once; if that does not help, it is
        raised as Unauthorized), 408, 429, 500, 502, 503, 504 and what is a page for people are retried, redirects
        followed. Those named in `final` are returned at once; a 401 that is named is returned where it would be raised.
        `retry=False` for what must not be sent twice: it goes alone, since a connection that was kept may be at its
        end. `alone`: see `Wire.send`. `lane=None` is for a request within the attempt of another one (a login): it is
        sent once, and the other's lane gets the RateLimited or Transient that it raises. On a lane of its own it could
        wait for the host's pause to end, which waits for the other.

        Raises Unreachable (no answer), Unauthorized, Doubtful (see `watch`), IncompleteSource (too big, cut short, or a
        GET or HEAD that failed to the end), RegistryFailure (another method that failed to the end), TooLate (within
        `sent_within`).
        """
        if not path.startswith("/"):
            raise ValueError("a path begins with a slash: anything else could become part of the host")
        url = URL(self._root + path, encoded=True)
        sent = {"Accept": accept, **(headers or {})}
        method = self._heads.method(method, limit)

        async def send(authorization: Authorization | None) -> Reply:
            reply = await self._wire.send(
                method, url, limit=limit, headers=sent, authorization=authorization, body=body, alone=alone or not retry
            )
            self._heads.answered(method)
            is_ours = self._is_ours(reply)
            if self._dates and is_ours:
                self._dates.saw(str(self._host), reply.headers)
            if lane and is_ours:
                if hint := rate_hint(reply.headers, self._wall()):
                    lane.hint(hint)
                if rate := calls_per_second(reply.headers):
                    lane.allow(rate)
            self._check(reply, final)
            return reply

        async def signed(signer: Signer) -> Reply:
            outgoing = Outgoing(method, url, sent, body)
            used = await signer.sign(outgoing)
            reply = await send(used)
            if used and self._is_ours(reply) and await signer.refused(used, reply):
                reply = await send(await signer.sign(outgoing))
            return reply

        async def attempt() -> Reply:
            nonlocal method
            try:
                return await authorized()
            except Garbled:
                if not self._heads.garbled(method, limit):
                    raise
                method = "GET"
            return await authorized()

        async def authorized() -> Reply:
            if self._signer is not None:
                return await signed(self._signer)
            # Inside the attempt: a token that is fetched before the lane lets us go may be old by then.
            authorization = await self._authorizer.before(scope)
            reply = await send(authorization)
            if reply.status != 401 or not self._is_ours(reply):
                return reply
            try:
                reply = await send(await self._authorizer.again(scope, authorization, reply))
                if reply.status == 401 and self._is_ours(reply):
                    raise self._authorizer.refusal(scope, reply)
            except Unauthorized:
                if 401 not in final:
                    raise
            return reply

        if lane is None:
            return await attempt()
        try:
            return await lane.run(attempt, timeout=timeout, retry=retry)
        except (RetriesExhausted, Overdue) as error:
            raise _in_words(error, method, url) from error

    def doubt(self, what: str) -> Doubtful:
        """What to raise where a reply was shown to be the one to another question. From then on nothing is asked that
        would be decided on together with what was answered before."""
        self._wire.watch.doubt(self._wire.watch.generation, what)
        return Doubtful(what, what_to_do=TO_DO)

    async def granted(self, scope: str, *, lane: Lane) -> Mapping[str, Any]:
        """The claims of the token for `scope`, fetched if need be; empty if the registry has not asked for one yet or
        its token is no JWT. They are not verified: whoever relies on them only learns what the server would say.

        Raises like `request`."""

        async def attempt() -> Mapping[str, Any]:
            return await self._authorizer.granted(scope)

        try:
            return await lane.run(attempt, timeout=REQUEST_TIMEOUT)
        except (RetriesExhausted, Overdue) as error:
            raise _in_words(error, "GET", self._base) from error

    def _check(self, reply: Reply, final: Collection[int] = ()) -> None:
        verdict = self._classify(reply) if self._classify and self._is_ours(reply) else None
        if verdict is None and reply.status not in final:
            verdict = retry_rule(reply, self._wall())
        if verdict is not None:
            raise verdict

    def _is_ours(self, reply: Reply) -> bool:
        """False for what a storage host said after a redirect: not about our rights, nor our quota."""
        return origin(reply.url) == self._origin

    def __repr__(self) -> str:
        return f"<RegistryHttp {self._base} {self._authorizer!r} {self._wire!r}>"


def _in_words(error: RetriesExhausted | Overdue, method: str, url: URL) -> HolystoneError:
    if isinstance(error, RetriesExhausted):
        return failure(method, url, error)
    return TooLate(f"{method} {url.path} at {address(url)} was not sent in time: {error}.")


def authority(host: RegistryHost) -> str:
    """The host and port at which a registry's API answers."""
    return _API_HOSTS.get(host, str(host))


def base_url(host: RegistryHost) -> URL:
    """Where a registry's API is by its name alone, without a slash at the end."""
    there = authority(host)
    return URL(f"{'http' if is_loopback(URL(f'//{there}').host or '') else 'https'}://{there}")


__all__ = ["REQUEST_TIMEOUT", "Classify", "RegistryHttp", "Reply", "authority", "base_url"]
