"""What is put back, what is left alone, and what cannot come back."""

from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any

import msgspec
import pytest

from holystone.adapters.state.sqlite import Journal
from holystone.adapters.state.sqlite.digest_cache import SqliteDigestCache
from holystone.engine.errors import Doubtful, Refused, RegistryFailure, Unreachable
from holystone.engine.model.manifests import OCI_INDEX, RawManifest
from holystone.engine.model.outcomes import Failed, Forbidden, Needed
from holystone.engine.model.plan import Pass, RepositoryPlan
from holystone.engine.model.references import Digest, Tag
from holystone.engine.undo import PutBack, UndoResult, undo_run
from holystone.engine.undo.results import AlreadyThere, BlobsGone, Restored, TakenMeanwhile, UndoOutcome
from tests.support.execution import Execute, after, before, die, once
from tests.support.memory_registry import MemoryRegistry, Point, digest_of, repository
from tests.support.small_plans import level, plan, remove, repository_plan, tombstone, untag
from tests.support.small_worlds import APP, WAYS, Way, world
from tests.support.spools import undone

Undo = Callable[..., Coroutine[Any, Any, UndoResult]]
State = Callable[[], Awaitable[str]]


def of_tags(result: UndoResult) -> dict[str, UndoOutcome]:
    return {each.tag: each.outcome for each in result.put_back if each.tag}


@pytest.mark.parametrize("way", WAYS)
async def test_manifests_come_back_before_what_lists_them_and_tags_last(execute: Execute, undo: Undo, way: Way) -> None:
    there = world(way)
    await execute(there.registry, there.plan)
    there.registry.calls.clear()
    await undo(there.registry)
    pushed = [arguments[1] for verb, arguments in there.registry.calls if verb == "push_manifest"]
    d = there.digests
    for first, then in (("leaf", "inner"), ("inner", "old-index"), ("b", "b-referrer")):
        assert pushed.index(d[first]) < pushed.index(d[then])
    kinds = [isinstance(each, Tag) for each in pushed]
    assert kinds == sorted(kinds)
    assert all(kinds) is False
    assert any(kinds)


@pytest.mark.parametrize("way", WAYS)
async def test_a_tag_that_is_somebody_elses_by_now_is_left_alone(
    execute: Execute, undo: Undo, state: State, way: Way
) -> None:
    there = world(way)
    await execute(there.registry, there.plan)
    new = there.registry.image(APP, "new", "b")
    result = await undo(there.registry)
    assert there.at("b") == new
    assert there.has("b")
    assert result.lost == (PutBack(Tag("b"), there.digests["b"], TakenMeanwhile(new)),)
    assert (result.incomplete, await state()) == (False, "undone")
    del there.registry.contents[APP].tags[Tag("b")]
    assert (await undo(there.registry)).lost == ()
    assert there.at("b") == there.digests["b"]


async def test_a_tag_is_looked_at_right_before_it_is_written(execute: Execute, undo: Undo) -> None:
    there = world("tombstone")
    await execute(there.registry, there.plan)
    new: list[Digest] = []

    def is_first_look_at_b(point: Point) -> bool:
        return before("resolve")(point) and point.arguments[1] == "b"

    there.registry.hook = once(is_first_look_at_b, lambda: new.append(there.registry.image(APP, "new", "b")))
    result = await undo(there.registry)
    assert of_tags(result)["b"] == TakenMeanwhile(new[0])
    assert there.at("b") == new[0]


async def test_a_tag_that_moved_before_it_was_deleted_is_none_of_undos_business(execute: Execute, undo: Undo) -> None:
    there = world("tombstone")
    new = there.registry.image(APP, "new", "b")
    await execute(there.registry, there.plan)
    result = await undo(there.registry)
    assert there.at("b") == new
    assert "b" not in of_tags(result)
    assert result.lost == ()


