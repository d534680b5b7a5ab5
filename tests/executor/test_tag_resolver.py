"""One listing stands for many looks, for a while."""

import msgspec
import pytest

from holystone.engine.executor.step_states import StepStates
from holystone.engine.executor.tag_resolver import TagResolver
from holystone.engine.model.capabilities import ListingFacts
from holystone.engine.model.outcomes import Deleted, MovedMeanwhile
from holystone.engine.model.plan import Pass
from holystone.engine.model.references import Digest, Tag
from holystone.engine.scheduler import FRESH
from tests.support.execution import Execute, before, once
from tests.support.memory_registry import CAPABILITIES, TELLING, MemoryRegistry, repository
from tests.support.small_plans import repository_plan, tombstone, untag

APP = repository()


def states(*tags: str) -> StepStates:
    """All of them due."""
    digest = Digest("sha256:" + "0" * 64)
    return StepStates(repository_plan(APP, Pass("untag", tuple(untag(tag, digest) for tag in tags))), {})


async def test_many_looks_are_one_listing_until_it_is_old() -> None:
    begun = now = 10 * FRESH
    registry = MemoryRegistry(TELLING)
    first = registry.image(APP, "one", "a", "b")
    resolver = TagResolver(registry.open(APP), TELLING, states("a", "b", "c"), tags=2, clock=lambda: now)
    assert [await resolver.tag(Tag(name)) for name in "abc"] == [first, first, None]
    assert (registry.count("list_tags"), registry.count("resolve")) == (1, 0)
    second = registry.image(APP, "two", "a")
    now = begun + FRESH - 1
    assert await resolver.tag(Tag("a")) == first
    assert await resolver.tag_lately(Tag("a")) == first
    now = begun + FRESH
    assert await resolver.tag_lately(Tag("a")) == first
    assert await resolver.tag(Tag("a")) == second
    assert registry.count("list_tags") == 2


async def test_a_listing_that_was_asked_for_counts_as_a_look() -> None:
    registry = MemoryRegistry(TELLING)
    registry.image(APP, "one", "a")
    resolver = TagResolver(registry.open(APP), TELLING, states("a"), tags=1)
    await resolver.tag(Tag("a"))
    moved = registry.image(APP, "two", "a")
    await resolver.listing()
    assert await resolver.tag(Tag("a")) == moved
    assert registry.count("list_tags") == 2


async def test_a_tag_without_a_digest_in_the_listing_is_looked_up() -> None:
    registry = MemoryRegistry()
    digest = registry.image(APP, "one", "a")
    resolver = TagResolver(registry.open(APP), TELLING, states("a"), tags=1)
    assert await resolver.tag(Tag("a")) == digest
    assert (registry.count("list_tags"), registry.count("resolve")) == (1, 1)


async def test_few_tags_are_looked_at_one_by_one_where_a_listing_takes_more_requests() -> None:
    registry = MemoryRegistry(TELLING)
    digest = registry.image(APP, "one", "a", "b")
    ten_a_page = msgspec.structs.replace(TELLING, listing=ListingFacts(digests=True, page=10))
    resolver = TagResolver(registry.open(APP), ten_a_page, states("a", "b"), tags=21, clock=lambda: 0.0)
    assert [await resolver.tag(Tag("a")), await resolver.tag(Tag("c"))] == [digest, None]
    assert (registry.count("list_tags"), registry.count("resolve")) == (0, 2)
    resolver = TagResolver(registry.open(APP), ten_a_page, states("a", "b"), tags=20, clock=lambda: 0.0)
    assert await resolver.tag(Tag("a")) == digest
    assert (registry.count("list_tags"), registry.count("resolve")) == (1, 2)


async def test_a_listing_that_stood_for_few_looks_is_not_repeated() -> None:
    """So slowly are tags deleted that it was old before it had paid."""
    now = 0.0
    registry = MemoryRegistry(TELLING)
    names = [f"v{number}" for number in range(25)]
    registry.image(APP, "one", *names)
    resolver = TagResolver(
        registry.open(APP),
        msgspec.structs.replace(TELLING, listing=ListingFacts(digests=True, page=10)),
        states(*names),
        tags=25,
        clock=lambda: now,
    )
    for name in names[:2]:
        await resolver.tag(Tag(name))
    now = FRESH
    for name in names[2:]:
        await resolver.tag(Tag(name))
    assert (registry.count("list_tags"), registry.count("resolve")) == (1, 23)


async def test_a_tag_is_looked_at_itself_before_it_is_pushed_over(execute: Execute) -> None:
    """However fresh a listing is: an overwritten tag cannot be given back to whoever has just moved it."""
    registry = MemoryRegistry(TELLING)
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
    resolver = TagResolver(registry.open(APP), CAPABILITIES, states("a"), tags=1)
    assert [await resolver.tag(Tag("a")) for _ in range(2)] == [digest, digest]
    assert (registry.count("list_tags"), registry.count("resolve")) == (0, 2)


async def test_a_listing_that_is_old_before_it_is_complete_is_not_made_for_each_tag(
    execute: Execute, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ten thousand tags of Docker Hub take a minute."""
    monkeypatch.setattr("holystone.engine.executor.tag_resolver.FRESH", 0.0)
    registry = MemoryRegistry(TELLING)
    names = [f"v{number}" for number in range(8)]
    steps = [untag(name, registry.image(APP, name, name)) for name in names]
    result = await execute(registry, repository_plan(APP, Pass("untag", tuple(steps)), kept={}))
    assert set(result.repositories[0].outcomes.values()) == {Deleted()}
    assert (registry.count("list_tags"), registry.count("resolve")) == (2, 8), "one that is too slow, and the check"


@pytest.mark.parametrize(("tags", "page", "requests"), [(0, 10, 1), (10, 10, 1), (11, 10, 2), (11, 0, 1)])
def test_how_many_requests_a_listing_takes(tags: int, page: int, requests: int) -> None:
    capabilities = msgspec.structs.replace(TELLING, listing=ListingFacts(digests=True, page=page))
    assert TagResolver(MemoryRegistry().open(APP), capabilities, states(), tags=tags).requests == requests


async def test_a_listing_that_says_no_digests_says_of_no_tag_that_it_is_gone() -> None:
    registry = MemoryRegistry()
    resolver = TagResolver(registry.open(APP), CAPABILITIES, states("a"), tags=1)
    await resolver.listing()
    digest = registry.image(APP, "one", "a")
    assert await resolver.tag_lately(Tag("a")) == digest
