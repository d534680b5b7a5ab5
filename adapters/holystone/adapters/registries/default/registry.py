"""The registry port over the OCI distribution API."""

from collections.abc import Sequence
from typing import Final

import msgspec
from yarl import URL

from holystone.adapters.registries.default.probe import probe
from holystone.adapters.registries.default.replies import deletion_outcome
from holystone.adapters.registries.http.errors import error_code, summary
from holystone.adapters.registries.http.paging import pages
from holystone.adapters.registries.http.reply import Reply
from holystone.adapters.registries.http.transport import RegistryHttp
from holystone.adapters.registries.http.verify import digest_of, verify
from holystone.engine.errors import BlobsMissing, IncompleteSource, RegistryFailure, Unauthorized, Unreachable
from holystone.engine.model.capabilities import Capabilities
from holystone.engine.model.manifests import MANIFEST_TYPES, RawManifest
from holystone.engine.model.outcomes import Failed, Forbidden, Outcome
from holystone.engine.model.references import Digest, InvalidName, RegistryHost, Repository, Tag
from holystone.engine.ports import Listing
from holystone.engine.scheduler import Lane

PAGE_SIZE: Final = 1000
"""distribution 3.1 clamps to this; smaller servers ignore or refuse `n`."""
MANIFEST_LIMIT: Final = 4 * 1024 * 1024
"""Bytes; what distribution and zot accept on push."""
BLOB_LIMIT: Final = 8 * 1024 * 1024
"""Bytes of an image configuration."""
LIST_LIMIT: Final = 64 * 1024 * 1024
"""Bytes; distribution 2.8 sends all tags in one reply: half a million names."""
ACCEPT: Final = ", ".join((*MANIFEST_TYPES, "application/vnd.oci.artifact.manifest.v1+json", "*/*"))
"""Without a manifest's own type in it, distribution calls a live manifest unknown (404)."""
_STRANGE: Final = "Check the address; a proxy on the way may have answered instead of the registry."
_MISSING: Final = {"MANIFEST_BLOB_UNKNOWN", "BLOB_UNKNOWN"}
"""The first is distribution's, for blobs and for the manifests of an index; the second zot's."""
_ABSENT: Final = {"NAME_UNKNOWN", "NOT_FOUND"}


class _TagPage(msgspec.Struct):
    tags: list[str] | None


class _IndexDescriptor(msgspec.Struct):
    digest: str


class _Index(msgspec.Struct):
    manifests: list[_IndexDescriptor] | None = None


