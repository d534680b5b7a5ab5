"""The look before something goes, by itself."""

import json
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest

from holystone.engine.errors import Doubtful, HolystoneError, IncompleteSource, PlanDoubtful, RegistryFailure
from holystone.engine.executor.guard import Guard, Hold, find_holds
from holystone.engine.model.capabilities import LastTag, TagDeletion
from holystone.engine.model.lock_tags import LockTag, lock_tag
from holystone.engine.model.manifests import OCI_INDEX, RawManifest, parse_manifest
from holystone.engine.model.outcomes import Deleted, Failed, Outcome
from holystone.engine.model.plan import Kept, Pass
from holystone.engine.model.reasons import Unreadable
from holystone.engine.model.references import Digest, Repository, Tag
from holystone.engine.ports import TAGS, Listing, Wanted
from holystone.engine.scheduler import FRESH
from tests.support.execution import Execute, working
from tests.support.manifest_graphs import d, index
from tests.support.memory_registry import CAPABILITIES, TELLING, MemoryRegistry, Point, repository
from tests.support.small_plans import level, remove, repository_plan, untag

APP = repository()
UNREAD = Tag("unread")


async def test_after_a_contradiction_it_is_looked_at_once_more_and_then_no_more(tmp_path: Path) -> None:
    registry = MemoryRegistry(TELLING)
    made = repository_plan(APP, level(remove(registry.image(APP, "old", "old"), "old")))
    async with working(tmp_path, registry, made) as work:
        guard = Guard(work, clock=lambda: 1.0)
        for contradicted, looks in ((False, 1), (False, 1), (True, 2), (True, 2)):
            work.contradicted = contradicted
            await guard.holds()
            assert registry.count("list_tags") == looks


@pytest.mark.parametrize(
    ("seconds", "deletions", "looks"), [(FRESH, 10, 2), (FRESH, 9, 1), (FRESH - 1, 10, 1), (FRESH + 1, 11, 2)]
)
async def test_a_look_is_renewed_when_it_is_old_and_has_let_ten_deletions_through_for_each_request(
    tmp_path: Path, seconds: float, deletions: int, looks: int
) -> None:
    registry = MemoryRegistry(TELLING)
    made = repository_plan(APP, level(*(remove(registry.image(APP, f"{number}")) for number in range(12))))
    now = 100.0
    async with working(tmp_path, registry, made) as work:
        guard = Guard(work, clock=lambda: now)
        assert (await guard.holds()).requests == 1
        work.states.settle(dict.fromkeys([step.id for step in made.steps[:deletions]], Deleted()))
        now += seconds
        await guard.holds()
        assert registry.count("list_tags") == looks


@pytest.mark.parametrize("looked_before", [False, True])
async def test_after_a_look_that_failed_nothing_is_let_through_and_nothing_is_asked(
    tmp_path: Path, *, looked_before: bool
) -> None:
    registry = MemoryRegistry(TELLING)
    made = repository_plan(APP, level(remove(registry.image(APP, "old", "old"), "old")))

    async def refuse(point: Point) -> None:
        raise RegistryFailure("the registry is tired")

    async with working(tmp_path, registry, made) as work:
        guard = Guard(work, clock=lambda: 1.0)
        if looked_before:
            await guard.holds()
            work.contradicted = True  # so that it looks once more
        registry.hook = refuse
        for _ in range(2):
            with pytest.raises(RegistryFailure, match="the registry is tired"):
                await guard.holds()
        registry.hook = None
        with pytest.raises(RegistryFailure, match="the registry is tired"):
            await guard.holds()
    assert registry.count("list_tags") == 1 + looked_before


@pytest.mark.parametrize(
    ("error", "planned", "then", "raised"),
    [
        (IncompleteSource("not today"), False, "unread", False),
        (IncompleteSource("not today"), True, "unread", True),
        (IncompleteSource("not today"), False, "read", True),
        (IncompleteSource("not today"), False, "not there", True),
        (Doubtful("somebody answers twice"), False, "unread", True),
    ],
)
async def test_a_tag_that_could_not_be_read_for_the_plan_either_holds_nothing_that_only_this_run_has_pushed(
    tmp_path: Path, error: HolystoneError, planned: bool, then: str, raised: bool
) -> None:
    registry = MemoryRegistry(CAPABILITIES)
    old, tombstone = registry.image(APP, "old", "old", "unread"), registry.image(APP, "tombstone")
    kept = Kept(UNREAD, old if then == "read" else None, (Unreadable("not today"),))
    made = repository_plan(APP, level(remove(old, "old")))
    made = msgspec.structs.replace(made, kept=() if then == "not there" else (kept,))

    async def refuse(point: Point) -> None:
        if point.verb.startswith("resolve") and point.arguments[1] == UNREAD:
            raise error

    registry.hook = refuse
    async with working(tmp_path, registry, made) as work:
        going = {old} if planned else {tombstone}
        if raised:
            with pytest.raises(type(error), match=str(error)):
                await find_holds(work, going, {})
        else:
            assert tombstone not in (await find_holds(work, going, {})).digests