async def test_what_garbage_collection_has_taken_is_told_exactly(execute: Execute, undo: Undo, state: State) -> None:
    there = world("tombstone")
    await execute(there.registry, there.plan)
    content = there.registry.contents[APP]
    lost = digest_of(b'{"name": "leaf"}'), digest_of(b'{"name": "a"}')
    for blob in lost:
        del content.blobs[blob]
    result = await undo(there.registry)
    gone = {(each.tag, each.digest) for each in result.lost}
    d = there.digests
    assert gone == {
        (None, d["a"]),
        ("a1", d["a"]),
        ("a2", d["a"]),
        (None, d["leaf"]),
        (None, d["inner"]),
        (None, d["old-index"]),
        ("old-index", d["old-index"]),
    }
    assert all(isinstance(each.outcome, BlobsGone) for each in result.lost)
    assert (result.incomplete, await state()) == (False, "undone")
    assert there.at("c") == d["c"]
    assert there.at("a1") is None
    refused = there.registry.count("push_manifest")
    again = await undo(there.registry)
    assert {(each.tag, each.digest) for each in again.lost} == gone
    assert there.registry.count("push_manifest") == refused + 2  # asks again for the two, and for nothing above them


def marked() -> tuple[MemoryRegistry, RepositoryPlan]:
    """A rejected stage and its mark."""
    registry = MemoryRegistry()
    stage, mark = registry.image(APP, "stage", "s-1"), registry.image(APP, "mark", "s-1-rejected")
    made = repository_plan(APP, level(remove(stage, "s-1")), level(remove(mark, "s-1-rejected")))
    return registry, msgspec.structs.replace(made, marks={Tag("s-1-rejected"): Tag("s-1")})


async def test_a_mark_is_back_before_what_it_marks(execute: Execute, undo: Undo) -> None:
    registry, gone = marked()
    before = registry.contents[APP].state()
    await execute(registry, gone)

    async def watch(_: object) -> None:
        there = registry.contents[APP].tags
        assert "s-1-rejected" in there or "s-1" not in there

    registry.hook = watch
    assert (await undo(registry)).lost == ()
    assert registry.contents[APP].state() == before


@pytest.mark.parametrize("gone_for_good", [True, False])
async def test_nothing_comes_back_without_its_mark(execute: Execute, undo: Undo, *, gone_for_good: bool) -> None:
    registry, gone = marked()
    mark = registry.contents[APP].tags[Tag("s-1-rejected")]
    await execute(registry, gone)

    async def fail(point: Point) -> None:
        if before("push_manifest")(point) and point.arguments[1] == "s-1-rejected":
            raise RegistryFailure("500 on a bad day")

    if gone_for_good:
        del registry.contents[APP].blobs[digest_of(b'{"name": "mark"}')]
    else:
        registry.hook = fail
    result = await undo(registry)
    outcome = of_tags(result)["s-1"]
    expected = BlobsGone if gone_for_good else Failed
    assert isinstance(outcome, expected)
    assert "its mark s-1-rejected" in str(outcome)
    assert registry.contents[APP].tags == {}
    registry.hook = None
    registry.image(APP, "mark")
    assert (await undo(registry)).lost == ()
    assert registry.contents[APP].tags == {"s-1": gone.steps[0].digest, "s-1-rejected": mark}


@pytest.mark.parametrize("marks", [("ab", "bc"), ("cb", "ba"), ("aa",), ("ab", "ba")], ids="-".join)
async def test_marks_that_mark_each_other_stop_no_undo(execute: Execute, undo: Undo, marks: tuple[str, ...]) -> None:
    """As only a changed plan has them."""
    registry = MemoryRegistry()
    digests = {name: registry.image(APP, name, name) for name in "abc"}
    gone = repository_plan(APP, *(level(remove(digests[name], name)) for name in "cba"))
    before = registry.contents[APP].state()
    await execute(registry, msgspec.structs.replace(gone, marks={Tag(each[0]): Tag(each[1]) for each in marks}))
    assert registry.contents[APP].state() != before
    assert (await undo(registry)).lost == ()
    assert registry.contents[APP].state() == before


