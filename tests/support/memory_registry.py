"""A registry in memory, with the manners of a real one, and a hook before and after the effect of every call."""

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Literal, Self

import anyio.lowlevel
import msgspec

from holystone.engine.errors import BlobsMissing, ManifestRefused
from holystone.engine.model.capabilities import SPARES_ALL, Capabilities, ListingFacts, TagDeletion
from holystone.engine.model.manifests import OCI_CONFIG, OCI_INDEX, OCI_MANIFEST, RawManifest, parse_manifest
from holystone.engine.model.outcomes import AlreadyGone, Deleted, Outcome, Referenced
from holystone.engine.model.plan import RepositoryPlan
from holystone.engine.model.references import Digest, RegistryHost, Repository, RepositoryPath, Tag
from holystone.engine.ports import TAGS, CatalogPage, Listing, Registry, RepositorySession, Wanted
from tests.support.gentle import gentle

CAPABILITIES = gentle("memory", tags=TagDeletion(SPARES_ALL))

TELLING = msgspec.structs.replace(CAPABILITIES, listing=ListingFacts(digests=True))


@dataclass(frozen=True)
class Point:
    """One moment of one call, counted over the registry's life."""

    number: int
    moment: Literal["before", "after"]
    verb: str
    arguments: tuple[object, ...]


Hook = Callable[[Point], Awaitable[None]]


@dataclass
class Content:
    manifests: dict[Digest, RawManifest] = field(default_factory=dict)
    blobs: dict[Digest, bytes] = field(default_factory=dict)
    tags: dict[Tag, Digest] = field(default_factory=dict)

    def delete_manifest(self, digest: Digest) -> None:
        """Takes every tag on it along."""
        del self.manifests[digest]
        self.tags = {tag: at for tag, at in self.tags.items() if at != digest}

    def state(self) -> tuple[dict[Tag, Digest], set[Digest]]:
        return dict(self.tags), set(self.manifests)


def digest_of(body: bytes) -> Digest:
    return Digest.parse(f"sha256:{hashlib.sha256(body).hexdigest()}")


