"""Azure's own credentials: an Entra ID token of whoever runs us is exchanged for a refresh token of the registry.

Source: Azure/acr, docs/AAD-OAuth.md. The audience is "the default audience used for all clouds"
(azure-containerregistry 1.2.0, _helpers.py). The authority of sovereign clouds is chosen by AZURE_AUTHORITY_HOST, which
azure-identity reads itself.
"""

import math
import time
from collections.abc import Callable
from typing import Final, Protocol

import anyio
import msgspec

from holystone.adapters.credentials.credential import Anonymous, Credential, IdentityToken
from holystone.adapters.credentials.secret import Secret
from holystone.adapters.http.authorization import secret_form
from holystone.adapters.http.challenge import BearerChallenge, choose, parse
from holystone.adapters.http.errors import summary
from holystone.adapters.http.reply import Reply, printable
from holystone.adapters.http.transport import RegistryHttp
from holystone.adapters.registries.acr.docker_login import EMPTY_GUID
from holystone.adapters.registries.acr.replies import FIREWALL, NEEDED_RIGHTS
from holystone.adapters.registries.detection import named
from holystone.adapters.registries.endpoint import Endpoint
from holystone.adapters.registries.fingerprint import Nobody
from holystone.adapters.registries.oci_replies import STRANGE
from holystone.engine.errors import HolystoneError, IncompleteSource, Unauthorized, Unreachable, UsageError
from holystone.engine.model.addresses import Address
from holystone.engine.model.references import RegistryHost
from holystone.engine.scheduler import Lane

_AUDIENCE: Final = "https://containerregistry.azure.net/.default"
_ORIGIN: Final = "Azure's own credentials, by azure-identity"
_TIMEOUT: Final = 60.0
"""Seconds for Entra ID. The chain tries several sources, each with a time of its own."""
_PAUSE: Final = 60.0
"""Seconds between renewals: a refresh token that was refused so soon was refused for another reason than its age."""
_LARGEST: Final = 256 * 1024
_CHAIN: Final = "Attempted credentials:"
"""azure.identity, _credentials/chained.py, `_get_error_message`."""
_LINE: Final = 400
"""Characters of what one credential says. An error of Entra ID (AADSTS…) begins with its cause."""


class AccessToken(Protocol):
    @property
    def token(self) -> str: ...


class TokenCredential(Protocol):
    """The part of azure.core.credentials_async.AsyncTokenCredential that is used. It keeps its tokens itself."""

    async def get_token(self, *scopes: str) -> AccessToken: ...

    async def close(self) -> None: ...


def azure_credential() -> TokenCredential:
    """A credential of Azure by the chain that Azure's tools have in common."""
    try:
        from holystone.adapters.registries.acr.azure_chain import AzureChain
    except ImportError as error:
        raise UsageError(
            "Azure's own credentials need the package azure-identity.",
            what_to_do="Install it (pip install 'holystone[acr]'), or log in to the registry with docker login.",
        ) from error
    try:
        return AzureChain()
    except ValueError as error:
        raise UsageError(f"Azure's own credentials are set up wrongly: {printable(str(error))}") from error


class _Exchanged(msgspec.Struct):
    refresh_token: str


