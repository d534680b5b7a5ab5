"""The registry port over Azure's own API for tags and the OCI distribution API for the rest."""

import secrets
import sys
from collections.abc import AsyncIterator, Mapping, Sequence, Set
from typing import Final, NamedTuple

import msgspec

from holystone.adapters.http.errors import summary
from holystone.adapters.http.reply import Reply
from holystone.adapters.http.transport import RegistryHttp
from holystone.adapters.registries.acr.attributes import Attributes
from holystone.adapters.registries.acr.catalog import read_catalog
from holystone.adapters.registries.acr.listing import read_hidden, read_loose, read_tags, read_tags_of
from holystone.adapters.registries.acr.profile import PROFILE
from holystone.adapters.registries.acr.replies import NEEDED_RIGHTS, deletion_outcome, is_absent, unreadable
from holystone.adapters.registries.catalog import Catalog
from holystone.adapters.registries.deletion import failed_deletion
from holystone.adapters.registries.granted import granted_actions
from holystone.adapters.registries.oci import OciSession
from holystone.adapters.registries.oci_api import OciApi
from holystone.adapters.registries.oci_reading import TokenAccess
from holystone.adapters.registries.oci_replies import MANIFEST_LIMIT, STRANGE
from holystone.engine.errors import HolystoneError, IncompleteSource, Unauthorized
from holystone.engine.model.capabilities import Capabilities, DigestDeletion
from holystone.engine.model.outcomes import Locked, Outcome
from holystone.engine.model.outlook import UndoOutlook
from holystone.engine.model.references import Digest, RegistryHost, Repository, RepositoryPath, Tag
from holystone.engine.ports import TAGS, CatalogPage, Listing, Wanted
from holystone.engine.scheduler import Lane

_ACTIONS: Final[dict[TokenAccess, str]] = {
    # One token a repository: `metadata_read` for lists, `pull` for manifests and blobs, `delete`. Never for all
    # repositories (`*`): registries with ABAC ignore such a scope (Azure/acr-cli, README).
    "read": "pull,delete,metadata_read",
    "delete": "pull,delete,metadata_read",
    "write": "pull,push,delete,metadata_read",
}


HIDDEN: Final = "hidden in Azure: listEnabled is false"
_ROUNDS: Final = 2
"""Times that a repository is counted and listed before a count that does not fit the list is no push meanwhile."""


class _Repository(msgspec.Struct):
    imageName: str
    manifestCount: int | None = None
    tagCount: int | None = None
    changeableAttributes: Attributes = Attributes()


class _Doubts(NamedTuple):
    locks_unknown: bool = False
    """Azure did not say of every tag whether it is locked."""
    tags_unseen: bool = False
    """Azure counts other tags than it shows."""


def _names_in(listing: Listing) -> int:
    return len(listing.tags) + len(listing.odd)


class AcrRegistry(OciApi):
    """Azure Container Registry. `credential` says in words who asks, and where that is from."""

    def __init__(self, host: RegistryHost, http: RegistryHttp, reads: Lane, writes: Lane, *, credential: str) -> None:
        super().__init__(host, http, reads, writes)
        self.credential = credential

    def open(self, repository: Repository) -> "AcrSession":
        return AcrSession(self, repository)

    def repositories(self, prefix: RepositoryPath | None = None) -> AsyncIterator[CatalogPage]:
        return read_catalog(self.http, self.reads, Catalog(self.host, prefix))


