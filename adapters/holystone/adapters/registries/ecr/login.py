"""Basic authorization for /v2, which ECR gives to whoever may call its API. It lasts twelve hours."""

import time
from collections.abc import Callable
from typing import Final

import msgspec

from holystone.adapters.credentials.secret import Secret
from holystone.adapters.credentials.single_flight import SingleFlight
from holystone.adapters.http.authorization import Authorization
from holystone.adapters.http.reply import Reply
from holystone.adapters.http.signer import Outgoing
from holystone.adapters.registries.ecr.api import EcrApi
from holystone.adapters.registries.ecr.errors import ApiError
from holystone.engine.errors import IncompleteSource

_LIFETIME: Final = 12 * 3600.0
"""Seconds (GetAuthorizationToken, API reference)."""
_MARGIN: Final = 900.0
"""Seconds before its end when a token is renewed; a quarter of a short lifetime."""


class _Data(msgspec.Struct):
    authorizationToken: str
    expiresAt: float | None = None


class _Answer(msgspec.Struct):
    authorizationData: list[_Data]


class RegistryLogin:
    """A signer. `clock` is monotonic, `wall` unix time."""

    def __init__(
        self,
        api: EcrApi,
        *,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._api = api
        self._clock = clock
        self._wall = wall
        self._held: Authorization | None = None
        self._until = 0.0
        self._flights: SingleFlight[str, Authorization] = SingleFlight()

    async def sign(self, request: Outgoing) -> Authorization:
        return await self._flights.run("login", self._known, self._fetch)

    async def refused(self, used: Authorization, reply: Reply) -> bool:
        """ECR says 403 to a token that has ended, not 401 (flipt-io/flipt#3043), and nothing at all in a HEAD."""
        ended = b"token has expired" in reply.body.lower() or not reply.body
        if reply.status != 401 and not (reply.status == 403 and ended):
            return False
        if self._held == used:
            self._held = None
        return True

    def _known(self) -> Authorization | None:
        return self._held if self._clock() < self._until else None

    async def _fetch(self) -> Authorization:
        asked_at = self._clock()
        try:
            answer = await self._api.call("GetAuthorizationToken", _Answer, None, {})
        except ApiError as error:
            raise self._api.unreadable("The registry's own token", error, "ecr:GetAuthorizationToken") from error
        if not answer.authorizationData:
            raise IncompleteSource("ECR gives no token: its answer to GetAuthorizationToken is empty.")
        data = answer.authorizationData[0]
        lifetime = (data.expiresAt or 0.0) - self._wall()
        if not 0 < lifetime <= _LIFETIME:  # one of the clocks is wrong
            lifetime = _LIFETIME
        # The text is `AWS:password` in base64 already, as Basic wants it.
        self._held = Authorization("Basic", Secret(data.authorizationToken), asked_at)
        self._until = asked_at + lifetime - min(_MARGIN, lifetime / 4)
        return self._held

    def __repr__(self) -> str:
        return f"<RegistryLogin {'good' if self._known() else 'none'}>"
