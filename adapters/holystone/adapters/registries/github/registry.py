"""The registry port over GitHub's REST API (lists, deletions, restores) and the registry itself (everything else)."""

from collections.abc import AsyncIterator, Sequence

import msgspec

from holystone.adapters.http.errors import error_code, summary
from holystone.adapters.http.transport import RegistryHttp
from holystone.adapters.registries.catalog import Catalog
from holystone.adapters.registries.deletion import failed_deletion
from holystone.adapters.registries.github.addresses import owner_of
from holystone.adapters.registries.github.api import GithubApi, advice
from holystone.adapters.registries.github.catalog import read_catalog
from holystone.adapters.registries.github.package import Package
from holystone.adapters.registries.github.profile import PROFILE
from holystone.adapters.registries.oci import OciSession
from holystone.adapters.registries.oci_api import OciApi
from holystone.adapters.registries.oci_replies import LIST_LIMIT
from holystone.engine.errors import HolystoneError, Unauthorized, Unseen
from holystone.engine.model.capabilities import Capabilities
from holystone.engine.model.outcomes import Failed, Outcome
from holystone.engine.model.outlook import UndoOutlook
from holystone.engine.model.references import Digest, RegistryHost, Repository, RepositoryPath, Tag
from holystone.engine.ports import TAGS, CatalogPage, Listing, Wanted
from holystone.engine.scheduler import Lane


class GithubRegistry(OciApi):
    def __init__(
        self,
        host: RegistryHost,
        http: RegistryHttp,
        reads: Lane,
        writes: Lane,
        api: GithubApi,
        *,
        pushes_as_somebody_else: bool,
        limited: bool,
    ) -> None:
        """`pushes_as_somebody_else`: the registry is entered with another credential than the API. `limited`: GitHub's
        published limits hold."""
        super().__init__(host, http, reads, writes)
        self.api = api
        self.pushes_as_somebody_else = pushes_as_somebody_else
        self.quota = PROFILE.can.quota if limited else None

    def open(self, repository: Repository) -> "GithubSession":
        return GithubSession(self, repository)

    def repositories(self, prefix: RepositoryPath | None = None) -> AsyncIterator[CatalogPage]:
        """The packages of an owner, whom `prefix` must name: those that the token may see."""
        return read_catalog(self.api, Catalog(self.host, prefix))


class GithubSession(OciSession):
    registry: GithubRegistry

    def __init__(self, registry: GithubRegistry, repository: Repository) -> None:
        super().__init__(registry, repository)
        self._api = registry.api
        self._pushes_as_somebody_else = registry.pushes_as_somebody_else
        self._quota = registry.quota
        self._package = Package(registry.api, repository, self.resolve)

    async def probe(self) -> Capabilities:
        """A classic token says its scopes; others say nothing, and no call tells whether the token's owner is an admin
        of the package: the first deletion does, and ends the repository.

        A tombstone is planned unless the scopes forbid to push it: a refused push leaves the tag as it is, and a
        workflow's token that may delete may also push."""
        await self._api.prefix(owner_of(self.repository))
        scopes = self._api.scopes
        why = self._api.lacks("delete:packages")
        may_push = self._pushes_as_somebody_else or scopes is None or "write:packages" in scopes
        can = PROFILE.can if may_push else PROFILE.can.without_tombstones()
        return msgspec.structs.replace(can, forbidden=why, undo=self._outlook(), quota=self._quota)

    def _outlook(self) -> UndoOutlook:
        """ "To restore a package version … you need the read:packages and write:packages scopes" (github/docs, REST
        reference of packages), which is not delete:packages. Without it a push may help, as somebody who may."""
        if self._api.scopes is None:
            doubt = "a token that is no classic one does not say its rights, and restoring needs packages: write"
            return msgspec.structs.replace(PROFILE.can.undo, doubt=doubt)
        lacking = self._api.lacks("write:packages")
        if lacking and self._pushes_as_somebody_else:
            return UndoOutlook(
                "push", doubt=f"{lacking}, which restoring needs; the registry's own credential may push"
            )
        return msgspec.structs.replace(PROFILE.can.undo, lacks=f"write:packages ({lacking})" if lacking else "")

    async def list_tags(self, wanted: Wanted = TAGS) -> Listing:
        listing = await self._package.list()
        if listing is None:
            await self._check_absence()
            return Listing({}, exists=False)
        loose = listing.untagged if wanted.loose else None
        return await self.look_up_odd(msgspec.structs.replace(listing, loose=loose))

    async def delete_tags(self, tags: Sequence[Tag]) -> Sequence[Outcome]:
        return [Failed("GitHub deletes a tag only together with its manifest and its other tags")] * len(tags)

    async def delete_manifests(self, digests: Sequence[Digest]) -> Sequence[Outcome]:
        return [await self._deletion(digest) for digest in digests]

    async def restore(self, digest: Digest, tags: Sequence[Tag]) -> bool:
        """Whether tags come back with their version is not documented, so they are looked at."""
        if not await self._package.restore(digest):
            return False
        return all([await self.resolve(tag) == digest for tag in tags])

    async def _deletion(self, digest: Digest) -> Outcome:
        try:
            return await self._package.delete(digest)
        except HolystoneError as error:
            return failed_deletion(error)

    async def _check_absence(self) -> None:
        """GitHub answers 404 alike for a package that is not there and for one that the token must not see. ghcr.io
        says 404 NAME_UNKNOWN to whoever may look, and 403 DENIED otherwise, be the package there or not: only the
        first is believed. Raises Unseen for the second, and Unauthorized for all else."""
        refused: type[Unauthorized] = Unseen
        try:
            reply = await self.read(f"/v2/{self.repository.path}/tags/list?n=1", LIST_LIMIT)
            if reply.status == 404 and error_code(reply) == "NAME_UNKNOWN":
                return
            said = summary(reply)
            if (reply.status, error_code(reply)) != (403, "DENIED"):
                refused = Unauthorized
        except Unauthorized as error:
            said = error.message.rstrip(".")
        raise refused(
            f"GitHub shows no package {self.repository} to {self._api.who}, and the registry does not say that "
            f"there is none: {said}.",
            what_to_do=f"If nothing was pushed there, leave the repository out. If something was: "
            f"{advice(await self._api.prefix(owner_of(self.repository)) + '/')}",
        )
