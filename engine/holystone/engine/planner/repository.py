"""The plan of one repository: the list of steps, and what comes out of them."""

from collections.abc import Callable, Mapping
from functools import reduce
from typing import Final

import msgspec

from holystone.engine.closure.close import Closed
from holystone.engine.model.capabilities import Capabilities
from holystone.engine.model.inventory import RepositorySnapshot
from holystone.engine.model.plan import Kept, Pass, RepositoryPlan
from holystone.engine.model.references import Tag
from holystone.engine.model.verdicts import Keep
from holystone.engine.planner.by_name import delete_by_name
from holystone.engine.planner.draft import Draft, draft
from holystone.engine.planner.facts import TagFacts
from holystone.engine.planner.manifests import remove_manifests
from holystone.engine.planner.marks import held_by, marks_that_go
from holystone.engine.planner.shared import overwrite_shared, spare_shared
from holystone.engine.planner.speed import overwrite_for_speed

STEPS: Final[tuple[Callable[[Draft], Draft], ...]] = (
    delete_by_name,
    overwrite_shared,
    spare_shared,
    overwrite_for_speed,
    remove_manifests,
)
"""Each takes the doomed tags that the ones before it left undecided."""


def plan_closed(
    snapshot: RepositorySnapshot, closed: Closed, capabilities: Capabilities, facts: TagFacts
) -> RepositoryPlan:
    done = reduce(lambda so_far, step: step(so_far), STEPS, draft(snapshot, closed, capabilities, facts))
    marks = marks_that_go(done)
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
