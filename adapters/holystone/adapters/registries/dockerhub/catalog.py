"""GET /v2/namespaces/NAMESPACE/repositories: numbered pages of what the account may see in a namespace
(docker/docs:content/reference/api/hub/latest.yaml, listNamespaceRepositories).

Strangers see public repositories only, and so does an organization's token without scope-repository-list, which no
reply tells (docs.docker.com/reference/api/hub/latest/operations/listNamespaceRepositories). What is said of a namespace
that is not there is not documented: 404 and an empty list are taken to mean the same.
"""

from collections.abc import AsyncIterator
from typing import Final
from urllib.parse import quote

import msgspec

from holystone.adapters.registries.catalog import Catalog, NumberedPage, numbered
from holystone.adapters.registries.dockerhub.api import HubApi
from holystone.adapters.registries.dockerhub.replies import ADVICE, is_unrouted
from holystone.engine.errors import Unseen
from holystone.engine.ports import CatalogPage

PAGE_SIZE: Final = 100
_SCOPE: Final = "scope-repository-list"


class _Row(msgspec.Struct):
    name: str
    namespace: str


class _Rows(msgspec.Struct):
    next: str | None
    results: list[_Row]


async def read_catalog(hub: HubApi, catalog: Catalog) -> AsyncIterator[CatalogPage]:
    namespace = catalog.owner("namespace", "NAMESPACE")
    if hub.useless:
        raise hub.unseen(f"Of {catalog.what} only those that everybody may see would be listed")
    base = f"/v2/namespaces/{quote(namespace, safe='')}/repositories?page_size={PAGE_SIZE}&ordering=name"

    async def read(number: int) -> NumberedPage:
        reply = await hub.request("GET", f"{base}&page={number}")
        if reply.status == 404 and not is_unrouted(reply):
            if number > 1:
                return NumberedPage((), more=False)  # past the end: there are fewer now
            refusal = hub.unseen(f"Docker Hub shows {hub.who} no namespace {namespace}")
            raise Unseen(refusal.message, what_to_do=refusal.what_to_do)
        if reply.status != 200:
            raise hub.refused(f"The list of {catalog.what} cannot be read", reply, _SCOPE)
        catalog.weigh(reply)
        try:
            page = msgspec.json.decode(reply.body, type=_Rows)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise catalog.strange(error) from error
        names = [f"{row.namespace}/{row.name}" for row in page.results]
        return NumberedPage(names, more=page.next is not None)

    async for names in numbered(catalog, read):
        yield catalog.page(names)
    catalog.expect_some(hub.who, ADVICE)
