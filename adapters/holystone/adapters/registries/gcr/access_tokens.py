"""OAuth2 access tokens of Google's: one held for all connections, renewed before it ends and when it is refused."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from typing import Any, Final, Protocol

import anyio
import msgspec
from yarl import URL

from holystone.adapters.credentials.secret import Secret
from holystone.adapters.credentials.single_flight import SingleFlight
from holystone.adapters.http.errors import summary
from holystone.adapters.http.faults import NoAnswer, retry_rule
from holystone.adapters.http.reply import Reply, address, to_url
from holystone.adapters.http.wire import Wire
from holystone.engine.errors import RegistryFailure, Unauthorized, Unreachable, UsageError
from holystone.engine.scheduler import Transient

TIMEOUT: Final = 10.0
"""Seconds for one request to a token server."""
MARGIN: Final = 60.0
"""Seconds before its end when a token is renewed; a quarter of a short lifetime. Google's metadata server hands the
same token out until five minutes before its end."""
LARGEST: Final = 256 * 1024
_METADATA_HOST: Final = "169.254.169.254"
_FLAVOR: Final = {"Metadata-Flavor": "Google"}
_TOKEN_PATH: Final = "/computeMetadata/v1/instance/service-accounts/default/token"  # noqa: S105 - a path
_PING: Final = 3.0
"""Seconds, as google-auth waits (google/auth/compute_engine/_metadata.py)."""


@dataclass(frozen=True, slots=True)
class AccessToken:
    secret: Secret
    renew_at: float = inf
    """On the monotonic clock."""

    @classmethod
    def of(cls, token: Any, lifetime: float, asked_at: float) -> "AccessToken":
        """A token that Google's server sent, with the time at which it is renewed. Raises RegistryFailure if there is
        none."""
        if not isinstance(token, str) or not token:
            raise RegistryFailure("Google's token server answered without a token.")
        left = max(0.0, lifetime)
        return cls(Secret(token), asked_at + left - min(MARGIN, left / 4))


class Source(Protocol):
    @property
    def origin(self) -> str:
        """Whose tokens, and where the credential was found: for people."""
        ...

    async def fetch(self) -> AccessToken:
        """Raises RateLimited or Transient if trying again can help, Unauthorized or UsageError if not."""
        ...


class AccessTokens:
    def __init__(self, source: Source, clock: Callable[[], float] = time.monotonic) -> None:
        self.origin = source.origin
        self._source = source
        self._clock = clock
        self._held: AccessToken | None = None
        self._flights: SingleFlight[None, AccessToken] = SingleFlight()

    async def get(self, refused: Secret) -> AccessToken:
        """One that is good for a while, and is not the one that was refused (empty: none was)."""

        def known() -> AccessToken | None:
            held = self._held
            return held if held and held.secret != refused and self._clock() < held.renew_at else None

        async def fetch() -> AccessToken:
            self._held = token = await self._source.fetch()
            return token

        return await self._flights.run(None, known, fetch)

    def __repr__(self) -> str:
        return f"<AccessTokens of {self.origin}>"


async def ask(
    wire: Wire,
    method: str,
    url: URL,
    headers: dict[str, str],
    body: bytes | None = None,
) -> Reply:
    """One request to a token server. Raises RateLimited and Transient, Unreachable, IncompleteSource."""
    with anyio.move_on_after(TIMEOUT):
        reply = await wire.send(method, url, limit=LARGEST, headers=headers, body=body)
        if verdict := retry_rule(reply, time.time()):
            raise verdict
        return reply
    raise NoAnswer(f"{address(url)} did not answer within {TIMEOUT:g} s")


class _Token(msgspec.Struct):
    access_token: str
    expires_in: float


class MetadataServer:
    """The metadata server of the machine that this runs on: Compute Engine, GKE, Cloud Run, Cloud Build
    (cloud.google.com/compute/docs/access/authenticate-workloads)."""

    def __init__(self, wire: Wire, host: str = "") -> None:
        """Raises UsageError for a `host`, of GCE_METADATA_HOST, that is none."""
        self._wire = wire
        try:
            self._url = to_url(f"http://{host or _METADATA_HOST}")
        except ValueError:
            raise UsageError("$GCE_METADATA_HOST is no host.", what_to_do="Write HOST or HOST:PORT.") from None
        self.origin = f"the service account of this machine, from its metadata server {address(self._url)}"

    async def is_there(self) -> bool:
        """A proxy on the way answers without the header."""
        with anyio.move_on_after(_PING):
            try:
                reply = await self._wire.send("GET", self._url / "", limit=LARGEST, headers=_FLAVOR)
            except (Transient, Unreachable):
                return False
            return reply.headers.get("Metadata-Flavor") == "Google"
        return False

    async def fetch(self) -> AccessToken:
        asked_at = time.monotonic()
        reply = await ask(self._wire, "GET", self._url.with_path(_TOKEN_PATH), _FLAVOR)
        if reply.status != 200:
            raise Unauthorized(
                f"The metadata server {address(self._url)} gives no token: {summary(reply)}.",
                what_to_do="Attach a service account to this machine, or log in with docker login.",
            )
        try:
            token = msgspec.json.decode(reply.body, type=_Token)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            token = _Token("", 0.0)  # the decoder's own message may quote the token
        return AccessToken.of(token.access_token, token.expires_in, asked_at)

    def __repr__(self) -> str:
        return f"<MetadataServer {address(self._url)}>"
