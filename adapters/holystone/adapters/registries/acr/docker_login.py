"""What Docker's configuration says of an Azure registry, in Azure's terms."""

import datetime as dt
import time
from collections.abc import Awaitable, Callable
from typing import Final

from holystone.adapters.credentials.credential import Credential, IdentityToken, UserPassword
from holystone.adapters.http.authorization import bearer
from holystone.engine.errors import Unauthorized
from holystone.engine.model.references import RegistryHost

EMPTY_GUID: Final = "00000000-0000-0000-0000-000000000000"
"""The user that says: the password is an ACR refresh token (Azure/acr, docs/AAD-OAuth.md)."""


class DockerLogin:
    """An admin user, a repository-scoped token and a service principal are user and password. `az acr login` leaves an
    ACR refresh token, which ends after three hours (container-registry-authentication.md of Azure's documentation) and
    is best shown to the token server only."""

    def __init__(
        self,
        host: RegistryHost,
        docker: Credential,
        refresh: Callable[[Credential], Awaitable[Credential]],
        *,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._host = host
        self._docker = docker
        self._refresh = refresh
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
        if self.credential == refused:
            self._docker = await self._refresh(self._docker)
        newer = self.credential
        if newer == refused and isinstance(refused, IdentityToken) and (ended := self._ended(refused)):
            raise Unauthorized(
                f"The token that 'az acr login' left for {self._host} ({refused.origin}) ended at {ended}.",
                what_to_do="Run 'az acr login' again: such a token lives for three hours. For jobs that run by "
                "themselves use a service principal, a repository-scoped token or a managed identity.",
            )
        return newer

    def _ended(self, token: IdentityToken) -> str | None:
        end = bearer(token.token).claims.get("exp")
        if not isinstance(end, int | float) or not 0 < end < self._wall():
            return None
        return f"{dt.datetime.fromtimestamp(end, dt.UTC):%Y-%m-%d %H:%M} UTC"

    def __repr__(self) -> str:
        return f"<DockerLogin {self._host} {self._docker!r}>"
