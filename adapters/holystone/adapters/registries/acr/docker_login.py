"""What Docker's configuration says of an Azure registry, in Azure's terms."""

import datetime as dt
import time
from collections.abc import Awaitable, Callable
from typing import Final, Protocol

import anyio

from holystone.adapters.credentials.credential import Credential, IdentityToken, UserPassword
from holystone.adapters.http.authorization import bearer
from holystone.engine.errors import HolystoneError, Unauthorized, Unreachable, UsageError
from holystone.engine.model.references import RegistryHost

EMPTY_GUID: Final = "00000000-0000-0000-0000-000000000000"
"""The user that says: the password is an ACR refresh token (Azure/acr, docs/AAD-OAuth.md)."""


class Successor(Protocol):
    """Another login, of Azure's own."""

    @property
    def credential(self) -> Credential: ...

    async def renewed(self, refused: Credential) -> Credential: ...


class DockerLogin:
    """An admin user, a repository-scoped token and a service principal are user and password. `az acr login` leaves an
    ACR refresh token, which ends after three hours (container-registry-authentication.md of Azure's documentation) and
    is best shown to the token server only. `beyond` signs in by Azure's own credentials, once such a token has ended.
    """

    def __init__(
        self,
        host: RegistryHost,
        docker: Credential,
        refresh: Callable[[Credential], Awaitable[Credential]],
        beyond: Callable[[], Awaitable[Successor]],
        *,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._host = host
        self._docker = docker
        self._refresh = refresh
        self._beyond = beyond
        self._successor: Successor | None = None
        self._renewing = anyio.Lock()
        self._wall = wall

    @property
    def credential(self) -> Credential:
        match self._docker:
            case UserPassword(username, password, origin) if username == EMPTY_GUID:
                return IdentityToken(password, origin, EMPTY_GUID)
            case other:
                return other

    async def renewed(self, refused: Credential) -> Credential:
        """Raises Unauthorized for a token that has ended and has no successor."""
        async with self._renewing:
            if self._successor is None:
                if self.credential == refused:
                    self._docker = await self._refresh(self._docker)
                newer = self.credential
                ended = newer == refused and isinstance(refused, IdentityToken) and self._ended(refused)
                if not ended:
                    return newer
                self._successor = await self._find_successor(refused.origin, ended)
        held = self._successor.credential
        return held if held != refused else await self._successor.renewed(refused)

    async def _find_successor(self, origin: str, ended: str) -> Successor:
        problem: HolystoneError
        try:
            return await self._beyond()
        except (Unauthorized, Unreachable, UsageError) as error:
            problem = error
        raise Unauthorized(
            f"The token that 'az acr login' left for {self._host} ({origin}) ended at {ended}. {problem.message}",
            what_to_do="Run 'az acr login' again: such a token lives for three hours. For jobs that run by "
            "themselves use a service principal, a repository-scoped token or a managed identity.",
        )

    def _ended(self, token: IdentityToken) -> str:
        end = bearer(token.token).claims.get("exp")
        if not isinstance(end, int | float) or not 0 < end < self._wall():
            return ""
        return f"{dt.datetime.fromtimestamp(end, dt.UTC):%Y-%m-%d %H:%M} UTC"

    def __repr__(self) -> str:
        return f"<DockerLogin {self._host} {self._docker!r}>"
