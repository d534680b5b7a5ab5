"""The token opens both of Pantry's doors."""

from holystone.adapters.http.tokens import described
from holystone.adapters.registries.endpoint import Endpoint
from holystone.adapters.registries.pantry.registry import PantryRegistry


async def connect(endpoint: Endpoint) -> PantryRegistry:
    credential = endpoint.login or endpoint.docker
    http = await endpoint.http(endpoint.host, credential)
    return PantryRegistry(endpoint.host, http, endpoint.lane("read"), endpoint.lane("write"), described(credential))
