"""What is put back, by itself: in what words it is told, and what a tombstone takes along."""

from pathlib import Path
from typing import Any

import anyio
import msgspec
import pytest

from holystone.adapters.state.sqlite import Journal
from holystone.adapters.state.sqlite.digest_cache import SqliteDigestCache
from holystone.engine.errors import TooLate, Unreachable
from holystone.engine.events import listening
from holystone.engine.executor import execute_plan
from holystone.engine.model.events import Event, Step
from holystone.engine.model.manifests import OCI_MANIFEST, Manifest, RawManifest, understood
from holystone.engine.model.outcomes import AlreadyGone, Deleted, Failed, Needed, Outcome
from holystone.engine.model.plan import Pass
from holystone.engine.model.references import Digest, Repository, Tag
from holystone.engine.scheduler import ROUNDS
from holystone.engine.undo import uncover, undo_run
from holystone.engine.undo.putting import PuttingBack, There
from holystone.engine.undo.results import AlreadyThere, BytesDamaged, Restored
from holystone.engine.undo.taken import Taken
from tests.support.execution import before
from tests.support.memory_registry import TELLING, MemoryRegistry, Point, repository
from tests.support.small_plans import level, plan, remove, repository_plan, tombstone
from tests.support.small_worlds import APP
from tests.support.spools import results, undone

AT_ONCE = 8


def whole(registry: MemoryRegistry, *digests: Digest) -> tuple[RawManifest, ...]:
    return tuple(registry.contents[APP].manifests[digest] for digest in digests)


def held(registry: MemoryRegistry, *digests: Digest) -> dict[Digest, Manifest | None]:
    return {raw.digest: understood(raw) for raw in whole(registry, *digests)}


def putting(
    registry: MemoryRegistry,
    gone: Taken,
    *,
    tombstone: tuple[RawManifest, ...] = (),
    marks: dict[Tag, Tag] | None = None,
    dry_run: bool = False,
    knows: bool = True,
) -> PuttingBack:
    """`knows`: the journal has the bytes of all that is there."""
    made = msgspec.structs.replace(repository_plan(APP), marks=marks or {})

    known = dict(registry.contents[APP].manifests) if knows else {}

    async def bytes_of(digest: Digest) -> RawManifest | None:
        return known.get(digest)

    return PuttingBack(
        made, registry.open(APP), gone, bytes_of, tombstone, anyio.CapacityLimiter(AT_ONCE), dry_run, anyio.sleep
    )


async def test_each_that_is_done_is_told() -> None:
    registry, told = MemoryRegistry(), list[Event]()
    one = registry.image(APP, "one")
    gone = Taken(frozenset({one}), {Tag("a"): one, Tag("b"): one}, held(registry, one), frozenset(), ((one,),))
    work = putting(registry, gone)
    with listening(told.append):
        await work.everything()
    a, b = Tag("a"), Tag("b")
    assert told == [
        Step(APP, one, (), "already-there", 1, 3),
        Step(APP, one, (a,), "restored", 2, 3),
        Step(APP, one, (b,), "restored", 3, 3),
    ]
    assert work.total == 3


async def test_no_more_bodies_are_in_hand_than_a_run_may_have() -> None:
    """Each may have 4 MB, and other repositories of the run have theirs."""
    registry = MemoryRegistry()
    digests = [registry.image(APP, f"{number}") for number in range(40)]
    gone = Taken(frozenset(digests), {}, held(registry, *digests), frozenset(), (tuple(digests),))
    work, now, most = putting(registry, gone), 0, 0
    registry.contents[APP].manifests.clear()
    push = registry.push_manifest

    async def slow(*push_of: Any) -> None:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await anyio.sleep(0.001)
        await push(*push_of)
        now -= 1

    registry.push_manifest = slow  # type: ignore[method-assign, assignment]
    await work.everything()
    assert (most, {each.outcome for each in work.put_back()}) == (AT_ONCE, {Restored()})


