"""Tags that carry their content in their names are not looked at again, as long as all that they stand for is known."""

from typing import Any

import pytest

from holystone.adapters.state.sqlite.digest_cache import SqliteDigestCache
from holystone.adapters.state.sqlite.tag_memory import FORGET_AFTER_DAYS, SqliteTagMemory
from holystone.engine.errors import IncompleteSource
from holystone.engine.inventory.belief import Unbelieving, is_as_believed
from holystone.engine.inventory.contents import Contents
from holystone.engine.inventory.snapshot import read_repository
from holystone.engine.model.inventory import RepositorySnapshot
from holystone.engine.model.manifests import OCI_MANIFEST, RawManifest
from holystone.engine.model.references import Tag
from holystone.engine.ports import DigestCache, TagMemory
from tests.support.memory_registry import TELLING, MemoryRegistry, Point, digest_of, repository

APP = repository()
NOW = 1_800_000_000
DAY = 24 * 3600
NAMED, MOVING = Tag("c0ffee"), Tag("latest")


class Nights:
    """One registry, read again and again by what remembers."""

    def __init__(self) -> None:
        self.registry = MemoryRegistry()
        self.moment = NOW
        self.memory: TagMemory = SqliteTagMemory(None, lambda: self.moment)
        self.cache: DigestCache = SqliteDigestCache(None)
        self.looked_at: list[object] = []

    async def read(self, memory: TagMemory | None = None) -> RepositorySnapshot:
        before = len(self.registry.calls)
        snapshot = await read_repository(
            self.registry.open(APP),
            self.cache,
            needs_config=lambda _: True,
            contents=Contents(immutable=lambda tag: tag.startswith("c0ffee")),
            memory=memory or self.memory,
        )
        calls = self.registry.calls[before:]
        self.looked_at = [arguments[1] for verb, arguments in calls if verb == "resolve"]
        return snapshot


@pytest.fixture
def nights() -> Nights:
    made = Nights()
    made.registry.image(APP, "one", NAMED, MOVING)
    return made


async def test_a_name_that_carries_its_content_is_looked_at_once(nights: Nights) -> None:
    first = await nights.read()
    assert nights.looked_at == [NAMED, MOVING]
    assert first.believed == {}
    nights.moment += DAY
    again = await nights.read()
    assert nights.looked_at == [MOVING]
    assert again.believed == {NAMED: NOW}
    assert (again.tags, again.manifests, again.configs) == (first.tags, first.manifests, first.configs)


async def test_what_is_new_is_looked_at_and_does_not_make_the_rest_younger(nights: Nights) -> None:
    await nights.read()
    nights.moment += DAY
    nights.registry.image(APP, "two", "c0ffee-2")
    await nights.read()
    assert nights.looked_at == ["c0ffee-2", MOVING]
    nights.moment += DAY
    assert (await nights.read()).believed == {NAMED: NOW, "c0ffee-2": NOW + DAY}
    nights.moment = NOW + FORGET_AFTER_DAYS * DAY + 1
    assert (await nights.read()).believed == {"c0ffee-2": NOW + DAY}
    assert nights.looked_at == [NAMED, MOVING]


async def test_what_the_listing_does_not_show_is_forgotten(nights: Nights) -> None:
    await nights.read()
    digest = nights.registry.contents[APP].tags.pop(NAMED)
    assert (await nights.read()).tags.keys() == {MOVING}
    nights.registry.contents[APP].tags[NAMED] = digest
    assert (await nights.read()).believed == {}


async def test_where_the_listing_says_where_a_tag_points_nothing_is_believed(nights: Nights) -> None:
    await nights.read()
    nights.registry.capabilities = TELLING
    two = nights.registry.image(APP, "two", NAMED)
    snapshot = await nights.read()
    assert (snapshot.tags[NAMED], snapshot.believed, nights.looked_at) == (two, {}, [])


async def test_a_manifest_that_is_not_known_any_more_is_no_belief(nights: Nights) -> None:
    await nights.read()
    nights.cache = SqliteDigestCache(None)
    two = nights.registry.image(APP, "two", NAMED)
    snapshot = await nights.read()
    assert (snapshot.tags[NAMED], snapshot.believed) == (two, {})


async def test_what_leads_to_something_that_is_missing_is_looked_at(nights: Nights) -> None:
    """Its configuration is not known any more, as a large one, and the registry has another image there."""
    await nights.read()
    known = [raw async for raw in nights.cache.manifests([*nights.registry.contents[APP].manifests])]
    nights.cache = SqliteDigestCache(None)
    await nights.cache.learn_manifests(known)
    nights.registry.contents[APP].blobs.clear()
    two = nights.registry.image(APP, "two", NAMED)
    snapshot = await nights.read()
    assert (snapshot.tags[NAMED], snapshot.believed) == (two, {})
    assert NAMED not in snapshot.broken


@pytest.mark.parametrize("how", ["dangling", "malformed", "without a configuration"])
async def test_what_is_broken_is_looked_at_each_time(nights: Nights, how: str) -> None:
    content = nights.registry.contents[APP]
    match how:
        case "dangling":
            content.tags[NAMED] = digest_of(b"nothing")
        case "malformed":
            body = b'{"config": 7}'
            nights.registry.put(APP, RawManifest(digest_of(body), OCI_MANIFEST, body), NAMED)
        case _:
            content.blobs.clear()
    for _ in range(2):
        snapshot = await nights.read()
        assert NAMED in snapshot.broken
        assert NAMED in nights.looked_at
        assert snapshot.believed == {}


async def test_who_believes_nothing_learns_all_the_same(nights: Nights) -> None:
    await nights.read()
    two = nights.registry.image(APP, "two", NAMED)
    assert (await nights.read()).tags[NAMED] != two
    assert (await nights.read(Unbelieving(nights.memory))).tags[NAMED] == two
    again = await nights.read()
    assert (again.tags[NAMED], NAMED in again.believed) == (two, True)


async def test_what_is_as_believed_was_looked_at_now(nights: Nights) -> None:
    nights.registry.image(APP, "two", "c0ffee-2")
    await nights.read()
    nights.moment += DAY
    nights.registry.image(APP, "three", "c0ffee-3")
    snapshot = await nights.read()
    before = len(nights.registry.calls)
    nights.moment += DAY
    assert await is_as_believed(nights.registry.open(APP), nights.memory, snapshot)
    assert nights.registry.calls[before:] == [("resolve", (APP, tag)) for tag in (NAMED, "c0ffee-2")]
    assert (await nights.read()).believed == {NAMED: NOW + 2 * DAY, "c0ffee-2": NOW + 2 * DAY, "c0ffee-3": NOW + DAY}


@pytest.mark.parametrize("now", ["moved", "gone", "refused"])
async def test_of_what_is_not_as_believed_nothing_is_believed(nights: Nights, now: str) -> None:
    nights.registry.image(APP, "two", "c0ffee-2")
    await nights.read()
    snapshot = await nights.read()
    hook: Any = None
    if now == "moved":
        nights.registry.image(APP, "three", NAMED)
    elif now == "gone":
        del nights.registry.contents[APP].tags[NAMED]
    else:

        async def hook(point: Point) -> None:
            if point.verb == "resolve":
                raise IncompleteSource("it answers 500")

    nights.registry.hook = hook
    assert not await is_as_believed(nights.registry.open(APP), nights.memory, snapshot)
    nights.registry.hook = None
    assert (await nights.read()).believed == {}
