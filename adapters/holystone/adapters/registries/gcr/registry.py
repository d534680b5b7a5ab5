"""The registry port over Google's registries: all of it by /v2, with the Artifact Registry API for what /v2 lacks.

Deletions are sent one by one. The API's `versions:batchDelete` is left out: it is a long-running operation, knows no
tags, and how many versions it takes is not documented.
"""

import secrets
from collections.abc import AsyncIterator, Sequence
from typing import Final

import msgspec

from holystone.adapters.credentials.credential import Credential
from holystone.adapters.http.errors import error_code, summary
from holystone.adapters.http.tokens import described
from holystone.adapters.http.transport import RegistryHttp
from holystone.adapters.registries.catalog import Catalog
from holystone.adapters.registries.deletion import failed_deletion
from holystone.adapters.registries.gcr.api import ArtifactRegistry
from holystone.adapters.registries.gcr.catalog import read_catalog
from holystone.adapters.registries.gcr.listing import Rows, read_rows
from holystone.adapters.registries.gcr.places import Image, locate
from holystone.adapters.registries.gcr.profile import LONGEST, PROFILE
from holystone.adapters.registries.gcr.replies import READER, ROLE, deletion_outcome
from holystone.adapters.registries.oci import OciSession
from holystone.adapters.registries.oci_api import OciApi
from holystone.adapters.registries.oci_replies import PAGE_LIMIT, unreadable
from holystone.engine.errors import HolystoneError, IncompleteSource, Unauthorized
from holystone.engine.model.capabilities import Capabilities
from holystone.engine.model.outcomes import Outcome
from holystone.engine.model.references import Digest, RegistryHost, Repository, RepositoryPath, Tag
from holystone.engine.ports import TAGS, CatalogPage, Listing, Wanted
from holystone.engine.scheduler import Lane

_ABSENT: Final = "NAME_UNKNOWN"


class GoogleRegistry(OciApi):
    def __init__(
        self,
        host: RegistryHost,
        http: RegistryHttp,
        reads: Lane,
        writes: Lane,
        api: ArtifactRegistry | None,
        credential: Credential,
    ) -> None:
        """`api`: None where the credential or the address is of no use there."""
        super().__init__(host, http, reads, writes)
        self.api = api
        self.who = described(credential)

    def open(self, repository: Repository) -> "GoogleSession":
        return GoogleSession(self, repository)

    def repositories(self, prefix: RepositoryPath | None = None) -> AsyncIterator[CatalogPage]:
        """The repositories of a project, which `prefix` must name, or of one of its Artifact Registry repositories."""
        return read_catalog(self.api, self.who, Catalog(self.host, prefix))