async def test_a_tag_in_the_place_of_the_mark_marks_as_well(execute: Execute, undo: Undo) -> None:
    registry, gone = marked()
    await execute(registry, gone)
    new = registry.image(APP, "new", "s-1-rejected")
    assert isinstance(of_tags(await undo(registry))["s-1-rejected"], TakenMeanwhile)
    assert registry.contents[APP].tags == {"s-1": gone.steps[0].digest, "s-1-rejected": new}


async def test_no_index_without_its_children_on_a_registry_that_would_take_it(execute: Execute, undo: Undo) -> None:
    registry = MemoryRegistry()
    child = registry.image(APP, "child")
    index = registry.index(APP, [child], "v1")
    await execute(registry, repository_plan(APP, level(remove(index, "v1")), level(remove(child))))
    registry.contents[APP].blobs.clear()
    result = await undo(registry)
    assert registry.contents[APP].state() == ({}, set())
    assert len(result.lost) == 3
    assert registry.count("push_manifest") == 1


async def test_a_dry_run_changes_nothing(execute: Execute, undo: Undo, state: State) -> None:
    there = world("tombstone")
    await execute(there.registry, there.plan)
    clean = there.registry.contents[APP].state()
    new = there.registry.image(APP, "new", "b")
    there.registry.calls.clear()
    result = await undo(there.registry, dry_run=True)
    assert not [verb for verb, _ in there.registry.calls if verb.startswith(("push", "delete"))]
    assert of_tags(result)["a1"] == Restored()
    assert of_tags(result)["b"] == TakenMeanwhile(new)
    assert await state() == "finished"
    there.registry.contents[APP].delete_manifest(new)
    assert there.registry.contents[APP].state() == clean


async def test_tags_that_a_killed_run_left_on_the_tombstone(execute: Execute, undo: Undo) -> None:
    there = world("tombstone")
    there.registry.hook = once(before("delete_manifests"), die)
    with pytest.raises(BaseException):  # noqa: B017
        await execute(there.registry, there.plan)
    there.registry.hook = None
    (on_it,) = set(there.tags().values()) - set(there.digests.values())
    there.registry.contents[APP].tags[Tag("somebodys")] = on_it
    result = await undo(there.registry)
    assert there.at("old-shared") == there.digests["shared"]
    assert result.repositories[0].tombstone == Needed("somebodys")
    assert there.at("somebodys") == on_it
    assert not result.incomplete
    del there.registry.contents[APP].tags[Tag("somebodys")]
    await undo(there.registry)
    assert on_it not in there.registry.contents[APP].manifests


async def test_a_tombstone_that_cannot_be_deleted_is_told(execute: Execute, undo: Undo, state: State) -> None:
    there = world("tombstone")
    there.registry.hook = once(before("delete_manifests"), die)
    with pytest.raises(BaseException):  # noqa: B017
        await execute(there.registry, there.plan)
    there.registry.hook = None
    there.registry.answer = lambda _: Forbidden("no right to delete")
    result = await undo(there.registry)
    assert (result.lost, result.incomplete, await state()) == ((), True, "undoing")
    assert there.at("b") == there.digests["b"]


async def test_what_an_earlier_attempt_could_not_record_comes_back(execute: Execute, undo: Undo) -> None:
    """The reply to a deletion was lost: it is done and recorded as failed."""
    registry = MemoryRegistry()
    image = registry.image(APP, "image", "v1")

    async def hook(point: Point) -> None:
        if after("delete_manifests")(point):
            raise Unreachable("no answer")

    registry.hook = hook
    await execute(registry, repository_plan(APP, level(remove(image, "v1"))))
    registry.hook = None
    assert registry.contents[APP].tags == {}
    result = await undo(registry)
    assert (registry.contents[APP].tags, result.lost) == ({Tag("v1"): image}, ())


