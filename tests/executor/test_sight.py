"""One listing stands for many looks, for a while."""

import msgspec

from holystone.engine.executor.sight import FRESH, Sight
from holystone.engine.model.outcomes import Deleted, MovedMeanwhile
from holystone.engine.model.plan import Pass
from holystone.engine.model.references import Digest, Repository, Tag
from holystone.engine.ports import Listing
from tests.support.execution import Execute, before, once
from tests.support.memory_registry import CAPABILITIES, MemoryRegistry, repository
from tests.support.small_plans import repository_plan, tombstone, untag

APP = repository()


class Listed(MemoryRegistry):
    async def list_tags(self, repository: Repository) -> Listing:
        await super().list_tags(repository)
        return Listing(dict(self.contents[repository].tags))


async def test_many_looks_are_one_listing_until_it_is_old() -> None:
    now = 0.0
    registry = Listed()
    first = registry.image(APP, "one", "a", "b")
    sight = Sight(registry, APP, by_listing=True, clock=lambda: now)
    assert [await sight.tag(Tag("a")), await sight.tag(Tag("b")), await sight.tag(Tag("c"))] == [first, first, None]
    assert (registry.count("list_tags"), registry.count("resolve")) == (1, 0)
    second = registry.image(APP, "two", "a")
    now = FRESH - 1
    assert await sight.tag(Tag("a")) == first
    now = FRESH
    assert await sight.tag(Tag("a")) == second
    assert registry.count("list_tags") == 2


async def test_a_listing_that_was_asked_for_counts_as_a_look() -> None:
    registry = Listed()
    registry.image(APP, "one", "a")
    sight = Sight(registry, APP, by_listing=True)
    await sight.tag(Tag("a"))
    moved = registry.image(APP, "two", "a")
    await sight.listing()
    assert await sight.tag(Tag("a")) == moved
    assert registry.count("list_tags") == 2


async def test_a_tag_without_a_digest_in_the_listing_is_looked_up() -> None:
    registry = MemoryRegistry()
    digest = registry.image(APP, "one", "a")
    sight = Sight(registry, APP, by_listing=True)
    assert await sight.tag(Tag("a")) == digest
    assert (registry.count("list_tags"), registry.count("resolve")) == (1, 1)


async def test_a_tag_is_looked_at_itself_before_it_is_pushed_over(execute: Execute) -> None:
    """However fresh a listing is: an overwritten tag cannot be given back to whoever has just moved it."""
    registry = Listed(msgspec.structs.replace(CAPABILITIES, digests_in_listing=True))
    shared = registry.image(APP, "shared", "keep", "by-name", "old")
    moved = registry.image(APP, "moved")
    registry.hook = once(before("push_blob"), lambda: registry.contents[APP].tags.update({Tag("old"): moved}))
    passes = (Pass("untag", (untag("by-name", shared),)), Pass("tombstone", (tombstone("old", shared),)))
    result = await execute(registry, repository_plan(APP, *passes, kept={"keep": shared}))
    assert registry.count("list_tags") > 1
    assert registry.contents[APP].tags == {Tag("keep"): shared, Tag("old"): moved}
    assert list(result.repositories[0].outcomes.values()) == [Deleted(), MovedMeanwhile(moved)]


async def test_each_look_is_a_request_where_listings_say_nothing() -> None:
    registry = MemoryRegistry()
    digest: Digest = registry.image(APP, "one", "a")
    sight = Sight(registry, APP, by_listing=False)
    assert [await sight.tag(Tag("a")) for _ in range(2)] == [digest, digest]
    assert (registry.count("list_tags"), registry.count("resolve")) == (0, 2)
