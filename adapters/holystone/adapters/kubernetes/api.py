"""Requests to one cluster's API server, as one user."""

import time
from collections.abc import Mapping
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Final, Self
from urllib.parse import urlencode

import anyio
from yarl import URL

from holystone.adapters.credentials.redaction import without_userinfo
from holystone.adapters.http.bodies import Bodies
from holystone.adapters.http.errors import summary
from holystone.adapters.http.faults import retry_rule
from holystone.adapters.http.hosts import host_of
from holystone.adapters.http.proxies import proxy_at
from holystone.adapters.http.reply import Reply, printable
from holystone.adapters.http.trust import is_loopback
from holystone.adapters.http.watch import Watch
from holystone.adapters.http.wire import Wire
from holystone.adapters.kubernetes.identity import NOBODYS, ClusterCredentials, ClusterIdentity
from holystone.adapters.kubernetes.kubeconfig import Cluster
from holystone.adapters.kubernetes.tls import ClientCertificate, tls_context
from holystone.engine.errors import IncompleteSource, Unauthorized, Unreachable
from holystone.engine.model.references import InvalidName
from holystone.engine.scheduler import RetriesExhausted, Scheduler, Transient

REQUEST_TIMEOUT: Final = 60.0
"""Seconds for one attempt; API servers end a list by themselves after so long."""
REQUESTS_AT_ONCE: Final = 4
_LARGEST: Final = 32 << 20
"""Bytes of one reply: 500 pods of 64 KiB, which is much. Two are read at a time, of all clusters."""

_LOG_IN: Final = "Log in to it again; `kubectl get pods` with the same context shows whether that helped."


class ApiServer:
    """An async context manager. Connects when it is first asked."""

    def __init__(
        self, cluster: Cluster, identity: ClusterIdentity, name: str, scheduler: Scheduler, bodies: Bodies | None = None
    ) -> None:
        """`name` is the user's, for the lane; `bodies` of all clusters. Raises IncompleteSource for an address that is
        none."""
        self._cluster = cluster
        self._identity = identity
        self._base = base_url(cluster)
        # As client-go has it (tools/clientcmd/client_config.go: ClientConfig), this machine apart.
        self._is_private = self._base.scheme == "https" or is_loopback(self._base.host or "")
        host = host_of(self._base)
        self._lane = scheduler.lane(host, name, "list")
        self._watch = Watch(host)
        self._bodies = bodies
        self._wire: Wire | None = None
        self._certificate: ClientCertificate | None = None
        self._opening = anyio.Lock()
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        await self._stack.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.__aexit__(kind, error, trace)

    async def settle(self) -> None:
        """Raises Doubtful if an answer may have been the one to another question."""
        await self._watch.settle()

    async def get(self, path: str, query: Mapping[str, str]) -> Reply:
        """Whatever the server answers, but 408, 429 and 5xx are retried, and a 401 is answered once with newer
        credentials. In clear text none leave this machine. Raises Unreachable, Unauthorized, IncompleteSource; TooLarge
        where a shorter page may do."""
        url = URL(f"{self._base}{path}?{urlencode(query)}", encoded=True)
        credentials = await self._identity.credentials() if self._is_private else NOBODYS
        reply = await self._send(url, credentials)
        if reply.status == 401 and not self._is_private:
            raise Unauthorized(
                "it wants to know its user, and nobody's is shown to a server that is asked by http",
                what_to_do="Write https:// in its `server` in the kubeconfig.",
            )
        if reply.status == 401:
            newer = await self._identity.credentials(refused=credentials)
            if newer is not credentials:
                reply = await self._send(url, newer)
        if reply.status == 401:
            raise Unauthorized(f"it refuses its user: {summary(reply)}", what_to_do=_LOG_IN)
        return reply

    async def _send(self, url: URL, credentials: ClusterCredentials) -> Reply:
        wire = await self._wire_for(credentials.certificate)

        async def attempt() -> Reply:
            reply = await wire.send(
                "GET",
                url,
                limit=_LARGEST,
                headers={"Accept": "application/json"},
                authorization=credentials.authorization,
                redirects=False,
            )
            if again := retry_rule(reply, time.time()):
                raise again
            return reply

        try:
            return await self._lane.run(attempt, timeout=REQUEST_TIMEOUT)
        except RetriesExhausted as gave_up:
            silent = isinstance(gave_up.fault, Transient) and gave_up.fault.host_down
            raise (Unreachable if silent else IncompleteSource)(
                str(gave_up), what_to_do="Check that it is well and can be reached from here."
            ) from gave_up
        except Unreachable as error:  # the certificate, or plain http
            raise Unreachable(
                error.message.rstrip("."), what_to_do="Check `server` and `certificate-authority` in the kubeconfig."
            ) from error

    async def _wire_for(self, certificate: ClientCertificate | None) -> Wire:
        async with self._opening:
            if self._wire is None or self._certificate != certificate:
                tls = await anyio.to_thread.run_sync(tls_context, self._cluster, certificate)
                proxy = self._cluster.proxy_url
                self._wire = await self._stack.enter_async_context(
                    Wire(
                        connections=REQUESTS_AT_ONCE,
                        tls=tls,
                        server_name=self._cluster.tls_server_name or None,
                        proxy=proxy_at(URL(proxy)) if proxy else None,
                        watch=self._watch,
                        bodies=self._bodies,
                    )
                )
                self._certificate = certificate
            return self._wire


def base_url(cluster: Cluster) -> URL:
    """Where the cluster's API is, without a slash at the end. Raises IncompleteSource."""
    text, shown = cluster.server, printable(without_userinfo(cluster.server))
    try:
        url = URL(text if "://" in text else f"https://{text}").with_user(None).with_query(None).with_fragment(None)
        host_of(url)
        url = URL(str(url).rstrip("/"))
    except (ValueError, InvalidName) as error:
        raise IncompleteSource(f"its server {shown!r} is not an address") from error
    if url.scheme not in ("http", "https"):
        raise IncompleteSource(f"its server {shown!r} is not an address of http or https")
    if cluster.proxy_url:
        _check_proxy(cluster.proxy_url)
    return url


def _check_proxy(text: str) -> None:
    try:
        proxy = URL(text)
    except ValueError:
        proxy = URL()
    if proxy.scheme not in ("", "http", "https"):
        raise IncompleteSource(f"its proxy-url is of the kind {printable(proxy.scheme)}, and only http can be used")
    if not (proxy.scheme and proxy.host):
        raise IncompleteSource(
            f"its proxy-url {printable(without_userinfo(text))!r} is not an address of http or https"
        )
