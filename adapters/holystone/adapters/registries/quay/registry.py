"""The registry port over Quay: /v2 for reading and deleting; /api/v1, if there is a token, for listing, restoring and,
where /v2 cannot, deleting."""

from collections.abc import AsyncIterator, Sequence

import msgspec

from holystone.adapters.http.reply import Reply
from holystone.adapters.http.transport import RegistryHttp
from holystone.adapters.registries.catalog import Catalog
from holystone.adapters.registries.deletion import failed_deletion
from holystone.adapters.registries.granted import granted_actions
from holystone.adapters.registries.oci import OciSession
from holystone.adapters.registries.oci_api import OciApi
from holystone.adapters.registries.oci_reading import ACCEPT, TokenAccess
from holystone.adapters.registries.oci_replies import MANIFEST_LIMIT, unreadable
from holystone.adapters.registries.quay.api import QuayApi
from holystone.adapters.registries.quay.catalog import read_by_api, read_by_registry
from holystone.adapters.registries.quay.listing import list_by_api, list_by_registry, unusual_sizes
from holystone.adapters.registries.quay.probe import Doors, capabilities, nonsense_tag
from holystone.adapters.registries.quay.profile import PROFILE
from holystone.adapters.registries.quay.replies import code, deletion_outcome, not_routed, says_missing
from holystone.engine.errors import HolystoneError, Unauthorized, Unseen
from holystone.engine.model.capabilities import Capabilities, ListingFacts
from holystone.engine.model.outcomes import AlreadyGone, Outcome
from holystone.engine.model.outlook import UndoOutlook
from holystone.engine.model.references import Digest, RegistryHost, Repository, RepositoryPath, Tag
from holystone.engine.ports import TAGS, CatalogPage, Listing, Wanted
from holystone.engine.scheduler import Lane


class QuayRegistry(OciApi):
    """Quay by /v2, and by its API where there is a token for it. nginx counts reads and deletions of manifests
    together, so that they share a lane."""

    def __init__(
        self, host: RegistryHost, http: RegistryHttp, manifests: Lane, tags: Lane, api: QuayApi | None, who: str
    ) -> None:
        """`who` enters /v2, for people."""
        super().__init__(host, http, manifests, manifests)
        self.tags = tags
        self.api = api
        self.who = who
        self.sizes = unusual_sizes()

    def open(self, repository: Repository) -> "QuaySession":
        return QuaySession(self, repository)

    def repositories(self, prefix: RepositoryPath | None = None) -> AsyncIterator[CatalogPage]:
        """Lists with an API token and a namespace those that its user may see, else those that whoever enters /v2
        may."""
        catalog = Catalog(self.host, prefix)
        if self.api and prefix:
            return read_by_api(self.api, catalog)
        return read_by_registry(self.http, self.tags, next(self.sizes), self.who, catalog)


