"""The registry port over Pantry: lists and deletions of tags by its own API, the rest by the OCI distribution API."""

from collections.abc import AsyncIterator, Sequence
from typing import Literal

import msgspec

from holystone.adapters.http.errors import summary
from holystone.adapters.http.reply import Reply
from holystone.adapters.http.transport import RegistryHttp
from holystone.adapters.registries.catalog import Catalog
from holystone.adapters.registries.deletion import failed_deletion
from holystone.adapters.registries.listed import ListedNames
from holystone.adapters.registries.oci import OciSession
from holystone.adapters.registries.oci_api import OciApi
from holystone.adapters.registries.oci_replies import LIST_LIMIT, unreadable
from holystone.adapters.registries.pantry.catalog import read_catalog
from holystone.adapters.registries.pantry.profile import PROFILE
from holystone.engine.errors import HolystoneError, IncompleteSource
from holystone.engine.model.capabilities import Capabilities
from holystone.engine.model.outcomes import AlreadyGone, Deleted, Failed, Forbidden, Outcome
from holystone.engine.model.references import Digest, RegistryHost, Repository, RepositoryPath, Tag
from holystone.engine.ports import TAGS, CatalogPage, Listing, Wanted
from holystone.engine.scheduler import Lane


class _Shelf(msgspec.Struct):
    digests: dict[str, str]
    """Of all tags."""
    role: str
    """Whose the token is."""


class PantryRegistry(OciApi):
    def __init__(self, host: RegistryHost, http: RegistryHttp, reads: Lane, writes: Lane, who: str) -> None:
        """`who` names the credential and where it came from, for people."""
        super().__init__(host, http, reads, writes)
        self.who = who

    def open(self, repository: Repository) -> "PantrySession":
        return PantrySession(self, repository)

    def repositories(self, prefix: RepositoryPath | None = None) -> AsyncIterator[CatalogPage]:
        return read_catalog(self._get, Catalog(self.host, prefix))

    async def _get(self, path: str) -> Reply:
        return await self.http.request("GET", path, lane=self.reads, limit=LIST_LIMIT)


class PantrySession(OciSession):
    registry: PantryRegistry

    async def probe(self) -> Capabilities:
        shelf = await self._shelf()
        if shelf is None or shelf.role == "keeper":
            return PROFILE.can
        why = f"{self.registry.who} has the role {shelf.role}, and only a keeper deletes"
        return msgspec.structs.replace(PROFILE.can, forbidden=why)

    async def list_tags(self, wanted: Wanted = TAGS) -> Listing:
        shelf = await self._shelf()
        if shelf is None:
            return Listing({}, exists=False)
        listed = ListedNames()
        for name, digest in shelf.digests.items():
            listed.add(name, Digest.parse(digest))
        return await self.look_up_odd(listed.listing())

    async def delete_tags(self, tags: Sequence[Tag]) -> Sequence[Outcome]:
        return [await self._deletion(tag) for tag in tags]

    async def delete_manifests(self, digests: Sequence[Digest]) -> Sequence[Outcome]:
        return [await self._deletion(digest) for digest in digests]

    async def restore(self, digest: Digest, tags: Sequence[Tag]) -> bool:
        return False

    async def _shelf(self) -> _Shelf | None:
        """None if there is none. Raises IncompleteSource."""
        reply = await self._request("GET", str(self.repository.path))
        if _is_absent(reply):
            return None
        if reply.status != 200:
            raise unreadable(f"The tags of {self.repository}", reply)
        try:
            return msgspec.json.decode(reply.body, type=_Shelf)
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            raise IncompleteSource(f"The tags of {self.repository} cannot be read: {error}") from error

    async def _deletion(self, reference: Tag | Digest) -> Outcome:
        try:
            if isinstance(reference, Digest):
                reply = await self.delete(reference)
            else:
                reply = await self._request("DELETE", f"{self.repository.path}/jars/{reference}")
        except HolystoneError as error:
            return failed_deletion(error)
        match reply.status:
            case 202 | 204:
                return Deleted()
            case 404 if _is_absent(reply) or isinstance(reference, Digest):
                return AlreadyGone()
            case 403:
                return Forbidden(summary(reply))
            case _:
                return Failed(summary(reply))

    async def _request(self, method: Literal["GET", "DELETE"], path: str) -> Reply:
        lane = self.reads if method == "GET" else self.writes
        return await self.http.request(method, f"/api/shelves/{path}", lane=lane, limit=LIST_LIMIT)


def _is_absent(reply: Reply) -> bool:
    """By Pantry's own word: a bare 404 is a proxy's as often as a registry's."""
    return reply.status == 404 and b'"nothing here"' in reply.body
