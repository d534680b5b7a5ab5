"""Somebody else works in the repository between the plan and the deletion, or during it."""

from collections.abc import Callable

import anyio.lowlevel
import msgspec
import pytest

from holystone.adapters.state.sqlite.digest_cache import SqliteDigestCache
from holystone.engine.executor import CheckReport, Loss, check_after
from holystone.engine.executor.check import Deletions
from holystone.engine.model.capabilities import Capabilities, DigestDeletion, TagDeletion
from holystone.engine.model.manifests import OCI_INDEX, RawManifest
from holystone.engine.model.outcomes import AlreadyGone, Deleted, MovedMeanwhile, Needed, Outcome
from holystone.engine.model.plan import Pass
from holystone.engine.model.references import Digest, Repository, Tag
from holystone.engine.ports import Listing, Wanted
from tests.support.execution import Execute, after, before, came_of, came_to_light, once
from tests.support.memory_registry import MemoryRegistry, digest_of
from tests.support.small_plans import level, remove, repository_plan, tombstone, untag
from tests.support.small_worlds import APP, WAYS, Way, World, world


def _of_tag(there: World, outcomes: dict[str, Outcome], tag: str) -> Outcome:
    return next(outcomes[step.id] for step in there.plan.steps if tag in step.tags)


def _of(there: World, outcomes: dict[str, Outcome], name: str) -> Outcome:
    return outcomes[there.digests[name]]


async def _run(execute: Execute, there: World) -> dict[str, Outcome]:
    result = await execute(there.registry, there.plan)
    (each,) = result.repositories
    assert each.stopped is None
    assert each.check
    assert not each.check.losses
    return came_of(result)


@pytest.mark.parametrize("way", WAYS)
async def test_a_tag_that_moved_is_left_alone(execute: Execute, way: Way) -> None:
    there = world(way)
    new = there.registry.image(APP, "new", "b")
    outcomes = await _run(execute, there)
    assert there.at("b") == new
    assert _of_tag(there, outcomes, "b") == MovedMeanwhile(new)
    assert there.kept_is_there()