class GoogleSession(OciSession):
    registry: GoogleRegistry

    def __init__(self, registry: GoogleRegistry, repository: Repository) -> None:
        super().__init__(registry, repository)
        self._api = registry.api
        self._who = registry.who
        self._is_alone = False
        """Nothing can refer to anything but tagged manifests."""

    async def probe(self) -> Capabilities:
        """Deletes what cannot exist: a missing right is said before a missing manifest (403 DENIED, naming the
        permission; not documented, and if it is ever the other way round, the first deletion says it)."""
        nonce = secrets.token_hex(32)
        for reference in (f"sha256:{nonce}", f"holystone-probe-{nonce[:16]}"):
            try:
                reply = await self.delete(reference)
            except Unauthorized as error:
                return _cannot(error.message)
            if reply.status in (401, 403):
                lacking = f"{self._who} may not delete in {self.repository}: {summary(reply)}"
                return _cannot(f"{lacking}; give it the role {ROLE}")
        immutable = await self._immutable() is not None
        return PROFILE.can.without_tombstones() if immutable else PROFILE.can

    async def list_tags(self, wanted: Wanted = TAGS) -> Listing:
        reply = await self.read(f"/v2/{self.repository.path}/tags/list?n={LONGEST}", PAGE_LIMIT)
        if reply.status == 404 and error_code(reply) == _ABSENT:
            return Listing({}, exists=False)
        if reply.status in (401, 403):
            # Often said of what does not exist, too.
            raise Unauthorized(
                f"The tags of {self.repository} cannot be read as {self._who}: {summary(reply)}.",
                what_to_do=f"Check the name, or give that credential the role {READER}.",
            )
        if reply.status != 200:
            raise unreadable(f"The tags of {self.repository}", reply)
        rows = read_rows(self.repository, reply)
        if rows.cut_short:
            rows = await self._list_by_api(rows)
        rule = await self._immutable() if rows.tags else None
        listing = Listing(
            rows.tags,
            locked=dict.fromkeys(rows.tags, rule) if rule else {},
            untagged=await self._untagged(rows),
            indexes=rows.indexes,
            pushed=rows.pushed,
            loose=rows.loose if wanted.loose else None,
            odd=rows.odd,
        )
        return await self.look_up_odd(listing)

    async def delete_tags(self, tags: Sequence[Tag]) -> Sequence[Outcome]:
        return [await self._deletion(tag) for tag in tags]

    async def delete_manifests(self, digests: Sequence[Digest]) -> Sequence[Outcome]:
        """Refused while a tag is on it or an index lists it."""
        return [await self._deletion(digest) for digest in digests]

    async def referrers(self, subject: Digest) -> Sequence[Digest]:
        """Nothing is asked where the list showed that no manifest without a tag can have a subject: those with one are
        read anyway."""
        if self._is_alone:
            return ()
        return await super().referrers(subject)

    async def restore(self, digest: Digest, tags: Sequence[Tag]) -> bool:
        return False

    async def _list_by_api(self, seen: Rows) -> Rows:
        image = locate(self.repository.host, self.repository.path)
        if self._api is None or image is None:
            raise IncompleteSource(
                f"{self.repository} has {LONGEST:,} tags or manifests or more, of which the registry lists "
                f"only a part, and the Artifact Registry API, which lists all, cannot be asked as {self._who}.",
                what_to_do="Use Application Default Credentials or an access token (docker login -u oauth2accesstoken) "
                f"with the role {READER}, and install holystone[gcr].",
            )
        rows = await self._api.list(image)
        # An image that was read under a wrong name, or an API that leaves something out.
        if len(rows.tags) < len(seen.tags) or len(rows.manifests) < len(seen.manifests):
            raise IncompleteSource(
                f"The Artifact Registry API lists less of {self.repository} than the registry itself: "
                f"{len(rows.tags)} tags and {len(rows.manifests)} manifests instead of {len(seen.tags)} and "
                f"{len(seen.manifests)} at least.",
                what_to_do="Run again; something was probably deleted while it was read.",
            )
        return rows

    async def _untagged(self, rows: Rows) -> tuple[Digest, ...]:
        """What has to be read to know whose signature it is: nothing, where the referrers API tells. Whether Google has
        it is not documented (notaryproject/notation#1222 shows doubtful answers), so the registry is asked. What is
        missed by that is left alone: manifests that nobody named are never deleted."""
        candidates = rows.may_refer
        self._is_alone = not candidates
        if candidates and self.registry.referrers_api is None:
            await self.referrers(candidates[0])
        return candidates if self.registry.referrers_api is False else ()

    async def _immutable(self) -> str | None:
        """The rule that forbids to delete any tag, for people; None if there is none or that cannot be found out."""
        image: Image | None = locate(self.repository.host, self.repository.path)
        if self._api is None or image is None or not await self._api.has_immutable_tags(image):
            return None
        return f"immutable tags are on for {image.folder} ({image.update_command} --no-immutable-tags turns them off)"

    async def _deletion(self, reference: Tag | Digest) -> Outcome:
        try:
            return deletion_outcome(await self.delete(reference))
        except HolystoneError as error:
            return failed_deletion(error)


def _cannot(why: str) -> Capabilities:
    return msgspec.structs.replace(PROFILE.can, forbidden=why, tags=None, digests=None)
