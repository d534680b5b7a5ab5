"""Azure Container Registry: tags by its own API (/acr/v1), manifests and blobs by the OCI distribution API."""

from holystone.adapters.credentials.credential import Anonymous
from holystone.adapters.http.tokens import described
from holystone.adapters.registries.acr import entra
from holystone.adapters.registries.acr.docker_login import DockerLogin
from holystone.adapters.registries.acr.lanes import Lanes
from holystone.adapters.registries.acr.registry import AcrRegistry
from holystone.adapters.registries.acr.sheet import SHEET
from holystone.adapters.registries.detection import is_vendors_own
from holystone.adapters.registries.site import Site

__all__ = ["SHEET", "AcrRegistry", "connect"]


async def connect(site: Site) -> AcrRegistry:
    """With what Docker's configuration has for the registry; with Azure's own credentials if it has nothing, or what
    `az acr login` left in it has ended.

    Raises UsageError where those would be needed and their package is missing, Unauthorized where there are none."""
    login: DockerLogin | entra.EntraLogin
    if isinstance(site.docker, Anonymous):
        login = await entra.sign_in(site, lane=site.lane("login"))
    else:
        # Within the attempt of a request, which must not wait for a lane.
        login = DockerLogin(site.host, site.docker, site.refresh_docker, lambda: entra.sign_in(site, lane=None))
    http = await site.http(site.own_api, login.credential, refresh=login.renewed)
    lanes = Lanes.of(site.lane, published=is_vendors_own(site.host, "acr"))
    registry = AcrRegistry(site.host, http, lanes.reads, lanes.deletions, credential=described(login.credential))
    registry.pushes, registry.referring = lanes.pushes, lanes.referrers
    return registry
