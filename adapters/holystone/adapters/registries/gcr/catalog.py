"""The packages of a project's repositories, by the Artifact Registry API (google/devtools/artifactregistry/v1,
ListRepositories and ListPackages): a package is an image's name, with its slashes escaped.

`/v2/_catalog` shows everything in every project that the credential may see (gcr-cleaner, README): it is not asked.
"""

from collections.abc import AsyncIterator
from typing import Final, TypeVar
from urllib.parse import quote, unquote

import msgspec

from holystone.adapters.registries.catalog import Catalog
from holystone.adapters.registries.gcr.api import ArtifactRegistry, unusable
from holystone.adapters.registries.gcr.places import Image, around
from holystone.adapters.registries.gcr.replies import READER
from holystone.engine.errors import IncompleteSource, UsageError
from holystone.engine.ports import CatalogPage

PAGE_SIZE: Final = 1000
"""What the service allows at most."""


class _Page(msgspec.Struct):
    nextPageToken: str = ""


class _Package(msgspec.Struct):
    name: str


class _Packages(_Page):
    packages: list[_Package] | None = None


class _Folder(msgspec.Struct):
    name: str
    format: str = ""
    mode: str = ""


class _Folders(_Page):
    repositories: list[_Folder] | None = None


P = TypeVar("P", bound=_Page)


async def read_catalog(api: ArtifactRegistry | None, who: str, catalog: Catalog) -> AsyncIterator[CatalogPage]:
    """All below a project, or below one of its repositories, or PERMISSION_DENIED: what may be listed is a matter of
    the whole repository."""
    catalog.owner("project", "PROJECT")
    at = around(catalog.host, catalog.prefix) if catalog.prefix else None
    if at is None:
        raise UsageError(
            f"{catalog.host}/{catalog.prefix} does not name a Google Cloud project.",
            what_to_do=f"Write {catalog.host}/PROJECT; one of a domain has two parts, DOMAIN/PROJECT.",
        )
    if api is None:
        raise IncompleteSource(
            f"Repositories are listed by the Artifact Registry API, which cannot be asked as {who}.",
            what_to_do="Use Application Default Credentials or an access token (docker login -u oauth2accesstoken) "
            f"with the role {READER}, and install holystone[gcr]. Or name the repositories themselves.",
        )
    place, before = at
    if place.repository:
        async for page in _images(api, place, before, catalog):
            yield page
        return
    async for folders in _pages(api, place.siblings, place, _Folders, catalog):
        for folder in folders.repositories or ():
            # What a virtual repository shows is in others.
            if folder.format == "DOCKER" and folder.mode != "VIRTUAL_REPOSITORY":
                name = _last(folder.name)
                inside = Image(place.project, place.location, name, "")
                async for page in _images(api, inside, f"{before}{name}/", catalog):
                    yield page


async def _images(api: ArtifactRegistry, at: Image, before: str, catalog: Catalog) -> AsyncIterator[CatalogPage]:
    async for found in _pages(api, f"{at.folder}/packages", at, _Packages, catalog):
        yield catalog.page([f"{before}{_last(package.name)}" for package in found.packages or ()])


async def _pages(api: ArtifactRegistry, resource: str, at: Image, kind: type[P], catalog: Catalog) -> AsyncIterator[P]:
    first = f"/v1/{resource}?pageSize={PAGE_SIZE}"
    path = first
    while True:
        catalog.admit(path)
        reply = await api.get(path)
        if reply.status != 200:
            raise unusable(resource, at, reply)
        catalog.weigh(reply)
        try:
            page = msgspec.json.decode(reply.body, type=kind)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise catalog.strange(error) from error
        yield page
        if not page.nextPageToken:
            return
        path = f"{first}&pageToken={quote(page.nextPageToken, safe='')}"


def _last(name: str) -> str:
    """The id at the end of a resource name."""
    return unquote(name.rpartition("/")[2])
