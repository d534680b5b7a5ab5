"""A deletion that could not be sent while the look before it was fresh: it is looked again before it is sent."""

from collections import Counter

import anyio
import msgspec
import pytest

from holystone.engine.errors import TooLate, Unreachable
from holystone.engine.model.capabilities import DigestDeletion, LastTag
from holystone.engine.model.layerless import layerless_image
from holystone.engine.model.outcomes import Deleted, Failed, Late, MovedMeanwhile, Outcome
from holystone.engine.model.plan import How, Pass
from holystone.engine.model.references import Digest, Repository, Tag
from holystone.engine.ports import TAGS, Listing, Wanted
from holystone.engine.scheduler import ROUNDS
from holystone.engine.scheduler.freshness import until
from tests.support.execution import Execute, came_of
from tests.support.memory_registry import CAPABILITIES, TELLING, MemoryRegistry, Point
from tests.support.small_plans import repository_plan, tombstone, untag
from tests.support.small_worlds import APP, WAYS, Way, world
from tests.support.suspension import suspend

OLD, CONFIG = layerless_image({}, oci=True)


class Busy:
    """Lets nothing through before it was asked for so often."""

    def __init__(self, registry: MemoryRegistry, times: int) -> None:
        self.left: Counter[object] = Counter()
        self.times = times
        registry.answer = self.answer
        registry.hook = self.hook

    def answer(self, what: Tag | Digest) -> Outcome | None:
        return Late("busy") if self.is_late(what) else None

    async def hook(self, point: Point) -> None:
        if (point.verb, point.moment) == ("push_manifest", "before") and self.is_late(point.arguments[1]):
            raise TooLate("busy")

    def is_late(self, what: object) -> bool:
        self.left[what] += 1
        return self.left[what] <= self.times


@pytest.mark.parametrize("way", WAYS)
async def test_what_was_late_goes_in_the_end(execute: Execute, way: Way) -> None:
    there = world(way)
    Busy(there.registry, 3)
    result = await execute(there.registry, there.plan)
    assert (result.incomplete, result.losses) == (False, ())
    assert there.is_clean()


@pytest.mark.parametrize("way", WAYS)
async def test_what_is_late_for_ever_has_failed(execute: Execute, way: Way) -> None:
    there = world(way)
    before = there.registry.contents[APP].state()
    busy = Busy(there.registry, 10**9)
    result = await execute(there.registry, there.plan)
    assert result.incomplete
    assert there.registry.contents[APP].state() == before
    outcomes = result.repositories[0].outcomes
    assert {type(outcome) for outcome in outcomes.values()} == {Failed}, "and not the word for what is asked again"
    assert max(busy.left.values()) == ROUNDS
    Busy(there.registry, 0)
    assert not (await execute(there.registry)).incomplete
    assert there.is_clean()


@pytest.mark.parametrize("way", WAYS)
async def test_what_moves_while_it_is_late_stays(execute: Execute, way: Way) -> None:
    there = world(way)
    new = there.registry.image(APP, "new")

    class Moving(Busy):
        def is_late(self, what: object) -> bool:
            if what in ("b", there.digests["b"]) and what not in self.left:
                there.tags()[Tag("b")] = new
            return super().is_late(what)

    Moving(there.registry, 1)
    result = await execute(there.registry, there.plan)
    assert there.at("b") == new
    assert MovedMeanwhile(new) in result.repositories[0].outcomes.values()
    assert there.kept_is_there()