async def test_a_mark_that_the_run_left_alone_is_waited_for_by_nobody() -> None:
    registry = MemoryRegistry()
    stage, mark = registry.image(APP, "stage"), registry.image(APP, "mark", "s-rejected")
    gone = Taken(frozenset(), {Tag("s"): stage}, held(registry, stage), frozenset(), ((stage,),))
    work = putting(registry, gone, marks={Tag("s-rejected"): Tag("s")})
    await work.everything()
    assert registry.contents[APP].tags == {Tag("s"): stage, Tag("s-rejected"): mark}


async def test_a_mark_comes_back_before_what_it_marks_and_once() -> None:
    registry = MemoryRegistry()
    stage, mark = registry.image(APP, "stage"), registry.image(APP, "mark")
    tags = {Tag("s"): stage, Tag("s-rejected"): mark}
    gone = Taken(frozenset(), tags, held(registry, stage, mark), frozenset(), ((stage, mark),))
    work = putting(registry, gone, marks={Tag("s-rejected"): Tag("s")})
    await work.everything()
    assert {each.tag: each.outcome for each in work.put_back()} == dict.fromkeys(tags, Restored())
    assert [arguments[1] for verb, arguments in registry.calls if verb == "push_manifest"] == ["s-rejected", "s"]


async def test_a_manifest_that_is_not_there_a_moment_later_is_not_back() -> None:
    registry = MemoryRegistry()
    one, two = registry.image(APP, "one"), registry.image(APP, "two")
    work = putting(registry, Taken(frozenset({one, two}), {}, held(registry, one, two), frozenset(), ((one, two),)))
    await work.everything()
    await work.compare(There({}, frozenset({one})))
    assert {each.digest: type(each.outcome) for each in work.put_back()} == {one: AlreadyThere, two: Failed}


async def test_where_only_a_tag_went_the_registry_is_asked_for_bytes_that_nobody_has() -> None:
    registry = MemoryRegistry()
    one = registry.image(APP, "one")
    work = putting(registry, Taken(frozenset(), {Tag("a"): one}, {}, frozenset(), ((one,),)), knows=False)
    await work.everything()
    assert registry.contents[APP].tags == {Tag("a"): one}


async def test_what_is_late_each_time_is_tried_a_few_times_and_may_be_tried_again() -> None:
    registry = MemoryRegistry()
    one = registry.image(APP, "one")

    async def late(point: Point) -> None:
        if before("push_manifest")(point):
            raise TooLate("the look is old")

    registry.hook = late
    work = putting(registry, Taken(frozenset(), {Tag("a"): one}, held(registry, one), frozenset(), ((one,),)))
    await work.everything()
    assert [each.outcome for each in work.put_back()] == [Failed("the look is old")]
    assert registry.count("push_manifest") == ROUNDS


async def test_what_the_registry_restores_it_restores_with_its_tag() -> None:
    registry = MemoryRegistry()
    one = registry.image(APP, "one")
    of_one = held(registry, one)
    registry.contents[APP].manifests.clear()
    asked: list[tuple[Digest, tuple[Tag, ...]]] = []

    async def restore(_: Repository, digest: Digest, tags: tuple[Tag, ...]) -> bool:
        asked.append((digest, tags))
        return True

    registry.restore = restore  # type: ignore[method-assign, assignment]
    work = putting(registry, Taken(frozenset({one}), {Tag("a"): one}, of_one, frozenset(), ((one,),)))
    await work.everything()
    assert asked == [(one, ()), (one, (Tag("a"),))]
    assert {each.outcome for each in work.put_back()} == {Restored()}
    assert registry.count("push_manifest") == 0


@pytest.mark.parametrize("there", [True, False])
async def test_a_dry_run_looks_whether_the_registry_has_what_the_journal_has_not(*, there: bool) -> None:
    registry = MemoryRegistry()
    one = registry.image(APP, "one")
    if not there:
        registry.contents[APP].manifests.clear()
    work = putting(registry, Taken(frozenset(), {Tag("a"): one}, {}, frozenset({one}), ((one,),)), dry_run=True)
    await work.everything()
    assert [each.outcome for each in work.put_back()] == [Restored() if there else BytesDamaged()]


NOTHING = Taken(frozenset(), {}, {}, frozenset(), ())


