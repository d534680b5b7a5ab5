"""What somebody else, or a bad disk, has made of a record is found by whoever reads it, and is the trouble of its own
run: never believed, never a reason to leave another run alone."""

from typing import get_args

import pytest

from holystone.engine.errors import Damaged, HolystoneError
from holystone.engine.model.outcomes import Failed
from holystone.engine.model.references import Digest
from holystone.engine.model.sources import Counted, Key
from holystone.engine.ports import RunStore
from tests.state.conformance.stand import Record, Stand
from tests.state.conformance.verbs import BYTES, FIRST, IDS, OTHER_PLAN, PLAN, prepare

OF_A_RUN: tuple[Record, ...] = tuple(each for each in get_args(Record) if each not in ("counted", "digest", "sighting"))
OF_ITS_PLAN: tuple[Record, ...] = ("head", "plan", "half of the plan")
OF_A_REPOSITORY: tuple[Record, ...] = ("tombstone", "step", "outcome", "mark", "loss")


async def _damaged(stand: Stand, record: Record) -> str:
    """The run."""
    await prepare(stand)
    async with stand.store() as store:
        run = (await store.runs())[0].id
    if not await stand.damage(record, run):
        pytest.skip("the store lets no such record be")
    return run


async def _other_is_whole(store: RunStore) -> None:
    (other,) = [each.id for each in await store.runs() if each.command == "prune"]
    run = await store.load(other)
    assert [*run.plan.repositories] == [*OTHER_PLAN.repositories]
    journal = await run.repository(OTHER_PLAN.repositories[0])
    assert journal
    assert journal.known.outcomes == {IDS[0]: Failed("later")}
    assert [await journal.manifest(raw.digest) for raw in BYTES[:3]] == [*BYTES[:2], None]
    await run.finish()


@pytest.mark.parametrize("record", OF_A_RUN)
async def test_another_run_is_as_it_was(stand: Stand, record: Record) -> None:
    await _damaged(stand, record)
    async with stand.store() as store:
        await _other_is_whole(store)


@pytest.mark.parametrize("record", OF_A_RUN)
async def test_another_run_begins_where_the_damaged_one_was(stand: Stand, record: Record) -> None:
    """It holds nothing that it could not take."""
    run = await _damaged(stand, record)
    async with stand.store() as store:
        with pytest.raises(Damaged, match=run):
            await _read(store, run)
    async with stand.store() as store:
        begun = await store.begin(PLAN, "cleanup")
        assert begun.id != run
        await begun.finish()


async def _read(store: RunStore, run_id: str) -> None:
    run = await store.load(run_id)
    journal = await run.repository(PLAN.repositories[0])
    assert journal
    for digest in (await journal.journaled()).damaged:
        assert await journal.manifest(digest) is None
        raise Damaged(run_id, not_deleted="", what_to_do="")


@pytest.mark.parametrize("record", OF_ITS_PLAN)
async def test_a_run_whose_plan_is_damaged_is_not_taken_up_and_can_be_given_up(stand: Stand, record: Record) -> None:
    run = await _damaged(stand, record)
    async with stand.store() as store:
        for read in (store.load, store.load, store.plan):
            with pytest.raises(Damaged, match=f"{run} is damaged"):
                await read(run)
        assert (await store.record(run)).state == "open"
        assert (await store.give_up(run)).state == "given-up"


async def test_a_run_whose_own_row_is_damaged_says_so_among_the_others(stand: Stand) -> None:
    run = await _damaged(stand, "run")
    async with stand.store() as store:
        assert {each.id: each.state for each in await store.runs()}[run] == "damaged"
        assert (await store.record(run)).state == "damaged"
        with pytest.raises(Damaged, match=f"{run} is damaged"):
            await store.load(run)


@pytest.mark.parametrize("record", OF_A_REPOSITORY)
async def test_a_repository_of_which_a_record_is_damaged_is_neither_finished_nor_undone(
    stand: Stand, record: Record
) -> None:
    """Of the others, and of its plan, everything can be read."""
    run = await _damaged(stand, record)
    async with stand.store() as store:
        taken = await store.load(run)
        with pytest.raises(Damaged, match=f"{run} is damaged"):
            await taken.repository(PLAN.repositories[0])
        with pytest.raises(Damaged, match=f"{run} is damaged"):
            await store.recorded(run, PLAN.repositories[0])
        assert [await taken.repository(each) for each in [*PLAN.repositories][1:]] == [None, None]


async def test_bytes_that_were_changed_are_told_from_those_that_are_whole(stand: Stand) -> None:
    run = await _damaged(stand, "manifest")
    async with stand.store() as store:
        journal = await (await store.load(run)).repository(PLAN.repositories[0])
        assert journal
        await journal.keep(BYTES[2:4])
        known = await journal.journaled()
        assert set(known.whole) == {raw.digest for raw in BYTES[2:4]}
        assert known.damaged == {raw.digest for raw in BYTES[:2]}
        assert [await journal.manifest(raw.digest) for raw in BYTES] == [None, None, *BYTES[2:4], None]


async def test_what_was_counted_is_believed_or_an_error(stand: Stand) -> None:
    key = Key("tags", FIRST)
    await stand.baselines().remember([Counted(key, 9, 9)], 1_000, "one")
    if await stand.damage("counted"):
        with pytest.raises(HolystoneError) as told:
            await stand.baselines().read([key])
        assert told.value.exit_code == 1


async def test_what_was_read_by_digest_is_what_the_digest_says_or_not_there(stand: Stand) -> None:
    body = b"a configuration"
    async with stand.cache() as cache:
        await cache.learn_manifests(BYTES)
        await cache.learn_blob(Digest.of(body), body)
    assert await stand.damage("digest")
    async with stand.cache() as cache:
        assert [raw async for raw in cache.manifests([raw.digest for raw in BYTES])] == []
        assert await cache.manifest(BYTES[0].digest) is None
        assert await cache.blob(Digest.of(body)) is None
        await cache.learn_manifests(BYTES)
    async with stand.cache() as cache:
        assert await cache.manifest(BYTES[0].digest) == BYTES[0]


async def test_where_nothing_can_be_read_nothing_is_done(stand: Stand) -> None:
    await prepare(stand)
    await stand.baselines().remember([Counted(Key("tags", FIRST), 9, 9)], 1_000, "one")
    await stand.damage_all()
    for _ in range(2):
        with pytest.raises(HolystoneError):
            async with stand.store() as store:
                await store.runs()
        with pytest.raises(HolystoneError):
            await stand.baselines().read([Key("tags", FIRST)])
    async with stand.cache() as cache:
        assert await cache.manifest(BYTES[0].digest) is None
        await cache.learn_manifests(BYTES)
        assert await cache.manifest(BYTES[0].digest) == BYTES[0]
