"""What the planner must know about tags before it may overwrite one."""

from collections.abc import Mapping

import msgspec

from holystone.engine.model.reasons import YoungerThan
from holystone.engine.model.references import Tag


class TagFacts(msgspec.Struct, frozen=True):
    written_once: frozenset[Tag] = frozenset()
    """Tags that nobody moves, e.g. stages and records. Every other tag is taken for one that people move."""
    created: Mapping[Tag, int] = {}
    """Unix seconds, where known."""
    as_of: int = 0
    """Unix seconds."""
    grace: int = 0
    """Seconds in which a tag may still be in the middle of a push or a move."""
    marks: Mapping[Tag, Tag] = {}
    """From a tag that says of another one not to use it to that other one, e.g. a rejected stage."""

    def young(self, tag: Tag) -> YoungerThan | None:
        created = self.created.get(tag)
        if created is None or self.as_of - created >= self.grace:
            return None
        return YoungerThan(age=max(0, self.as_of - created), grace=self.grace)

    def may_overwrite(self, tag: Tag) -> bool:
        """There is no compare-and-swap: whoever moves a tag between our look and our push loses the move. So a tag
        that people move must be known to have rested; of one that is written once an unknown age is no danger."""
        if tag in self.created or not self.grace:
            return self.young(tag) is None
        return tag in self.written_once