class QuaySession(OciSession):
    registry: QuayRegistry

    def __init__(self, registry: QuayRegistry, repository: Repository) -> None:
        super().__init__(registry, repository)
        self._tags = registry.tags
        self._api = registry.api
        self._who = registry.who
        self._sizes = registry.sizes
        self._is_there = False
        """A read has shown that the repository exists."""
        self._by_api = False
        """Its tags have to be deleted by the API."""

    def scope(self, access: TokenAccess) -> str:
        """What a token must allow. `delete` in a scope is 400 (quay/quay:endpoints/v2/v2auth.py, SCOPE_REGEX_TEMPLATE):
        it needs `push`."""
        return f"repository:{self.repository.path}:{'pull' if access == 'read' else 'pull,push'}"

    def means_missing(self, reply: Reply) -> bool:
        return says_missing(reply) or super().means_missing(reply)

    async def list_tags(self, wanted: Wanted = TAGS) -> Listing:
        if api := self._api:
            at = self.repository
            listing = await list_by_api(at, lambda page, limit: api.tags(at, page=page, limit=limit))
        else:
            size = next(self._sizes)
            listing = await list_by_registry(self.repository, size, lambda path: self._ask(path, self._tags))
        return await self.look_up_odd(listing)

    async def probe(self) -> Capabilities:
        about = await self._api.about(self.repository) if self._api else None
        if (self._api and about is None) or not await self._exists():
            # Nothing to be deleted there, and nobody to ask.
            by_api = self._api is not None
            return msgspec.structs.replace(
                PROFILE.can,
                listing=ListingFacts(by_api, PROFILE.can.listing.page),
                undo=UndoOutlook("restore" if by_api else "push"),
            )
        doors = Doors(self._who, self._api.who if self._api else "", about, *await self._try_deletion())
        if doors.by_api:
            self._by_api = True
        return capabilities(self.repository, doors)

    async def delete_tags(self, tags: Sequence[Tag]) -> Sequence[Outcome]:
        return [await self._deletion(tag) for tag in tags]

    async def delete_manifests(self, digests: Sequence[Digest]) -> Sequence[Outcome]:
        return [await self._deletion(digest) for digest in digests]

    async def restore(self, digest: Digest, tags: Sequence[Tag]) -> bool:
        """Quay restores tags, each with its manifest and all that this needs, and no manifest without one."""
        if self._api is None or not tags:
            return False
        for tag in tags:
            # 404: collected already; 400: "Could not restore tag"; 401, 403, 503: not with this token, or not now.
            if (await self._api.restore_tag(self.repository, tag, digest)).status != 200:
                return False
        return True

    async def _exists(self) -> bool:
        """Asked before any token with `push` in it: for an unknown repository that would create it (v2auth.py)."""
        if not self._is_there:
            path = f"/v2/{self.repository.path}/manifests/{nonsense_tag()}"
            reply = await self._ask(path, self.reads)
            if reply.status == 404 and code(reply) == "NAME_UNKNOWN":
                return False
            if reply.status not in (200, 404) or not_routed(reply):
                raise unreadable(str(self.repository), reply)
            self._is_there = True
        return True

    async def _ask(self, path: str, lane: Lane) -> Reply:
        """One GET below /v2 of a repository that need not be there. Of one that is not, Quay says 401 to everybody but
        administrators of its namespace (seen on Quay of 2026-08 with a robot), with a token that allows nothing there:
        the same that it says of one that is there and closed."""
        scope = self.scope("read")
        try:
            return await self.http.request("GET", path, lane=lane, limit=MANIFEST_LIMIT, scope=scope, accept=ACCEPT)
        except Unauthorized as refusal:
            try:
                granted = granted_actions(await self.http.granted(scope, lane=self.reads), self.repository.path)
            except Unauthorized:
                granted = None  # not even a token: the credential is wrong
            if granted is None or granted:
                raise refusal from None
            raise Unseen(
                f"Quay allows {self._who} nothing in {self.repository}: either nothing was ever pushed there, "
                "or it may not be read. Quay does not say which.",
                what_to_do="If it is there, give the robot or user the role Read on it (Write to delete), or a default "
                "permission in the organization. If nothing was pushed there, leave it out, or give an API token "
                "(--repo-quay-token), to which Quay says so.",
            ) from refusal

    async def _try_deletion(self) -> tuple[Reply | None, str]:
        """The answer to the deletion of a tag that cannot exist, or why it was not asked for."""
        scope = self.scope("delete")
        actions = granted_actions(await self.http.granted(scope, lane=self.writes), self.repository.path)
        if actions is not None and not actions & {"push", "*"}:
            return None, "no right to push"
        try:
            return await self.delete(nonsense_tag(), final=(503,)), ""
        except Unauthorized as error:
            return None, error.message

    async def _deletion(self, reference: Tag | Digest) -> Outcome:
        try:
            return await self._delete_by_any_door(reference)
        except HolystoneError as error:
            return failed_deletion(error)

    async def _delete_by_any_door(self, reference: Tag | Digest) -> Outcome:
        if not isinstance(reference, Tag) or self._api is None or not self._by_api:
            if not await self._exists():
                return AlreadyGone()
            reply = await self.delete(reference, final=(503,))
            if not isinstance(reference, Tag) or self._api is None or not not_routed(reply):
                return deletion_outcome(reply)
            self._by_api = True
        return deletion_outcome(await self._api.delete_tag(self.repository, reference))
