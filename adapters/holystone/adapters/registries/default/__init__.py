"""The implementation `default`: distribution 2.8 and 3, zot and whatever else speaks the OCI distribution API."""

from holystone.adapters.credentials.credential import Anonymous
from holystone.adapters.registries.default.registry import OciRegistry
from holystone.adapters.registries.default.sheet import SHEET
from holystone.adapters.registries.question import Nobody, ask
from holystone.adapters.registries.signs import Signs
from holystone.adapters.registries.site import Site

__all__ = ["SHEET", "OciRegistry", "connect"]


async def connect(site: Site) -> OciRegistry:
    http = await site.http(site.host, site.docker, refresh=site.refresh_docker)

    async def signs() -> Signs:
        async with site.open_http(site.host, Anonymous(), signer=Nobody()) as nobody:
            return await ask(nobody, site.lane("read"))

    return OciRegistry(site.host, http, site.lane("read"), site.lane("write"), signs)
