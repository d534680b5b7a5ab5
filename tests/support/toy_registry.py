"""A registry of two dictionaries, as harsh as its capabilities allow, and a naive notion of what a tag needs."""

from holystone.engine.model.capabilities import Capabilities, LastTag
from holystone.engine.model.inventory import RepositorySnapshot
from holystone.engine.model.manifests import OCI_MANIFEST, Manifest
from holystone.engine.model.plan import RepositoryPlan, Untag
from holystone.engine.model.references import Digest, Tag


def needs(snapshot: RepositorySnapshot, kept: set[Tag], *, subjects: bool = False) -> set[Digest]:
    """By trying every manifest against every rule until nothing is added. `subjects`: what stays needs its subject."""
    needed = {snapshot.tags[tag] for tag in kept if tag in snapshot.tags}
    while True:
        known = needed & snapshot.manifests.keys()
        more = {child for digest in known for child in snapshot.manifests[digest].children}
        more |= {each.digest for each in snapshot.manifests.values() if each.subject in needed}
        if subjects:
            more |= {at for digest in known if (at := snapshot.manifests[digest].subject)}
        for digest in known:
            more |= {at for tag, at in snapshot.tags.items() if tag.startswith(f"sha256-{digest.hex}")}
        if more <= needed:
            return needed
        needed |= more


class ToyRegistry:
    def __init__(self, snapshot: RepositorySnapshot, can: Capabilities) -> None:
        self.start = snapshot
        self.tags = dict(snapshot.tags)
        self.manifests = dict(snapshot.manifests)
        self.can = can

    def apply(self, plan: RepositoryPlan) -> None:
        tombstone = Manifest(Digest.parse("sha256:" + "f" * 64), OCI_MANIFEST, 1)
        for each in plan.passes:
            for step in each.steps:
                if not isinstance(step, Untag):
                    self._delete_digest(step.digest)
                elif step.how == "tombstone":
                    assert self.can.digests
                    assert self.can.digests.tombstones
                    self.manifests[tombstone.digest] = tombstone
                    was = self.tags.get(step.tag)
                    self.tags[step.tag] = tombstone.digest
                    if was and was not in self.tags.values():
                        self._lose_last_tag(was, self.can.digests.tombstones)
                else:
                    assert self.can.tags
                    self._delete_tag(step.tag, anchored=step.how == "anchor")
            if tombstone.digest in self.manifests:
                self._delete_digest(tombstone.digest)

    def snapshot(self) -> RepositorySnapshot:
        start = self.start
        return RepositorySnapshot(start.repository, dict(self.tags), start.broken, dict(self.manifests), {})

    def _delete_tag(self, tag: Tag, *, anchored: bool = False) -> None:
        digest = self.tags.pop(tag, None)
        if digest is None:
            return
        last = self.can.tags.last_tag if self.can.tags else None
        if last is None:
            self._delete_digest(digest)
        elif digest not in self.tags.values():
            self._lose_last_tag(digest, last, anchored=anchored)

    def _lose_last_tag(self, digest: Digest, last: LastTag, *, anchored: bool = False) -> None:
        listed, anchored = self._listed(digest), anchored and last.manifest == "goes-unanchored"
        if not (anchored or last.manifest == "stays" or (last.manifest == "goes-unlisted" and listed)):
            self._delete_digest(digest)
        if last.takes_attached:
            for other in [other for other in self.tags if other.startswith(f"sha256-{digest.hex}")]:
                if other not in self.start.locked:
                    self._delete_tag(other)

    def _delete_digest(self, digest: Digest) -> None:
        there = self.manifests.pop(digest, None)
        self.tags = {tag: at for tag, at in self.tags.items() if at != digest}
        if there and self.can.cascade.referrers:
            for each in list(self.manifests.values()):
                if each.subject == digest:
                    self._delete_digest(each.digest)
        if there and self.can.collects_unlisted:
            for child in there.children:
                if child in self.manifests and child not in self.tags.values() and not self._listed(child):
                    self._delete_digest(child)

    def _listed(self, digest: Digest) -> bool:
        return any(digest in each.children and each.digest != digest for each in self.manifests.values())
