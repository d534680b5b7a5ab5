"""Repositories of a group, with all below it, or of a project, by GitLab's API v4
(lib/api/group_container_repositories.rb, lib/api/project_container_repositories.rb): all, to whoever may read the
registry there (read_container_image, a Reporter's), or 403; 404 of what may not be seen.

The registry's own list of what is below a path takes a token that GitLab gives to nobody but itself
(/gitlab/v1/repository-paths, `pull` on `PATH/*`), and its `_catalog` one that it gives to administrators
(app/services/auth/container_registry_authentication_service.rb, process_registry_access)."""

from collections.abc import AsyncIterator
from typing import Final, Literal, TypeAlias

import msgspec

from holystone.adapters.http.errors import summary
from holystone.adapters.http.reply import Reply
from holystone.adapters.registries.catalog import Catalog, NumberedPage, numbered
from holystone.adapters.registries.gitlab.api import GitlabApi
from holystone.adapters.registries.oci_replies import STRANGE
from holystone.engine.errors import IncompleteSource, Unauthorized, Unseen
from holystone.engine.ports import CatalogPage

PAGE_SIZE: Final = 100
"""docs.gitlab.com/api/rest, Pagination: no more a page."""
NEEDED: Final = (
    "To list repositories it needs an access token of GitLab with the scope read_api (--repo-gitlab-token; "
    "--repo-api-url says where the API is), of somebody with the role Reporter or higher in the group or project. Or "
    "name the repositories themselves."
)
Holder: TypeAlias = Literal["groups", "projects"]


class _Row(msgspec.Struct):
    path: str


async def read_below(api: GitlabApi, catalog: Catalog) -> AsyncIterator[CatalogPage]:
    """The repositories below a prefix: that of a group, a project, or a path below a project. Where a group is asked
    for by figures alone, they are its number (lib/api/helpers.rb, find_group)."""
    parts = (catalog.prefix or "").split("/")
    for end in range(len(parts), 0, -1):
        path = "/".join(parts[:end])
        if path.isdecimal():
            raise IncompleteSource(
                f"{catalog.host} takes {path} for the number of a group, and lists another one's repositories.",
                what_to_do="Name its subgroups, its projects, or the repositories themselves.",
            )
        holders: tuple[Holder, ...] = ("groups", "projects") if end > 1 else ("groups",)
        for holder in holders:
            first = await api.repositories(holder, path, 1, PAGE_SIZE)
            if first.status != 404:
                async for page in _pages(api, holder, path, first, catalog):
                    yield page
                return
    raise Unseen(
        f"GitLab shows {api.who} no group and no project {catalog.prefix}, and none that it is in: either there is "
        "none, or it may not be seen.",
        what_to_do=f"Check the address; in a personal namespace name the project. {NEEDED}",
    )


async def _pages(
    api: GitlabApi, holder: Holder, path: str, first: Reply, catalog: Catalog
) -> AsyncIterator[CatalogPage]:
    seen: Reply | None = first

    async def read(number: int) -> NumberedPage:
        nonlocal seen
        reply, seen = seen or await api.repositories(holder, path, number, PAGE_SIZE), None
        return _page(api, catalog, reply)

    async for names in numbered(catalog, read):
        yield catalog.page(names)


def _page(api: GitlabApi, catalog: Catalog, reply: Reply) -> NumberedPage:
    what = f"The list of {catalog.what}"
    if reply.status in (401, 403, 404):
        raise Unauthorized(f"{what} cannot be read as {api.who}: {summary(reply)}.", what_to_do=NEEDED)
    if reply.status != 200:
        raise IncompleteSource(f"{what} cannot be read: {summary(reply)}.", what_to_do=STRANGE)
    catalog.weigh(reply)
    try:
        rows = msgspec.json.decode(reply.body, type=list[_Row])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise catalog.strange(error) from error
    more = bool(reply.headers.get("X-Next-Page")) or len(rows) == PAGE_SIZE
    return NumberedPage([row.path for row in rows], more)
