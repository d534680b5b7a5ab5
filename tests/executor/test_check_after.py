"""What is still there after the deletions, by itself."""

import msgspec

from holystone.adapters.state.sqlite.digest_cache import SqliteDigestCache
from holystone.engine.errors import RegistryFailure
from holystone.engine.executor import CheckReport, Loss, check_after
from holystone.engine.executor.check import Deletions
from holystone.engine.model.outcomes import Deleted, Failed
from holystone.engine.model.plan import Kept, Pass, RepositoryPlan
from holystone.engine.model.reasons import Unreadable
from holystone.engine.model.references import Tag
from tests.support.execution import Execute, came_of, came_to_light
from tests.support.manifest_graphs import d
from tests.support.memory_registry import TELLING, MemoryRegistry, Point, repository
from tests.support.small_plans import repository_plan, untag

APP = repository()
NOTHING = Deletions({})


async def check(
    registry: MemoryRegistry, planned: RepositoryPlan, knows: SqliteDigestCache | None = None
) -> CheckReport | None:
    report = await check_after(registry.open(APP), knows or SqliteDigestCache(None), planned, NOTHING)
    return came_to_light(report)


async def test_what_is_there_is_asked_for_once_and_what_is_not_once_more_by_itself() -> None:
    registry = MemoryRegistry()
    there = [registry.image(APP, "keep", "keep"), registry.image(APP, "part")]
    made = repository_plan(APP, kept={"gone": d(1), "keep": there[0]}, needed=[there[1], d(2)])
    assert await check(registry, made) == CheckReport((Loss(d(1), Tag("gone")), Loss(d(2))), ())
    asked = [(verb, arguments[1]) for verb, arguments in registry.calls if verb.startswith("resolve")]
    once = {("resolve", each) for each in ("gone", "keep", there[1], d(2))}
    assert sorted(asked) == sorted({*once, ("resolve alone", "gone"), ("resolve alone", d(2))})


async def test_a_kept_tag_that_nobody_could_read_is_no_loss() -> None:
    kept = (Kept(Tag("odd"), None, (Unreadable("not today"),)),)
    made = msgspec.structs.replace(repository_plan(APP), kept=kept)
    assert await check(MemoryRegistry(), made) == CheckReport((), ())


async def test_whoever_moved_a_tag_may_have_removed_all_that_it_needed() -> None:
    """However often that is listed, and through however many indexes."""
    registry, cache = MemoryRegistry(), SqliteDigestCache(None)
    first, part = registry.image(APP, "first"), registry.image(APP, "part")
    gone = [first, part]
    for _ in range(40):
        part = registry.index(APP, [part, part])
        gone.append(part)
    gone.append(registry.index(APP, [first, part, part], "moved"))
    await cache.learn_manifests(registry.contents[APP].manifests.pop(digest) for digest in gone)
    theirs = registry.image(APP, "theirs", "moved")
    made = repository_plan(APP, kept={"moved": gone[-1]}, needed=gone)
    assert await check(registry, made, cache) == CheckReport((), (Tag("moved"),))
    also = registry.image(APP, "also", "also")
    made = repository_plan(APP, kept={"moved": gone[-1], "also": also}, needed=[*gone, theirs, d(3)])
    assert await check(registry, made, cache) == CheckReport((Loss(d(3)),), (Tag("moved"),))


async def test_a_tag_that_cannot_be_read_before_it_goes_stays_alone(execute: Execute) -> None:
    registry = MemoryRegistry()
    one, two = registry.image(APP, "one", "v1"), registry.image(APP, "two", "v2")

    async def fail(point: Point) -> None:
        if point.verb.startswith("resolve") and point.arguments[1] == "v1":
            raise RegistryFailure("500 on a bad day")

    registry.hook = fail
    result = await execute(registry, repository_plan(APP, Pass("untag", (untag("v1", one), untag("v2", two)))))
    assert came_of(result) == {"v1": Failed("500 on a bad day"), "v2": Deleted()}


async def test_what_the_listing_tells_is_not_asked_for() -> None:
    registry = MemoryRegistry(TELLING)
    keep = registry.image(APP, "keep", "keep")
    assert await check(registry, repository_plan(APP, kept={"keep": keep})) == CheckReport((), ())
    assert registry.calls == [("list_tags", (APP,))]


async def test_what_another_kept_tag_needs_too_is_lost_whoever_moved_the_first() -> None:
    registry, cache = MemoryRegistry(), SqliteDigestCache(None)
    part = registry.image(APP, "part")
    old, stays = registry.index(APP, [part]), registry.index(APP, [part, part], "stays")
    await cache.learn_manifests(registry.contents[APP].manifests[digest] for digest in (old, stays, part))
    del registry.contents[APP].manifests[part], registry.contents[APP].manifests[old]
    registry.image(APP, "theirs", "moved")
    made = repository_plan(APP, kept={"moved": old, "stays": stays}, needed=[part])
    assert await check(registry, made, cache) == CheckReport((Loss(part),), (Tag("moved"),))
