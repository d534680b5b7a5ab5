"""What runs have seen of a repository, from one look to the next."""

import anyio
import pytest

from holystone.engine.errors import HolystoneError
from holystone.engine.model.references import RegistryHost, Repository, RepositoryPath, Tag
from holystone.engine.model.sightings import Seen, Sight
from tests.state.conformance.stand import Stand
from tests.support.memory_registry import digest_of

APP = Repository(RegistryHost("r.example"), RepositoryPath("shop/app"))
OTHER = Repository(RegistryHost("r.example"), RepositoryPath("shop/other"))
ONE, TWO = digest_of(b"one"), digest_of(b"two")
TAG, MOVED = Sight("tag", ONE, Tag("v1")), Sight("tag", TWO, Tag("v1"))
LOOSE, ORPHAN = Sight("loose", ONE), Sight("orphan", ONE, Tag("v1"))
DAY = 24 * 3600


async def test_what_is_seen_first_nobody_has_missed_and_what_comes_later_was_missed(stand: Stand) -> None:
    async with stand.sightings() as sightings:
        assert await sightings.look(APP, {TAG}, 1_000) == {TAG: Seen(1_000)}
        assert await sightings.look(APP, {TAG, LOOSE}, 2_000) == {TAG: Seen(1_000), LOOSE: Seen(2_000, missed=1_000)}
    async with stand.sightings() as sightings:
        everything = {TAG, LOOSE, ORPHAN, MOVED}
        later = Seen(3_000, missed=2_000)
        assert await sightings.look(APP, everything, 3_000) == {
            TAG: Seen(1_000),
            LOOSE: Seen(2_000, missed=1_000),
            ORPHAN: later,
            MOVED: later,
        }


async def test_what_was_gone_in_between_is_seen_anew(stand: Stand) -> None:
    async with stand.sightings() as sightings:
        await sightings.look(APP, {TAG, LOOSE}, 1_000)
        assert await sightings.look(APP, {LOOSE}, 2_000) == {LOOSE: Seen(1_000)}
        assert await sightings.look(APP, {TAG}, 3_000) == {TAG: Seen(3_000, missed=2_000)}
        assert await sightings.look(APP, set(), 4_000) == {}
        assert await sightings.look(APP, {TAG}, 5_000) == {TAG: Seen(5_000, missed=4_000)}


async def test_each_repository_is_looked_at_for_itself_however_it_is_spelled(stand: Stand) -> None:
    async with stand.sightings() as sightings:
        await sightings.look(APP, {TAG}, 1_000)
        assert await sightings.look(OTHER, {TAG}, 2_000) == {TAG: Seen(2_000)}
        spelled = Repository(RegistryHost("r.example:443"), APP.path)
        assert await sightings.look(spelled, {TAG}, 3_000) == {TAG: Seen(1_000)}


async def test_what_a_clock_saw_that_was_ahead_is_seen_now(stand: Stand) -> None:
    async with stand.sightings() as sightings:
        await sightings.look(APP, {TAG}, 9_000)
        assert await sightings.look(APP, {TAG, LOOSE}, 1_000) == {TAG: Seen(1_000), LOOSE: Seen(1_000, missed=9_000)}
        assert await sightings.look(APP, {TAG}, 2_000) == {TAG: Seen(1_000)}


async def test_a_repository_that_nobody_looks_at_is_forgotten(stand: Stand) -> None:
    async with stand.sightings() as sightings:
        await sightings.look(APP, {TAG}, 1_000)
        await sightings.look(OTHER, {TAG}, 300 * DAY)
    async with stand.sightings() as sightings:
        now = 500 * DAY
        assert await sightings.look(APP, {TAG, LOOSE}, now) == {TAG: Seen(now), LOOSE: Seen(now)}
        assert await sightings.look(OTHER, {TAG}, now) == {TAG: Seen(300 * DAY)}


async def test_a_damaged_sighting_is_seen_anew(stand: Stand) -> None:
    async with stand.sightings() as sightings:
        await sightings.look(APP, {TAG}, 1_000)
    if not await stand.damage("sighting"):
        pytest.skip("the store lets no such record be")
    async with stand.sightings() as sightings:
        assert await sightings.look(APP, {TAG}, 2_000) == {TAG: Seen(2_000, missed=1_000)}


@pytest.mark.parametrize("now", [2_000, 3_000, 4_000, 400 * DAY, 500 * DAY])
async def test_who_recalls_is_told_what_a_look_is_told_and_leaves_no_trace(stand: Stand, now: int) -> None:
    async with stand.sightings() as sightings:
        await sightings.look(APP, {TAG, LOOSE}, 1_000)
        await sightings.look(APP, {TAG, ORPHAN}, 3_000)
        await sightings.look(OTHER, {MOVED}, 2_000)
    everything = {TAG, LOOSE, ORPHAN, MOVED}
    spelled = Repository(RegistryHost("r.example:443"), APP.path)
    recalled = [await stand.recalled().look(each, everything, now) for each in (APP, OTHER, APP)]
    assert recalled[0] == recalled[2] == await stand.recalled().look(spelled, everything, now)
    async with stand.sightings() as sightings:
        assert [await sightings.look(each, everything, now) for each in (APP, OTHER)] == recalled[:2]


async def test_who_recalls_where_nobody_has_looked_makes_nothing(stand: Stand) -> None:
    assert await stand.recalled().look(APP, {TAG}, 1_000) == {TAG: Seen(1_000)}
    async with stand.sightings() as sightings:
        assert await sightings.look(APP, {TAG}, 2_000) == {TAG: Seen(2_000)}


@pytest.mark.parametrize("harm", ["sighting", "all"])
async def test_who_recalls_what_is_damaged_is_told_so(stand: Stand, harm: str) -> None:
    async with stand.sightings() as sightings:
        await sightings.look(APP, {TAG}, 1_000)
    if harm == "sighting":
        if not await stand.damage("sighting"):
            pytest.skip("the store lets no such record be")
        assert await stand.recalled().look(APP, {TAG}, 2_000) == {TAG: Seen(2_000, missed=1_000)}
        return
    await stand.damage_all()
    with pytest.raises(HolystoneError, match="cannot be used"):
        await stand.recalled().look(APP, {TAG}, 2_000)


async def test_where_nothing_can_be_read_nothing_is_told(stand: Stand) -> None:
    async with stand.sightings() as sightings:
        await sightings.look(APP, {TAG}, 1_000)
    await stand.damage_all()
    async with stand.sightings() as sightings:
        with pytest.raises(HolystoneError, match="cannot be used"):
            await sightings.look(APP, {TAG}, 2_000)


async def test_two_processes_and_many_repositories_at_once(stand: Stand) -> None:
    repositories = [Repository(APP.host, RepositoryPath(f"shop/{number}")) for number in range(20)]
    seen = {Sight("tag", digest_of(f"{number}".encode()), Tag("v1")) for number in range(100)}
    async with stand.sightings() as one, stand.sightings() as other, anyio.create_task_group() as tasks:
        for each in repositories:
            tasks.start_soon(one.look, each, seen, 1_000)
            tasks.start_soon(other.look, each, seen, 1_000)
    async with stand.sightings() as sightings:
        for each in repositories:
            assert set((await sightings.look(each, seen, 2_000)).values()) == {Seen(1_000)}
