"""Which credential goes to the Hub API, and which to the registry."""

from typing import Final

from yarl import URL

from holystone.adapters.credentials.credential import Anonymous, Credential, IdentityToken, RegistryToken, UserPassword
from holystone.adapters.http.tokens import described
from holystone.adapters.http.transport import authority
from holystone.adapters.registries.dockerhub.api import HubApi
from holystone.adapters.registries.dockerhub.login import HubLogin
from holystone.adapters.registries.dockerhub.registry import DockerHubRegistry
from holystone.adapters.registries.dockerhub.replies import later, pull_limit
from holystone.adapters.registries.endpoint import Endpoint
from holystone.engine.model.references import RegistryHost

_REGISTRY: Final = "registry-1.docker.io"
_API: Final = URL("https://hub.docker.com")


async def connect(endpoint: Endpoint) -> DockerHubRegistry:
    """Docker's configuration is made for the registry, so it goes first there; the options for the Hub API."""
    registry: Credential = endpoint.docker
    if isinstance(registry, Anonymous) and isinstance(endpoint.login, UserPassword):
        registry = endpoint.login
    refresh = endpoint.refresh_docker if registry is endpoint.docker else None
    http = await endpoint.http(endpoint.host, registry, refresh=refresh, classify=pull_limit)
    return DockerHubRegistry(endpoint.host, http, endpoint.lane("read"), endpoint.lane("write"), await _hub(endpoint))


async def _hub(endpoint: Endpoint) -> HubApi:
    credential = endpoint.login or endpoint.docker
    base = endpoint.api_url or (_API if _is_hosted(endpoint.host) else endpoint.own_api)
    lane = endpoint.lane("api")
    if isinstance(credential, UserPassword):
        renew = None if endpoint.login else endpoint.refresh_docker
        door = await endpoint.http(base, Anonymous(), classify=later)
        login = HubLogin(credential, door, endpoint.lane("login"), renew)
        http = await endpoint.http(base, login.start, refresh=login.held, classify=later)
        return HubApi(http, lane, who=described(credential), login=login, useless="")
    useless = "" if credential is endpoint.login else _useless(credential)
    http = await endpoint.http(base, Anonymous() if useless else credential, classify=later)
    return HubApi(http, lane, who=described(credential), login=None, useless=useless)


def _is_hosted(host: RegistryHost) -> bool:
    """False for one that only speaks like Docker Hub: its credential is none of the Hub's."""
    return authority(host) == _REGISTRY


def _useless(credential: Credential) -> str:
    """Why what Docker's configuration has is no credential for the Hub API."""
    match credential:
        case IdentityToken() | RegistryToken():  # whether /v2/auth/token would take the first is not documented
            return f"{described(credential)} is good for the registry only, not for the Hub API"
        case _:
            return f"there is no credential for the Hub API ({credential.origin})"
