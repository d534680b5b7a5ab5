"""The part of a registry's API that all vendors share: reading and pushing by the OCI distribution specification.

A vendor's adapter adds how it lists, what it can delete and how.
"""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from functools import partial
from types import TracebackType
from typing import Final, Literal, Self, TypeAlias
from urllib.parse import quote

import msgspec

from holystone.adapters.http.errors import error_code, summary
from holystone.adapters.http.paging import pages
from holystone.adapters.http.reply import Reply, printable, to_url
from holystone.adapters.http.transport import REQUEST_TIMEOUT, RegistryHttp
from holystone.adapters.http.verify import verify
from holystone.adapters.registries.granted import granted_actions
from holystone.adapters.registries.listed import digest_or_none, with_odd
from holystone.adapters.registries.oci_replies import STRANGE, Index, is_wide, may_be, name_on, stored, unreadable
from holystone.adapters.registries.schema1 import signed_payload
from holystone.engine.errors import BlobsMissing, IncompleteSource, ManifestRefused, RegistryFailure, Unauthorized
from holystone.engine.model.manifests import DOCKER_SCHEMA1_UNSIGNED, MANIFEST_TYPES, RawManifest
from holystone.engine.model.references import Digest, InvalidName, RegistryHost, Repository, RepositoryPath, Tag
from holystone.engine.ports import CatalogPage, Listing
from holystone.engine.scheduler import Lane

MANIFEST_LIMIT: Final = 4 * 1024 * 1024
"""Bytes; what distribution and zot accept on push."""
BLOB_LIMIT: Final = 8 * 1024 * 1024
"""Bytes of an image configuration."""
LIST_LIMIT: Final = 64 * 1024 * 1024
"""Bytes; distribution 2.8 sends all tags in one reply: half a million names."""
PAGE_LIMIT: Final = 16 * 1024 * 1024
"""Bytes of one page where servers page: a thousand rows of 16 KB."""
_LONGEST_NAME: Final = 1024
"""Characters; a repository's has 255, and a proxy may put something before it."""
_REFERRERS: Final = 10_000
"""Of one manifest."""
ACCEPT: Final = ", ".join((*MANIFEST_TYPES, "application/vnd.oci.artifact.manifest.v1+json", "*/*"))
"""Without a manifest's own type in it, distribution calls a live manifest unknown (404)."""
_MISSING: Final = {"MANIFEST_BLOB_UNKNOWN", "BLOB_UNKNOWN"}
"""The first is distribution's and GitLab's, for blobs, for the manifests of an index and for a subject; the second
Gitea's and Cloudflare's."""
_CONTENT: Final = {400, 404, 415, 422}
"""A manifest was refused for its content, or for what that lists. For missing blobs zot says 400 MANIFEST_INVALID, as
it does for bad JSON (pkg/storage/common/common.go, ValidateManifest), Quay the same with a detail, Harbor for an index
whose child is gone 404 NOT_FOUND; distribution 400 DIGEST_INVALID for an index while the link of its part is rewritten.
"""
_ANY_REFUSAL: Final = (401, 500, 501, 502, 503, 504)
_LOOKS: Final = 3
"""At a name that is refused so."""
Access: TypeAlias = Literal["read", "write", "delete"]
_ACTIONS: Final[dict[Access, str]] = {"read": "pull", "write": "pull,push", "delete": "pull,delete"}


class OciApi(ABC):
    """What the sessions of one registry share. `reads` and `writes` are the lanes that every request passes through."""

    def __init__(self, host: RegistryHost, http: RegistryHttp, reads: Lane, writes: Lane) -> None:
        self._host = host
        self.http = http
        self.reads = self.referring = reads
        """The second is for what refers to a manifest: some vendors count that apart, and pushes and deletions."""
        self.writes = self.pushes = writes
        self.referrers_api: bool | None = None
        """None until asked."""
        self.other_names: set[str] = set()
        """That the registry gives to repositories which have other ones."""

    @abstractmethod
    def open(self, repository: Repository) -> "OciSession": ...

    @abstractmethod
    def repositories(self, prefix: RepositoryPath | None = None) -> AsyncIterator[CatalogPage]: ...

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.http!r}>"

    @property
    def host(self) -> RegistryHost:
        return self._host


