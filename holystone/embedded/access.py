"""Who may do what: HTTP Basic, or a token service of Docker's kind (distribution, docs/spec/auth/token.md) that lives
on the same server. Like the real ones it grants a subset of what was asked, and says nothing about the rest."""

import datetime as dt
import fnmatch
import secrets
import urllib.parse
from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

import msgspec

from holystone.embedded.errors import ErrorReply, error_reply
from holystone.embedded.exchange import Incoming, Reply, json_reply
from holystone.embedded.quirks import Quirks
from holystone.embedded.routes import Route

Grants: TypeAlias = Mapping[str, frozenset[str]]
"""Repository pattern (`team/*`) → actions among pull, push, delete and `*`; the catalog is `registry/catalog`."""
ALL: Final[Grants] = {"*": frozenset({"*"})}


class User(msgspec.Struct, frozen=True):
    password: str
    rights: Grants = msgspec.field(default_factory=lambda: ALL)

    def may(self, scope: str) -> str:
        """The part of a scope that this user has, as a scope; empty if none."""
        kind, _, rest = scope.partition(":")
        name, _, actions = rest.rpartition(":")
        path = name if kind == "repository" else f"{kind}/{name}"
        have = {right for pattern, own in self.rights.items() if fnmatch.fnmatchcase(path, pattern) for right in own}
        granted = [action for action in actions.split(",") if action in have or "*" in have]
        return f"{kind}:{name}:{','.join(granted)}" if granted else ""


class Anyone(msgspec.Struct, frozen=True):
    """Access without authentication."""


class Basic(msgspec.Struct, frozen=True):
    users: Mapping[str, User]
    realm: str = "Registry Realm"


class TokenService(msgspec.Struct, frozen=True):
    users: Mapping[str, User]
    """The user named "" is the anonymous one."""
    expires_in: int = 60
    """Seconds."""
    service: str = "embedded"
    path: str = "/token"
    """Where on this server it is."""
    realm: str | None = None
    """Another address than this server's own."""
    scope: str = ""
    """Of every challenge. Tokens have all of their user's rights then, whatever scope is asked for. Empty: of what the
    request needs."""


class Token(msgspec.Struct, frozen=True):
    """A token that was given out."""

    expiry: float
    """By the gate's clock."""
    user: User
    granted: frozenset[str] | None
    """None: whatever the user may."""

    def covers(self, scope: str) -> bool:
        return self.user.may(scope) == scope if self.granted is None else _covered(scope, self.granted)


Auth: TypeAlias = Anyone | Basic | TokenService


class Gate:
    """Checks requests, and issues tokens. `clock` is monotonic, in seconds."""

    def __init__(self, auth: Auth, quirks: Quirks, clock: Callable[[], float]) -> None:
        self._auth = auth
        self._quirks = quirks
        self._clock = clock
        self._tokens: dict[str, Token] = {}
        self._refresh_tokens: dict[str, User] = {}

    @property
    def token_path(self) -> str:
        return self._auth.path if isinstance(self._auth, TokenService) else "/token"

    @property
    def is_open(self) -> bool:
        return isinstance(self._auth, Anyone)

    def check(self, request: Incoming, route: Route) -> None:
        """Lets the request pass. Raises ErrorReply if it may not."""
        if isinstance(self._auth, Anyone):
            return
        needed = scopes(request, route)
        if isinstance(self._auth, Basic):
            user = _authenticated(self._auth.users, request.basic())
            if user is None:
                raise error_reply("UNAUTHORIZED", headers={"WWW-Authenticate": f'Basic realm="{self._auth.realm}"'})
            lacking = [scope for scope in needed if user.may(scope) != scope]
            if lacking:
                raise error_reply("DENIED", lacking, status=403)
            return
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            raise self._challenge(self._auth, request, needed)
        known = self._tokens.get(token)
        if known is None or known.expiry <= self._clock():
            raise self._challenge(self._auth, request, needed, "invalid_token")
        if not all(map(known.covers, needed)):
            if self._quirks.lacking_rights_status == 403:
                raise error_reply("DENIED")
            raise self._challenge(self._auth, request, needed, "insufficient_scope")

    def token(self, request: Incoming) -> Reply:
        """The answer to `/token`. Raises ErrorReply."""
        auth = self._auth
        if not isinstance(auth, TokenService):
            raise error_reply("UNSUPPORTED", status=404)
        sent = urllib.parse.parse_qs(request.body.decode(errors="replace"))
        form = {name: values[-1] for name, values in sent.items()}
        if request.method == "POST":
            asked = tuple(form.get("scope", "").split())
            user = (
                self._refresh_tokens.get(form.get("refresh_token", ""))
                if form.get("grant_type") == "refresh_token"
                else _authenticated(auth.users, (form.get("username", ""), form.get("password", "")))
            )
        else:
            asked = tuple(scope for each in request.scopes for scope in each.split())
            basic = request.basic()
            anonymous = "Authorization" not in request.headers
            user = auth.users.get("") if anonymous else _authenticated(auth.users, basic)
        if user is None:
            raise error_reply("UNAUTHORIZED")
        token = secrets.token_urlsafe(24)
        granted = None if auth.scope else frozenset(part for scope in asked if (part := user.may(scope)))
        self._tokens[token] = Token(self._clock() + auth.expires_in, user, granted)
        reply = {
            "token": token,
            "access_token": token,
            "expires_in": auth.expires_in,
            "issued_at": dt.datetime.now(dt.UTC).isoformat(),
        }
        if request.query.get("offline_token") == "true" or form.get("access_type") == "offline":
            reply["refresh_token"] = refresh = secrets.token_urlsafe(24)
            self._refresh_tokens[refresh] = user
        return json_reply(reply)

    def revoke_all(self) -> None:
        """Every token that was issued is invalid from now on."""
        self._tokens.clear()

    def _challenge(self, auth: TokenService, request: Incoming, needed: tuple[str, ...], error: str = "") -> ErrorReply:
        parts = [f'Bearer realm="{auth.realm or request.base + auth.path}"', f'service="{auth.service}"']
        asked = auth.scope or " ".join(needed)
        parts += [f'scope="{asked}"'] if asked else []
        parts += [f'error="{error}"'] if error else []
        return error_reply("UNAUTHORIZED", list(needed) or None, headers={"WWW-Authenticate": ",".join(parts)})


def scopes(request: Incoming, route: Route) -> tuple[str, ...]:
    """What distribution asks for each verb: a deletion needs `delete` only."""
    if route.kind == "version":
        return ()
    if route.kind == "catalog":
        return ("registry:catalog:*",)
    actions = {"GET": "pull", "HEAD": "pull", "DELETE": "delete"}.get(request.method, "pull,push")
    needed = (f"repository:{route.repository}:{actions}",)
    source = request.query.get("from")
    return (*needed, f"repository:{source}:pull") if route.kind == "uploads" and source else needed


def _authenticated(users: Mapping[str, User], credentials: tuple[str, str] | None) -> User | None:
    user = users.get(credentials[0]) if credentials and credentials[0] else None
    right = user and credentials and secrets.compare_digest(user.password.encode(), credentials[1].encode())
    return user if right else None


def _covered(scope: str, granted: frozenset[str]) -> bool:
    name, _, actions = scope.rpartition(":")
    have: set[str] = set()
    for each in granted:
        other, _, own = each.rpartition(":")
        if other == name:
            have.update(own.split(","))
    return "*" in have or set(actions.split(",")) <= have