async def test_only_what_the_run_took_away_comes_back(execute: Execute, undo: Undo) -> None:
    registry = MemoryRegistry()
    mine, held = registry.image(APP, "mine", "mine"), registry.image(APP, "held", "held")
    gone = registry.image(APP, "gone", "gone")
    registry.contents[APP].delete_manifest(gone)  # before anything of it could be read
    registry.image(APP, "other", "other")
    registry.index(APP, [held], "needs-held")
    everything = level(remove(mine, "mine"), remove(held, "held"), remove(gone, "gone"))
    await execute(registry, repository_plan(APP, everything))
    registry.contents[APP].delete_manifest(held)  # somebody else does
    result = await undo(registry)
    assert [(each.tag, each.digest) for each in result.put_back] == [(None, mine), ("mine", mine)]


async def test_one_repository_that_cannot_be_reached_stops_no_other(execute: Execute, undo: Undo, state: State) -> None:
    near, far = repository("near"), repository("far")
    registry = MemoryRegistry()
    images = {where: registry.image(where, "image", "v1") for where in (near, far)}
    await execute(registry, *(repository_plan(where, level(remove(images[where], "v1"))) for where in images))

    async def hook(point: Point) -> None:
        if point.arguments[0] == far:
            raise Unreachable("far does not answer")

    registry.hook = hook
    result = await undo(registry)
    assert registry.contents[near].tags == {Tag("v1"): images[near]}
    assert str(result.repositories[0].stopped) == "far does not answer"
    assert (result.not_tried, result.incomplete, await state()) == (2, True, "undoing")
    registry.hook = None
    assert not (await undo(registry)).incomplete
    assert registry.contents[far].tags == {Tag("v1"): images[far]}


async def test_a_push_that_fails_is_tried_again(execute: Execute, undo: Undo) -> None:
    registry = MemoryRegistry()
    image = registry.image(APP, "image", "v1", "v2")
    passes = Pass("untag", (untag("v1", image), untag("v2", image))), level(remove(image))
    await execute(registry, repository_plan(APP, *passes))
    registry.contents[APP].manifests[image] = RawManifest(image, OCI_INDEX, b"{}")

    async def hook(point: Point) -> None:
        if before("push_manifest")(point) and point.arguments[1] == "v1":
            raise RegistryFailure("500")

    registry.hook = hook
    result = await undo(registry)
    assert of_tags(result) == {"v1": Failed("500"), "v2": Restored()}
    assert result.incomplete
    registry.hook = None
    result = await undo(registry)
    assert of_tags(result) == {"v1": Restored(), "v2": AlreadyThere()}


async def test_a_run_that_is_alive_is_not_undone(tmp_path: Path) -> None:
    there = world("plain")
    with Journal.open(tmp_path) as journal:
        run = await journal.begin(plan(there.plan), "cleanup")
        with Journal.open(tmp_path) as other, pytest.raises(Refused, match="still going on"):
            await other.load(run.id)


async def test_a_run_that_began_nothing_has_nothing_to_undo(tmp_path: Path) -> None:
    registry = MemoryRegistry()
    image = registry.image(APP, "image", "v1")
    with Journal.open(tmp_path) as journal:
        run = await journal.begin(plan(repository_plan(APP, Pass("tombstone", (tombstone("v1", image),)))), "cleanup")
        result = await undo_run(run, registry.planned, SqliteDigestCache(None), undone())
        assert (result.put_back, registry.calls) == ((), [])
        assert (await journal.runs())[0].state == "undone"


async def test_answers_in_doubt_leave_the_undo_to_be_repeated(execute: Execute, undo: Undo, state: State) -> None:
    """A reply that nobody asked for may have made a tag look as if it were there."""
    there = world("plain")
    await execute(there.registry, there.plan)

    async def doubt(_: object) -> None:
        raise Doubtful("a reply that nobody asked for")

    result = await undo(there.registry, settle=doubt)
    assert (result.incomplete, await state()) == (True, "undoing")
    assert str(result.repositories[0].stopped) == "a reply that nobody asked for"
    assert (await undo(there.registry)).incomplete is False
    assert await state() == "undone"