class OciSession:
    """Vendors whose token servers know other actions override `scope`; those with a bulk call override `read_manifests`
    and `manifests_at_once`."""

    manifests_at_once = 1
    write_timeout: float = REQUEST_TIMEOUT
    """Seconds for one attempt to push or delete. One figure for both: what a server locks for the one it locks for the
    other."""

    def __init__(self, registry: OciApi, repository: Repository) -> None:
        self.registry = registry
        self._repository = repository
        self.http = registry.http
        self.reads, self.referring = registry.reads, registry.referring
        self.writes, self.pushes = registry.writes, registry.pushes

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.repository} {self.http!r}>"

    @property
    def repository(self) -> Repository:
        return self._repository

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    async def resolve(self, reference: Tag | Digest, *, alone: bool = False) -> Digest | None:
        found = await self._digest_of(reference, alone=alone)
        if found is None or not isinstance(reference, Digest) or found == reference:
            return found
        # Some know a manifest by one algorithm only; then they say the same again.
        again = found if alone else await self._digest_of(reference, alone=True)
        if again == reference:
            raise self.http.doubt(
                f"{self.repository}: asked for manifest {reference.short}, the registry answered with {found.short}."
            )
        if found.algorithm == reference.algorithm:
            raise IncompleteSource(
                f"{self.repository}: asked for manifest {reference}, the registry answers with {found}.",
                what_to_do=STRANGE,
            )
        return reference

    async def look_up_odd(self, listing: Listing) -> Listing:
        """Asks what names that are no tags stand for. A server whose own grammar refuses the name gives nothing out
        for it, to nobody."""
        unknown = [name for name, digest in listing.odd.items() if digest is None and name.strip("./")]
        return with_odd(listing, {name: await self._digest_of_odd(name) for name in unknown})

    async def _digest_of_odd(self, name: str) -> Digest | None:
        path = f"/v2/{self.repository.path}/manifests/{quote(name, safe='')}"
        for _ in range(_LOOKS):
            reply = await self.http.request(
                "HEAD",
                path,
                lane=self.reads,
                limit=MANIFEST_LIMIT,
                scope=self.scope("read"),
                accept=ACCEPT,
                final=_ANY_REFUSAL,
            )
            if reply.status not in _ANY_REFUSAL:
                break
            # The registry may be sick, and the name sound: here that is waited for.
            await self.http.request("GET", "/v2/", lane=self.reads, limit=MANIFEST_LIMIT, final=(401,))
        if reply.status != 200:
            return None
        if said := digest_or_none(reply.headers.get("Docker-Content-Digest")):
            return said
        reply = reply if reply.body else await self.read(path, MANIFEST_LIMIT)
        return Digest.of(signed_payload(reply.body) or reply.body) if reply.status == 200 else None

    async def _digest_of(self, reference: Tag | Digest, *, alone: bool) -> Digest | None:
        """As the registry says it."""
        path = f"/v2/{self.repository.path}/manifests/{reference}"
        reply = await self.http.request(
            "HEAD",
            path,
            lane=self.reads,
            limit=MANIFEST_LIMIT,
            scope=self.scope("read"),
            accept=ACCEPT,
            alone=alone,
        )
        if reply.status == 404:
            return None
        if reply.status != 200:
            raise self.unreadable(f"{self.repository}, {reference}", reply)
        said = reply.headers.get("Docker-Content-Digest")
        if said is None:
            reply = reply if reply.body else await self.read(path, MANIFEST_LIMIT, alone=alone)
            if reply.status != 200:
                return None
            return Digest.of(signed_payload(reply.body) or reply.body, _algorithm(reference))
        try:
            return Digest.parse(said)
        except InvalidName as error:
            raise IncompleteSource(
                f"{self.repository}, {reference}: the registry answered with a digest that is none"
            ) from error

    async def read_manifests(self, digests: Sequence[Digest]) -> Mapping[Digest, RawManifest]:
        found = [await self._read_manifest(digest) for digest in digests]
        return {manifest.digest: manifest for manifest in found if manifest}

    async def read_blob(self, digest: Digest) -> bytes | None:
        reply = await self.read(f"/v2/{self.repository.path}/blobs/{digest}", BLOB_LIMIT)
        if reply.status == 404:
            return None
        if reply.status != 200:
            raise self.unreadable(f"Blob {digest} of {self.repository}", reply)
        return verify(reply.body, digest, what=f"blob {digest} of {self.repository}")

    async def referrers(self, subject: Digest) -> Sequence[Digest]:
        if self.registry.referrers_api is False:
            return ()
        found: list[Digest] = []
        first = f"/v2/{self.repository.path}/referrers/{subject}"
        what = f"what refers to {subject} in {self.repository}"
        get = partial(self.read, limit=MANIFEST_LIMIT, lane=self.referring)
        async for reply in pages(get, first, what=what, each=b"{", max_entries=_REFERRERS):
            if reply.status == 404:
                # A server that has the API never answers 404 (distribution specification 1.1, "Listing referrers").
                self.registry.referrers_api = False
                return ()
            if reply.status == 400 and await self.resolve(subject) is None:
                # Quay answers 400 MANIFEST_INVALID for a subject that it does not have (seen on Quay of 2026-08), e.g.
                # one whose tag expired a moment ago; the specification wants an empty list. Nothing refers to what is
                # not there, and only a HEAD tells that from a request that the server did not understand.
                self.registry.referrers_api = True
                return ()
            if reply.status != 200:
                raise self.unreadable(f"What refers to {subject} in {self.repository}", reply)
            self.registry.referrers_api = True
            try:
                index = msgspec.json.decode(reply.body, type=Index)
                found.extend(Digest.parse(descriptor.digest) for descriptor in index.manifests or ())
            except (msgspec.MsgspecError, ValueError, RecursionError) as error:
                raise IncompleteSource(
                    f"What refers to {subject} in {self.repository} cannot be read: {error}"
                ) from error
        return found

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
        """By the token that its server gives for a push, from which it leaves out what it does not grant, or which it
        refuses as a whole; None if the token does not tell. Nothing is changed by it, but on servers where asking for
        `push` makes a repository: those are not asked."""
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
        """Only 404 says that it is not there: whoever may not look knows nothing."""
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

    async def _read_manifest(self, digest: Digest) -> RawManifest | None:
        reply = await self.read(f"/v2/{self.repository.path}/manifests/{digest}", MANIFEST_LIMIT)
        if reply.status == 404:
            return None
        if reply.status != 200:
            raise self.unreadable(f"Manifest {digest} of {self.repository}", reply)
        payload = signed_payload(reply.body)
        if payload is not None and digest.matches(payload):
            return RawManifest(digest, DOCKER_SCHEMA1_UNSIGNED, payload)
        body = verify(reply.body, digest, what=f"manifest {digest} of {self.repository}")
        return RawManifest(digest, reply.headers.get("Content-Type", ""), body)

    def unreadable(self, what: str, reply: Reply) -> IncompleteSource:
        """What is said of a read that was refused. Vendors that refuse in ways of their own override it."""
        return unreadable(what, reply)

    def scope(self, access: Access) -> str:
        """What a token must allow."""
        return f"repository:{self.repository.path}:{_ACTIONS[access]}"

    async def read(self, path: str, limit: int, *, alone: bool = False, lane: Lane | None = None) -> Reply:
        """One GET below /v2; every status that is not retried is returned. `alone`: see `Wire.send`."""
        scope = self.scope("read")
        return await self.http.request(
            "GET", path, lane=lane or self.reads, limit=limit, scope=scope, accept=ACCEPT, alone=alone
        )

    async def read_tags(self, path: str) -> Reply:
        """One page of GET /v2/NAME/tags/list. Raises Doubtful if it is another repository's: registries that give a
        repository another name than ours (Docker Hub's `library/`, what a proxy puts before it) do so each time."""
        reply = await self.read(path, LIST_LIMIT)
        if 4 * len(reply.body) > LIST_LIMIT and is_wide(reply.body):
            raise IncompleteSource(
                f"{self.repository}: asked for its tags, the registry answers with {len(reply.body) >> 20} MiB, in "
                "which there are letters that no tag has.",
                what_to_do=f"{STRANGE} If there is such a name in its storage, remove it there.",
            )
        said = name_on(reply)
        if len(said) > _LONGEST_NAME:
            raise IncompleteSource(
                f"{self.repository}: asked for its tags, the registry answers with a name of {len(said):,} characters.",
                what_to_do=STRANGE,
            )
        if said in self.registry.other_names or may_be(said, self.repository):
            return reply
        if name_on(await self.read(path, LIST_LIMIT, alone=True)) != said:
            raise self.http.doubt(
                f"{self.repository}: asked for its tags, the registry answered with those of {printable(said)}."
            )
        self.registry.other_names.add(said)
        return reply


def _algorithm(reference: Tag | Digest) -> str:
    return reference.algorithm if isinstance(reference, Digest) else "sha256"