class MemoryRegistry:
    """`refuse_children`: a manifest that an index lists cannot be deleted. `wants_subject`: no manifest is taken before
    its subject. `rewrites`: links are written in place, so that while a manifest is put once more nothing is taken that
    lists it. `tight_lipped`: what is missing is called an invalid manifest. `answer` may give the outcome of a deletion
    in place of doing it. `hook` may raise, hang or change the content."""

    def __init__(
        self,
        capabilities: Capabilities = CAPABILITIES,
        *,
        refuse_children: bool = False,
        wants_subject: bool = False,
        rewrites: bool = False,
        tight_lipped: bool = False,
    ) -> None:
        self.capabilities = capabilities
        self.refuse_children = refuse_children
        self.wants_subject = wants_subject
        self.rewrites = rewrites
        self.refusal = ManifestRefused if tight_lipped else BlobsMissing
        self.being_written: Counter[Digest] = Counter()
        self.contents: dict[Repository, Content] = defaultdict(Content)
        self.hook: Hook | None = None
        self.answer: Callable[[Tag | Digest], Outcome | None] = lambda _: None
        self.calls: list[tuple[str, tuple[object, ...]]] = []
        self.points = 0

    @property
    def host(self) -> RegistryHost:
        return RegistryHost.parse("registry.test")

    # What tests do by hand

    def put(self, repository: Repository, raw: RawManifest, *tags: str) -> Digest:
        content = self.contents[repository]
        content.manifests[raw.digest] = raw
        for tag in tags:
            content.tags[Tag.parse(tag)] = raw.digest
        return raw.digest

    def image(self, repository: Repository, name: str, *tags: str, subject: Digest | None = None) -> Digest:
        config = json.dumps({"name": name}).encode()
        self.contents[repository].blobs[digest_of(config)] = config
        document: dict[str, object] = {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "config": {"mediaType": OCI_CONFIG, "digest": digest_of(config), "size": len(config)},
            "layers": [],
        }
        if subject:
            document["subject"] = {"mediaType": OCI_MANIFEST, "digest": subject, "size": 1}
        body = json.dumps(document).encode()
        return self.put(repository, RawManifest(digest_of(body), OCI_MANIFEST, body), *tags)

    def index(self, repository: Repository, children: Sequence[Digest], *tags: str) -> Digest:
        listed = [{"mediaType": OCI_MANIFEST, "digest": child, "size": 1} for child in children]
        body = json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": listed}).encode()
        return self.put(repository, RawManifest(digest_of(body), OCI_INDEX, body), *tags)

    # The port

    async def repositories(self, prefix: RepositoryPath | None = None) -> AsyncIterator[CatalogPage]:
        for each in self.contents:
            if prefix is None or f"{each.path}/".startswith(f"{prefix}/"):
                yield CatalogPage((each,))

    async def probe(self, repository: Repository) -> Capabilities:
        await self._at("before", "probe", repository)
        return self.capabilities

    async def list_tags(self, repository: Repository, wanted: Wanted = TAGS) -> Listing:
        await self._at("before", "list_tags", repository)
        content = self.contents[repository]
        tells = wanted.loose and self.capabilities.listing.loose
        tagged = {*content.tags.values()}
        return Listing(
            {tag: at if self.capabilities.listing.digests else None for tag, at in content.tags.items()},
            loose=tuple(digest for digest in content.manifests if digest not in tagged) if tells else None,
        )

    async def resolve(self, repository: Repository, reference: Tag | Digest, *, alone: bool = False) -> Digest | None:
        await self._at("before", "resolve alone" if alone else "resolve", repository, reference)
        contents = self.contents[repository]
        if isinstance(reference, Digest):
            return reference if reference in contents.manifests else None
        return contents.tags.get(reference)

    manifests_at_once = 1

    async def read_manifests(self, repository: Repository, digests: Sequence[Digest]) -> Mapping[Digest, RawManifest]:
        assert len(digests) <= self.manifests_at_once
        await self._at("before", "read_manifests", repository, *digests)
        there = self.contents[repository].manifests
        return {digest: there[digest] for digest in digests if digest in there}

    async def read_blob(self, repository: Repository, digest: Digest) -> bytes | None:
        await self._at("before", "read_blob", repository, digest)
        return self.contents[repository].blobs.get(digest)

    async def referrers(self, repository: Repository, subject: Digest) -> Sequence[Digest]:
        await self._at("before", "referrers", repository, subject)
        manifests = self.contents[repository].manifests.values()
        return [raw.digest for raw in manifests if parse_manifest(raw).subject == subject]

    async def delete_tags(self, repository: Repository, tags: Sequence[Tag]) -> Sequence[Outcome]:
        assert len(tags) <= self.capabilities.bulk
        await self._at("before", "delete_tags", repository, *tags)
        outcomes = [self._delete_tag(self.contents[repository], tag) for tag in tags]
        await self._at("after", "delete_tags", repository, *tags)
        return outcomes

    async def delete_manifests(self, repository: Repository, digests: Sequence[Digest]) -> Sequence[Outcome]:
        assert len(digests) <= self.capabilities.bulk
        await self._at("before", "delete_manifests", repository, *digests)
        outcomes = [self._delete_manifest(self.contents[repository], digest) for digest in digests]
        await self._at("after", "delete_manifests", repository, *digests)
        return outcomes

    async def restore(self, repository: Repository, digest: Digest, tags: Sequence[Tag]) -> bool:
        await self._at("before", "restore", repository, digest, *tags)
        return False

    async def push_manifest(self, repository: Repository, reference: Tag | Digest, manifest: RawManifest) -> None:
        await self._at("before", "push_manifest", repository, reference, manifest)
        content = self.contents[repository]
        document, parsed = json.loads(manifest.body), parse_manifest(manifest)
        if "config" in document and Digest.parse(document["config"]["digest"]) not in content.blobs:
            raise self.refusal(f"400 blob unknown: {document['config']['digest']}")
        if any(child not in content.manifests for child in parsed.children):
            raise self.refusal("400 blob unknown: a child")
        if self.wants_subject and parsed.subject and parsed.subject not in content.manifests:
            raise self.refusal("400 blob unknown: the subject")
        if any(self.being_written[part] for part in (*parsed.children, parsed.subject) if part):
            raise ManifestRefused("400 digest invalid")
        if self.rewrites and manifest.digest in content.manifests:
            self.being_written[manifest.digest] += 1
            for _ in range(100):
                await anyio.lowlevel.checkpoint()
            self.being_written[manifest.digest] -= 1
        content.manifests[manifest.digest] = manifest
        if isinstance(reference, Tag):
            content.tags[reference] = manifest.digest
        await self._at("after", "push_manifest", repository, reference, manifest)

    async def has_blob(self, repository: Repository, digest: Digest) -> bool:
        await self._at("before", "has_blob", repository, digest)
        return digest in self.contents[repository].blobs

    async def push_blob(self, repository: Repository, body: bytes) -> Digest:
        await self._at("before", "push_blob", repository, body)
        self.contents[repository].blobs[digest_of(body)] = body
        await self._at("after", "push_blob", repository, body)
        return digest_of(body)

    def open(self, repository: Repository) -> "MemorySession":
        return MemorySession(self, repository)

    def planned(self, plan: RepositoryPlan) -> "MemorySession":
        return self.open(plan.repository)

    def count(self, verb: str) -> int:
        return sum(each == verb for each, _ in self.calls)

    async def _at(self, moment: Literal["before", "after"], verb: str, *arguments: object) -> None:
        if moment == "before":
            self.calls.append((verb, arguments))
        number, self.points = self.points, self.points + 1
        if self.hook:
            await self.hook(Point(number, moment, verb, arguments))

    def _delete_tag(self, content: Content, tag: Tag) -> Outcome:
        if answer := self.answer(tag):
            return answer
        return Deleted() if content.tags.pop(tag, None) else AlreadyGone()

    def _delete_manifest(self, content: Content, digest: Digest) -> Outcome:
        if answer := self.answer(digest):
            return answer
        if digest not in content.manifests:
            return AlreadyGone()
        if self.refuse_children:
            for raw in content.manifests.values():
                if digest in parse_manifest(raw).children:
                    return Referenced(raw.digest)
        content.delete_manifest(digest)
        return Deleted()