async def test_a_tag_that_is_read_by_now_and_was_not_for_the_plan_holds_what_it_is_on(tmp_path: Path) -> None:
    registry = MemoryRegistry(CAPABILITIES)
    old = registry.image(APP, "old", "old", "unread")
    kept = (Kept(UNREAD, None, (Unreadable("not today"),)),)
    made = msgspec.structs.replace(repository_plan(APP, level(remove(old, "old"))), kept=kept)
    async with working(tmp_path, registry, made) as work:
        holds = await find_holds(work, {old}, {Tag("old"): (old,)})
        assert {digest: hold.by for digest, hold in holds.digests.items()} == {old: UNREAD}


async def test_a_tag_whose_manifest_is_gone_by_now_holds_only_that(tmp_path: Path) -> None:
    registry = MemoryRegistry(CAPABILITIES)
    old, gone = registry.image(APP, "old", "old"), registry.image(APP, "gone", "new")
    del registry.contents[APP].manifests[gone]
    made = repository_plan(APP, level(remove(old, "old")))
    async with working(tmp_path, registry, made) as work:
        assert (await find_holds(work, {old}, {Tag("old"): (old,)})).digests.keys() == {gone}


async def test_a_kept_tag_where_it_was_planned_holds_what_is_in_question(tmp_path: Path) -> None:
    """The plan says that it goes only where the tag does not stay."""
    registry = MemoryRegistry(CAPABILITIES)
    shared = registry.image(APP, "shared", "keep", "old")
    made = repository_plan(APP, level(remove(shared, "old")), kept={"keep": shared})
    async with working(tmp_path, registry, made) as work:
        held = (await find_holds(work, {shared}, {Tag("old"): (shared,)})).digests
        assert {digest: hold.by for digest, hold in held.items()} == {shared: "keep"}


class OddlyNamed(MemoryRegistry):
    """Lists a name that is no tag."""

    on: Digest | None = None

    async def list_tags(self, repository: Repository, wanted: Wanted = TAGS) -> Listing:
        return msgspec.structs.replace(await super().list_tags(repository, wanted), odd={"two words": self.on})


async def test_a_name_that_is_no_tag_holds_what_it_is_on_for_good(tmp_path: Path) -> None:
    registry = OddlyNamed(CAPABILITIES)
    old = registry.image(APP, "old", "old")
    made = repository_plan(APP, level(remove(old, "old")))
    async with working(tmp_path, registry, made) as work:
        assert (await find_holds(work, {old}, {Tag("old"): (old,)})).digests == {}
        registry.on = old
        held = (await find_holds(work, {old}, {Tag("old"): (old,)})).digests
        assert held == {old: Hold("two words", for_good=True)}


async def test_what_is_needed_for_now_and_for_good_stays_for_good(tmp_path: Path) -> None:
    registry = MemoryRegistry(CAPABILITIES)
    child = registry.image(APP, "child", "new")
    index = registry.index(APP, [child], "index")
    made = repository_plan(APP, level(remove(index, "index")), level(remove(child)))
    async with working(tmp_path, registry, made) as work:
        work.states.settle({made.steps[0].id: Failed("500")})
        held = (await find_holds(work, {child}, work.states.due_tags)).digests
        assert held == {child: Hold("new", for_good=True), index: Hold("index", for_good=False)}


async def test_what_an_index_of_each_kind_lists_stays_for_good(tmp_path: Path) -> None:
    registry = MemoryRegistry(CAPABILITIES)
    child = registry.image(APP, "child")
    index, other = registry.index(APP, [child], "index"), registry.index(APP, [child, child], "new")
    made = repository_plan(APP, level(remove(index, "index")), level(remove(child)))
    async with working(tmp_path, registry, made) as work:
        work.states.settle({made.steps[0].id: Failed("500")})
        held = (await find_holds(work, {child}, work.states.due_tags)).digests
        good = Hold("new", for_good=True)
        assert held == {child: good, index: Hold("index", for_good=False), other: good}