class OciRegistry:
    """`reads` and `writes` are the lanes that every request passes through."""

    def __init__(self, host: RegistryHost, http: RegistryHttp, reads: Lane, writes: Lane) -> None:
        self._host = host
        self._http = http
        self._reads = reads
        self._writes = writes
        self._referrers_api: bool | None = None

    @property
    def host(self) -> RegistryHost:
        return self._host

    async def probe(self, repository: Repository) -> Capabilities:
        async def has_referrers_api() -> bool:
            await self.referrers(repository, Digest("sha256:" + "0" * 64))
            return bool(self._referrers_api)

        return await probe(lambda reference: self._delete(repository, reference), has_referrers_api)

    async def list_tags(self, repository: Repository) -> Listing:
        base = f"/v2/{repository.path}/tags/list"
        tags: dict[Tag, Digest | None] = {}
        for first in (f"{base}?n={PAGE_SIZE}", base):
            async for reply in pages(
                lambda path: self._read(repository, path, LIST_LIMIT), first, what=str(repository)
            ):
                if reply.status == 404 and error_code(reply) in _ABSENT:
                    return Listing({}, exists=False)
                if reply.status == 400 and first != base:
                    break  # a server that does not page, and says so
                if reply.status != 200:
                    raise self._unreadable(f"The tags of {repository}", reply)
                tags.update(dict.fromkeys(_tags(repository, reply)))
            else:
                return Listing(tags)
        raise IncompleteSource(f"The tags of {repository} cannot be listed: the registry refuses the request.")

    async def resolve(self, repository: Repository, reference: Tag | Digest) -> Digest | None:
        reply = await self._http.request(
            "HEAD",
            f"/v2/{repository.path}/manifests/{reference}",
            lane=self._reads,
            limit=0,
            scope=_scope(repository, "pull"),
            accept=ACCEPT,
        )
        if reply.status == 404:
            return None
        if reply.status != 200:
            raise self._unreadable(f"{repository}, {reference}", reply)
        said = reply.headers.get("Docker-Content-Digest")
        if said is None:
            reply = await self._read(repository, f"/v2/{repository.path}/manifests/{reference}", MANIFEST_LIMIT)
            return digest_of(reply.body) if reply.status == 200 else None
        try:
            return Digest.parse(said)
        except InvalidName as error:
            raise IncompleteSource(
                f"{repository}, {reference}: the registry answered with a digest that is none"
            ) from error

    async def read_manifest(self, repository: Repository, digest: Digest) -> RawManifest | None:
        reply = await self._read(repository, f"/v2/{repository.path}/manifests/{digest}", MANIFEST_LIMIT)
        if reply.status == 404:
            return None
        if reply.status != 200:
            raise self._unreadable(f"Manifest {digest} of {repository}", reply)
        body = verify(reply.body, digest, what=f"manifest {digest} of {repository}")
        return RawManifest(digest, reply.headers.get("Content-Type", "").partition(";")[0].strip(), body)

    async def read_blob(self, repository: Repository, digest: Digest) -> bytes | None:
        reply = await self._read(repository, f"/v2/{repository.path}/blobs/{digest}", BLOB_LIMIT)
        if reply.status == 404:
            return None
        if reply.status != 200:
            raise self._unreadable(f"Blob {digest} of {repository}", reply)
        return verify(reply.body, digest, what=f"blob {digest} of {repository}")

    async def referrers(self, repository: Repository, subject: Digest) -> Sequence[Digest]:
        if self._referrers_api is False:
            return ()
        found: list[Digest] = []
        first = f"/v2/{repository.path}/referrers/{subject}"
        async for reply in pages(lambda path: self._read(repository, path, MANIFEST_LIMIT), first, what=f"{subject}"):
            if reply.status == 404:
                # A server that has the API never answers 404 (distribution specification 1.1, "Listing referrers").
                self._referrers_api = False
                return ()
            if reply.status != 200:
                raise self._unreadable(f"What refers to {subject} in {repository}", reply)
            self._referrers_api = True
            try:
                index = msgspec.json.decode(reply.body, type=_Index)
                found.extend(Digest.parse(descriptor.digest) for descriptor in index.manifests or ())
            except (msgspec.MsgspecError, InvalidName) as error:
                raise IncompleteSource(f"What refers to {subject} in {repository} cannot be read: {error}") from error
        return found

    async def delete_tags(self, repository: Repository, tags: Sequence[Tag]) -> Sequence[Outcome]:
        return [await self._deletion(repository, tag) for tag in tags]

    async def delete_manifests(self, repository: Repository, digests: Sequence[Digest]) -> Sequence[Outcome]:
        return [await self._deletion(repository, digest) for digest in digests]

    async def push_manifest(self, repository: Repository, reference: Tag | Digest, manifest: RawManifest) -> None:
        reply = await self._http.request(
            "PUT",
            f"/v2/{repository.path}/manifests/{reference}",
            lane=self._writes,
            limit=MANIFEST_LIMIT,
            scope=_scope(repository, "pull,push"),
            headers={"Content-Type": manifest.media_type},
            body=manifest.body,
        )
        if reply.status not in (200, 201, 202):
            missing = error_code(reply) in _MISSING
            raise (BlobsMissing if missing else RegistryFailure)(
                f"{repository}: manifest {reference} could not be pushed: {summary(reply)}"
            )

    async def push_blob(self, repository: Repository, body: bytes) -> Digest:
        digest = digest_of(body)
        base, scope = f"/v2/{repository.path}/blobs", _scope(repository, "pull,push")
        present = await self._http.request("HEAD", f"{base}/{digest}", lane=self._reads, limit=0, scope=scope)
        if present.status == 200:
            return digest
        begun = await self._http.request(
            "POST", f"{base}/uploads/", lane=self._writes, limit=MANIFEST_LIMIT, scope=scope
        )
        location = begun.headers.get("Location")
        if begun.status != 202 or not location:
            raise RegistryFailure(f"{repository}: a blob could not be pushed: {summary(begun)}")
        target = begun.url.join(URL(location, encoded=True))
        if target.host != begun.url.host:
            raise RegistryFailure(f"{repository}: the registry wants the upload on another host, {target.host}")
        ended = await self._http.request(
            "PUT",
            target.update_query(digest=digest).raw_path_qs,
            lane=self._writes,
            limit=MANIFEST_LIMIT,
            scope=scope,
            headers={"Content-Type": "application/octet-stream"},
            body=body,
            retry=False,
        )
        if ended.status not in (201, 204):
            raise RegistryFailure(f"{repository}: a blob could not be pushed: {summary(ended)}")
        return digest

    async def _read(self, repository: Repository, path: str, limit: int) -> Reply:
        return await self._http.request(
            "GET", path, lane=self._reads, limit=limit, scope=_scope(repository, "pull"), accept=ACCEPT
        )

    async def _delete(self, repository: Repository, reference: str) -> Reply:
        return await self._http.request(
            "DELETE",
            f"/v2/{repository.path}/manifests/{reference}",
            lane=self._writes,
            limit=MANIFEST_LIMIT,
            scope=_scope(repository, "pull,delete"),
        )

    async def _deletion(self, repository: Repository, reference: Tag | Digest) -> Outcome:
        try:
            return deletion_outcome(await self._delete(repository, reference))
        except Unauthorized as error:
            return Forbidden(error.message)
        except Unreachable:
            raise  # the host's trouble, not this deletion's
        except (IncompleteSource, RegistryFailure) as error:
            return Failed(error.message)

    def _unreadable(self, what: str, reply: Reply) -> IncompleteSource:
        if reply.status in (401, 403):
            return Unauthorized(
                f"{what} cannot be read: {summary(reply)}.", what_to_do="Use a credential that may pull from there."
            )
        return IncompleteSource(f"{what} cannot be read: {summary(reply)}.", what_to_do=_STRANGE)


def _scope(repository: Repository, actions: str) -> str:
    return f"repository:{repository.path}:{actions}"


def _tags(repository: Repository, reply: Reply) -> list[Tag]:
    """Raises IncompleteSource for a reply that is not a tag list: cut short, or a page of a proxy."""
    try:
        return [Tag.parse(tag) for tag in msgspec.json.decode(reply.body, type=_TagPage).tags or ()]
    except (msgspec.MsgspecError, InvalidName) as error:
        raise IncompleteSource(
            f"The tags of {repository} cannot be read: the answer is not a tag list ({error}).", what_to_do=_STRANGE
        ) from error
