"""What the steps of the planner hand to each other."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from holystone.engine.closure.close import Closed
from holystone.engine.closure.graph import Graph, graph_of
from holystone.engine.model.capabilities import Capabilities, LastTag
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

    def outlives_tags(self, digest: Digest, last: LastTag, *, anchored: bool = False) -> bool:
        """A manifest that stays is surely left alone when its last tag is taken away, and so is all that belongs to it.
        `anchored`: it is pushed by its digest before."""
        if last.takes_attached and self.graph.attached.get(digest):
            return False
        match last.manifest:
            case "stays":
                return True
            case "goes-unlisted":
                return any(index in self.closed.kept for index in self.graph.indexes.get(digest, ()))
            case "goes-unanchored":
                return anchored
            case "may-go":
                return False

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
    def tombstones(self) -> LastTag | None:
        """None: none can be pushed, or it could not be deleted by its own digest afterwards."""
        return self.can.digests.tombstones if self.can.digests else None

    def with_untags(self, untags: tuple[Untag, ...]) -> "Draft":
        gone = {untag.tag for untag in untags}
        left = tuple(tag for tag in self.undecided if tag not in gone)
        return replace(self, untags=self.untags + untags, undecided=left)

    def untag(self, tag: Tag, how: How) -> Untag:
        return Untag(tag=tag, digest=self.digest(tag), how=how, reasons=self.reasons(tag))


def draft(snapshot: RepositorySnapshot, closed: Closed, can: Capabilities, facts: TagFacts) -> Draft:
    doomed = (tag for tag, verdict in closed.verdicts.items() if isinstance(verdict, Delete))
    return Draft(snapshot, closed, can, facts, graph_of(snapshot), undecided=tuple(sorted(doomed)))
