"""What an undo decides out of values alone, and what it looks at."""

import msgspec
import pytest

from holystone.engine.errors import Unreachable
from holystone.engine.executor.results import Stopped
from holystone.engine.model.manifests import understood
from holystone.engine.model.outcomes import (
    AlreadyGone,
    Deleted,
    Failed,
    Forbidden,
    Loss,
    MovedMeanwhile,
    Needed,
    Outcome,
    StillServed,
)
from holystone.engine.model.plan import Kept, Pass, StepId
from holystone.engine.model.reasons import Unreadable
from holystone.engine.model.records import Journaled, RepositoryRecord
from holystone.engine.model.references import Tag
from holystone.engine.undo import Moved, PutBack, UndoResult
from holystone.engine.undo.putting import There, look
from holystone.engine.undo.results import (
    AlreadyThere,
    BlobsGone,
    BytesDamaged,
    OtherDigest,
    RepositoryUndo,
    Restored,
    TakenMeanwhile,
    UndoOutcome,
    Unread,
)
from holystone.engine.undo.taken import Taken, tags_taken, taken
from tests.support.manifest_graphs import d
from tests.support.memory_registry import TELLING, MemoryRegistry, repository
from tests.support.small_plans import level, remove, repository_plan, untag

APP = repository()


@pytest.mark.parametrize("telling", [False, True])
async def test_all_that_is_known_of_the_time_before_is_looked_at(*, telling: bool) -> None:
    registry = MemoryRegistry(TELLING) if telling else MemoryRegistry()
    keep, part, back, theirs = (registry.image(APP, name) for name in ("keep", "part", "back", "theirs"))
    registry.contents[APP].tags |= {Tag("keep"): keep, Tag("back"): theirs, Tag("unknown"): part}
    plan = repository_plan(APP, kept={"keep": keep, "lost": d(1)}, needed=[part, d(2)])
    plan = msgspec.structs.replace(plan, kept=(*plan.kept, Kept(Tag("odd"), None, (Unreadable("x"),))))
    gone = Taken(frozenset({back, d(3)}), {Tag("back"): back, Tag("away"): d(3)}, {}, frozenset(), ())
    there = await look(registry.open(APP), plan, gone)
    tags = {Tag("keep"): keep, Tag("lost"): None, Tag("back"): theirs, Tag("away"): None}
    assert there == There(tags, frozenset({keep, part, back, theirs}))
    asked = sorted(str(arguments[1]) for verb, arguments in registry.calls if verb == "resolve")
    tagged = ["away", "lost"] if telling else ["away", "back", "keep", "lost"]
    assert asked == sorted((*tagged, keep, part, back, d(1), d(2), d(3)))


KINDS: dict[str, UndoOutcome] = {
    "back": Restored(),
    "there": AlreadyThere(),
    "theirs": TakenMeanwhile(d(9)),
    "blobs": BlobsGone("x"),
    "unread": Unread(),
    "damaged": BytesDamaged(),
    "other": OtherDigest(d(8)),
}


def undone(*names: str, stopped: Unreachable | None = None, tombstone: Outcome | None = None) -> RepositoryUndo:
    entries = tuple(PutBack(Tag(name), d(1), {**KINDS, "failed": Failed("x")}[name]) for name in names)
    cause = Stopped.by(stopped) if stopped else None
    return RepositoryUndo(APP, entries, (Moved(Tag("kept"), d(1), None),), 2, cause, tombstone)


def test_what_is_back_and_what_is_not() -> None:
    one = undone(*KINDS)

    def names(entries: tuple[PutBack, ...]) -> list[Tag | None]:
        return [each.tag for each in entries]

    assert names(one.back) == ["back", "there"]
    assert names(one.lost) == ["theirs", "blobs", "unread", "damaged", "other"]
    assert names(one.not_back) == ["blobs", "unread", "damaged", "other"]
    assert one.moved_by_others == (Moved(Tag("theirs"), d(1), d(9)), Moved(Tag("kept"), d(1), None))
    both = UndoResult((one, undone("failed", "back")))
    assert names(both.lost) == ["theirs", "blobs", "unread", "damaged", "other", "failed"]
    assert names(both.put_back) == [*KINDS, "failed", "back"]
    assert both.not_tried == 4


@pytest.mark.parametrize(
    ("one", "incomplete"),
    [
        (undone(*KINDS), False),
        (undone(*KINDS, "failed"), True),
        (undone("back", stopped=Unreachable("x")), True),
        (undone("back", tombstone=Deleted()), False),
        (undone("back", tombstone=Failed("x")), True),
    ],
)
def test_whether_another_attempt_may_put_more_back(one: RepositoryUndo, *, incomplete: bool) -> None:
    assert one.incomplete is incomplete
    assert UndoResult((undone("back"), one)).incomplete is incomplete


def test_what_a_run_took_away_or_may_have() -> None:
    registry = MemoryRegistry()
    names = ("none", "deleted", "gone", "failed", "served", "moved", "needed", "forbidden", "covered", "damaged")
    by_name = {name: registry.image(APP, name) for name in names}
    lost, unread, unrecorded = registry.image(APP, "lost"), d(1), d(2)
    there = registry.contents[APP].manifests
    whole = {digest: understood(raw) for digest, raw in there.items() if digest != by_name["damaged"]}
    steps = [untag(name, digest) for name, digest in by_name.items()]
    plan = repository_plan(APP, Pass("untag", (*steps, untag("x", unrecorded))), level(remove(by_name["deleted"])))
    came: tuple[Outcome, ...] = (Deleted(), AlreadyGone(), Failed("x"), StillServed(), MovedMeanwhile(d(3)))
    came += (Needed("x"), Forbidden("x"), MovedMeanwhile(d(3)), Deleted(), Deleted(), Deleted())
    outcomes = {step.id: outcome for step, outcome in zip(plan.steps[1:], came, strict=True)}
    known = RepositoryRecord(
        APP, None, outcomes, frozenset({StepId("covered")}), (Loss(lost, Tag("lost")), Loss(unread)), checked=True
    )
    found = taken(plan, known, Journaled(whole, frozenset({by_name["damaged"]})))
    ours = {name: by_name[name] for name in ("none", "deleted", "gone", "failed", "served", "covered", "damaged")}
    assert found.tags == {**{Tag(name): digest for name, digest in ours.items()}, Tag("lost"): lost}
    assert tags_taken(plan, known) == {*map(Tag, (*ours, "x"))}, "whatever was written down of their manifests"
    assert found.manifests == {by_name["deleted"], unread}
    assert found.held == {digest: whole[digest] for digest in (*ours.values(), lost) if digest in whole}
    assert found.damaged == {by_name["damaged"]}
    assert found.levels[0] == tuple(sorted((unread, by_name["damaged"])))
    assert {*found.levels[1]} == found.held.keys()
