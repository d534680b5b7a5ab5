"""Who answers a 401: learns how the registry wants to be asked, and gives each request its authorization."""

import time
from collections.abc import Awaitable, Callable, Collection, Mapping
from functools import lru_cache
from typing import Any, TypeAlias

import anyio
from yarl import URL

from holystone.adapters.credentials.credential import Anonymous, Credential, RegistryToken, UserPassword
from holystone.adapters.http.authorization import Authorization, basic, bearer
from holystone.adapters.http.challenge import BasicChallenge, BearerChallenge, choose, parse
from holystone.adapters.http.errors import summary
from holystone.adapters.http.faults import NoAnswer
from holystone.adapters.http.reply import Reply, address, printable, to_url
from holystone.adapters.http.tokens import Key, Tokens, described
from holystone.adapters.http.trust import check_realm
from holystone.engine.errors import Unauthorized

Refresh: TypeAlias = Callable[[Credential], Awaitable[Credential]]

TOKEN_TIMEOUT = 30.0
"""Seconds for one round to the token server, waiting for somebody else's included."""
FRESH = 10.0
"""Seconds: a token that young was not refused for its age."""


_LONGEST = 4096
"""Characters of a scope with what the registry asked for on top: it may ask for more each time."""
_MOST = 2_000
"""Scopes of which that is kept, the last ones: each of half a million repositories has its own."""