@pytest.mark.parametrize(
    ("how", "slow"),
    [
        ("delete", ("resolve", Tag("b"))),  # of a hundred in one request the first may have been seen long ago
        ("anchor", ("push_manifest", OLD.digest)),
    ],
)
async def test_what_moves_between_its_look_and_its_request_stays(
    execute: Execute, monkeypatch: pytest.MonkeyPatch, how: How, slow: tuple[str, object]
) -> None:
    monkeypatch.setattr("holystone.engine.executor.work.FRESH", 0.1)
    registry = MemoryRegistry(msgspec.structs.replace(CAPABILITIES, bulk=2))
    old, new = registry.put(APP, OLD, "keep", "a", "b"), registry.image(APP, "new")
    registry.contents[APP].blobs[Digest.of(CONFIG)] = CONFIG

    async def hook(point: Point) -> None:
        tags = registry.contents[APP].tags
        if (point.verb, point.moment) == ("delete_tags", "before") and anyio.current_time() > until():
            raise TooLate("too late")
        if slow in ((point.verb, argument) for argument in point.arguments) and tags[Tag("a")] == old:
            tags[Tag("a")] = new
            await anyio.sleep(0.15)

    registry.hook = hook
    steps = (msgspec.structs.replace(untag(tag, old), how=how) for tag in ("a", "b"))
    result = await execute(registry, repository_plan(APP, Pass("untag", tuple(steps)), kept={"keep": old}))
    assert registry.contents[APP].tags == {Tag("keep"): old, Tag("a"): new}
    assert came_of(result) == {"a": MovedMeanwhile(new), "b": Deleted()}


async def test_what_moves_while_the_machine_is_suspended_stays(
    execute: Execute, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A list of tags stands for a look at each of them, and hundreds go in the minute for which it does."""

    class Suspended(MemoryRegistry):
        async def list_tags(self, repository: Repository, wanted: Wanted = TAGS) -> Listing:
            listing = await super().list_tags(repository, wanted)
            if tags[Tag("a")] == old:
                suspend(monkeypatch, 8 * 3600)
                tags[Tag("a")] = new
            return listing

    registry = Suspended(TELLING)
    old, new = registry.image(APP, "old", "keep", "a", "b"), registry.image(APP, "new")
    tags = registry.contents[APP].tags
    steps = tuple(untag(tag, old) for tag in ("a", "b"))
    result = await execute(registry, repository_plan(APP, Pass("untag", steps), kept={"keep": old}))
    assert tags == {Tag("keep"): old, Tag("a"): new}
    assert came_of(result) == {"a": MovedMeanwhile(new), "b": Deleted()}


async def test_what_moves_while_the_tag_that_stays_is_looked_at_is_not_pushed_over(
    execute: Execute, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("holystone.engine.executor.tombstones.FRESH", 0.1)
    drops = DigestDeletion(tombstones=LastTag("may-go", takes_attached=False))
    registry = MemoryRegistry(msgspec.structs.replace(CAPABILITIES, digests=drops))
    old, new = registry.image(APP, "old", "keep", "a"), registry.image(APP, "new")
    tags = registry.contents[APP].tags

    async def hook(point: Point) -> None:
        if (point.verb, point.moment) == ("push_manifest", "before") and anyio.current_time() > until():
            raise TooLate("too late")
        if (point.verb, point.arguments[-1]) == ("resolve", "keep") and tags[Tag("a")] == old:
            tags[Tag("a")] = new
            await anyio.sleep(0.15)

    registry.hook = hook
    planned = repository_plan(APP, Pass("tombstone", (tombstone("a", old),)), kept={"keep": old})
    result = await execute(registry, planned)
    assert registry.contents[APP].tags == {Tag("keep"): old, Tag("a"): new}
    assert came_of(result) == {"a": MovedMeanwhile(new)}


async def test_what_has_gone_is_recorded_though_another_of_its_request_cannot_be_looked_at(execute: Execute) -> None:
    """Otherwise the report and the journal say that nothing was deleted."""
    registry = MemoryRegistry(msgspec.structs.replace(CAPABILITIES, bulk=3))
    keep, old = registry.image(APP, "keep", "keep"), registry.image(APP, "old", "a", "b", "c")
    late = [True]

    async def hook(point: Point) -> None:
        if (point.verb, point.moment) == ("delete_tags", "before") and late:
            late.clear()
            raise TooLate("too late")
        if (point.verb, point.arguments[-1]) == ("resolve", "c") and not late:
            await anyio.sleep(0.05)
            raise Unreachable("It is down.")

    registry.hook = hook
    planned = repository_plan(APP, Pass("untag", tuple(untag(tag, old) for tag in "abc")), kept={"keep": keep})
    (done,) = (await execute(registry, planned)).repositories
    assert registry.contents[APP].tags == {Tag("keep"): keep, Tag("c"): old}
    assert done.outcomes == {"a": Deleted(), "b": Deleted(), "c": Failed("too late")}
    assert done.stopped
    assert done.stopped.message == "It is down."
