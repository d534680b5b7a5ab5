"""Which credential goes to the registry, and which to GitLab's API v4."""

from holystone.adapters.credentials.credential import RegistryToken
from holystone.adapters.registries.endpoint import Endpoint
from holystone.adapters.registries.gitlab.api import HOSTED, QUOTA, GitlabApi, api_base
from holystone.adapters.registries.gitlab.login import choose
from holystone.adapters.registries.gitlab.registry import GitlabRegistry
from holystone.adapters.registries.gitlab.replies import classify


async def connect(endpoint: Endpoint) -> GitlabRegistry:
    credential = choose(endpoint)
    refresh = endpoint.refresh_docker if credential is endpoint.docker else None
    http = await endpoint.http(endpoint.host, credential, refresh=refresh, classify=classify)
    return GitlabRegistry(
        endpoint.host, http, endpoint.lane("read"), endpoint.lane("write"), credential, await _api(endpoint)
    )


async def _api(endpoint: Endpoint) -> GitlabApi | None:
    """GitLab's own API, only with a token that was given for it: a password of Docker's configuration is the
    registry's."""
    if not isinstance(endpoint.login, RegistryToken):
        return None
    base = api_base(endpoint.host, endpoint.api_url, endpoint.environ)
    if base is None:
        return None
    address, prefix = base
    quota = QUOTA if endpoint.host in HOSTED else None
    http = await endpoint.http(address, endpoint.login, classify=classify)
    return GitlabApi(http, endpoint.lane("api", quota), endpoint.lane("api", quota), endpoint.login, prefix=prefix)