class AcrSession(OciSession):
    registry: AcrRegistry

    def __init__(self, registry: AcrRegistry, repository: Repository) -> None:
        super().__init__(registry, repository)
        self._credential = registry.credential
        self._locked: Mapping[Digest, str] = {}
        """Manifests with a locked tag, as the last listing saw them."""
        self._names: Set[Tag] = frozenset()
        """Tags, as the last listing saw them."""
        self._tagged = 0
        """Manifests with a tag, as the last listing saw them."""
        self._manifests = sys.maxsize
        """All manifests, tagged or not, as Azure counted them last."""
        self._doubts: _Doubts | None = None
        """What the last listing left open; None if there was none."""

    def scope(self, access: TokenAccess) -> str:
        return f"repository:{self.repository.path}:{_ACTIONS[access]}"

    async def probe(self) -> Capabilities:
        """One request: the repository's own attributes. The rights are read from the token that was needed for it; if
        it does not tell, the registry is asked to delete what cannot exist. What can be done depends on what a list
        leaves open, so that there is one before, as there was for the plan that another process carries out."""
        about = await self._about()
        if about and about.changeableAttributes.writeEnabled is False:
            return _cannot(_locked(self.repository))
        claims = await self.http.granted(self.scope("delete"), lane=self.reads)
        actions = granted_actions(claims, self.repository.path)
        if actions is None:
            lacking = await self._refusal()
        else:
            lacking = "" if actions & {"delete", "*"} else "the token server did not grant it"
        if lacking:
            return _cannot(
                f"{self._credential} has no right to delete in {self.repository} "
                f"(scope {self.scope('delete')}): {lacking}. {NEEDED_RIGHTS}"
            )
        if self._doubts is None:
            await self.list_tags()
        doubts = self._doubts or _Doubts()
        return msgspec.structs.replace(
            PROFILE.can,
            # Azure refuses to untag what is locked; what it spares when a manifest goes by digest is UNCONFIRMED.
            digests=None if doubts.tags_unseen else DigestDeletion(tags_first=doubts.locks_unknown),
            undo=outlook(await self.may_push()),
        )

    async def list_tags(self, wanted: Wanted = TAGS) -> Listing:
        """Lists the tags, with those that Azure hides, as locked ones: whoever hid one wants it."""
        listing, doubts = await self._listed()
        for _ in range(_ROUNDS - 1):
            if doubts.tags_unseen:
                listing, doubts = await self._listed()
        self._doubts = doubts
        if wanted.loose and listing.exists and not doubts.tags_unseen:
            loose = await read_loose(self.repository, self._get, listing, self._manifests)
            if loose is not None:
                pushed = {digest: when for digest, when in loose.items() if when}
                listing = msgspec.structs.replace(listing, loose=tuple(loose), pushed=pushed)
        self._locked = {
            digest: f"its tag {tag} is {lock}" for tag, lock in listing.locked.items() if (digest := listing.tags[tag])
        }
        self._names = listing.tags.keys()
        self._tagged = len(set(listing.tags.values()))
        return listing

    async def _listed(self) -> tuple[Listing, _Doubts]:
        about = await self._about()
        if about is None:
            return Listing({}, exists=False), _Doubts()
        listing, locks_known = await read_tags(self.repository, self._get)
        hidden = Listing({})
        if about.tagCount != _names_in(listing):
            hidden = await read_hidden(self.repository, self._get, listing)
        listing = msgspec.structs.replace(
            listing,
            tags={**listing.tags, **hidden.tags},
            odd={**listing.odd, **hidden.odd},
            locked={**listing.locked, **dict.fromkeys(hidden.tags, HIDDEN)},
        )
        return listing, _Doubts(locks_unknown=not locks_known, tags_unseen=about.tagCount != _names_in(listing))

    async def _about(self) -> _Repository | None:
        """What Azure says of the repository; None if there is no such one."""
        reply = await self._get(f"/acr/v1/{self.repository.path}")
        if is_absent(reply):
            return None
        if reply.status != 200:
            raise unreadable(str(self.repository), reply)
        about = _understood(self.repository, reply)
        if about.manifestCount is not None:
            self._manifests = about.manifestCount
        return about

    async def referrers(self, subject: Digest) -> Sequence[Digest]:
        """The list shows what has a tag. Only where the repository has more manifests than that, something unseen can
        refer to the subject, and a request is worth it."""
        if self._manifests <= self._tagged:
            return ()
        return await super().referrers(subject)

    async def delete_tags(self, tags: Sequence[Tag]) -> Sequence[Outcome]:
        return [await self._deletion(f"/acr/v1/{self.repository.path}/_tags/{tag}") for tag in tags]

    async def delete_manifests(self, digests: Sequence[Digest]) -> Sequence[Outcome]:
        """The engine lists again right before it deletes. A tag that was locked since the plan is seen then, and saves
        its manifest, as one that was hidden is: whether the server would is UNCONFIRMED (see `listing`)."""
        return [
            Locked(self._locked[digest]) if digest in self._locked else await self._delete_manifest(digest)
            for digest in digests
        ]

    async def _delete_manifest(self, digest: Digest) -> Outcome:
        try:
            if self._doubts and self._doubts.tags_unseen:
                shown = await read_tags_of(self.repository, digest, self._get)
                if unseen := sorted(set(shown) - self._names):
                    return Locked(f"its tag {unseen[0]} is in no list of Azure's, and so hidden or new")
            return deletion_outcome(await self._delete(f"/v2/{self.repository.path}/manifests/{digest}"))
        except HolystoneError as error:
            return failed_deletion(error)

    async def restore(self, digest: Digest, tags: Sequence[Tag]) -> bool:
        """Restores from the recycle area, if the registry's soft delete policy (a preview) is on: then a manifest
        cannot be pushed again before it is restored (container-registry-soft-delete-policy.md of Azure's
        documentation). The call is azure-cli's (command_modules/acr/manifest.py, acr_manifest_deleted_restore). What
        the server says where the policy is off is UNCONFIRMED: every refusal means that a push may help."""
        scope = f"repository:{self.repository.path}:deleted_read,deleted_restore"
        for tag in tags or (None,):
            try:
                reply = await self.http.request(
                    "POST",
                    f"/acr/v1/_deleted/{self.repository.path}/_manifests/{digest}?force=false",
                    lane=self.pushes,
                    limit=MANIFEST_LIMIT,
                    scope=scope,
                    headers={"Content-Type": "application/json"},
                    body=msgspec.json.encode({"tag": tag}, enc_hook=str),
                )
            except Unauthorized:
                return False
            if reply.status not in (200, 201, 202):
                return False
        return True

    async def _get(self, path: str) -> Reply:
        """One GET below /acr/v1; every status that is not retried is returned."""
        try:
            return await self.http.request("GET", path, lane=self.reads, limit=MANIFEST_LIMIT, scope=self.scope("read"))
        except Unauthorized as error:
            raise Unauthorized(error.message, what_to_do=f"{error.what_to_do} {NEEDED_RIGHTS}".strip()) from error

    async def _delete(self, path: str) -> Reply:
        return await self.http.request(
            "DELETE", path, lane=self.writes, limit=MANIFEST_LIMIT, scope=self.scope("delete")
        )

    async def _refusal(self) -> str:
        """What the registry says to a deletion; empty if it would do it. Nothing has this digest."""
        nothing = f"sha256:{secrets.token_hex(32)}"
        try:
            reply = await self.delete(nothing)
        except Unauthorized as error:
            return error.message
        return "" if reply.status in (202, 404) else summary(reply)

    async def _deletion(self, path: str) -> Outcome:
        try:
            return deletion_outcome(await self._delete(path))
        except HolystoneError as error:
            return failed_deletion(error)