@pytest.mark.parametrize("how", ["delete", "tombstone"])
async def test_a_tag_that_moves_right_before_its_turn_is_left_alone(
    execute: Execute, how: Way, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = world(how)
    moved: list[Digest] = []
    looked: list[Tag] = []  # by the guard, before any tag goes
    verb = "delete_tags" if how == "delete" else "push_manifest"

    def move() -> None:
        moved.append(there.registry.image(APP, "new", "old-index"))

    there.registry.hook = once(after(verb), move)  # the first tag is gone, the last has not been looked at
    there.plan = repository_plan(
        APP,
        Pass("untag" if how == "delete" else "tombstone", there.plan.passes[0].steps),
        kept={each.tag: each.digest for each in there.plan.kept if each.digest},
    )
    resolve = there.registry.resolve

    async def last(where: Repository, tag: Tag, *, alone: bool = False) -> Digest | None:
        while tag == "old-index" and looked and not moved:
            await anyio.lowlevel.checkpoint()
        if tag == "old-index":
            looked.append(tag)
        return await resolve(where, tag, alone=alone)

    monkeypatch.setattr(there.registry, "resolve", last)
    outcomes = await _run(execute, there)
    assert there.at("old-index") == moved[0]
    assert _of_tag(there, outcomes, "old-index") == MovedMeanwhile(moved[0])


def _new_tag(there: World) -> str:
    there.registry.contents[APP].tags[Tag("new")] = there.digests["a"]
    return "new"


def _kept_tag_moved(there: World) -> str:
    there.registry.contents[APP].tags[Tag("keep")] = there.digests["a"]
    return "keep"


def _new_index(there: World) -> str:
    there.registry.index(APP, [there.digests["a"]], "new")
    return "new"


def _new_nested_index(there: World) -> str:
    there.registry.index(APP, [there.registry.index(APP, [there.digests["a"]])], "new")
    return "new"


def _new_attachment(there: World) -> str:
    there.registry.image(APP, "new", "new", subject=there.digests["a"])
    return "new"


def _new_signature(there: World) -> str:
    tag = f"sha256-{there.digests['a'].hex}.sig"
    there.registry.image(APP, "new", tag)
    return tag


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("early", [True, False])
@pytest.mark.parametrize(
    "act", [_new_tag, _kept_tag_moved, _new_index, _new_nested_index, _new_attachment, _new_signature]
)
async def test_what_is_needed_by_now_stays(
    execute: Execute, way: Way, early: bool, act: Callable[[World], str]
) -> None:
    there = world(way)
    by: list[str] = []
    if early:
        by.append(act(there))
    else:
        # The last moment at which it can be seen: before the tags are listed for the first level of manifests.
        listings = 2 if way != "plain" else 1
        listings += way == "tombstone"

        async def hook(point: object) -> None:
            if there.registry.count("list_tags") == listings and not by:
                by.append(act(there))

        there.registry.hook = hook
    outcomes = await _run(execute, there)
    assert _of(there, outcomes, "a") == Needed(by[0])
    assert there.has("a")
    assert not there.has("b")


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("lie", ["no such tag", "no such repository"])
async def test_a_new_tag_holds_what_it_is_on_whatever_one_404_says(
    execute: Execute, way: Way, lie: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = world(way)
    by = _new_tag(there)
    resolve, list_tags = there.registry.resolve, there.registry.list_tags

    async def no_such_tag(where: Repository, what: Tag | Digest, *, alone: bool = False) -> Digest | None:
        found = await resolve(where, what, alone=alone)
        return found if alone or what != by else None

    async def no_such_repository(where: Repository, wanted: Wanted) -> Listing:
        """Every second time."""
        listing = await list_tags(where, wanted)
        return listing if there.registry.count("list_tags") % 2 == 0 else Listing({}, exists=False)

    if lie == "no such tag":
        monkeypatch.setattr(there.registry, "resolve", no_such_tag)
    else:
        monkeypatch.setattr(there.registry, "list_tags", no_such_repository)
    outcomes = await _run(execute, there)
    assert _of(there, outcomes, "a") == Needed(by)
    assert there.has("a")


@pytest.mark.parametrize("way", WAYS)
async def test_what_belongs_to_a_manifest_that_is_needed_stays_with_it(execute: Execute, way: Way) -> None:
    there = world(way)
    for name in ("b", "c", "old-index"):
        there.registry.contents[APP].tags[Tag(f"new-{name}")] = there.digests[name]
    outcomes = await _run(execute, there)
    signature = f"sha256-{there.digests['c'].hex}.sig"
    assert there.at(signature) == there.digests["c-signature"]
    for name in ("b", "b-referrer", "c", "c-signature", "old-index", "inner", "leaf"):
        assert there.has(name)
        assert isinstance(_of(there, outcomes, name), Needed)
    assert not there.has("a")


async def test_a_tag_that_moves_from_one_doomed_manifest_to_another_protects_it(execute: Execute) -> None:
    there = world("plain")
    there.registry.contents[APP].tags[Tag("b")] = there.digests["c"]
    outcomes = await _run(execute, there)
    assert there.has("c")
    assert _of_tag(there, outcomes, "b") == MovedMeanwhile(there.digests["c"])
    assert isinstance(_of(there, outcomes, "c"), Needed)


async def test_a_careless_delete_by_name_spares_manifests_with_a_new_tag(execute: Execute) -> None:
    there = world("delete")
    there.registry.capabilities = Capabilities("memory", tags=TagDeletion(), digests=DigestDeletion())
    there.registry.contents[APP].tags[Tag("new")] = there.digests["a"]
    there.plan = repository_plan(APP, Pass("untag", (untag("a1", there.digests["a"]), untag("b", there.digests["b"]))))
    outcomes = await _run(execute, there)
    assert outcomes == {"a1": Needed("a2"), "b": Deleted()}


async def test_a_copy_of_the_tombstone_is_not_deleted_with_it(execute: Execute) -> None:
    there = world("tombstone")

    def copy() -> None:
        there.tags()[Tag("copy")] = there.tags()[Tag("b")]

    there.registry.hook = once(
        lambda point: there.registry.count("push_manifest") == 7 and point.verb == "list_tags", copy
    )
    outcomes = await _run(execute, there)
    assert there.at("copy")
    assert _of_tag(there, outcomes, "b") == Needed("copy")
    assert there.kept_is_there()


async def test_a_tombstone_leaves_the_sibling_of_a_shared_manifest(execute: Execute) -> None:
    registry = MemoryRegistry()
    shared = registry.image(APP, "shared", "keep", "old")
    plan = repository_plan(APP, Pass("tombstone", (tombstone("old", shared),)), kept={"keep": shared})
    result = await execute(registry, plan)
    assert result.counts == {"deleted": 1}
    assert registry.contents[APP].state() == ({Tag("keep"): shared}, {shared})


async def test_what_somebody_else_deleted_is_gone(execute: Execute) -> None:
    registry = MemoryRegistry()
    first, second = registry.image(APP, "first", "first"), registry.image(APP, "second", "second")
    plan = repository_plan(
        APP, Pass("tombstone", (tombstone("first", first),)), level(remove(first), remove(second, "second"))
    )
    registry.contents[APP].delete_manifest(first)
    registry.hook = once(before("push_blob"), lambda: registry.contents[APP].delete_manifest(second))
    result = await execute(registry, plan)
    assert came_of(result) == dict.fromkeys(("first", first, second), AlreadyGone())
    assert not result.incomplete


async def test_a_new_manifest_that_cannot_be_understood_stops_the_deletions(execute: Execute) -> None:
    there = world("plain")
    there.registry.put(APP, RawManifest(digest_of(b"?"), OCI_INDEX, b"?"), "new")
    result = await execute(there.registry, there.plan)
    (each,) = result.repositories
    assert "cannot be understood" in str(each.stopped)
    assert (each.outcomes, each.not_tried) == ({}, len(there.plan.steps))
    assert there.registry.count("delete_manifests") == 0


async def test_a_kept_tag_that_somebody_moved_is_no_loss_and_one_that_is_gone_is(execute: Execute) -> None:
    there = world("tombstone")
    cache = SqliteDigestCache(None)
    content = there.registry.contents[APP]
    await cache.learn_manifests(content.manifests.values())
    there.tags()[Tag("keep-index")] = there.registry.image(APP, "new")
    content.delete_manifest(there.digests["child"])
    found = await check_after(there.registry.open(APP), cache, there.plan, Deletions({}))
    assert came_to_light(found) == CheckReport((), (Tag("keep-index"),))
    content.delete_manifest(there.digests["keep"])
    loss = Loss(there.digests["keep"], Tag("keep"))
    found = await check_after(there.registry.open(APP), cache, there.plan, Deletions({}))
    assert came_to_light(found) == CheckReport((loss,), (Tag("keep-index"),))


async def test_a_child_of_a_kept_index_that_is_gone_is_a_loss(execute: Execute) -> None:
    there = world("plain")
    there.registry.hook = once(
        lambda _: not there.has("leaf"), lambda: there.registry.contents[APP].delete_manifest(there.digests["child"])
    )
    result = await execute(there.registry, there.plan)
    assert result.losses == ((APP, Loss(there.digests["child"])),)


async def test_what_is_written_once_is_not_asked_where_it_points_before_something_goes(execute: Execute) -> None:
    there = world("plain")

    kept = tuple(msgspec.structs.replace(each, written_once=each.tag == "keep") for each in there.plan.kept)
    there.plan = msgspec.structs.replace(there.plan, kept=kept)
    await _run(execute, there)
    looks = {each.tag: 0 for each in kept}
    for verb, arguments in there.registry.calls:
        if verb == "resolve" and arguments[1] in looks:
            looks[Tag(str(arguments[1]))] += 1
    assert looks.pop(Tag("keep")) == 1, "only by the check after the run"
    assert min(looks.values()) > 1
    assert there.is_clean()