class Authorizer:
    """Everything that may be told to the registry at `base`, and nothing to anyone else but its token server.

    `preemptive`: a user and password go along from the first request on. `unasked`: False where no credential may go
    before the registry has asked for one."""

    def __init__(
        self,
        base: URL,
        credential: Credential,
        tokens: Tokens,
        *,
        preemptive: bool = False,
        unasked: bool = True,
        token_servers: Collection[str] = (),
        refresh: Refresh | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._base = base
        self._credential = credential
        self._tokens = tokens
        self._preemptive = preemptive and unasked
        self._unasked = unasked
        self._token_servers = frozenset(host.lower() for host in token_servers)
        self._refresh = refresh
        self._clock = clock
        self._challenge: BearerChallenge | BasicChallenge | None = None
        self._realm = lru_cache(4)(self._find_realm)
        """Looking at an address took a tenth of the time of a small request."""
        self._widened: dict[str, str] = {}
        """Scopes that the registry found too narrow, with what it asked for on top."""

    async def before(self, scope: str) -> Authorization | None:
        """What to send at once, by what is known of the registry. None: wait for its challenge."""
        held = self._credential
        if isinstance(held, UserPassword | RegistryToken) and self._clock() >= held.renew_at:
            await self._renew(held)
        challenge = self._challenge
        if isinstance(self._credential, RegistryToken):
            return self._direct() if self._unasked or challenge else None
        if isinstance(challenge, BearerChallenge) and scope:
            return await self._token(challenge, self._widened.get(scope, scope))
        return self._direct() if self._preemptive or isinstance(challenge, BasicChallenge) else None

    async def again(self, scope: str, used: Authorization | None, reply: Reply) -> Authorization:
        """What to send after a 401 to `used`. Raises Unauthorized if there is nothing better."""
        challenge = choose(parse(reply.headers.getall("WWW-Authenticate", ()))) or self._challenge
        self._challenge = challenge
        if isinstance(challenge, BearerChallenge) and not isinstance(self._credential, RegistryToken):
            wanted = self._widened.get(scope, scope)
            if not covers(wanted, more := own(challenge.scope, scope)):
                if len(wanted) + len(more) > _LONGEST:
                    raise self.refusal(scope, reply)
                wanted = self._widened[scope] = f"{wanted} {more}"
                if len(self._widened) > _MOST:
                    del self._widened[next(iter(self._widened))]
            elif self._is_fresh(used) and challenge.error == "insufficient_scope":
                raise self.refusal(scope, reply)
            return await self._token(challenge, wanted, refused=used)
        if challenge is None and not isinstance(self._credential, RegistryToken):
            raise self.refusal(scope, reply)
        direct = self._direct()
        if direct is not None and direct == used:
            direct = self._direct() if await self._renew(self._credential) else None
        if direct is None:
            raise self.refusal(scope, reply)
        return direct

    async def granted(self, scope: str) -> Mapping[str, Any]:
        """The claims of the token that would be sent for this scope; see `transport`."""
        challenge = self._challenge
        if not isinstance(challenge, BearerChallenge) or isinstance(self._credential, RegistryToken):
            return {}
        return (await self._token(challenge, self._widened.get(scope, scope))).claims

    def refusal(self, scope: str, reply: Reply) -> Unauthorized:
        challenge = choose(parse(reply.headers.getall("WWW-Authenticate", ())))
        asked = challenge.scope if isinstance(challenge, BearerChallenge) and challenge.scope else scope
        for_what = f" for {printable(asked)}" if asked else ""
        if isinstance(self._credential, Anonymous):
            advice = f"Log in to {address(self._base)} (docker login), or name the folder of Docker's configuration."
        else:
            advice = "Check its password and its rights, or use another credential."
        return Unauthorized(
            f"{address(self._base)} refuses {described(self._credential)}{for_what}: {summary(reply)}.",
            what_to_do=advice,
        )

    async def _token(
        self, challenge: BearerChallenge, scope: str, refused: Authorization | None = None
    ) -> Authorization:
        credential = self._credential
        key = self._key(challenge, scope)
        with anyio.move_on_after(TOKEN_TIMEOUT):
            try:
                return await self._tokens.get(key, credential, refused=refused)
            except Unauthorized:
                if not await self._renew(credential):
                    raise
            return await self._tokens.get(self._key(challenge, scope), self._credential, refused=refused)
        raise NoAnswer(f"the token server {address(key.realm)} did not answer within {TOKEN_TIMEOUT:g} s")

    def _key(self, challenge: BearerChallenge, scope: str) -> Key:
        """Raises Unauthorized if its realm must not see the credential that we have now."""
        realm = self._realm(challenge.realm, has_credential=not isinstance(self._credential, Anonymous))
        return Key(realm, challenge.service, scope)

    def _find_realm(self, named: str, *, has_credential: bool) -> URL:
        try:
            realm = self._base.join(to_url(named))
        except ValueError:
            realm = URL()
        check_realm(self._base, realm, token_servers=self._token_servers, has_credential=has_credential)
        # Where scopes are is no more its choice than which: a token server takes all that an address has.
        query = [(name, value) for name, value in realm.query.items() if name.lower() != "scope"]
        return realm.with_user(None).with_fragment(None).with_query(query)

    async def _renew(self, refused: Credential) -> bool:
        """True if there is another credential now: helpers hand out short-lived ones."""
        if self._credential == refused and self._refresh is not None:
            self._credential = await self._refresh(refused)
        return self._credential != refused

    def _direct(self) -> Authorization | None:
        match self._credential:
            case UserPassword(username, password):
                return basic(username, password)
            case RegistryToken(token):
                return bearer(token)
            case _:
                return None

    def _is_fresh(self, used: Authorization | None) -> bool:
        return used is not None and self._clock() - used.born < FRESH

    def __repr__(self) -> str:
        return f"<Authorizer {address(self._base)} as {described(self._credential)}>"


def own(wanted: str, scope: str) -> str:
    """The scopes that a challenge wants and the request is about, without what is granted besides: a token that opens
    another repository is no business of this one's registry. Any registry could ask for it, and keep it."""
    ours = {each.rpartition(":")[0] for each in scope.split()}
    return " ".join(each for each in wanted.split() if each.rpartition(":")[0] in ours)


def covers(asked: str, wanted: str) -> bool:
    """True if a token for the scopes `asked` would hold every action of `wanted` (`type:name:action,action …`)."""
    held: dict[str, set[str]] = {}
    for scope in asked.split():
        resource, _, actions = scope.rpartition(":")
        held.setdefault(resource, set()).update(actions.split(","))
    for scope in wanted.split():
        resource, _, actions = scope.rpartition(":")
        has = held.get(resource, set())
        if "*" not in has and not set(actions.split(",")) <= has:
            return False
    return True