def _understood(repository: Repository, reply: Reply) -> _Repository:
    try:
        return msgspec.json.decode(reply.body, type=_Repository)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise IncompleteSource(
            f"{repository} cannot be read: the answer does not describe a repository ({error}).", what_to_do=STRANGE
        ) from error


def outlook(may_push: bool | None) -> UndoOutlook:
    """What `undo` could do. `may_push`: None if the token does not tell. No built-in role of a repository may restore
    from the recycle area (container-registry-rbac-built-in-roles-directory-reference.md), and whether there is one is
    not to be had."""
    lacks = "the right to push (role AcrPush, or content/write)" if may_push is False else ""
    return msgspec.structs.replace(PROFILE.can.undo, lacks=lacks)


def _locked(repository: Repository) -> str:
    """Why nothing in a locked repository can be deleted. Only `writeEnabled` counts here. It locks "the repository and
    all images in it", while a repository with `deleteEnabled` false "can't be deleted. Individual images can still be"
    (container-registry-image-lock.md)."""
    return (
        f"the repository is locked in Azure: its writeEnabled is false. Unlock it with 'az acr repository update "
        f"--name REGISTRY --repository {repository.path} --write-enabled true' if that is not meant"
    )


def _cannot(why: str) -> Capabilities:
    return msgspec.structs.replace(PROFILE.can, forbidden=why)
