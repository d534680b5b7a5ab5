"""A pass by digest may take hours, in which people go on pushing."""

from collections.abc import Callable
from typing import Literal

import anyio
import msgspec
import pytest

from holystone.engine.errors import RegistryFailure
from holystone.engine.executor import CheckReport
from holystone.engine.model.capabilities import Capabilities, ListingFacts, TagDeletion
from holystone.engine.model.manifests import NESTED_AT_MOST
from holystone.engine.model.outcomes import Deleted, Locked, Needed
from holystone.engine.model.plan import Pass, RepositoryPlan
from holystone.engine.model.references import Digest, Tag
from tests.support.execution import Execute, after, before, came_of, came_to_light
from tests.support.memory_registry import CAPABILITIES, TELLING, Hook, MemoryRegistry, Point, repository
from tests.support.small_plans import level, remove, repository_plan, tombstone, untag
from tests.support.suspension import suspend

APP = repository()
COUNT = 300


@pytest.fixture
def old_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("holystone.engine.executor.guard.FRESH", 0.0)


def nth(number: int, matches: Callable[[Point], bool], act: Callable[[], object]) -> Hook:
    seen = 0

    async def hook(point: Point) -> None:
        nonlocal seen
        if matches(point):
            seen += 1
            if seen == number:
                act()

    return hook


def doomed(registry: MemoryRegistry) -> list[Digest]:
    return [registry.image(APP, f"image {number}", f"v{number}") for number in range(COUNT)]


@pytest.mark.usefixtures("old_at_once")
@pytest.mark.parametrize("capabilities", [TELLING, CAPABILITIES])
async def test_what_is_tagged_in_the_middle_of_a_pass_stays(execute: Execute, capabilities: Capabilities) -> None:
    """Where a listing tells names alone, too."""
    registry = MemoryRegistry(capabilities)
    digests = doomed(registry)

    def release() -> None:
        registry.contents[APP].tags[Tag("production")] = digests[-1]

    registry.hook = nth(5, after("delete_manifests"), release)
    steps = level(*(remove(digest, f"v{number}") for number, digest in enumerate(digests)))
    result = await execute(registry, repository_plan(APP, steps))
    assert set(registry.contents[APP].manifests) == {digests[-1]}
    assert [*result.repositories[0].outcomes.values()].count(Deleted()) == COUNT - 1
    assert came_of(result)[digests[-1]] == Needed("production")


@pytest.mark.parametrize("capabilities", [TELLING, CAPABILITIES])
async def test_what_is_tagged_while_the_machine_is_suspended_stays(
    execute: Execute, monkeypatch: pytest.MonkeyPatch, capabilities: Capabilities
) -> None:
    """However few deletions there were since the last look."""
    registry = MemoryRegistry(capabilities)
    digests = [registry.image(APP, name) for name in ("one", "two", "three")]

    def wake_up() -> None:
        suspend(monkeypatch, 8 * 3600)
        registry.contents[APP].tags[Tag("production")] = digests[2]

    registry.hook = nth(1, after("delete_manifests"), wake_up)
    monkeypatch.setattr("holystone.engine.executor.passes._LOOKS", 1)
    result = await execute(registry, repository_plan(APP, *(level(remove(digest)) for digest in digests)))
    assert set(registry.contents[APP].manifests) == set(digests[2:])
    assert came_of(result)[digests[2]] == Needed("production")


@pytest.mark.usefixtures("old_at_once")
async def test_what_is_tagged_in_the_middle_of_a_careless_pass_by_name_stays(execute: Execute) -> None:
    """A registry that takes the manifest along with any of its tags."""
    registry = MemoryRegistry(msgspec.structs.replace(CAPABILITIES, tags=TagDeletion()))
    digests = doomed(registry)

    async def take_all(point: Point) -> None:
        if after("delete_tags")(point):
            content = registry.contents[APP]
            content.tags = {tag: digest for tag, digest in content.tags.items() if digest != gone(point)}
            if registry.count("delete_tags") == 5:
                content.tags[Tag("production")] = digests[-1]

    def gone(point: Point) -> Digest:
        (tag,) = point.arguments[1:]
        return digests[int(str(tag).removeprefix("v"))]

    registry.hook = take_all
    steps = Pass("untag", tuple(untag(f"v{number}", digest) for number, digest in enumerate(digests)))
    result = await execute(registry, repository_plan(APP, steps))
    assert registry.contents[APP].tags.keys() == {"production", f"v{COUNT - 1}"}
    assert came_of(result)[f"v{COUNT - 1}"] == Needed("production")


@pytest.mark.usefixtures("old_at_once")
@pytest.mark.parametrize("way", ["untag", "tombstone"])
async def test_the_signature_of_what_is_tagged_in_the_middle_of_a_pass_stays(
    execute: Execute, way: Literal["untag", "tombstone"]
) -> None:
    registry = MemoryRegistry(CAPABILITIES)
    digests = doomed(registry)
    signature = f"sha256-{digests[-1].hex}.sig"
    signed = registry.image(APP, "signature", signature)
    make = untag if way == "untag" else tombstone

    def release() -> None:
        registry.contents[APP].tags[Tag("production")] = digests[-1]

    registry.hook = nth(5, after("delete_tags" if way == "untag" else "push_manifest"), release)
    tags = {**{f"v{number}": digest for number, digest in enumerate(digests)}, signature: signed}
    steps = Pass(way, tuple(make(tag, digest) for tag, digest in tags.items()))
    removes = (level(*(remove(digest) for digest in digests)), level(remove(signed)))
    result = await execute(registry, repository_plan(APP, steps, *removes))
    assert registry.contents[APP].tags == {Tag("production"): digests[-1], Tag(signature): signed}
    assert came_of(result)[signature] == Needed("production")


