"""The registry port over the OCI distribution API and nothing else."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from holystone.adapters.http.errors import error_code, summary
from holystone.adapters.http.paging import pages
from holystone.adapters.http.reply import Reply
from holystone.adapters.http.transport import RegistryHttp
from holystone.adapters.registries.catalog import Catalog
from holystone.adapters.registries.default.catalog import read_catalog
from holystone.adapters.registries.default.probe import probe
from holystone.adapters.registries.default.replies import deletion_outcome
from holystone.adapters.registries.deletion import failed_deletion
from holystone.adapters.registries.fingerprint import Fingerprint
from holystone.adapters.registries.listed import ListedNames
from holystone.adapters.registries.oci import OciSession
from holystone.adapters.registries.oci_api import OciApi
from holystone.adapters.registries.oci_replies import MANIFEST_LIMIT, STRANGE, names_on, unreadable
from holystone.engine.errors import HolystoneError, IncompleteSource
from holystone.engine.model.capabilities import Capabilities
from holystone.engine.model.outcomes import Deleted, Failed, Outcome
from holystone.engine.model.outlook import UndoOutlook
from holystone.engine.model.references import Digest, RegistryHost, Repository, RepositoryPath, Tag
from holystone.engine.ports import TAGS, CatalogPage, Listing, Wanted
from holystone.engine.scheduler import Lane

PAGE_SIZE: Final = 1000
"""distribution 3.1 clamps to this; smaller servers ignore or refuse `n`."""
_ABSENT: Final = {"NAME_UNKNOWN", "NOT_FOUND"}
MARK: Final = "Docker-Distribution-Api-Version"
"""A header on every reply of distribution (registry/handlers/app.go, `ServeHTTP`; seen on 2.8.2 and 3.1.2)."""


class OciRegistry(OciApi):
    def __init__(
        self,
        host: RegistryHost,
        http: RegistryHttp,
        reads: Lane,
        writes: Lane,
        fingerprint: Callable[[], Awaitable[Fingerprint]] | None = None,
    ) -> None:
        """`fingerprint`: asks what the server shows of itself to whoever has no credential."""
        super().__init__(host, http, reads, writes)
        self.fingerprint = fingerprint
        self.marks_deletions = False
        """Whether a reply to a deletion was seen to have MARK."""

    def open(self, repository: Repository) -> "DefaultSession":
        return DefaultSession(self, repository)

    def repositories(self, prefix: RepositoryPath | None = None) -> AsyncIterator[CatalogPage]:
        """Lists by `_catalog`, which is no part of the OCI specification: where it is missing, IncompleteSource says
        so. That a server shows everything is known of distribution's tokens only."""
        return read_catalog(self.http, self.reads, Catalog(self.host, prefix))


class DefaultSession(OciSession):
    registry: OciRegistry

    def __init__(self, registry: OciRegistry, repository: Repository) -> None:
        super().__init__(registry, repository)

    async def probe(self) -> Capabilities:
        found = await probe(_Questions(self))
        if not found.forbidden:
            async with self.registry.asking_for_referrers:
                if self.registry.referrers_api is None:
                    await self._ask_for_referrers()
        return msgspec.structs.replace(found, undo=await self._outlook(found.undo))

    async def _ask_for_referrers(self) -> None:
        """Whether there is such an API: once here, instead of once for each of the many that are asked for at the same
        time."""
        nobody = f"/v2/{self.repository.path}/referrers/sha256:{'0' * 64}"
        if (await self.read_referrers(nobody)).status == 404:
            self.registry.referrers_api = False

    async def _outlook(self, outlook: UndoOutlook) -> UndoOutlook:
        """What its token does not say, the registry says at the push."""
        if outlook.way != "push" or await self.may_push() is not False:
            return outlook
        return msgspec.structs.replace(outlook, lacks="the right to push")

    async def list_tags(self, wanted: Wanted = TAGS) -> Listing:
        base = f"/v2/{self.repository.path}/tags/list"
        listed = ListedNames()
        for first in (f"{base}?n={PAGE_SIZE}", base):
            size = PAGE_SIZE if first != base else 0
            async for reply in pages(self.read_tags, first, what=str(self.repository), names=names_on, size=size):
                if reply.status == 404 and error_code(reply) in _ABSENT:
                    return Listing({}, exists=False)
                if reply.status == 400 and first != base:
                    break  # a server that does not page, and says so
                if reply.status != 200:
                    raise unreadable(f"The tags of {self.repository}", reply)
                listed.add_all(_names(self.repository, reply))
                del reply
            else:
                return await self.look_up_odd(listed.listing())
        raise IncompleteSource(f"The tags of {self.repository} cannot be listed: the registry refuses the request.")

    async def delete_tags(self, tags: Sequence[Tag]) -> Sequence[Outcome]:
        return [await self._deletion(tag) for tag in tags]

    async def delete_manifests(self, digests: Sequence[Digest]) -> Sequence[Outcome]:
        return [await self._deletion(digest) for digest in digests]

    async def _deletion(self, reference: Tag | Digest) -> Outcome:
        try:
            reply = await self.delete(reference)
        except HolystoneError as error:
            return failed_deletion(error)
        outcome = deletion_outcome(reply)
        if isinstance(outcome, Deleted) and self.registry.marks_deletions and MARK not in reply.headers:
            return Failed(f"{summary(reply)}, by something that is not the registry: its replies have a {MARK}")
        return outcome

    async def restore(self, digest: Digest, tags: Sequence[Tag]) -> bool:
        return False


@dataclass(frozen=True, slots=True)
class _Questions:
    session: DefaultSession

    async def delete(self, reference: str) -> Reply:
        reply = await self.session.delete(reference)
        self.session.registry.marks_deletions |= MARK in reply.headers
        return reply

    async def get(self, reference: str) -> Reply:
        return await self.session.read(f"/v2/{self.session.repository.path}/manifests/{reference}", MANIFEST_LIMIT)

    async def fingerprint(self) -> Fingerprint:
        ask = self.session.registry.fingerprint
        return await ask() if ask else Fingerprint()


def _names(repository: Repository, reply: Reply) -> list[str]:
    """Raises IncompleteSource for a reply that is not a tag list: cut short, or a page of a proxy."""
    try:
        return names_on(reply)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise IncompleteSource(
            f"The tags of {repository} cannot be read: the answer is not a tag list ({error}).", what_to_do=STRANGE
        ) from error
