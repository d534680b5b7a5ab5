"""Which credential goes to the registry, and which to the Artifact Registry API."""

from holystone.adapters.registries.endpoint import Endpoint
from holystone.adapters.registries.gcr.api import ArtifactRegistry
from holystone.adapters.registries.gcr.places import API, is_google
from holystone.adapters.registries.gcr.profile import DELETES, READS
from holystone.adapters.registries.gcr.registry import GoogleRegistry
from holystone.adapters.registries.gcr.replies import classify
from holystone.adapters.registries.gcr.sign_in import sign_in


async def connect(endpoint: Endpoint) -> GoogleRegistry:
    """Raises UsageError for a credential that cannot be used, or if google-auth is needed and not installed."""
    login = await sign_in(endpoint)
    reads = endpoint.lane("read", READS)
    http = await endpoint.http(endpoint.host, login.registry, refresh=login.renew, classify=classify, preemptive=True)
    base = endpoint.api_url or (API if is_google(endpoint.host) else None)
    api = None
    if base and login.api:
        api = ArtifactRegistry(await endpoint.http(base, login.api, refresh=login.renew_api, classify=classify), reads)
    return GoogleRegistry(endpoint.host, http, reads, endpoint.lane("write", DELETES), api, login.registry)
