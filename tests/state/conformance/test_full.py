"""No room for what is to be written: whoever wrote is told, nothing changed, and with room again it is written."""

import pytest

from holystone.engine.errors import HolystoneError
from holystone.engine.model.manifests import RawManifest
from holystone.engine.model.outcomes import Deleted
from holystone.engine.model.references import Digest
from holystone.engine.model.sources import Counted, Key, Remembered
from tests.state.conformance.stand import Stand
from tests.state.conformance.verbs import AGAIN, BYTES, ELSEWHERE, FIRST, IDS, PLAN, VERBS, Verb, begin, prepare, seen
from tests.support.journals import recorded
from tests.support.memory_registry import digest_of


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.__name__)
async def test_what_found_no_room_is_told_and_has_not_happened(stand: Stand, verb: Verb) -> None:
    await prepare(stand)
    before = await seen(stand)
    async with stand.store() as store:
        act = await verb(store)
        with stand.full(), pytest.raises(HolystoneError) as told:
            await act()
    assert type(told.value) is HolystoneError, "nobody else has it, and nothing is damaged"
    assert told.value.not_deleted
    assert told.value.what_to_do
    assert await seen(stand) == before


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.__name__)
async def test_with_room_again_the_same_process_goes_on(stand: Stand, verb: Verb) -> None:
    await prepare(stand)
    async with stand.store() as store:
        act = await verb(store)
        with stand.full(), pytest.raises(HolystoneError):
            await act()
        await act()
    after = await seen(stand)
    if verb in AGAIN:
        async with stand.store() as store:
            await (await verb(store))()
        assert await seen(stand) == after
    assert len(after) == (3 if verb is begin else 2)


async def test_a_plan_of_which_a_part_found_room_has_not_begun(stand: Stand) -> None:
    await prepare(stand)
    before = await seen(stand)
    ended = []
    for room in range(0, 400_000, 20_000):
        async with stand.store() as store:
            act = await begin(store)
            try:
                with stand.full(room):
                    await act()
            except HolystoneError:
                ended.append(False)
                assert await seen(stand) == before
            else:
                ended.append(True)
                break
    assert False in ended
    assert True in ended
    assert len(await seen(stand)) == 3, "what was half-written is gone"


async def test_a_record_that_found_no_room_takes_none_back_that_did(stand: Stand) -> None:
    await prepare(stand)
    body = b"x" * 200_000
    large = RawManifest(digest_of(body), "text/plain", body)
    async with stand.store() as store:
        run = await store.load()
        journal = await run.repository(PLAN.repositories[0])
        assert journal
        with stand.full(50_000):
            await journal.record({IDS[3]: Deleted()})
            with pytest.raises(HolystoneError):
                await journal.keep([large])
        assert await journal.manifest(large.digest) is None
        assert set((await journal.journaled()).whole) == {raw.digest for raw in BYTES[:3]}
        (now,) = await recorded(store, run.id)
        assert now.outcomes == {**journal.known.outcomes, IDS[3]: Deleted()}


async def test_who_cannot_write_down_what_it_locks_has_locked_nothing(stand: Stand) -> None:
    locks = stand.locks()
    with stand.full(), pytest.raises(HolystoneError) as told:
        await locks.take("one", [FIRST, ELSEWHERE])
    assert type(told.value) is HolystoneError
    (await stand.locks().take("one", [FIRST, ELSEWHERE])).release()


async def test_what_cannot_be_counted_is_told_and_what_was_counted_stays(stand: Stand) -> None:
    key = Key("tags", FIRST)
    await stand.baselines().remember([Counted(key, 9, 9)], 1_000, "one")
    with stand.full(), pytest.raises(HolystoneError):
        await stand.baselines().remember([Counted(key, 5, 5)], 2_000, "two")
    assert await stand.baselines().read([key]) == {key: Remembered(9, 1_000, "one")}


async def test_what_cannot_be_remembered_by_digest_costs_nothing(stand: Stand) -> None:
    body = b"a configuration"
    with stand.full():
        async with stand.cache() as cache:
            await cache.learn_manifests(BYTES)
            await cache.learn_blob(Digest.of(body), body)
            assert await cache.blob(Digest.of(body)) == body
            assert [raw async for raw in cache.manifests([raw.digest for raw in BYTES])] == [*BYTES]
    async with stand.cache() as cache:
        await cache.learn_manifests(BYTES[:1])
    async with stand.cache() as cache:
        assert await cache.manifest(BYTES[0].digest) == BYTES[0]
