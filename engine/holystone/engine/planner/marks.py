"""A mark says of another tag not to use it. So it stays as long as that one does, and goes after it."""

from collections.abc import Mapping

from holystone.engine.closure.graph import graph_of, reach
from holystone.engine.model.inventory import RepositorySnapshot
from holystone.engine.model.plan import RepositoryPlan
from holystone.engine.model.reasons import MarkOf
from holystone.engine.model.references import Digest, Tag
from holystone.engine.model.verdicts import Delete, Keep, Verdicts
from holystone.engine.planner.draft import Draft


def keep_marks(plan: RepositoryPlan, marks: Mapping[Tag, Tag], verdicts: Verdicts) -> Verdicts | None:
    """The verdicts to close and plan again with, or None if no more marks can be kept. Whatever saves a tag (a lock, a
    manifest that it shares) does not know of its mark."""
    stay = {each.tag for each in plan.kept}
    more = {
        mark: Keep((MarkOf(marked),))
        for mark, marked in marks.items()
        if marked in stay and mark not in stay and isinstance(verdicts.get(mark), Delete)
    }
    return {**verdicts, **more} if more else None


def marks_that_go(draft: Draft) -> Mapping[Tag, Tag]:
    """The marks that go, each with what it marks."""
    spared = {each.tag for each in draft.spared}
    return {
        mark: marked
        for mark, marked in sorted(draft.facts.marks.items())
        if isinstance(draft.closed.verdicts.get(mark), Delete) and mark not in spared
    }


def held_by(snapshot: RepositorySnapshot, tags: Mapping[Tag, Tag]) -> frozenset[Digest]:
    """What cannot go before these tags: their manifests, and what goes after those."""
    return frozenset(reach(graph_of(snapshot), tags)) if tags else frozenset()
