"""One listing stands for many looks, for a while."""

from holystone.engine.executor.sight import FRESH, Sight
from holystone.engine.model.references import Digest, Repository, Tag
from holystone.engine.ports import Listing
from tests.support.memory_registry import MemoryRegistry, repository

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


async def test_each_look_is_a_request_where_listings_say_nothing() -> None:
    registry = MemoryRegistry()
    digest: Digest = registry.image(APP, "one", "a")
    sight = Sight(registry, APP, by_listing=False)
    assert [await sight.tag(Tag("a")) for _ in range(2)] == [digest, digest]
    assert (registry.count("list_tags"), registry.count("resolve")) == (0, 2)
