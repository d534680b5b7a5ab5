"""A registry in memory that takes along with a deletion whatever its capabilities do not rule out."""

from random import Random

from holystone.engine.model.capabilities import (
    Capabilities,
    Cascade,
    DigestDeletion,
    Fate,
    LastTag,
    ListingFacts,
    TagDeletion,
)
from holystone.engine.model.manifests import RawManifest, parse_manifest
from holystone.engine.model.outcomes import AlreadyGone, Deleted, Outcome, Referenced
from holystone.engine.model.references import Digest, Repository, Tag
from tests.support.memory_registry import Content, MemoryRegistry


def any_capabilities(random: Random) -> Capabilities:
    """Of a registry that deletes something."""

    def flag() -> bool:
        return random.random() < 0.5

    by_name, by_digest = random.choice([(True, True), (True, True), (True, False), (False, True)])
    alone = by_name and flag()
    fate: Fate = random.choice(["may-go", "goes-unlisted", "stays"])
    takes_attached, anchored = flag(), flag()
    last = LastTag("goes-unanchored" if anchored and fate == "may-go" else fate, takes_attached)
    cascade = Cascade(referrers=flag(), children=flag())
    protects_children, tags_first = flag(), flag()
    overwritten: Fate | None = random.choice(["may-go", "stays", None])
    tombstones = LastTag(overwritten, takes_attached) if overwritten else None
    return Capabilities(
        "memory",
        tags=TagDeletion(last if alone else None) if by_name else None,
        digests=DigestDeletion(tags_first=tags_first, tombstones=tombstones) if by_digest else None,
        cascade=cascade,
        protects_children=protects_children,
        listing=ListingFacts(digests=flag()),
        bulk=random.choice([1, 3]),
    )


class ManneredRegistry(MemoryRegistry):
    def __init__(self, capabilities: Capabilities) -> None:
        super().__init__(capabilities, refuse_children=capabilities.protects_children)
        self.pinned: set[Digest] = set()
        """Pushed by their digests."""

    async def push_manifest(self, repository: Repository, reference: Tag | Digest, manifest: RawManifest) -> None:
        content = self.contents[repository]
        before = content.tags.get(reference) if isinstance(reference, Tag) else None
        await super().push_manifest(repository, reference, manifest)
        if isinstance(reference, Digest):
            self.pinned.add(reference)
        digests = self.capabilities.digests
        if before and before not in content.tags.values() and digests and digests.tombstones:
            self._lose_last_tag(content, before, digests.tombstones)

    def _delete_tag(self, content: Content, tag: Tag) -> Outcome:
        if answer := self.answer(tag):
            return answer
        digest = content.tags.pop(tag, None)
        if digest is None:
            return AlreadyGone()
        last = self.capabilities.tags.last_tag if self.capabilities.tags else None
        if last is None:
            self._drop(content, digest)
        elif digest not in content.tags.values():
            self._lose_last_tag(content, digest, last)
        return Deleted()

    def _delete_manifest(self, content: Content, digest: Digest) -> Outcome:
        if answer := self.answer(digest):
            return answer
        if digest not in content.manifests:
            return AlreadyGone()
        if self.refuse_children and (by := self._index_of(content, digest)):
            return Referenced(by)
        self._drop(content, digest)
        return Deleted()

    def _lose_last_tag(self, content: Content, digest: Digest, last: LastTag) -> None:
        listed = last.manifest == "goes-unlisted" and self._index_of(content, digest) is not None
        anchored = last.manifest == "goes-unanchored" and digest in self.pinned
        if not (listed or anchored or last.manifest == "stays"):
            self._drop(content, digest)
        if last.takes_attached:
            for tag in [tag for tag in content.tags if tag.startswith(f"sha256-{digest.hex}")]:
                if tag in content.tags:
                    self._delete_tag(content, tag)

    def _drop(self, content: Content, digest: Digest) -> None:
        raw = content.manifests.get(digest)
        if raw is None:
            return
        content.delete_manifest(digest)
        can = self.capabilities
        if can.cascade.referrers:
            for other in list(content.manifests.values()):
                if parse_manifest(other).subject == digest:
                    self._drop(content, other.digest)
        if can.collects_unlisted:
            for child in parse_manifest(raw).children:
                if child not in content.tags.values() and self._index_of(content, child) is None:
                    self._drop(content, child)

    def _index_of(self, content: Content, digest: Digest) -> Digest | None:
        return next((raw.digest for raw in content.manifests.values() if digest in parse_manifest(raw).children), None)
