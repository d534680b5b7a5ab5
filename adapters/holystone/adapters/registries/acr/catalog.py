"""GET /acr/v1/_catalog: every repository of the registry (Azure/acr-cli, docs/swagger.yaml).

The order is UNCONFIRMED, so that the list is read to its end whatever the prefix. Whether a repository whose
`listEnabled` is false is in it is UNCONFIRMED, too: what Azure hides is left alone.
"""

from collections.abc import AsyncIterator
from typing import Final

from holystone.adapters.http.reply import Reply
from holystone.adapters.http.transport import RegistryHttp
from holystone.adapters.registries.acr.replies import FIREWALL
from holystone.adapters.registries.catalog import Catalog, linked
from holystone.adapters.registries.oci_replies import PAGE_LIMIT
from holystone.engine.errors import Unauthorized
from holystone.engine.ports import CatalogPage
from holystone.engine.scheduler import Lane

PAGE_SIZE: Final = 100
"""What azure-cli and acr-cli ask for. The server's maximum is UNCONFIRMED."""
_SCOPE: Final = "registry:catalog:*"
_NEEDED: Final = (
    "To list repositories it needs the role AcrPull on the registry, or, where repository permissions (ABAC) are on, "
    "Container Registry Repository Catalog Lister. Or name the repositories themselves."
)
"""container-registry-rbac-abac-repository-permissions.md of Azure's documentation. That a repository-scoped token is
refused is UNCONFIRMED; what it may not do the token server does not grant."""


async def read_catalog(http: RegistryHttp, lane: Lane, catalog: Catalog) -> AsyncIterator[CatalogPage]:
    """All of them or none: the token has the right to the whole catalog or has it not."""
    first = f"/acr/v1/_catalog?n={PAGE_SIZE}"

    async def get(path: str) -> Reply:
        try:
            reply = await http.request("GET", path, lane=lane, limit=PAGE_LIMIT, scope=_SCOPE)
        except Unauthorized as error:
            raise Unauthorized(error.message, what_to_do=f"{error.what_to_do} {_NEEDED}".strip()) from error
        if reply.status != 200:
            needed = FIREWALL if reply.status == 403 else _NEEDED
            raise catalog.refused(reply, needed) if path == first else catalog.broken(reply)
        return reply

    async for page in linked(catalog, get, first, size=PAGE_SIZE):
        yield page
