"""Azure's own credentials, or what Docker's configuration has, for both of the registry's APIs."""

from holystone.adapters.credentials.credential import Anonymous
from holystone.adapters.http.tokens import described
from holystone.adapters.registries.acr import entra
from holystone.adapters.registries.acr.docker_login import DockerLogin
from holystone.adapters.registries.acr.lanes import Lanes
from holystone.adapters.registries.acr.registry import AcrRegistry
from holystone.adapters.registries.detection import is_vendors_own
from holystone.adapters.registries.endpoint import Endpoint


async def connect(endpoint: Endpoint) -> AcrRegistry:
    """Connects with what Docker's configuration has for the registry; with Azure's own credentials if it has nothing,
    or what `az acr login` left in it has ended.

    Raises UsageError where those would be needed and their package is missing, Unauthorized where there are none."""
    login: DockerLogin | entra.EntraLogin
    if isinstance(endpoint.docker, Anonymous):
        login = await entra.sign_in(endpoint, lane=endpoint.lane("login"))
    else:
        # Within the attempt of a request, which must not wait for a lane.
        login = DockerLogin(
            endpoint.host, endpoint.docker, endpoint.refresh_docker, lambda: entra.sign_in(endpoint, lane=None)
        )
    http = await endpoint.http(endpoint.own_api, login.credential, refresh=login.renewed)
    lanes = Lanes.of(endpoint.lane, published=is_vendors_own(endpoint.host, "acr"))
    registry = AcrRegistry(endpoint.host, http, lanes.reads, lanes.deletions, credential=described(login.credential))
    registry.pushes, registry.referring = lanes.pushes, lanes.referrers
    return registry
