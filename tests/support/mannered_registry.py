"""A registry in memory that takes along with a deletion whatever its capabilities do not rule out."""

from random import Random

from holystone.engine.model.capabilities import Capabilities
from holystone.engine.model.manifests import RawManifest, parse_manifest
from holystone.engine.model.outcomes import AlreadyGone, Deleted, Outcome, Referenced
from holystone.engine.model.references import Digest, Repository, Tag
from tests.support.memory_registry import Content, MemoryRegistry


def any_capabilities(random: Random) -> Capabilities:
    """Of a registry that deletes something."""

    def flag() -> bool:
        return random.random() < 0.5

    tag_delete, digest_delete = random.choice([(True, True), (True, True), (True, False), (False, True)])
    return Capabilities(
        "memory",
        can_delete=True,
        tag_delete=tag_delete,
        tag_delete_spares_siblings=tag_delete and flag(),
        last_tag=random.choice(["may-take-manifest", "takes-unlisted", "leaves-manifest"]),
        last_tag_takes_attached=flag(),
        digest_push_outlives_tags=flag(),
        digest_delete=digest_delete,
        digest_delete_takes_referrers=flag(),
        digest_delete_takes_children=flag(),
        protects_children=flag(),
        tags_first=flag(),
        overwrite=random.choice(["may-drop-manifest", "leaves-manifest", "impossible"]),
        digests_in_listing=flag(),
        bulk=random.choice([1, 3]),
    )


class ManneredRegistry(MemoryRegistry):
    def __init__(self, capabilities: Capabilities) -> None:
        super().__init__(capabilities, refuse_children=capabilities.protects_children)
        self.pinned: set[Digest] = set()

    async def push_manifest(self, repository: Repository, reference: Tag | Digest, manifest: RawManifest) -> None:
        content = self.contents[repository]
        before = content.tags.get(reference) if isinstance(reference, Tag) else None
        await super().push_manifest(repository, reference, manifest)
        if isinstance(reference, Digest) and self.capabilities.digest_push_outlives_tags:
            self.pinned.add(reference)
        held = before in content.tags.values() or before in self.pinned
        if before and not held and self.capabilities.overwrite == "may-drop-manifest":
            self._drop(content, before)

    def _delete_tag(self, content: Content, tag: Tag) -> Outcome:
        if answer := self.answer(tag):
            return answer
        digest = content.tags.pop(tag, None)
        if digest is None:
            return AlreadyGone()
        if not self.capabilities.tag_delete_spares_siblings:
            self._drop(content, digest)
        elif digest not in content.tags.values():
            self._last_tag(content, digest)
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

    def _last_tag(self, content: Content, digest: Digest) -> None:
        can = self.capabilities
        listed = can.last_tag == "takes-unlisted" and self._index_of(content, digest) is not None
        if not (listed or can.last_tag == "leaves-manifest" or digest in self.pinned):
            self._drop(content, digest)
        if can.last_tag_takes_attached:
            for tag in [tag for tag in content.tags if tag.startswith(f"sha256-{digest.hex}")]:
                if tag in content.tags:
                    self._delete_tag(content, tag)

    def _drop(self, content: Content, digest: Digest) -> None:
        raw = content.manifests.get(digest)
        if raw is None:
            return
        content.delete_manifest(digest)
        can = self.capabilities
        if can.digest_delete_takes_referrers:
            for other in list(content.manifests.values()):
                if parse_manifest(other).subject == digest:
                    self._drop(content, other.digest)
        if can.gone_index_takes_children:
            for child in parse_manifest(raw).children:
                if child not in content.tags.values() and self._index_of(content, child) is None:
                    self._drop(content, child)

    def _index_of(self, content: Content, digest: Digest) -> Digest | None:
        return next((raw.digest for raw in content.manifests.values() if digest in parse_manifest(raw).children), None)
