"""What the steps of the planner hand to each other."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from holystone.engine.closure.closed import Closed
from holystone.engine.closure.graph import Graph, graph_of
from holystone.engine.model.capabilities import Capabilities
from holystone.engine.model.delete_reasons import DeleteReason
from holystone.engine.model.inventory import RepositorySnapshot
from holystone.engine.model.plan import How, Kept, Remove, Untag
from holystone.engine.model.references import Digest, Tag
from holystone.engine.model.verdicts import Delete, Keep
from holystone.engine.planner.facts import TagFacts


@dataclass(frozen=True, slots=True)
class Draft:
    snapshot: RepositorySnapshot
    closed: Closed
    can: Capabilities
    facts: TagFacts
    graph: Graph
    undecided: tuple[Tag, ...]
    """Doomed tags for which no step has found a way yet, sorted."""
    untags: tuple[Untag, ...] = ()
    levels: tuple[tuple[Remove, ...], ...] = ()
    spared: tuple[Kept, ...] = ()
    """Doomed tags that cannot go without harm."""

    def digest(self, tag: Tag) -> Digest:
        return self.snapshot.tags[tag]

    def reasons(self, tag: Tag) -> tuple[DeleteReason, ...]:
        verdict = self.closed.verdicts[tag]
        assert isinstance(verdict, Delete)  # noqa: S101 - only doomed tags are asked about
        return verdict.reasons

    def goes_whole(self, tag: Tag) -> bool:
        """The manifest goes too, and with it all its tags."""
        return self.digest(tag) in self.closed.doomed

    def outlives_tags(self, digest: Digest) -> bool:
        """A manifest that stays is surely left alone when its last tag is deleted by name, and so is all that belongs
        to it."""
        if not self._loses_nothing(digest):
            return False
        if self.can.last_tag == "takes-unlisted":
            return any(index in self.closed.kept for index in self.graph.indexes.get(digest, ()))
        return self.can.last_tag == "leaves-manifest"

    def outlives_tags_anchored(self, digest: Digest) -> bool:
        return self.can.digest_push_outlives_tags and self._loses_nothing(digest)

    def outlives_overwriting(self, digest: Digest) -> bool:
        return self.can.overwrite == "leaves-manifest" and self._loses_nothing(digest)

    def _loses_nothing(self, digest: Digest) -> bool:
        return not (self.can.last_tag_takes_attached and self.graph.attached.get(digest))

    def staying(self) -> Mapping[Digest, Tag]:
        """For each manifest with doomed tags that are undecided, the tag that stays, if one has to."""
        return {self.digest(tag): tag for tag in reversed(self.undecided)} | dict(self.kept_tags_by_digest())

    def kept_tags_by_digest(self) -> Mapping[Digest, Tag]:
        """For each manifest the first tag that stays."""
        found: dict[Digest, Tag] = {}
        for tag, verdict in sorted(self.closed.verdicts.items()):
            if isinstance(verdict, Keep) and tag in self.snapshot.tags:
                found.setdefault(self.digest(tag), tag)
        return found

    @property
    def can_overwrite(self) -> bool:
        """A tombstone is of use only if it can be deleted by its own digest afterwards."""
        return self.can.overwrite != "impossible" and self.can.digest_delete

    def with_untags(self, untags: tuple[Untag, ...]) -> "Draft":
        gone = {untag.tag for untag in untags}
        left = tuple(tag for tag in self.undecided if tag not in gone)
        return replace(self, untags=self.untags + untags, undecided=left)

    def untag(self, tag: Tag, how: How) -> Untag:
        return Untag(tag=tag, digest=self.digest(tag), how=how, reasons=self.reasons(tag))


def draft(snapshot: RepositorySnapshot, closed: Closed, can: Capabilities, facts: TagFacts) -> Draft:
    doomed = (tag for tag, verdict in closed.verdicts.items() if isinstance(verdict, Delete))
    return Draft(snapshot, closed, can, facts, graph_of(snapshot), undecided=tuple(sorted(doomed)))
