"""The plan of one repository: what comes out of the steps, and which tags stay after all because of what goes."""

from collections.abc import Mapping
from functools import reduce
from math import inf

import msgspec

from holystone.engine.closure.close import Closed
from holystone.engine.closure.graph import attached_tags, graph_of, reach
from holystone.engine.model.capabilities import Capabilities
from holystone.engine.model.inventory import RepositorySnapshot
from holystone.engine.model.plan import Kept, Pass, RepositoryPlan
from holystone.engine.model.reasons import LastTagged, MarkOf
from holystone.engine.model.references import Digest, Tag
from holystone.engine.model.verdicts import Delete, Keep, Verdicts
from holystone.engine.planner.facts import TagFacts
from holystone.engine.planner.steps import STEPS, Draft, first_draft


def plan_closed(
    snapshot: RepositorySnapshot, closed: Closed, capabilities: Capabilities, facts: TagFacts
) -> RepositoryPlan:
    done = reduce(lambda so_far, step: step(so_far), STEPS, first_draft(snapshot, closed, capabilities, facts))
    marks = _marks_that_go(done)
    known = closed.kept.keys() & (snapshot.manifests.keys() | set(snapshot.tags.values()))
    planned = RepositoryPlan(
        repository=snapshot.repository,
        implementation=capabilities.implementation,
        passes=_passes(done, marks),
        kept=_kept(done),
        kept_manifests={digest: closed.kept[digest] for digest in sorted(known)},
        marks=marks,
    )
    once = tuple(tag for tag in planned.doomed_tags if tag in facts.written_once)
    return msgspec.structs.replace(planned, doomed_written_once=once)


def keep_newest(snapshot: RepositorySnapshot, closed: Closed, verdicts: Verdicts) -> Verdicts | None:
    """Some registries refuse to delete the last manifest that has a tag: then the newest stays, instead of whichever
    happens to be tried last. The verdicts to close again with, or None if a tag stays anyway."""
    there = [tag for tag in closed.verdicts if tag in snapshot.tags]
    if any(isinstance(closed.verdicts[tag], Keep) for tag in there):
        return None
    attached = attached_tags(snapshot)
    own = [tag for tag in there if isinstance(verdicts.get(tag), Delete) and tag not in attached]

    def age(tag: Tag) -> tuple[float, int, Tag]:
        """One of which it is not known when it was put there may be the newest."""
        return snapshot.put.get(tag, inf), snapshot.pushed.get(snapshot.tags[tag], 0), tag

    return {**verdicts, max(own, key=age): Keep((LastTagged(),))} if own else None


def keep_marks(plan: RepositoryPlan, marks: Mapping[Tag, Tag], verdicts: Verdicts) -> Verdicts | None:
    """A mark says of another tag not to use it, so it stays as long as that one does, and goes after it. Whatever saves
    a tag (a lock, a manifest that it shares) does not know of its mark. The verdicts to close and plan again with, or
    None if no more marks can be kept."""
    stay = {each.tag for each in plan.kept}
    more = {
        mark: Keep((MarkOf(marked),))
        for mark, marked in marks.items()
        if marked in stay and mark not in stay and isinstance(verdicts.get(mark), Delete)
    }
    return {**verdicts, **more} if more else None


def held_by(snapshot: RepositorySnapshot, tags: Mapping[Tag, Tag]) -> frozenset[Digest]:
    """What cannot go before these tags: their manifests, and what goes after those."""
    return frozenset(reach(graph_of(snapshot), tags)) if tags else frozenset()


def _marks_that_go(draft: Draft) -> Mapping[Tag, Tag]:
    """The marks that go, each with what it marks."""
    spared = {each.tag for each in draft.spared}
    return {
        mark: marked
        for mark, marked in sorted(draft.facts.marks.items())
        if isinstance(draft.closed.verdicts.get(mark), Delete) and mark not in spared
    }


def _passes(done: Draft, marks: Mapping[Tag, Tag]) -> tuple[Pass, ...]:
    """Tags first: each one that is gone makes the deletes by digest cheaper, and no manifest goes under a tag. When all
    that is marked is gone, the marks follow in the same order."""
    untags = sorted(done.untags, key=lambda untag: untag.tag)
    late = held_by(done.snapshot, marks)
    passes: list[Pass] = []
    for turn in (False, True):
        now = [untag for untag in untags if (untag.tag in marks) is turn]
        passes += (
            Pass("untag", tuple(untag for untag in now if untag.how != "tombstone")),
            Pass("tombstone", tuple(untag for untag in now if untag.how == "tombstone")),
        )
        levels = (tuple(step for step in level if (step.digest in late) is turn) for level in done.levels)
        passes += (Pass("manifests", level) for level in levels)
    return tuple(each for each in passes if each.steps)


def _kept(done: Draft) -> tuple[Kept, ...]:
    kept = [
        Kept(tag, done.snapshot.tags.get(tag), verdict.reasons, tag in done.facts.written_once)
        for tag, verdict in done.closed.verdicts.items()
        if isinstance(verdict, Keep)
    ]
    return tuple(sorted((*kept, *done.spared), key=lambda each: each.tag))
