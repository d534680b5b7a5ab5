"""The part of a registry's API that all vendors share, by the OCI distribution specification: here what changes
something, and in `oci_reading` what does not.

A vendor's adapter adds how it lists, what it can delete and how.
"""

from collections.abc import Collection
from typing import Final

from holystone.adapters.http.errors import error_code, summary
from holystone.adapters.http.reply import Reply, printable, to_url
from holystone.adapters.http.transport import REQUEST_TIMEOUT
from holystone.adapters.registries.granted import granted_actions
from holystone.adapters.registries.oci_reading import OciReading
from holystone.adapters.registries.oci_replies import MANIFEST_LIMIT, stored
from holystone.engine.errors import BlobsMissing, ManifestRefused, RegistryFailure, Unauthorized
from holystone.engine.model.manifests import RawManifest
from holystone.engine.model.references import Digest, Tag

_MISSING: Final = {"MANIFEST_BLOB_UNKNOWN", "BLOB_UNKNOWN"}
"""The first is distribution's and GitLab's, for blobs, for the manifests of an index and for a subject; the second
Gitea's and Cloudflare's."""
_CONTENT: Final = {400, 404, 415, 422}
"""A manifest was refused for its content, or for what that lists. For missing blobs zot says 400 MANIFEST_INVALID, as
it does for bad JSON (pkg/storage/common/common.go, ValidateManifest), Quay the same with a detail, Harbor for an index
whose child is gone 404 NOT_FOUND; distribution 400 DIGEST_INVALID for an index while the link of its part is rewritten.
"""


class OciSession(OciReading):
    write_timeout: float = REQUEST_TIMEOUT
    """Seconds for one attempt to push or delete. One figure for both: what a server locks for the one it locks for the
    other."""

    async def push_manifest(self, reference: Tag | Digest, manifest: RawManifest) -> None:
        """A server gives a tag a digest of its own liking, sha256 everywhere. One of another algorithm has to be asked
        for: by `?tag=` on the digest, answered with `OCI-Tag` (opencontainers/distribution-spec, main, since #600;
        zot 2.1.20 and olareg have it), or by olareg's older `?digest=` on the tag. A server that knows neither puts the
        tag on sha256: whoever pushes such a manifest looks where the tag is. Bytes that are not their digest's are not
        sent."""
        ours = {Digest.of(manifest.body, algorithm) for algorithm in ("sha256", "sha512")}
        if manifest.digest not in ours:
            raise RegistryFailure(
                f"{self.repository}: {reference} was not pushed: the bytes at hand are not those of {manifest.digest}."
            )
        if isinstance(reference, Digest) or manifest.digest.algorithm == "sha256":
            reply = await self._put_manifest(reference, manifest)
        else:
            reply = await self._put_manifest(f"{manifest.digest}?tag={reference}", manifest)
            if reference not in reply.headers.getall("OCI-Tag", ()):
                reply = await self._put_manifest(f"{reference}?digest={manifest.digest}", manifest)
        await self._check_stored(reference, manifest.digest.short, ours, stored(reply))

    async def _put_manifest(self, reference: str, manifest: RawManifest) -> Reply:
        reply = await self.http.request(
            "PUT",
            f"/v2/{self.repository.path}/manifests/{reference}",
            lane=self.pushes,
            limit=MANIFEST_LIMIT,
            scope=self.scope("write"),
            headers={"Content-Type": manifest.media_type},
            body=manifest.body,
            timeout=self.write_timeout,
        )
        if reply.status not in (200, 201, 202):
            message = f"{self.repository}: manifest {reference} could not be pushed: {summary(reply)}"
            if self.means_missing(reply):
                raise BlobsMissing(message)
            raise (ManifestRefused if reply.status in _CONTENT else RegistryFailure)(message)
        return reply

    async def _check_stored(self, reference: Tag | Digest, pushed: str, ours: Collection[Digest], said: str) -> None:
        """A reply that names another manifest than was pushed is another question's, or something else was stored."""
        if not said or said in ours:
            return
        if await self.resolve(reference, alone=True) in ours:
            raise self.http.doubt(
                f"{self.repository}: to the push of {pushed} as {reference}, the registry answered with "
                f"{printable(said, 80)}."
            )
        raise RegistryFailure(
            f"{self.repository}: {reference} was pushed, and the registry says that it stored "
            f"{printable(said, 80)} instead."
        )

    async def may_push(self) -> bool | None:
        """Whether the credential may push, by the token that its server gives for a push, from which it leaves out what
        it does not grant, or which it refuses as a whole; None if the token does not tell. Nothing is changed by it,
        but on servers where asking for `push` makes a repository: those are not asked."""
        try:
            claims = await self.http.granted(self.scope("write"), lane=self.reads)
        except Unauthorized:
            return False
        actions = granted_actions(claims, self.repository.path)
        return None if actions is None else not actions.isdisjoint(("push", "*"))

    def means_missing(self, reply: Reply) -> bool:
        """Whether a manifest was refused because what it lists is not there, by the server's own word."""
        return error_code(reply) in _MISSING

    async def push_blob(self, body: bytes) -> Digest:
        digest = Digest.of(body)
        base, scope = f"/v2/{self.repository.path}/blobs", self.scope("write")
        if (await self._blob(digest, scope)).status == 200:
            return digest
        begun = await self.http.request(
            "POST",
            f"{base}/uploads/",
            lane=self.pushes,
            limit=MANIFEST_LIMIT,
            scope=scope,
            timeout=self.write_timeout,
        )
        location = begun.headers.get("Location")
        if begun.status != 202 or not location:
            raise RegistryFailure(f"{self.repository}: a blob could not be pushed: {summary(begun)}")
        try:
            target = begun.url.join(to_url(location))
        except ValueError as error:
            raise RegistryFailure(f"{self.repository}: the registry wants the upload at no address: {error}") from error
        if target.host != begun.url.host:
            raise RegistryFailure(f"{self.repository}: the registry wants the upload on another host, {target.host}")
        ended = await self.http.request(
            "PUT",
            target.update_query(digest=digest).raw_path_qs,
            lane=self.pushes,
            limit=MANIFEST_LIMIT,
            scope=scope,
            headers={"Content-Type": "application/octet-stream"},
            body=body,
            timeout=self.write_timeout,
            retry=False,
        )
        if ended.status not in (201, 204):
            raise RegistryFailure(f"{self.repository}: a blob could not be pushed: {summary(ended)}")
        return digest

    async def has_blob(self, digest: Digest) -> bool:
        """Whether the blob is there. Only 404 says that it is not: whoever may not look knows nothing."""
        reply = await self._blob(digest, self.scope("read"))
        if reply.status not in (200, 404):
            raise RegistryFailure(f"{self.repository}: the blob {digest} cannot be looked for: {summary(reply)}")
        return reply.status == 200

    async def _blob(self, digest: Digest, scope: str) -> Reply:
        path = f"/v2/{self.repository.path}/blobs/{digest}"
        return await self.http.request("HEAD", path, lane=self.reads, limit=0, scope=scope)

    async def delete(self, reference: str, *, final: Collection[int] = ()) -> Reply:
        """One DELETE of a tag or digest below /v2; every status that is not retried, or is `final`, is returned."""
        return await self.http.request(
            "DELETE",
            f"/v2/{self.repository.path}/manifests/{reference}",
            lane=self.writes,
            limit=MANIFEST_LIMIT,
            scope=self.scope("delete"),
            timeout=self.write_timeout,
            final=final,
        )
