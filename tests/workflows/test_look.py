"""A look at a repository for retention rules, on a registry in memory: what is read, asked and noted."""

from pathlib import Path

import msgspec
import pytest

from holystone.adapters.state.sqlite import SqliteSightings
from holystone.adapters.state.sqlite.digest_cache import SqliteDigestCache
from holystone.engine.errors import Unreachable
from holystone.engine.inventory.snapshot import read_repository
from holystone.engine.model.capabilities import ListingFacts
from holystone.engine.model.references import Digest, Tag
from holystone.policies.retention.candidates import Candidates, Moment
from holystone.policies.retention.rules import Entry, Policy
from holystone.workflows.look import look
from holystone.workflows.retention_reading import reading_of
from tests.support.memory_registry import CAPABILITIES, MemoryRegistry, MemorySession, Point, digest_of, repository

APP = repository()
DAY = 24 * 3600
NOW = 1_800_000_000
ORPHANS = Policy("p", (), keep=(Entry(newest=1),), untagged_after=DAY, orphaned_after=DAY)
GONE = digest_of(b"gone")


async def seen(registry: MemoryRegistry, folder: Path, now: int, policy: Policy = ORPHANS) -> Candidates:
    session = MemorySession(registry, APP)
    reading = reading_of(policy)
    snapshot = await read_repository(
        session,
        SqliteDigestCache(None),
        needs_config=reading.needs_config,
        contents=reading.contents,
        wanted=reading.wanted,
    )
    with SqliteSightings(folder) as sightings:
        return await look(session, snapshot, policy, sightings, now, used=frozenset())


def sig(digest: Digest) -> Tag:
    return Tag(f"sha256-{digest.hex}.sig")


@pytest.fixture
def registry() -> MemoryRegistry:
    made = MemoryRegistry(msgspec.structs.replace(CAPABILITIES, listing=ListingFacts(digests=True, loose=True)))
    made.image(APP, "app", "v1")
    return made


async def test_an_orphan_is_what_the_registry_was_asked_for_and_has_not(
    registry: MemoryRegistry, tmp_path: Path
) -> None:
    unlisted = registry.image(APP, "there")
    registry.capabilities = msgspec.structs.replace(CAPABILITIES, listing=ListingFacts(digests=True))
    registry.image(APP, "signature", sig(GONE))
    registry.image(APP, "other signature", sig(unlisted))
    found = {each.tag: each.subject_is_there for each in (await seen(registry, tmp_path, NOW)).attached}
    assert found == {sig(GONE): False, sig(unlisted): True}
    registry.calls.clear()
    policy = msgspec.structs.replace(ORPHANS, orphaned_after=None)
    assert all(each.subject_is_there for each in (await seen(registry, tmp_path, NOW, policy)).attached)
    assert registry.count("resolve alone") == 0


async def test_it_counts_from_the_first_look_that_found_it_so(registry: MemoryRegistry, tmp_path: Path) -> None:
    loose = registry.image(APP, "loose")
    registry.image(APP, "signature", sig(GONE))
    first = await seen(registry, tmp_path, NOW)
    later = await seen(registry, tmp_path, NOW + 3 * DAY)
    for found in (first, later):
        assert [each.digest for each in found.loose] == [loose]
        assert [each.found for each in found.loose] == [Moment(NOW, "first-seen")]
        assert [each.found for each in found.attached] == [Moment(NOW, "first-seen")]


async def test_a_subject_that_cannot_be_asked_for_is_there(registry: MemoryRegistry, tmp_path: Path) -> None:
    registry.image(APP, "signature", sig(GONE))
    registry.hook = unreachable
    (attached,) = (await seen(registry, tmp_path, NOW)).attached
    assert attached.subject_is_there


async def unreachable(point: Point) -> None:
    if point.verb == "resolve" and GONE in point.arguments:
        raise Unreachable("down")
