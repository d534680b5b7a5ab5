"""A process that is killed, or a machine that loses power, between any two writes and in the middle of each: a record
is there as it was written or not at all, none before those that were written earlier."""

import asyncio
import itertools
from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holystone.engine.model.outcomes import Deleted
from holystone.engine.model.plan import RepositoryPlan
from holystone.engine.ports import RunStore
from tests.state.conformance.stand import NOW, Stand
from tests.state.conformance.stands import NewStand
from tests.state.conformance.verbs import AGAIN, BYTES, FIRST, IDS, PLAN, VERBS, SeenRun, Verb, prepare, seen
from tests.support.journals import begin_repository, recorded
from tests.support.small_plans import plan, repository_plan

DAY = 86_400


async def _after_each_write(stand: Stand, verb: Verb) -> list[Mapping[str, SeenRun]]:
    """What another process finds, and that whoever does it again has it done."""

    async def work(store: RunStore) -> None:
        await (await verb(store))()

    found, again = [], []
    async for left in stand.broken_off(work):
        found.append(await seen(left))
        if verb in AGAIN:
            async with left.store() as store:
                await work(store)
            again.append(await seen(left))
    assert all(each == found[-1] for each in again)
    return found


def _one_after_the_other(found: Sequence[Mapping[str, SeenRun]]) -> None:
    """Of each run what was there before, until there is what is there in the end."""
    first, last = found[0], found[-1]
    for run in {*first, *last}:
        of_run = [each.get(run) for each in found]
        stages = [stage for stage, _ in itertools.groupby(of_run, key=lambda each: each == last.get(run))]
        assert set(map(repr, of_run)) <= {repr(first.get(run)), repr(last.get(run))}
        assert stages in ([True], [False, True])


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.__name__)
async def test_what_is_written_is_there_wholly_or_not_at_all(stand: Stand, verb: Verb) -> None:
    await prepare(stand)
    before = await seen(stand)
    found = await _after_each_write(stand, verb)
    assert found[0] == before
    _one_after_the_other(found)


async def test_a_repository_that_is_half_kept_is_none_until_it_was_kept_again(stand: Stand) -> None:
    """And what was kept at first, and is not any more, does no harm."""
    await prepare(stand)

    async def work(store: RunStore) -> None:
        run = await store.load()
        await begin_repository(run, PLAN.repositories[1].repository, BYTES, None)

    async for left in stand.broken_off(work):
        async with left.store() as store:
            run = await store.load()
            begun = await run.repository(PLAN.repositories[1])
            if begun is None:
                begun = await begin_repository(run, PLAN.repositories[1].repository, BYTES[1:], None)
            assert {raw.digest for raw in BYTES[1:]} <= (await begun.journaled()).whole.keys()


async def test_bytes_that_are_kept_later_come_one_after_the_other(stand: Stand) -> None:
    await prepare(stand)

    async def work(store: RunStore) -> None:
        journal = await (await store.load()).repository(PLAN.repositories[0])
        assert journal
        await journal.keep(BYTES)

    numbers = []
    async for left in stand.broken_off(work):
        async with left.store() as store:
            journal = await (await store.load()).repository(PLAN.repositories[0])
            assert journal
            kept = (await journal.journaled()).whole
            assert set(kept) == {raw.digest for raw in BYTES[: len(kept)]}
            numbers.append(len(kept))
    assert numbers == sorted(numbers)
    assert (numbers[0], numbers[-1]) == (3, 5)


async def test_a_run_that_began_by_half_is_gone_when_another_begins(stand: Stand) -> None:
    """Its repositories are free, and it is never heard of."""
    await prepare(stand)

    async def work(store: RunStore) -> None:
        await store.begin(plan(*_many()), "cleanup")

    counts = []
    async for left in stand.broken_off(work):
        async with left.store() as store:
            counts.append(len(await store.runs()))
            run = await store.begin(plan(*_many()), "cleanup")
            await run.finish()
            assert len(await store.runs()) == counts[-1] + 1
        assert len(await seen(left)) == counts[-1] + 1
    assert sorted(set(counts)) == [2, 3]
    assert counts.count(2) > 2 * len(_many()), "there were so many writes before it had begun"


def _many() -> list[RepositoryPlan]:
    return [repository_plan(each.repository, *each.passes) for each in PLAN.repositories]


async def test_what_is_forgotten_goes_wholly(stand: Stand) -> None:
    async with stand.store(now=lambda: NOW - 110 * DAY) as store:
        run = await store.begin(PLAN, "cleanup")
        await (await begin_repository(run, FIRST, BYTES, None)).record({IDS[0]: Deleted()})
        await run.finish()
    for day in range(-7, 0):
        async with stand.store(now=lambda day=day: NOW + day * DAY) as store:  # type: ignore[misc]
            await (await store.begin(plan(), "cleanup")).finish()

    async def work(store: RunStore) -> None:
        assert run.id in {each.id for each in await store.runs()}
        await store.begin(plan(), "cleanup")

    found = [await seen(left) async for left in stand.broken_off(work)]
    assert run.id not in found[-1]
    _one_after_the_other(found)


@settings(max_examples=15, deadline=None)
@given(st.integers(1, len(IDS)))
def test_of_records_that_were_written_one_after_the_other_the_first_are_there(new_stand: NewStand, number: int) -> None:
    async def work(store: RunStore) -> None:
        written = await begin_repository(await store.load(), PLAN.repositories[1].repository, [], None)
        for step_id in IDS[:number]:
            await written.record({step_id: Deleted()})

    async def scenario(stand: Stand) -> None:
        await prepare(stand)
        lengths = []
        async for left in stand.broken_off(work):
            async with left.store() as store:
                known = (await recorded(store, (await store.runs())[0].id))[1:]
                outcomes = known[0].outcomes if known else {}
                assert outcomes.keys() == {*IDS[: len(outcomes)]}
                lengths.append(len(outcomes))
        assert lengths == sorted(lengths)
        assert lengths[-1] == number

    with new_stand() as stand:
        asyncio.run(scenario(stand))
