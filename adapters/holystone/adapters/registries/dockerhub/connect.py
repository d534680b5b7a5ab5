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
from holystone.adapters.registries.site import Site
from holystone.engine.model.references import RegistryHost

_REGISTRY: Final = "registry-1.docker.io"
_API: Final = URL("https://hub.docker.com")


async def connect(site: Site) -> DockerHubRegistry:
    """Docker's configuration is made for the registry, so it goes first there; the options for the Hub API."""
    registry: Credential = site.docker
    if isinstance(registry, Anonymous) and isinstance(site.login, UserPassword):
        registry = site.login
    refresh = site.refresh_docker if registry is site.docker else None
    http = await site.http(site.host, registry, refresh=refresh, judge=pull_limit)
    return DockerHubRegistry(site.host, http, site.lane("read"), site.lane("write"), await _hub(site))


async def _hub(site: Site) -> HubApi:
    credential = site.login or site.docker
    base = site.api_url or (_API if _is_hosted(site.host) else site.own_api)
    lane = site.lane("api")
    if isinstance(credential, UserPassword):
        renew = None if site.login else site.refresh_docker
        door = await site.http(base, Anonymous(), judge=later)
        login = HubLogin(credential, door, site.lane("login"), renew)
        http = await site.http(base, login.start, refresh=login.held, judge=later)
        return HubApi(http, lane, who=described(credential), login=login, useless="")
    useless = "" if credential is site.login else _useless(credential)
    http = await site.http(base, Anonymous() if useless else credential, judge=later)
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
