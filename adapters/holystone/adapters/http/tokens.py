"""Tokens of a registry's token server: fetched once, kept until shortly before they expire."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import msgspec
from yarl import URL

from holystone.adapters.credentials.credential import Anonymous, Credential, IdentityToken, RegistryToken, UserPassword
from holystone.adapters.credentials.secret import Secret
from holystone.adapters.credentials.single_flight import SingleFlight
from holystone.adapters.http.authorization import Authorization, basic, bearer, secret_form
from holystone.adapters.http.dates import date_of
from holystone.adapters.http.errors import summary
from holystone.adapters.http.reply import Reply, address
from holystone.adapters.http.trust import origin
from holystone.adapters.http.wire import Wire
from holystone.engine.errors import RegistryFailure, Unauthorized

DEFAULT_LIFETIME = 60.0
"""Seconds, where the reply does not say (distribution: docs/content/spec/auth/token.md)."""
MARGIN = 15.0
"""Seconds before its end when a token is renewed; a quarter of a short lifetime."""
_LARGEST = 64 * 1024
"""Bytes of a reply. What is longer goes into no header that a server takes."""
_MOST = 2_000
"""Tokens that are held, the last fetched ones: a registry may name another token server at each request."""
_ROOM = 8 << 20
"""Characters of all that are held, and of what they are held by: one letter that no token has makes four bytes of each.
Two thousand of 4,000 characters find room."""
_CLIENT_ID = "holystone"


class Key(NamedTuple):
    realm: URL
    service: str
    scope: str


@dataclass(frozen=True, slots=True)
class _Token:
    authorization: Authorization
    until: float
    size: int
    """In characters."""


class _Body(msgspec.Struct):
    token: str | None = None
    access_token: str | None = None
    expires_in: float | str | None = None
    refresh_token: str | None = None
    said_at: int | None = None
    """By the clock of the token server; not its body's."""


