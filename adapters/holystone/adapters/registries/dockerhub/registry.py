"""The registry port over Docker Hub."""

from collections.abc import AsyncIterator, Sequence
from typing import Final

import msgspec

from holystone.adapters.http.errors import error_code, summary
from holystone.adapters.http.reply import Reply
from holystone.adapters.http.transport import RegistryHttp
from holystone.adapters.registries.catalog import Catalog
from holystone.adapters.registries.dockerhub.api import HubApi, names
from holystone.adapters.registries.dockerhub.catalog import read_catalog
from holystone.adapters.registries.dockerhub.deleting import TagDeletion
from holystone.adapters.registries.dockerhub.listing import read_tags
from holystone.adapters.registries.dockerhub.locks import locked
from holystone.adapters.registries.dockerhub.probe import probe
from holystone.adapters.registries.dockerhub.replies import PULLS
from holystone.adapters.registries.oci import OciSession
from holystone.adapters.registries.oci_api import OciApi
from holystone.adapters.registries.oci_replies import LIST_LIMIT
from holystone.engine.errors import Unauthorized, Unseen
from holystone.engine.model.capabilities import Capabilities
from holystone.engine.model.manifests import RawManifest
from holystone.engine.model.outcomes import Failed, Outcome
from holystone.engine.model.outlook import UndoOutlook
from holystone.engine.model.references import Digest, RegistryHost, Repository, RepositoryPath, Tag
from holystone.engine.ports import TAGS, CatalogPage, Listing, Wanted
from holystone.engine.scheduler import Lane

_ABSENT: Final = "NAME_UNKNOWN"
_BY_TAG_ONLY: Final = "on Docker Hub Holystone deletes tags only: a manifest without tags is left to Docker Hub"


class DockerHubRegistry(OciApi):
    """Docker Hub, which has two servers. `http`, `reads` and `writes` are the registry's (registry-1.docker.io), `hub`
    is the Hub API."""

    def __init__(self, host: RegistryHost, http: RegistryHttp, reads: Lane, writes: Lane, hub: HubApi) -> None:
        super().__init__(host, http, reads, writes)
        self.hub = hub
        self.deletion = TagDeletion(hub)

    def open(self, repository: Repository) -> "DockerHubSession":
        return DockerHubSession(self, repository)

    def repositories(self, prefix: RepositoryPath | None = None) -> AsyncIterator[CatalogPage]:
        """The repositories of a namespace, which `prefix` must name: those that the account may see."""
        return read_catalog(self.hub, Catalog(self.host, prefix))


class DockerHubSession(OciSession):
    registry: DockerHubRegistry

    def __init__(self, registry: DockerHubRegistry, repository: Repository) -> None:
        super().__init__(registry, repository)
        self.hub = registry.hub
        self._deletion = registry.deletion

    async def probe(self) -> Capabilities:
        can = await probe(self.hub, self._deletion, self.repository)
        if can.forbidden:
            return can
        may_push = await self.may_push()
        lacks = (
            "the right to push (a token with the permission Write, or scope-image-push)" if may_push is False else ""
        )
        doubt = "whether the credential may push is not known" if may_push is None else ""
        return msgspec.structs.replace(can, undo=UndoOutlook("push", lacks=lacks, doubt=doubt))

    async def list_tags(self, wanted: Wanted = TAGS) -> Listing:
        about = await self.hub.about(self.repository)
        if about is None:
            await self._expect_absent()
            return Listing({}, exists=False)
        listing = await read_tags(self.hub, self.repository, wanted)
        rules = locked(about.immutable_tags_settings, listing.tags)
        return await self.look_up_odd(msgspec.structs.replace(listing, locked=rules))

    async def delete_tags(self, tags: Sequence[Tag]) -> Sequence[Outcome]:
        return [await self._deletion.delete(self.repository, tag) for tag in tags]

    async def delete_manifests(self, digests: Sequence[Digest]) -> Sequence[Outcome]:
        return [Failed(_BY_TAG_ONLY) for _ in digests]

    async def restore(self, digest: Digest, tags: Sequence[Tag]) -> bool:
        return False

    async def read(self, path: str, limit: int, *, alone: bool = False, lane: Lane | None = None) -> Reply:
        try:
            return await super().read(path, limit, alone=alone, lane=lane)
        except Unauthorized as error:
            raise _with_scopes(error) from error

    async def _put_manifest(self, reference: str, manifest: RawManifest) -> Reply:
        try:
            return await super()._put_manifest(reference, manifest)
        except Unauthorized as error:
            raise _with_scopes(error) from error

    async def _digest_of(self, reference: Tag | Digest, *, alone: bool) -> Digest | None:
        try:
            return await super()._digest_of(reference, alone=alone)
        except Unauthorized as error:
            raise _with_scopes(error) from error

    async def _expect_absent(self) -> None:
        """The Hub API says "not found" of a private repository too, to whoever may not see it. The registry does not:
        it gives no token for it, and looks for the repository only after the token. Raises Unseen for what neither
        shows, and Unauthorized for all else."""
        unseen = False
        namespace, name = names(self.repository)
        try:
            reply = await self.read(f"/v2/{namespace}/{name}/tags/list?n=1", LIST_LIMIT)
        except Unauthorized as error:
            said = f"and the registry too: {error.message.removesuffix('.')}"
            unseen = True
        else:
            if reply.status == 404 and error_code(reply) == _ABSENT:
                return
            said = "but the registry has it" if reply.status == 200 else f"and the registry says {summary(reply)}"
        refusal = self.hub.unseen(
            f"{self.repository} does not exist, or must not be seen: the Hub API knows none for {self.hub.who}, {said}"
        )
        if unseen and not self.hub.useless:
            raise Unseen(refusal.message, what_to_do=refusal.what_to_do)
        raise refusal


def _with_scopes(error: Unauthorized) -> Unauthorized:
    """The registry's rights are others than the Hub API's."""
    what_to_do = error.what_to_do if PULLS in error.what_to_do else f"{error.what_to_do} {PULLS}".strip()
    return type(error)(error.message, not_deleted=error.not_deleted, what_to_do=what_to_do)
