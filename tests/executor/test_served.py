"""What is said to be gone and is there, by itself."""

from holystone.engine.executor.check import Deletions, Seen, look_for
from holystone.engine.model.references import Tag
from tests.support.manifest_graphs import d
from tests.support.memory_registry import TELLING, MemoryRegistry, repository

APP = repository()
A, B = Tag("a"), Tag("b")


def test_a_deletion_has_failed_where_what_was_there_is_there() -> None:
    said = Deletions({A: d(1)}, tombstone=frozenset({d(9)}))
    tags = [said.failed(A, now) for now in (None, d(1), d(9), d(2))]
    assert tags == [False, True, True, False]
    assert [said.failed(d(1), now) for now in (None, d(1))] == [False, True]


async def test_one_manifest_that_is_still_there_has_all_looked_for_whatever_else_is_there() -> None:
    registry = MemoryRegistry(TELLING)
    many = tuple(registry.image(APP, f"{number}") for number in range(40))
    tagged, other = registry.image(APP, "tagged", "a"), registry.image(APP, "other", "b")
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    said = Deletions({A: tagged, B: d(1)}, many)
    seen = await look_for(registry.open(APP), await registry.list_tags(APP), said, sleep)
    assert seen == Seen(renewed=(B,), served=tuple(sorted((A, *many))))
    assert pauses == [2.0]
    assert other in registry.contents[APP].manifests


async def test_a_tag_alone_has_no_manifest_looked_for() -> None:
    registry = MemoryRegistry(TELLING)
    tagged = registry.image(APP, "tagged", "a")

    async def sleep(_: float) -> None:
        registry.contents[APP].tags.clear()

    seen = await look_for(registry.open(APP), await registry.list_tags(APP), Deletions({A: tagged}, (d(1),)), sleep)
    assert seen == Seen((), ())
    assert [arguments[1] for verb, arguments in registry.calls if verb == "resolve"].count(d(1)) == 1


async def test_a_listing_that_lags_behind_is_asked_about_before_anybody_waits() -> None:
    registry = MemoryRegistry(TELLING)
    registry.image(APP, "tagged", "a")
    listing = await registry.list_tags(APP)
    tagged = registry.contents[APP].tags.pop(A)

    async def sleep(_: float) -> None:
        raise AssertionError

    assert await look_for(registry.open(APP), listing, Deletions({A: tagged}), sleep) == Seen((), ())


async def test_what_a_listing_says_of_a_tag_that_somebody_has_put_elsewhere_is_not_asked_for() -> None:
    registry = MemoryRegistry(TELLING)
    registry.image(APP, "theirs", "a")

    async def sleep(_: float) -> None:
        raise AssertionError

    seen = await look_for(registry.open(APP), await registry.list_tags(APP), Deletions({A: d(1)}), sleep)
    assert (seen, registry.count("resolve")) == (Seen((A,), ()), 0)
