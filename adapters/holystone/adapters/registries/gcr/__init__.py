"""The implementation `gcr`: Google's Artifact Registry, under its own hosts (*.pkg.dev) and under those of the
Container Registry that it replaced (gcr.io)."""

from holystone.adapters.registries.gcr.api import ArtifactRegistry
from holystone.adapters.registries.gcr.places import API, is_google
from holystone.adapters.registries.gcr.registry import GoogleRegistry
from holystone.adapters.registries.gcr.replies import judge
from holystone.adapters.registries.gcr.sheet import DELETES, READS, SHEET
from holystone.adapters.registries.gcr.sign_in import sign_in
from holystone.adapters.registries.site import Site

__all__ = ["SHEET", "GoogleRegistry", "connect"]


async def connect(site: Site) -> GoogleRegistry:
    """Raises UsageError for a credential that cannot be used, or if google-auth is needed and not installed."""
    login = await sign_in(site)
    reads = site.lane("read", READS)
    http = await site.http(site.host, login.registry, refresh=login.renew, judge=judge, preemptive=True)
    base = site.api_url or (API if is_google(site.host) else None)
    api = None
    if base and login.api:
        api = ArtifactRegistry(await site.http(base, login.api, refresh=login.renew_api, judge=judge), reads)
    return GoogleRegistry(site.host, http, reads, site.lane("write", DELETES), api, login.registry)