class EntraLogin:
    """Exchanges Azure's tokens for the registry's own. `clock` is monotonic, in seconds."""

    def __init__(
        self,
        host: RegistryHost,
        http: RegistryHttp,
        source: TokenCredential,
        *,
        docker: str = "none in Docker's configuration",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`docker`: what was found there, for people."""
        self._host = host
        self._http = http
        self._source = source
        self._docker = docker
        self._clock = clock
        self._renewing = anyio.Lock()
        self._renewed_at = -math.inf
        self._current: Credential = Anonymous(_ORIGIN)
        self._service = ""

    @property
    def credential(self) -> Credential:
        """Anonymous until `exchange` was called."""
        return self._current

    async def exchange(self, lane: Lane | None = None) -> None:
        """Gets a newer refresh token. Without a lane it happens within the attempt of another request, whose lane waits
        and tries again for both. Raises Unauthorized, Unreachable, IncompleteSource, and then also RateLimited and
        Transient."""
        service = self._service = self._service or await self._asked_for(lane)
        token = await self._entra_token()
        reply = await self._http.request(
            "POST",
            "/oauth2/exchange",
            lane=lane,
            limit=_LARGEST,
            headers={"Content-Type": "application/x-www-form-urlencoded"},
            body=secret_form({"grant_type": "access_token", "service": service, "access_token": token}),
            final=(401,),
        )
        self._current = IdentityToken(self._understood(reply), _ORIGIN, EMPTY_GUID)

    async def renewed(self, refused: Credential) -> Credential:
        """The refresh token lives for three hours, and a large cleanup may take longer."""
        async with self._renewing:
            if self._current == refused and self._clock() - self._renewed_at >= _PAUSE:
                await self.exchange()
                self._renewed_at = self._clock()
            return self._current

    async def _asked_for(self, lane: Lane | None) -> str:
        """The registry's own name for itself, which is not that of a regional endpoint
        (NAME.REGION.geo.azurecr.io); azure-cli takes it from there, too (acr/_docker_utils.py)."""
        reply = await self._http.request("GET", "/v2/", lane=lane, limit=_LARGEST, final=(401,))
        challenge = choose(parse(reply.headers.getall("WWW-Authenticate", ())))
        return (isinstance(challenge, BearerChallenge) and challenge.service) or self._host

    async def _entra_token(self) -> Secret:
        from azure.core.exceptions import AzureError, ClientAuthenticationError

        problem: HolystoneError
        try:
            with anyio.fail_after(_TIMEOUT):
                return Secret((await self._source.get_token(_AUDIENCE)).token)
        except TimeoutError:
            problem = Unreachable(f"Entra ID gave no token for {self._host} within {_TIMEOUT:g} s.")
        except ClientAuthenticationError as error:
            problem = Unauthorized(
                f"There is no credential for {self._host}: {self._docker}, and Azure's own chain found none:"
                f"{_tried(error.message)}",
                what_to_do="Run 'az acr login' or 'az login', set AZURE_TENANT_ID, AZURE_CLIENT_ID and "
                "AZURE_CLIENT_SECRET, or give this machine a managed identity.",
            )
        except AzureError as error:
            problem = Unreachable(f"Entra ID gave no token for {self._host}: {printable(error.message)}")
        # Outside of `except`: Azure's errors hold the request with its headers.
        raise problem

    def _understood(self, reply: Reply) -> Secret:
        if reply.status in (400, 401, 403):
            raise Unauthorized(
                f"{self._host} does not accept who Azure says we are ({_ORIGIN}): {summary(reply)}.",
                what_to_do=FIREWALL if reply.status == 403 else NEEDED_RIGHTS,
            )
        token = ""
        if reply.status == 200:
            try:
                token = msgspec.json.decode(reply.body, type=_Exchanged).refresh_token
            except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
                token = ""
        if not token:
            # What came with a 200 is not shown: it may be the token after all.
            said = summary(reply) if reply.status != 200 else "no refresh token in the answer"
            raise IncompleteSource(
                f"{self._host} does not exchange Azure's token for its own: {said}.", what_to_do=STRANGE
            )
        return Secret(token)

    def __repr__(self) -> str:
        return f"<EntraLogin {self._host} {self._current!r}>"


def _tried(message: str) -> str:
    """Each credential of the chain on a line of its own, with what became of it: the cause is often the last one's."""
    chain = message.partition(_CHAIN)[2].partition("\nTo mitigate this issue")[0].split("\n\t")
    lines = [line for each in chain if (line := printable(each, _LINE))] or [printable(message, _LINE)]
    return "".join(f"\n  {line}" for line in lines)


async def sign_in(endpoint: Endpoint, lane: Lane | None) -> EntraLogin:
    """`lane` as in `EntraLogin.exchange`."""
    if endpoint.api_url is None and named(Address(endpoint.host)) != ("acr", "name"):
        raise UsageError(
            f"{endpoint.host} is no host of Azure's, so Azure's credentials are not used for it.",
            what_to_do="Log in to it with docker login, or, if it leads there all the same, name it by --repo-api-url.",
        )
    source = azure_credential()
    endpoint.resources.push_async_callback(source.close)
    http = await endpoint.http(endpoint.own_api, Anonymous(_ORIGIN), signer=Nobody())
    found = "none" if isinstance(endpoint.docker, Anonymous) else "no other"
    login = EntraLogin(endpoint.host, http, source, docker=f"{found} in Docker's configuration")
    await login.exchange(lane)
    return login
