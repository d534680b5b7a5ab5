"""The implementation `harbor`: Harbor 2.x, by its API v2.0 for lists and deletions and by /v2 for the rest."""

from holystone.adapters.registries.harbor.api import HarborApi
from holystone.adapters.registries.harbor.registry import HarborRegistry
from holystone.adapters.registries.harbor.replies import judge
from holystone.adapters.registries.harbor.sheet import SHEET
from holystone.adapters.registries.site import Site

__all__ = ["SHEET", "HarborRegistry", "connect"]


async def connect(site: Site) -> HarborRegistry:
    """A user, or a robot account, with its password as Basic on every request: Harbor wants no token for that, and
    says 401 without a challenge on its API."""
    credential = site.login or site.docker
    refresh = None if site.login else site.refresh_docker
    http = await site.http(site.host, credential, refresh=refresh, judge=judge, preemptive=True)
    api = http
    if site.own_api != http.base:
        api = await site.http(site.own_api, credential, refresh=refresh, judge=judge, preemptive=True)
    reads, writes = site.lane("read"), site.lane("write")
    return HarborRegistry(site.host, http, reads, writes, HarborApi(api, reads, writes, credential))
