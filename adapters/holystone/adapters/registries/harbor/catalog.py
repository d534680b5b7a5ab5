"""Repositories of one project, or of all that the credential may see, by Harbor's API
(goharbor/harbor:src/server/v2.0/handler/repository.go, ListRepositories; project.go, ListProjects): a project's are
listed whole to whoever has repository:list in it.

GET /repositories, which lists those of all projects, shows a robot account only public ones in releases that are in
use (listAuthorizedProjectIDs), and `_catalog` is for administrators: neither is asked."""

from collections.abc import AsyncIterator
from typing import Final
from urllib.parse import quote

import msgspec

from holystone.adapters.http.errors import summary
from holystone.adapters.http.reply import Reply
from holystone.adapters.http.tokens import described
from holystone.adapters.registries.catalog import Catalog, NumberedPage, fingerprint, numbered
from holystone.adapters.registries.harbor.api import HarborApi
from holystone.adapters.registries.oci_replies import STRANGE
from holystone.engine.errors import IncompleteSource, Unauthorized
from holystone.engine.ports import CatalogPage

PAGE_SIZE: Final = 100
"""More is 422 (goharbor/harbor#13765)."""
_NEEDED: Final = (
    "To list repositories it needs a role in the project (limited guest or higher); a robot account the permission "
    "repository:list, and, to list all projects, project:list. Check that the project exists."
)


class _Row(msgspec.Struct):
    name: str


async def read_catalog(api: HarborApi, catalog: Catalog) -> AsyncIterator[CatalogPage]:
    if catalog.prefix is not None:
        async for page in _of_project(api, catalog.owner("project", "PROJECT"), catalog):
            yield page
        return
    done: set[bytes] = set()
    projects = numbered(catalog, lambda number: _read(api, catalog, "/api/v2.0/projects", number))
    async for names in projects:
        for name in names:
            if (mark := fingerprint(name)) not in done:
                done.add(mark)
                async for page in _of_project(api, name, catalog):
                    yield page
    catalog.expect_some(described(api.credential), _NEEDED)


async def _of_project(api: HarborApi, project: str, catalog: Catalog) -> AsyncIterator[CatalogPage]:
    path = f"/api/v2.0/projects/{quote(project, safe='')}/repositories"
    async for names in numbered(catalog, lambda number: _read(api, catalog, path, number), key=project):
        yield catalog.page(names)


async def _read(api: HarborApi, catalog: Catalog, path: str, number: int) -> NumberedPage:
    reply = await api.ask(f"{path}?page={number}&page_size={PAGE_SIZE}")
    if reply.status != 200:
        raise _refused(api, catalog, reply)
    catalog.weigh(reply)
    try:
        names = [row.name for row in msgspec.json.decode(reply.body, type=list[_Row] | None) or ()]
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise catalog.strange(error) from error
    said = reply.headers.get("X-Total-Count", "")
    total = int(said) if said.isdecimal() and len(said) < 10 else None
    # A short page is never the end where the number is known.
    more = len(names) == PAGE_SIZE if total is None else number * PAGE_SIZE < total
    return NumberedPage(names, more)


def _refused(api: HarborApi, catalog: Catalog, reply: Reply) -> IncompleteSource:
    """What it means that a list is refused. Of a project that is not there administrators are told 401 (seen on Harbor
    2.15), all others 403."""
    what = f"The list of {catalog.what} cannot be read as {described(api.credential)}: {summary(reply)}."
    if reply.status in (401, 403, 404):
        return Unauthorized(what, what_to_do=_NEEDED)
    return IncompleteSource(what, what_to_do=STRANGE)
