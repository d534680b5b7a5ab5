"""What Docker's configuration has for the host, and nothing else."""

from holystone.adapters.credentials.credential import Anonymous
from holystone.adapters.registries.default.registry import OciRegistry
from holystone.adapters.registries.endpoint import Endpoint
from holystone.adapters.registries.fingerprint import Fingerprint, Nobody, ask


async def connect(endpoint: Endpoint) -> OciRegistry:
    http = await endpoint.http(endpoint.host, endpoint.docker, refresh=endpoint.refresh_docker)

    async def fingerprint() -> Fingerprint:
        async with endpoint.open_http(endpoint.host, Anonymous(), signer=Nobody()) as nobody:
            return await ask(nobody, endpoint.lane("read"))

    return OciRegistry(endpoint.host, http, endpoint.lane("read"), endpoint.lane("write"), fingerprint)
