"""GET /v2/_catalog: not of the OCI specification, but of distribution and most that came after it.

| server              | page                    | shows                                            |
|---------------------|-------------------------|--------------------------------------------------|
| distribution 2.8, 3 | 100; `n` > 1,000 is 400 | all, to a token with `registry:catalog:*`, or to |
|                     |                         | everybody who may log in where there are none    |
| zot                 | all; `n` as asked       | what the user may read                           |
| Gitea, Forgejo      | 100, whatever is asked  | what is not hidden from the user                 |
| ggcr                | `n` as asked, no other  | all                                              |

distribution: registry/handlers/catalog.go, measured on 2.8.2 and 3.1.2. zot: pkg/api/routes.go, ListRepositories.
Gitea: routers/api/packages/container/container.go, GetRepositoryList. A repository whose manifests are all gone is
listed.
"""

from collections.abc import AsyncIterator
from typing import Final

from holystone.adapters.http.reply import Reply
from holystone.adapters.http.transport import RegistryHttp
from holystone.adapters.registries.catalog import Catalog, linked
from holystone.adapters.registries.granted import may_list_all
from holystone.adapters.registries.oci_replies import LIST_LIMIT
from holystone.engine.errors import Unauthorized
from holystone.engine.ports import CatalogPage
from holystone.engine.scheduler import Lane

PAGE_SIZE: Final = 1000
_PATH: Final = "/v2/_catalog"
_SCOPE: Final = "registry:catalog:*"
_NEEDED: Final = (
    f"Use a credential that may list the whole registry: its token server must grant it {_SCOPE}, which most give to "
    "administrators only. Or name the repositories themselves."
)
_NOTHING: Final = "If there are some, use a credential that may read them. If not, leave it out."


async def read_catalog(
    http: RegistryHttp, lane: Lane, catalog: Catalog, *, who: str = "this credential", needed: str = _NEEDED
) -> AsyncIterator[CatalogPage]:
    """The pages of `_catalog`. For people: `who` asks, and what is `needed` for it."""
    first = f"{_PATH}?n={PAGE_SIZE}"

    async def get(path: str) -> Reply:
        reply = await _request(http, lane, path, needed)
        if reply.status == 400 and path == first:
            reply = await _request(http, lane, _PATH, needed)  # a server that does not page, and says so
        if reply.status != 200:
            raise catalog.refused(reply, needed) if path == first else catalog.broken(reply)
        return reply

    async for page in linked(catalog, get, first, size=PAGE_SIZE):
        yield page
    if catalog.shows_nothing and not may_list_all(await http.granted(_SCOPE, lane=lane)):
        catalog.expect_some(who, _NOTHING)


async def _request(http: RegistryHttp, lane: Lane, path: str, needed: str) -> Reply:
    try:
        return await http.request("GET", path, lane=lane, limit=LIST_LIMIT, scope=_SCOPE)
    except Unauthorized as error:
        raise Unauthorized(error.message, what_to_do=f"{error.what_to_do} {needed}".strip()) from error
