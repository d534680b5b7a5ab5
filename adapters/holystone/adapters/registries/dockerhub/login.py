"""The Hub API's token: a JWT for ten minutes (docker/docs:content/reference/api/hub/latest.yaml, /v2/auth/token).

Logging in is a request through a lane, and an attempt of another request must not wait for one: both may stand before
the same pause of the host, the attempt as the very probe that has to end it. So `HubApi` asks for a token before its
request and after a 401, and the connection only takes over what is held here.
"""

import time
from collections.abc import Awaitable, Callable, Mapping
from math import inf
from typing import Any, Final

import msgspec

from holystone.adapters.credentials.credential import Credential, RegistryToken, UserPassword
from holystone.adapters.credentials.secret import Secret
from holystone.adapters.credentials.single_flight import SingleFlight
from holystone.adapters.http.authorization import bearer, secret_json
from holystone.adapters.http.errors import summary
from holystone.adapters.http.reply import Reply, address
from holystone.adapters.http.tokens import described
from holystone.adapters.http.transport import RegistryHttp
from holystone.adapters.registries.dockerhub.replies import ADVICE
from holystone.adapters.registries.oci_replies import STRANGE
from holystone.engine.errors import IncompleteSource, Unauthorized
from holystone.engine.scheduler import Lane

_PATH: Final = "/v2/auth/token"
_LIFETIME: Final = 600.0
"""Seconds, where the token does not say."""
_MARGIN: Final = 30.0
"""Seconds before its end when a token is renewed; a quarter of a short lifetime."""
_LARGEST: Final = 256 * 1024


class _Body(msgspec.Struct):
    access_token: str


class HubLogin:
    """`credential` is a user with a password or a personal access token, or an organization with one of its own.
    `renew` gives a newer one after the Hub refused it (helpers hand out short-lived ones), or the same."""

    def __init__(
        self,
        credential: UserPassword,
        http: RegistryHttp,
        lane: Lane,
        renew: Callable[[Credential], Awaitable[Credential]] | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._credential = credential
        self._http = http
        self._lane = lane
        self._renew = renew
        self._clock = clock
        self._flights: SingleFlight[str, RegistryToken] = SingleFlight()
        self.account = credential.username.lower()
        self.start = RegistryToken(Secret(""), credential.origin, -inf)
        """What a connection begins with: it is never sent, as its time is over."""
        self._held = self.start

    def __repr__(self) -> str:
        left = max(0.0, self._held.renew_at - self._clock())
        return f"<HubLogin as {described(self._credential)}, {left:.0f} s left>"

    async def token(self, refused: RegistryToken | None = None) -> RegistryToken:
        """One that is good for a while, and not the one that was just refused. Raises Unauthorized, IncompleteSource,
        and what `RegistryHttp.request` raises."""

        def known() -> RegistryToken | None:
            held = self._held
            return held if held != refused and self._clock() < held.renew_at else None

        return await self._flights.run(_PATH, known, self._log_in)

    async def held(self, _refused: Credential) -> Credential:
        """The last one, without a request."""
        return self._held

    async def _log_in(self) -> RegistryToken:
        asked_at = self._clock()
        reply = await self._ask()
        if reply.status == 401 and self._renew is not None:
            newer = await self._renew(self._credential)
            if isinstance(newer, UserPassword) and newer != self._credential:
                self._credential = newer
                reply = await self._ask()
        server = address(reply.asked)
        if reply.status in (400, 401, 403):
            raise Unauthorized(
                f"{server} refuses {described(self._credential)}: {summary(reply)}.",
                what_to_do="Check it. An account with two factors, or of an organization with single sign-on, needs an "
                f"access token in place of the password. {ADVICE}",
            )
        try:
            token = Secret(msgspec.json.decode(reply.body, type=_Body).access_token if reply.status == 200 else "")
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            token = Secret("")  # the decoder's own message is not shown: it may quote the token
        if not token:
            said = "without a token" if reply.status == 200 else summary(reply)
            raise IncompleteSource(f"{server} gives no token: {_PATH} answered {said}.", what_to_do=STRANGE)
        seconds = _lifetime(bearer(token).claims)
        self._held = RegistryToken(token, self._credential.origin, asked_at + seconds - min(_MARGIN, seconds / 4))
        return self._held

    async def _ask(self) -> Reply:
        secret = self._credential.password
        return await self._http.request(
            "POST",
            _PATH,
            lane=self._lane,
            limit=_LARGEST,
            headers={"Content-Type": "application/json"},
            body=secret_json({"identifier": self._credential.username, "secret": secret}),
            final=(401,),
        )


def _lifetime(claims: Mapping[str, Any]) -> float:
    """How many seconds a token lives, by the server's own clock."""
    try:
        seconds = float(claims["exp"]) - float(claims["iat"])
    except (KeyError, TypeError, ValueError, OverflowError):
        return _LIFETIME
    return seconds if 0 < seconds < inf else _LIFETIME