@dataclass(frozen=True)
class MemorySession:
    registry: MemoryRegistry
    repository: Repository

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    @property
    def manifests_at_once(self) -> int:
        return self.registry.manifests_at_once

    async def probe(self) -> Capabilities:
        return await self.registry.probe(self.repository)

    async def list_tags(self, wanted: Wanted = TAGS) -> Listing:
        return await self.registry.list_tags(self.repository, wanted)

    async def resolve(self, reference: Tag | Digest, *, alone: bool = False) -> Digest | None:
        return await self.registry.resolve(self.repository, reference, alone=alone)

    async def read_manifests(self, digests: Sequence[Digest]) -> Mapping[Digest, RawManifest]:
        return await self.registry.read_manifests(self.repository, digests)

    async def read_blob(self, digest: Digest) -> bytes | None:
        return await self.registry.read_blob(self.repository, digest)

    async def referrers(self, subject: Digest) -> Sequence[Digest]:
        return await self.registry.referrers(self.repository, subject)

    async def delete_tags(self, tags: Sequence[Tag]) -> Sequence[Outcome]:
        return await self.registry.delete_tags(self.repository, tags)

    async def delete_manifests(self, digests: Sequence[Digest]) -> Sequence[Outcome]:
        return await self.registry.delete_manifests(self.repository, digests)

    async def restore(self, digest: Digest, tags: Sequence[Tag]) -> bool:
        return await self.registry.restore(self.repository, digest, tags)

    async def push_manifest(self, reference: Tag | Digest, manifest: RawManifest) -> None:
        await self.registry.push_manifest(self.repository, reference, manifest)

    async def has_blob(self, digest: Digest) -> bool:
        return await self.registry.has_blob(self.repository, digest)

    async def push_blob(self, body: bytes) -> Digest:
        return await self.registry.push_blob(self.repository, body)


def repository(path: str = "team/app") -> Repository:
    return Repository(RegistryHost.parse("registry.test"), RepositoryPath.parse(path))


_: type[Registry] = MemoryRegistry
__: type[RepositorySession] = MemorySession
