"""What the steps of the planner hand to each other."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from holystone.engine.closure.closed import Closed
from holystone.engine.model.capabilities import Capabilities
from holystone.engine.model.inventory import RepositorySnapshot
from holystone.engine.model.plan import Kept, Remove, Untag
from holystone.engine.model.reasons import DeleteReason
from holystone.engine.model.references import Digest, Tag
from holystone.engine.model.verdicts import Delete, Keep
from holystone.engine.planner.facts import TagFacts


@dataclass(frozen=True, slots=True)
class Draft:
    snapshot: RepositorySnapshot
    closed: Closed
    can: Capabilities
    facts: TagFacts
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

    def kept_tags_by_digest(self) -> Mapping[Digest, Tag]:
        """Of each manifest the first tag that stays."""
        found: dict[Digest, Tag] = {}
        for tag, verdict in sorted(self.closed.verdicts.items()):
            if isinstance(verdict, Keep) and tag in self.snapshot.tags:
                found.setdefault(self.digest(tag), tag)
        return found

    @property
    def can_overwrite(self) -> bool:
        """A tombstone is of use only if it can be deleted by its own digest afterwards."""
        return self.can.tag_overwrite and self.can.digest_delete

    def with_untags(self, untags: tuple[Untag, ...]) -> "Draft":
        gone = {untag.tag for untag in untags}
        left = tuple(tag for tag in self.undecided if tag not in gone)
        return replace(self, untags=self.untags + untags, undecided=left)

    def tombstone(self, tag: Tag) -> Untag:
        return Untag(tag=tag, digest=self.digest(tag), how="tombstone", reasons=self.reasons(tag))


def draft(snapshot: RepositorySnapshot, closed: Closed, can: Capabilities, facts: TagFacts) -> Draft:
    doomed = (tag for tag, verdict in closed.verdicts.items() if isinstance(verdict, Delete))
    return Draft(snapshot, closed, can, facts, undecided=tuple(sorted(doomed)))