@pytest.mark.parametrize("count", [1, 2])
async def test_where_only_what_the_run_has_pushed_goes_a_tag_that_may_be_on_all_of_it_is_not_looked_at(
    tmp_path: Path, count: int
) -> None:
    registry = MemoryRegistry(CAPABILITIES)
    old, *parts = (registry.image(APP, name) for name in ("old", "part", "other part"))
    registry.contents[APP].tags[Tag("v1")] = parts[0]
    async with working(tmp_path, registry, repository_plan(APP, Pass("tombstone", (untag("v1", old),)))) as work:
        await find_holds(work, parts[:count], {Tag("v1"): (old, parts[0])})
    assert registry.count("resolve") == count - 1


async def test_what_is_known_is_not_read_and_what_was_read_is_known(tmp_path: Path) -> None:
    registry = MemoryRegistry(CAPABILITIES)
    old, keep = registry.image(APP, "old", "old", "v1"), registry.image(APP, "keep", "keep")
    new = registry.index(APP, [old, keep], "new")
    made = repository_plan(APP, level(remove(old, "old")), kept={"keep": keep})
    known = {old: parse_manifest(registry.contents[APP].manifests[old])}
    async with working(tmp_path, registry, made, manifests=known) as work:
        for _ in range(2):
            assert (await find_holds(work, {old}, work.states.due_tags)).digests.keys() == {old, keep, new}
    assert [arguments[1:] for verb, arguments in registry.calls if verb == "read_manifests"] == [(new,)]


async def test_what_is_new_needs_what_it_lists_and_what_it_is_about_and_all_that_those_list(tmp_path: Path) -> None:
    registry = MemoryRegistry(CAPABILITIES)
    first, second, third = (registry.image(APP, name, name) for name in ("first", "second", "third"))
    listed, subject = registry.index(APP, [first]), registry.index(APP, [second])
    parts = {"manifests": [{"mediaType": OCI_INDEX, "digest": listed, "size": 1}]}
    about = {"subject": {"mediaType": OCI_INDEX, "digest": subject, "size": 1}}
    body = json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, **parts, **about}).encode()
    new = registry.put(APP, RawManifest(Digest.of(body), OCI_INDEX, body), "new")
    made = repository_plan(APP, level(remove(first, "first"), remove(second, "second"), remove(third, "third")))
    async with working(tmp_path, registry, made) as work:
        held = (await find_holds(work, {first, second, third}, work.states.due_tags)).digests
        assert held.keys() == {new, listed, subject, first, second}


async def test_indexes_that_list_each_other_end(tmp_path: Path) -> None:
    registry = MemoryRegistry(CAPABILITIES)
    registry.contents[APP].tags[Tag("new")] = d(1)
    made = repository_plan(APP, level(remove(d(1))), level(remove(d(2))))
    async with working(tmp_path, registry, made, manifests={d(1): index(1, 2), d(2): index(2, 1)}) as work:
        assert (await find_holds(work, {d(1), d(2)}, {})).digests.keys() == {d(1), d(2)}


class Lagging(MemoryRegistry):
    """Lists a tag that is not there any more."""

    async def list_tags(self, repository: Repository, wanted: Wanted = TAGS) -> Listing:
        listing = await super().list_tags(repository, wanted)
        return msgspec.structs.replace(listing, tags={**listing.tags, Tag("stage"): None})


async def test_what_is_written_once_and_only_listed_contradicts_nothing(tmp_path: Path) -> None:
    registry = Lagging(CAPABILITIES)
    old = registry.image(APP, "old", "old")
    made = repository_plan(APP, level(remove(old, "old")))
    made = msgspec.structs.replace(made, kept=(Kept(Tag("stage"), old, (Unreadable("x"),), written_once=True),))
    async with working(tmp_path, registry, made) as work:
        work.contradicted = True  # so that it is looked at
        assert (await find_holds(work, {old}, work.states.due_tags)).digests == {}


@pytest.mark.parametrize("then", ["gone", "as planned", "elsewhere"])
async def test_what_is_written_once_and_seen_elsewhere_is_looked_at_once_more(tmp_path: Path, then: str) -> None:
    registry = MemoryRegistry(CAPABILITIES)
    old, stage = registry.image(APP, "old", "old", "stage"), registry.image(APP, "stage")
    tags = registry.contents[APP].tags
    made = repository_plan(APP, level(remove(old, "old")))
    made = msgspec.structs.replace(made, kept=(Kept(Tag("stage"), stage, (Unreadable("x"),), written_once=True),))

    async def second_look(point: Point) -> None:
        if point.verb == "resolve alone":
            tags.pop(Tag("stage"))
            tags.update({"as planned": {Tag("stage"): stage}, "elsewhere": {Tag("stage"): old}}.get(then, {}))

    registry.hook = second_look
    async with working(tmp_path, registry, made) as work:
        work.contradicted = True
        if then == "gone":
            assert (await find_holds(work, {old}, work.states.due_tags)).digests == {}
        else:
            with pytest.raises(Doubtful if then == "as planned" else PlanDoubtful, match="stage"):
                await find_holds(work, {old}, work.states.due_tags)


