"""GET {owner}/packages?package_type=container: the packages of an owner that the token may see, in numbered pages
(github/docs, REST reference of packages). How many there are is not said."""

from collections.abc import AsyncIterator
from typing import Final

import msgspec

from holystone.adapters.http.errors import summary
from holystone.adapters.http.paging import linked
from holystone.adapters.registries.catalog import Catalog, NumberedPage, numbered
from holystone.adapters.registries.github.api import GithubApi, advice, decoded, is_of_somebody_else
from holystone.engine.errors import Unauthorized
from holystone.engine.ports import CatalogPage

PAGE_SIZE: Final = 100
_NO_WORKFLOWS: Final = (
    "A workflow's GITHUB_TOKEN may not list packages (cli/cli#9606): use a classic token with the scope read:packages, "
    "or name the repositories themselves."
)


class _Row(msgspec.Struct):
    name: str


async def read_catalog(api: GithubApi, catalog: Catalog) -> AsyncIterator[CatalogPage]:
    owner = catalog.owner("owner", "OWNER")
    packages = f"{await api.prefix(owner)}/packages"
    if is_of_somebody_else(packages):
        raise Unauthorized(
            f"Of {catalog.what} GitHub lists to {api.who} only those that everybody may see: the account is another's.",
            what_to_do=advice(packages),
        )

    async def read(number: int) -> NumberedPage:
        reply = await api.get(f"{packages}?package_type=container&per_page={PAGE_SIZE}&page={number}")
        if reply.status == 400:
            raise Unauthorized(
                f"The list of {catalog.what} cannot be read with {api.who}: {summary(reply)}.", what_to_do=_NO_WORKFLOWS
            )
        if reply.status != 200:
            raise api.unreadable(f"The list of {catalog.what}", reply)
        catalog.weigh(reply)
        rows: list[_Row] = decoded(reply, list[_Row], f"The list of {catalog.what}")
        # A full page without a Link may be one of many: a proxy may have removed it.
        more = linked(reply, "next") is not None or len(rows) == PAGE_SIZE
        return NumberedPage([f"{owner}/{row.name.lower()}" for row in rows], more)

    async for names in numbered(catalog, read):
        yield catalog.page(names)
    catalog.expect_some(api.who, advice(packages))
