"""The token opens both of Pantry's doors."""

from holystone.adapters.registries.endpoint import Endpoint
from holystone.adapters.registries.pantry.registry import PantryRegistry


async def connect(endpoint: Endpoint) -> PantryRegistry:
    http = await endpoint.http(endpoint.host, endpoint.login or endpoint.docker)
    return PantryRegistry(endpoint.host, http, endpoint.lane("read"), endpoint.lane("write"))
