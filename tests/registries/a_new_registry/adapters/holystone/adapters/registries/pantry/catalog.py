"""GET /api/shelves: the names of all shelves, in their order, page by page."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final
from urllib.parse import quote

import msgspec

from holystone.adapters.http.reply import Reply
from holystone.adapters.registries.catalog import Catalog
from holystone.engine.ports import CatalogPage

PAGE_SIZE: Final = 100


class _Shelves(msgspec.Struct):
    shelves: list[str]
    more: bool


async def read_catalog(get: Callable[[str], Awaitable[Reply]], catalog: Catalog) -> AsyncIterator[CatalogPage]:
    """`get` asks for a path with its query."""
    after, more = "", True
    while more:
        catalog.admit(after)
        reply = await get(f"/api/shelves?n={PAGE_SIZE}&after={quote(after, safe='')}")
        if reply.status != 200:
            raise catalog.refused(reply, "Use a token of Pantry's.")
        try:
            found = msgspec.json.decode(reply.body, type=_Shelves)
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            raise catalog.strange(error) from error
        yield catalog.page(found.shelves)
        more = found.more
        after = found.shelves[-1] if found.shelves else after
