"""One credential for the registry and for Harbor's API."""

from holystone.adapters.registries.endpoint import Endpoint
from holystone.adapters.registries.harbor.api import HarborApi
from holystone.adapters.registries.harbor.registry import HarborRegistry
from holystone.adapters.registries.harbor.replies import classify


async def connect(endpoint: Endpoint) -> HarborRegistry:
    """A user, or a robot account, with its password as Basic on every request: Harbor wants no token for that, and
    says 401 without a challenge on its API."""
    credential = endpoint.login or endpoint.docker
    refresh = None if endpoint.login else endpoint.refresh_docker
    http = await endpoint.http(endpoint.host, credential, refresh=refresh, classify=classify, preemptive=True)
    api = http
    if endpoint.own_api != http.base:
        api = await endpoint.http(endpoint.own_api, credential, refresh=refresh, classify=classify, preemptive=True)
    reads, writes = endpoint.lane("read"), endpoint.lane("write")
    return HarborRegistry(endpoint.host, http, reads, writes, HarborApi(api, reads, writes, credential))
