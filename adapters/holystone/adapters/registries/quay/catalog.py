"""Repositories of a namespace by the API, where there is a token for it, and by /v2 what a robot or user may read.

Both show everybody his own, and public ones (quay/quay:endpoints/api/repository.py, RepositoryList;
endpoints/v2/catalog.py): an empty list is no proof. Both go on after a number of the database's own, so that nothing
is missed or shown twice. /v2's pages are cached by how many names were asked for, as its lists of tags are. Its catalog
takes any token, and no scope: `registry:catalog:*` is 400 there (endpoints/v2/v2auth.py, SCOPE_REGEX_TEMPLATE)."""

from collections.abc import AsyncIterator
from typing import Final
from urllib.parse import quote

import msgspec

from holystone.adapters.http.reply import Reply
from holystone.adapters.http.transport import RegistryHttp
from holystone.adapters.registries.catalog import Catalog, linked
from holystone.adapters.registries.oci_replies import PAGE_LIMIT
from holystone.adapters.registries.quay.api import QuayApi, refused
from holystone.adapters.registries.quay.replies import NONSENSE
from holystone.engine.ports import CatalogPage
from holystone.engine.scheduler import Lane

_NEEDED: Final = (
    "Give the robot or user the role Read on them, or a default permission in the organization, or give an API token "
    "(--repo-quay-token) with the scope repo:read of somebody who may read them."
)


class _Row(msgspec.Struct):
    namespace: str
    name: str


class _Rows(msgspec.Struct):
    repositories: list[_Row]
    next_page: str | None = None


async def read_by_api(api: QuayApi, catalog: Catalog) -> AsyncIterator[CatalogPage]:
    """The repositories of a catalog with a prefix, by the API: without a namespace the API lists nothing."""
    namespace = catalog.owner("namespace", "NAMESPACE")
    # Without `public` those that the user sees because everybody does may be left out.
    first = f"?namespace={quote(namespace, safe='')}&public=true"
    token: str | None = None
    while True:
        catalog.admit(token or "")
        reply = await api.repositories(f"{first}&next_page={quote(token, safe='')}" if token else first)
        if reply.status != 200:
            raise refused(f"The list of {catalog.what} cannot be read as {api.who}", reply)
        catalog.weigh(reply)
        try:
            rows = msgspec.json.decode(reply.body, type=_Rows)
        except NONSENSE as error:
            raise catalog.strange(error) from error
        yield catalog.page([f"{row.namespace}/{row.name}" for row in rows.repositories])
        token = rows.next_page
        if not token:
            break
    catalog.expect_some(api.who, _NEEDED)


async def read_by_registry(
    http: RegistryHttp, lane: Lane, size: int, who: str, catalog: Catalog
) -> AsyncIterator[CatalogPage]:
    """The repositories by /v2, in pages of `size`, as whoever enters there may see them."""
    first = f"/v2/_catalog?n={size}"

    async def get(path: str) -> Reply:
        reply = await http.request("GET", path, lane=lane, limit=PAGE_LIMIT)
        if reply.status != 200:
            raise catalog.refused(reply, _NEEDED) if path == first else catalog.broken(reply)
        return reply

    async for page in linked(catalog, get, first, size=size, by_name=False):
        yield page
    catalog.expect_some(who, _NEEDED)