class Tokens:
    """The tokens of one registry, by scope. `classify` raises RateLimited or Transient for replies that ask to come
    back (see `transport`). `clock` is monotonic."""

    def __init__(
        self, wire: Wire, *, classify: Callable[[Reply], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._wire = wire
        self._classify = classify
        self._clock = clock
        self._held: dict[Key, _Token] = {}
        self._room = _ROOM
        self._flights: SingleFlight[Key, Authorization] = SingleFlight()
        self._rotated: dict[Secret, Secret] = {}
        """Identity tokens that the token server has replaced by newer ones."""

    async def get(self, key: Key, credential: Credential, *, refused: Authorization | None = None) -> Authorization:
        """A token that is still good for a while and not the one that was just refused.

        The caller has checked that the realm may see the credential. Raises Unauthorized if the token server refuses
        it, RegistryFailure if it talks nonsense, and what `Wire.send` and `classify` raise.
        """

        def known() -> Authorization | None:
            held = self._held.get(key)
            usable = held and self._clock() < held.until and held.authorization != refused
            return held.authorization if held and usable else None

        async def fetch() -> Authorization:
            self._drop(key)
            asked_at = self._clock()
            body = await self._fetch(key, credential)
            text = body.token or body.access_token or ""
            token = bearer(Secret(text), asked_at)
            lifetime = _seconds(_lifetime(token.claims, body.said_at) if body.expires_in is None else body.expires_in)
            self._hold(key, _Token(token, asked_at + lifetime - min(MARGIN, lifetime / 4), len(text) + _length(key)))
            return token

        return await self._flights.run(key, known, fetch)

    def _hold(self, key: Key, token: _Token) -> None:
        self._held[key] = token
        self._room -= token.size
        while self._room < 0 or len(self._held) > _MOST:
            self._drop(next(iter(self._held)))

    def _drop(self, key: Key) -> None:
        if token := self._held.pop(key, None):
            self._room += token.size

    async def _fetch(self, key: Key, credential: Credential) -> _Body:
        if isinstance(credential, IdentityToken):
            identity = self._rotated.get(credential.token, credential.token)
            reply = await self._post(key, identity)
            # Token servers without the POST flow say so in different ways (distribution: spec/auth/oauth.md).
            if reply.status in (401, 404, 405):
                fallback = await self._get(key, basic(credential.username, identity), credential.username)
                reply = fallback if fallback.status == 200 or reply.status != 401 else reply
            body = _read(reply, key.realm, credential)
            if body.refresh_token:
                self._rotated[credential.token] = Secret(body.refresh_token)
            return body
        user = credential.username if isinstance(credential, UserPassword) else ""
        login = basic(user, credential.password) if isinstance(credential, UserPassword) else None
        return _read(await self._get(key, login, user), key.realm, credential)

    async def _post(self, key: Key, identity: Secret) -> Reply:
        form: dict[str, str | Secret] = {
            "grant_type": "refresh_token",
            "service": key.service,
            "client_id": _CLIENT_ID,
            "refresh_token": identity,
        }
        if key.scope:
            form["scope"] = key.scope
        headers = {"Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded"}
        return self._judged(
            await self._wire.send("POST", key.realm, limit=_LARGEST, headers=headers, body=secret_form(form))
        )

    async def _get(self, key: Key, login: Authorization | None, account: str) -> Reply:
        query = [("service", key.service)] if key.service else []
        query += [("scope", scope) for scope in key.scope.split()]
        query += [("client_id", _CLIENT_ID)]
        if account and account != "<token>":
            query += [("account", account)]
        # The realm may have a query of its own: ours comes after it.
        url = key.realm.extend_query(query)
        reply = await self._wire.send(
            "GET", url, limit=_LARGEST, headers={"Accept": "application/json"}, authorization=login
        )
        if login is not None and origin(reply.url) != origin(url):
            raise RegistryFailure(
                f"The token server {address(url)} redirects to another host, {address(reply.url)}, "
                "which must not see the credential."
            )
        return self._judged(reply)

    def _judged(self, reply: Reply) -> Reply:
        self._classify(reply)
        return reply

    def __repr__(self) -> str:
        return f"<Tokens {len(self._held)} held>"


def _length(key: Key) -> int:
    return len(str(key.realm)) + len(key.service) + len(key.scope)


def _read(reply: Reply, realm: URL, credential: Credential) -> _Body:
    server = address(realm)
    if reply.status in (400, 401, 403):
        raise Unauthorized(
            f"The token server {server} refuses {described(credential)}: {summary(reply)}.",
            what_to_do="Log in to the registry (docker login), or name the folder of Docker's configuration."
            if isinstance(credential, Anonymous)
            else "Log in again, or check the credential at the place it comes from.",
        )
    if reply.status != 200:
        raise RegistryFailure(f"The token server {server} gives no token: {summary(reply)}.")
    try:
        body = msgspec.json.decode(reply.body, type=_Body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        # The decoder's own message is not shown: it may quote the token.
        body = _Body()
    token = body.token or body.access_token
    if not token:
        raise RegistryFailure(f"The token server {server} answered 200 without a token.")
    if not token.isprintable():
        raise RegistryFailure(f"The token server {server} gives a token that goes into no header.")
    body.said_at = date_of(reply.headers)
    return body


def described(credential: Credential) -> str:
    """Who was refused, and where it came from."""
    match credential:
        case UserPassword():
            return f"user {credential.username!r} ({credential.origin})"
        case IdentityToken():
            return f"the identity token ({credential.origin})"
        case RegistryToken():
            return f"the token ({credential.origin})"
        case Anonymous():
            return f"anonymous access ({credential.origin})"


def _lifetime(claims: Mapping[str, Any], now: int | None) -> float | None:
    """How many seconds a token lives, by the token server's own clock; Azure and GitLab say it nowhere else. Azure
    dates its tokens a quarter of an hour back, so that an hour's looks like 75 minutes (Azure/azure-sdk-for-python,
    recordings): `now` counts, if it can."""
    try:
        begun, end = float(claims["iat"]), float(claims["exp"])
    except (KeyError, TypeError, ValueError, OverflowError):
        return None
    return end - (now if now is not None and begun <= now < end else begun)


def _seconds(value: Any) -> float:
    try:
        seconds = float(value)
    except (TypeError, ValueError, OverflowError):
        return DEFAULT_LIFETIME
    return seconds if 0 < seconds < 10 * 365 * 86400 else DEFAULT_LIFETIME