@pytest.mark.parametrize("telling", [True, False])
async def test_a_tombstone_with_tags_stays_and_the_first_of_them_is_named(*, telling: bool) -> None:
    registry = MemoryRegistry(TELLING) if telling else MemoryRegistry()
    part, other = registry.image(APP, "part", "c", "b"), registry.image(APP, "other", "a")
    left = putting(registry, NOTHING, tombstone=whole(registry, part))
    assert await left.delete_tombstone() == Needed("b")
    assert {part, other} == {*registry.contents[APP].manifests}
    assert registry.count("resolve") == (1 if telling else 4)


@pytest.mark.parametrize(
    ("said", "outcome"),
    [
        ((Deleted(), Deleted()), Deleted()),
        ((AlreadyGone(), Deleted()), AlreadyGone()),
        ((Deleted(), Failed("x")), Failed("x")),
        ((Failed("x"), Failed("y")), Failed("x")),
    ],
)
async def test_of_the_parts_of_a_tombstone_the_one_that_stays_is_told(
    said: tuple[Outcome, Outcome], outcome: Outcome
) -> None:
    registry = MemoryRegistry(msgspec.structs.replace(TELLING, bulk=8))
    parts = sorted(registry.image(APP, name) for name in ("one", "two"))
    gone = RawManifest(Digest.of(b"gone"), OCI_MANIFEST, b"gone")
    registry.answer = lambda what: said[parts.index(what)] if isinstance(what, Digest) else None
    left = putting(registry, NOTHING, tombstone=(*whole(registry, *parts), gone))
    assert await left.delete_tombstone() == outcome
    assert [arguments[1:] for verb, arguments in registry.calls if verb == "delete_manifests"] == [tuple(parts)]


async def test_without_anything_left_of_a_tombstone_nothing_is_deleted() -> None:
    registry = MemoryRegistry()
    gone = RawManifest(Digest.of(b"gone"), OCI_MANIFEST, b"gone")
    assert await putting(registry, NOTHING, tombstone=(gone,)).delete_tombstone() is None
    assert (registry.count("list_tags"), registry.count("delete_manifests")) == (0, 0)


async def test_a_repository_that_was_not_begun_has_nothing_left_to_try(tmp_path: Path) -> None:
    registry = MemoryRegistry()
    with Journal.open(tmp_path) as journal:
        run = await journal.begin(plan(repository_plan(APP, level(remove(registry.image(APP, "x", "x"), "x")))), "c")
        result = await undo_run(run, registry.planned, SqliteDigestCache(None), undone())
    assert (result.not_tried, result.put_back, result.incomplete) == (0, (), False)


async def test_each_repository_is_uncovered_whatever_comes_of_the_one_before(tmp_path: Path) -> None:
    """One without a tombstone, one that does not answer, one with tags under it, and one that was never begun."""
    plain, far, near, unbegun = (repository(name) for name in ("a-plain", "b-far", "c-near", "d-unbegun"))
    registry = MemoryRegistry()
    images = {where: registry.image(where, "image", "v1") for where in (plain, far, near, unbegun)}
    over = {where: Pass("tombstone", (tombstone("v1", images[where]),)) for where in (far, near, unbegun)}
    made = [repository_plan(plain, level(remove(images[plain], "v1")))]
    made += [repository_plan(where, over[where]) for where in (far, near, unbegun)]

    async def refuse(point: Point) -> None:
        if point.arguments[0] == unbegun:
            raise Unreachable("not today")
        if before("delete_manifests")(point) and point.arguments[0] in (far, near):
            raise Unreachable("not today either")

    registry.hook = refuse
    with Journal.open(tmp_path) as journal:
        run = await journal.begin(plan(*made), "cleanup")
        await execute_plan(run, registry.planned, SqliteDigestCache(None), results())
        assert registry.contents[near].tags[Tag("v1")] != images[near]

        async def far_away(point: Point) -> None:
            if point.arguments[0] == far:
                raise Unreachable("far does not answer")

        registry.hook = far_away
        registry.calls.clear()
        await uncover(run, registry.planned, sleep=anyio.sleep)
    assert registry.contents[near].state() == ({Tag("v1"): images[near]}, {images[near]})
    assert registry.contents[far].tags[Tag("v1")] != images[far]
    assert {arguments[0] for _, arguments in registry.calls} == {far, near}