@pytest.mark.usefixtures("old_at_once")
@pytest.mark.parametrize(
    ("capabilities", "most"),
    [
        (TELLING, 2 + COUNT / 10),
        (
            msgspec.structs.replace(TELLING, listing=ListingFacts(digests=True, page=10)),
            2,
        ),  # thirty requests for each look
        (CAPABILITIES, 2 + COUNT / 10),  # by names alone
    ],
)
async def test_renewed_looks_add_a_tenth_of_the_deletions_at_most(
    execute: Execute, capabilities: Capabilities, most: float
) -> None:
    """One look before and one after are not in question."""
    registry = MemoryRegistry(capabilities)
    digests = doomed(registry)
    steps = level(*(remove(digest, f"v{number}") for number, digest in enumerate(digests)))
    await execute(registry, repository_plan(APP, steps))
    assert registry.count("list_tags") <= most
    assert registry.count("resolve alone") == 0
    looks = 0 if capabilities.listing.digests else 2 * COUNT  # before the pass, and before each deletion
    assert registry.count("resolve") <= looks + 10, "and some of what has gone"


@pytest.mark.usefixtures("old_at_once")
async def test_nothing_is_deleted_after_a_look_that_failed(execute: Execute) -> None:
    registry = MemoryRegistry(TELLING)
    digests = doomed(registry)

    sent: list[int] = []

    async def break_down(point: Point) -> None:
        if point.verb == "list_tags" and registry.count("list_tags") == 2:
            await anyio.sleep(0.01)  # others come to need a look too
            sent.append(registry.count("delete_manifests"))
            raise RegistryFailure("the registry is tired")

    registry.hook = break_down
    steps = level(*(remove(digest, f"v{number}") for number, digest in enumerate(digests)))
    result = await execute(registry, repository_plan(APP, steps))
    assert registry.count("list_tags") == 2
    assert str(result.repositories[0].stopped) == "the registry is tired"
    assert 0 < len(result.repositories[0].outcomes) < COUNT
    assert sent == [registry.count("delete_manifests")]


async def test_young_looks_are_not_renewed(execute: Execute) -> None:
    registry = MemoryRegistry(TELLING)
    steps = level(*(remove(digest, f"v{number}") for number, digest in enumerate(doomed(registry))))
    await execute(registry, repository_plan(APP, steps))
    assert registry.count("list_tags") == 2, "one look, and the check"


async def test_a_tag_that_moves_in_the_middle_of_a_pass_is_left_alone_and_told(execute: Execute) -> None:
    registry = MemoryRegistry(TELLING)
    digests = doomed(registry)
    new = registry.image(APP, "new")
    last = Tag(f"v{COUNT - 1}")
    registry.hook = nth(5, after("delete_manifests"), lambda: registry.contents[APP].tags.update({last: new}))
    steps = level(*(remove(digest, f"v{number}") for number, digest in enumerate(digests)))
    result = await execute(registry, repository_plan(APP, steps))
    assert registry.contents[APP].state() == ({last: new}, {new})
    assert came_to_light(result.repositories[0].check) == CheckReport((), (), (last,))


async def test_a_listing_that_lags_behind_tells_nothing_new(execute: Execute) -> None:
    registry = MemoryRegistry(TELLING)
    one = registry.image(APP, "one", "v1")

    show = nth(2, before("list_tags"), lambda: registry.contents[APP].tags.update({Tag("v1"): one}))
    hide = nth(1, lambda point: shown() and before("resolve")(point), lambda: registry.contents[APP].tags.clear())

    def shown() -> bool:
        return "v1" in registry.contents[APP].tags and registry.count("list_tags") == 2

    async def lag(point: Point) -> None:
        await show(point)
        await hide(point)

    registry.hook = lag
    result = await execute(registry, repository_plan(APP, level(remove(one, "v1"))))
    assert came_to_light(result.repositories[0].check) == CheckReport((), ())


def chain(registry: MemoryRegistry, count: int) -> tuple[list[Digest], RepositoryPlan]:
    """Each refers to the one before it, so that each is a pass of its own."""
    made: list[Digest] = []
    for number in range(count):
        made.append(registry.image(APP, f"image {number}", f"v{number}", subject=made[-1] if made else None))
    steps = (level(remove(digest, f"v{number}")) for number, digest in enumerate(made))
    return made, repository_plan(APP, *steps)


async def test_thousands_of_passes_are_not_as_many_looks(execute: Execute) -> None:
    """Whoever may push can make them."""
    registry = MemoryRegistry(CAPABILITIES)
    count = 2 * NESTED_AT_MOST + 8
    _, planned = chain(registry, count)
    result = await execute(registry, planned)
    assert result.counts == {"deleted": count}
    assert registry.count("list_tags") <= 2 * NESTED_AT_MOST + 1, "and one for the check"


async def test_what_a_late_pass_has_left_behind_holds_what_it_needs(execute: Execute) -> None:
    registry = MemoryRegistry(CAPABILITIES)
    _, before = chain(registry, 2 * NESTED_AT_MOST)
    parts = [registry.image(APP, f"part {number}") for number in range(3)]
    index = registry.index(APP, parts, "index")
    late = (level(remove(digest)) for digest in parts)
    planned = repository_plan(APP, *before.passes, level(remove(index, "index")), *late)
    registry.answer = lambda name: Locked("for ever") if name == index else None
    result = await execute(registry, planned)
    assert registry.contents[APP].manifests.keys() == {*parts, index}
    assert result.counts == {"deleted": 2 * NESTED_AT_MOST, "locked": 1, "needed": 3}
