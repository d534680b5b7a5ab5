"""The registry port over Quay: /v2 for reading and deleting; /api/v1, if there is a token, for listing, restoring and,
where /v2 cannot, deleting."""

from collections.abc import Sequence

import msgspec

from holystone.adapters.http.reply import Reply
from holystone.adapters.http.transport import RegistryHttp
from holystone.adapters.registries.deletion import failed_deletion
from holystone.adapters.registries.granted import granted_actions
from holystone.adapters.registries.oci import ACCEPT, MANIFEST_LIMIT, Access, OciApi, unreadable
from holystone.adapters.registries.quay.api import QuayApi
from holystone.adapters.registries.quay.listing import list_by_api, list_by_registry, unusual_sizes
from holystone.adapters.registries.quay.probe import Doors, capabilities, nonsense_tag
from holystone.adapters.registries.quay.replies import code, deletion_outcome, not_routed, says_missing
from holystone.adapters.registries.quay.sheet import SHEET
from holystone.engine.errors import HolystoneError, Unauthorized, Unseen
from holystone.engine.model.capabilities import Capabilities
from holystone.engine.model.outcomes import AlreadyGone, Outcome
from holystone.engine.model.outlook import UndoOutlook
from holystone.engine.model.references import Digest, RegistryHost, Repository, Tag
from holystone.engine.ports import Listing
from holystone.engine.scheduler import Lane


class QuayRegistry(OciApi):
    """nginx counts reads and deletions of manifests together, so that they share a lane."""

    def __init__(
        self, host: RegistryHost, http: RegistryHttp, manifests: Lane, tags: Lane, api: QuayApi | None, who: str
    ) -> None:
        """`who` enters /v2, for people."""
        super().__init__(host, http, manifests, manifests)
        self._tags = tags
        self._api = api
        self._who = who
        self._sizes = unusual_sizes()
        self._there: set[Repository] = set()
        """Repositories that a read has shown to exist."""
        self._by_api: set[Repository] = set()
        """Where tags have to be deleted by the API."""

    def scope(self, repository: Repository, access: Access) -> str:
        """`delete` in a scope is 400 (quay/quay:endpoints/v2/v2auth.py, SCOPE_REGEX_TEMPLATE): it needs `push`."""
        return f"repository:{repository.path}:{'pull' if access == 'read' else 'pull,push'}"

    def means_missing(self, reply: Reply) -> bool:
        return says_missing(reply) or super().means_missing(reply)

    async def list_tags(self, repository: Repository) -> Listing:
        if api := self._api:
            listing = await list_by_api(repository, lambda page, limit: api.tags(repository, page=page, limit=limit))
        else:
            size = next(self._sizes)
            listing = await list_by_registry(repository, size, lambda path: self._ask(repository, path, self._tags))
        return await self.look_up_odd(repository, listing)

    async def probe(self, repository: Repository) -> Capabilities:
        about = await self._api.about(repository) if self._api else None
        if (self._api and about is None) or not await self._exists(repository):
            # Nothing to be deleted there, and nobody to ask.
            by_api = self._api is not None
            return msgspec.structs.replace(
                SHEET.can, digests_in_listing=by_api, undo=UndoOutlook("restore" if by_api else "push")
            )
        doors = Doors(self._who, self._api.who if self._api else "", about, *await self._try_deletion(repository))
        if doors.by_api:
            self._by_api.add(repository)
        return capabilities(repository, doors)

    async def delete_tags(self, repository: Repository, tags: Sequence[Tag]) -> Sequence[Outcome]:
        return [await self._deletion(repository, tag) for tag in tags]

    async def delete_manifests(self, repository: Repository, digests: Sequence[Digest]) -> Sequence[Outcome]:
        return [await self._deletion(repository, digest) for digest in digests]

    async def restore(self, repository: Repository, digest: Digest, tags: Sequence[Tag]) -> bool:
        """Quay restores tags, each with its manifest and all that this needs, and no manifest without one."""
        if self._api is None or not tags:
            return False
        for tag in tags:
            # 404: collected already; 400: "Could not restore tag"; 401, 403, 503: not with this token, or not now.
            if (await self._api.restore_tag(repository, tag, digest)).status != 200:
                return False
        return True

    async def _exists(self, repository: Repository) -> bool:
        """Asked before any token with `push` in it: for an unknown repository that would create it (v2auth.py)."""
        if repository not in self._there:
            path = f"/v2/{repository.path}/manifests/{nonsense_tag()}"
            reply = await self._ask(repository, path, self.reads)
            if reply.status == 404 and code(reply) == "NAME_UNKNOWN":
                return False
            if reply.status not in (200, 404) or not_routed(reply):
                raise unreadable(str(repository), reply)
            self._there.add(repository)
        return True

    async def _ask(self, repository: Repository, path: str, lane: Lane) -> Reply:
        """One GET below /v2 of a repository that need not be there. Of one that is not, Quay says 401 to everybody but
        administrators of its namespace (seen on Quay of 2026-08 with a robot), with a token that allows nothing there:
        the same that it says of one that is there and closed."""
        scope = self.scope(repository, "read")
        try:
            return await self.http.request("GET", path, lane=lane, limit=MANIFEST_LIMIT, scope=scope, accept=ACCEPT)
        except Unauthorized as refusal:
            try:
                granted = granted_actions(await self.http.granted(scope, lane=self.reads), repository.path)
            except Unauthorized:
                granted = None  # not even a token: the credential is wrong
            if granted is None or granted:
                raise refusal from None
            raise Unseen(
                f"Quay allows {self._who} nothing in {repository}: either nothing was ever pushed there, or it may not "
                "be read. Quay does not say which.",
                what_to_do="If it is there, give the robot or user the role Read on it (Write to delete), or a default "
                "permission in the organization. If nothing was pushed there, leave it out, or give an API token "
                "(--repo-quay-token), to which Quay says so.",
            ) from refusal

    async def _try_deletion(self, repository: Repository) -> tuple[Reply | None, str]:
        """The answer to the deletion of a tag that cannot exist, or why it was not asked for."""
        scope = self.scope(repository, "delete")
        actions = granted_actions(await self.http.granted(scope, lane=self.writes), repository.path)
        if actions is not None and not actions & {"push", "*"}:
            return None, "no right to push"
        try:
            return await self.delete(repository, nonsense_tag(), final=(503,)), ""
        except Unauthorized as error:
            return None, error.message

    async def _deletion(self, repository: Repository, reference: Tag | Digest) -> Outcome:
        try:
            return await self._delete_by_any_door(repository, reference)
        except HolystoneError as error:
            return failed_deletion(error)

    async def _delete_by_any_door(self, repository: Repository, reference: Tag | Digest) -> Outcome:
        if not isinstance(reference, Tag) or self._api is None or repository not in self._by_api:
            if not await self._exists(repository):
                return AlreadyGone()
            reply = await self.delete(repository, reference, final=(503,))
            if not isinstance(reference, Tag) or self._api is None or not not_routed(reply):
                return deletion_outcome(reply)
            self._by_api.add(repository)
        return deletion_outcome(await self._api.delete_tag(repository, reference))
