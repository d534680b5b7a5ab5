"""Reading a repository by the OCI distribution specification, which is the same for all vendors."""

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Final, Literal, Self, TypeAlias
from urllib.parse import quote

import msgspec

from holystone.adapters.http.paging import pages
from holystone.adapters.http.reply import Reply, printable
from holystone.adapters.http.verify import verify
from holystone.adapters.registries.listed import digest_or_none, with_odd
from holystone.adapters.registries.oci_api import OciApi
from holystone.adapters.registries.oci_replies import (
    BLOB_LIMIT,
    LIST_LIMIT,
    MANIFEST_LIMIT,
    STRANGE,
    Index,
    is_wide,
    may_be,
    name_on,
    unreadable,
)
from holystone.adapters.registries.schema1 import signed_payload
from holystone.engine.errors import IncompleteSource
from holystone.engine.model.manifests import DOCKER_SCHEMA1_UNSIGNED, MANIFEST_TYPES, RawManifest
from holystone.engine.model.references import Digest, InvalidName, Repository, Tag
from holystone.engine.ports import Listing
from holystone.engine.scheduler import Lane

_LONGEST_NAME: Final = 1024
"""Characters; a repository's has 255, and a proxy may put something before it."""
_REFERRERS: Final = 10_000
"""Of one manifest."""
ACCEPT: Final = ", ".join((*MANIFEST_TYPES, "application/vnd.oci.artifact.manifest.v1+json", "*/*"))
"""Without a manifest's own type in it, distribution calls a live manifest unknown (404)."""
_ANY_REFUSAL: Final = (401, 500, 501, 502, 503, 504)
_LOOKS: Final = 3
"""At a name that is refused so."""
TokenAccess: TypeAlias = Literal["read", "write", "delete"]
_ACTIONS: Final[dict[TokenAccess, str]] = {"read": "pull", "write": "pull,push", "delete": "pull,delete"}


class OciReading:
    """Vendors whose token servers know other actions override `scope`; those with a bulk call override `read_manifests`
    and `manifests_at_once`."""

    manifests_at_once = 1

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
        return await self._digest_of_content(reply, path, name)

    async def _digest_of(self, reference: Tag | Digest, *, alone: bool) -> Digest | None:
        """Where a reference points, as the registry says it."""
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
            return await self._digest_of_content(reply, path, reference, _algorithm(reference), alone=alone)
        try:
            return Digest.parse(said)
        except InvalidName as error:
            raise IncompleteSource(
                f"{self.repository}, {reference}: the registry answered with a digest that is none"
            ) from error

    async def _digest_of_content(
        self, head: Reply, path: str, reference: str, algorithm: str = "sha256", *, alone: bool = False
    ) -> Digest | None:
        """Where the reply to HEAD does not say it. What is there and may not be read is not absent."""
        reply = head if head.body else await self.read(path, MANIFEST_LIMIT, alone=alone)
        if reply.status == 404:
            return None
        if reply.status != 200:
            raise self.unreadable(f"{self.repository}, {printable(reference)}", reply)
        return Digest.of(signed_payload(reply.body) or reply.body, algorithm)

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
        if self.registry.referrers_api is None:
            async with self.registry.asking_for_referrers:  # whoever is first finds out for all whether there is one
                if self.registry.referrers_api is None:
                    return await self._list_referrers(subject)
        return await self._list_referrers(subject) if self.registry.referrers_api else ()

    async def _list_referrers(self, subject: Digest) -> Sequence[Digest]:
        found: list[Digest] = []
        first = f"/v2/{self.repository.path}/referrers/{subject}"
        what = f"what refers to {subject} in {self.repository}"
        async for reply in pages(self.read_referrers, first, what=what, each=b"{", max_entries=_REFERRERS):
            if reply.status == 404:
                self.registry.referrers_api = bool(self.registry.referrers_api)
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
            del reply
        return found

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

    def scope(self, access: TokenAccess) -> str:
        """What a token must allow."""
        return f"repository:{self.repository.path}:{_ACTIONS[access]}"

    async def read(self, path: str, limit: int, *, alone: bool = False, lane: Lane | None = None) -> Reply:
        """One GET below /v2; every status that is not retried is returned. `alone`: see `Wire.send`."""
        scope = self.scope("read")
        return await self.http.request(
            "GET", path, lane=lane or self.reads, limit=limit, scope=scope, accept=ACCEPT, alone=alone
        )

    async def read_referrers(self, path: str) -> Reply:
        """One page of what refers to a manifest. A server that has the API never answers 404 (distribution
        specification 1.1, "Listing referrers"), so that one that is not true would be believed of all manifests: it is
        asked twice."""
        reply = await self.read(path, MANIFEST_LIMIT, lane=self.referring)
        if reply.status != 404:
            return reply
        return await self.read(path, MANIFEST_LIMIT, lane=self.referring, alone=True)

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
        del reply  # it may be large
        reply = await self.read(path, LIST_LIMIT, alone=True)
        if name_on(reply) != said:
            raise self.http.doubt(
                f"{self.repository}: asked for its tags, the registry answered with those of {printable(said)}."
            )
        self.registry.other_names.add(said)
        return reply


def _algorithm(reference: Tag | Digest) -> str:
    return reference.algorithm if isinstance(reference, Digest) else "sha256"