async def test_what_is_to_go_and_nobody_understands_needs_nothing_and_is_held_as_others_are(tmp_path: Path) -> None:
    registry = MemoryRegistry(CAPABILITIES)
    old = registry.image(APP, "old", "old", "new")
    made = repository_plan(APP, level(remove(old, "old")))
    async with working(tmp_path, registry, made, manifests={old: None}) as work:
        held = (await find_holds(work, {old}, work.states.due_tags)).digests
        assert held == {old: Hold("new", for_good=True)}


async def test_a_doomed_tag_holds_what_its_new_manifest_needs(tmp_path: Path) -> None:
    """Even if it was on all that is in question: where tags go carelessly, the other tag of `old` takes it along."""
    registry = MemoryRegistry(CAPABILITIES)
    old = registry.image(APP, "old", "v1", "v2")
    index = registry.index(APP, [old], "v1")
    made = repository_plan(APP, Pass("untag", (untag("v1", old), untag("v2", old))), level(remove(old)))
    async with working(tmp_path, registry, made) as work:
        held = (await find_holds(work, {old}, work.states.due_tags)).digests
        assert held == {index: Hold("v1", for_good=True), old: Hold("v1", for_good=True)}


async def test_a_lock_of_a_run_holds_nothing_and_is_not_looked_at(tmp_path: Path) -> None:
    registry = MemoryRegistry(CAPABILITIES)
    old = registry.image(APP, "old", "old")
    registry.image(APP, "lock", lock_tag(LockTag(1_795_000_000, "20261123-161200-ab12")))
    made = repository_plan(APP, level(remove(old, "old")))
    async with working(tmp_path, registry, made) as work:
        assert (await find_holds(work, {old}, work.states.due_tags)).digests == {}
    assert [arguments[1] for verb, arguments in registry.calls if verb == "resolve"] == ["old"]


class Careless(MemoryRegistry):
    """Takes a manifest along with its last tag."""

    async def delete_tags(self, repository: Repository, tags: Sequence[Tag]) -> Sequence[Outcome]:
        outcomes = await super().delete_tags(repository, tags)
        for raw in [*self.contents[repository].manifests.values()]:
            if raw.digest not in self.contents[repository].tags.values():
                self.contents[repository].delete_manifest(raw.digest)
        return outcomes


@pytest.mark.parametrize("takes", [TagDeletion(), TagDeletion(LastTag("may-go", takes_attached=False))])
async def test_where_tags_take_their_manifest_along_none_goes_that_somebody_has_put_into_an_index(
    execute: Execute, takes: TagDeletion
) -> None:
    """With any of them, or with the last one (Gitea)."""
    registry = Careless(msgspec.structs.replace(CAPABILITIES, tags=takes))
    old = registry.image(APP, "old", "v1", "v2")
    index = registry.index(APP, [old], "v1")
    made = repository_plan(APP, Pass("untag", (untag("v1", old), untag("v2", old))), level(remove(old)))
    result = await execute(registry, made)
    assert registry.contents[APP].state() == ({Tag("v1"): index, Tag("v2"): old}, {index, old})
    assert result.counts == {"needed": 3}


async def test_a_last_tag_takes_nothing_that_stays_and_so_its_siblings_go(execute: Execute) -> None:
    registry = Careless(
        msgspec.structs.replace(CAPABILITIES, tags=TagDeletion(LastTag("may-go", takes_attached=False)))
    )
    old = registry.image(APP, "old", "keep", "v1")
    registry.contents[APP].tags[Tag("new")] = old
    await execute(registry, repository_plan(APP, Pass("untag", (untag("v1", old),)), kept={"keep": old}))
    assert registry.contents[APP].state() == ({Tag("keep"): old, Tag("new"): old}, {old})


async def test_a_tag_that_people_move_contradicts_nothing_in_the_last_look(tmp_path: Path) -> None:
    registry = MemoryRegistry(CAPABILITIES)
    old, keep = registry.image(APP, "old", "old", "keep"), registry.image(APP, "keep")
    made = repository_plan(APP, level(remove(old, "old")), kept={"keep": keep})
    async with working(tmp_path, registry, made) as work:
        held = (await find_holds(work, {old}, work.states.due_tags)).digests
        assert (held, work.contradicted) == ({old: Hold("keep", for_good=True)}, False)
    assert registry.count("resolve alone") == 0
