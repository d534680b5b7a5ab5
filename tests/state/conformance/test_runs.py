"""A run from its beginning to its end, and what is known of it in between, by whoever asks."""

import asyncio
import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holystone.engine.errors import UsageError
from holystone.engine.model.layerless import layerless_image
from holystone.engine.model.manifests import OCI_MANIFEST, RawManifest
from holystone.engine.model.outcomes import AlreadyGone, Deleted, Failed, Loss, MovedMeanwhile, Outcome
from holystone.engine.model.plan import Pass, Plan, RepositoryPlan, StepId
from holystone.engine.model.records import Tombstone
from holystone.engine.model.references import Repository, Tag
from holystone.engine.ports import Run, RunStore
from tests.state.conformance.stand import NOW, Stand
from tests.state.conformance.stands import NewStand
from tests.support.journals import begin_repository, recorded
from tests.support.memory_registry import digest_of, repository
from tests.support.small_plans import level, plan, remove, repository_plan, untag

APP = repository()
BYTES = RawManifest(digest_of(b"{}"), OCI_MANIFEST, b"{}")
TOMBSTONE = Tombstone(*layerless_image({}, oci=True))
PLAN = plan(repository_plan(APP, level(*(remove(digest_of(b"%d" % number)) for number in range(3)))))
CLAIMED = Plan.of(PLAN.head, [each.claimed() for each in PLAN.repositories])
IDS = [step.id for step in PLAN.repositories[0].steps]
DAY = 86_400


async def test_a_run_comes_back_as_it_was_written(stand: Stand) -> None:
    async with stand.store() as store:
        run = await store.begin(PLAN, "images cleanup")
        assert await run.repository(PLAN.repositories[0]) is None
        written = await begin_repository(run, APP, [BYTES], TOMBSTONE)
        await written.record({IDS[0]: Failed("later"), IDS[1]: Deleted()})
        await written.record({IDS[0]: AlreadyGone()})
        await written.mark_tombstoned([IDS[2]])
    async with stand.store() as store:
        again = await store.load()
        assert (again.id, again.plan, again.record.command) == (run.id, CLAIMED, "images cleanup")
        known = await again.repository(PLAN.repositories[0])
        assert known is not None
        assert known.known.outcomes == {IDS[0]: AlreadyGone(), IDS[1]: Deleted()}
        assert known.known.tombstoned == {IDS[2]}
        assert known.known.tombstone == TOMBSTONE
        assert await known.manifest(BYTES.digest) == BYTES
        assert set((await known.journaled()).whole) == {BYTES.digest}
        assert await recorded(store, run.id) == (known.known,)
        assert await store.plan(run.id) == CLAIMED


async def test_an_id_is_made_of_the_time_and_is_never_given_twice(stand: Stand) -> None:
    tokens = iter(("ab12", "ab12", "cd34"))
    async with stand.store(token=lambda: next(tokens)) as store:
        first = await store.begin(PLAN, "cleanup")
        await first.finish()
        second = await store.begin(PLAN, "cleanup")
        assert (first.id, second.id) == ("20261123-161200-ab12", "20261123-161200-cd34")
        assert [(each.id, each.state, each.ended) for each in await store.runs()] == [
            (second.id, "open", None),
            (first.id, "finished", 1795450320),
        ]


async def test_the_latest_run_that_is_open_is_taken_up(stand: Stand) -> None:
    clock = itertools.count(1_795_000_000)
    async with stand.store(now=lambda: next(clock)) as store:
        runs = []
        for _ in range(3):
            runs.append(await store.begin(PLAN, "cleanup"))
            runs[-1].release()
        await runs[2].finish()
    async with stand.store() as store:
        latest = await store.load()
        assert latest.id == runs[1].id
        latest.release()
        assert (await store.load(runs[2].id)).record.state == "finished"


async def test_runs_that_ended_long_ago_are_forgotten_when_another_begins(stand: Stand) -> None:
    now = NOW

    async def write(store: RunStore) -> Run:
        run = await store.begin(PLAN, "cleanup")
        begun = await begin_repository(run, APP, [BYTES], TOMBSTONE)
        await begun.record({IDS[0]: Deleted()})
        await begun.mark_tombstoned([IDS[0]])
        return run

    async with stand.store(now=lambda: now) as store:
        killed = await write(store)
        killed.release()
        undoing = await write(store)
        await undoing.finish()
        undoing = await store.load(undoing.id)
        await undoing.begin_undo()
        undoing.release()
        await (await write(store)).finish()
        await (await write(store)).finish("undone")
        now += 200 * DAY
        recent = await write(store)
        await recent.finish()
        for _ in range(8):
            later = await store.begin(plan(), "cleanup")
            await later.finish()
            now += DAY
        left = {each.id for each in await store.runs()}
        assert {killed.id, undoing.id, recent.id, later.id} <= left
        assert len(left) == 3 + 8, "nothing else of long ago"
        for run in (killed, undoing, recent):
            (found,) = await recorded(store, run.id)
            assert found.outcomes == {IDS[0]: Deleted()}
            assert found.tombstoned == {IDS[0]}
            taken = await store.load(run.id)
            journal = await taken.repository(PLAN.repositories[0])
            assert journal
            assert await journal.manifest(BYTES.digest) == BYTES
            taken.release()


async def test_a_run_that_does_not_exist_is_a_usage_error(stand: Stand) -> None:
    async with stand.store() as store:
        with pytest.raises(UsageError, match="no run that is left unfinished"):
            await store.load()
        for name in ("20260101-000000-aaaa", "no/such/run", "../outside/run", "\udcff", ""):
            for ask in (store.load, store.record, store.plan, store.give_up):
                with pytest.raises(UsageError, match="has no run"):
                    await ask(name)
            with pytest.raises(UsageError, match="has no run"):
                await store.record(name)
        assert await store.runs() == ()


async def test_what_a_check_found_lost_is_kept_with_its_bytes(stand: Stand) -> None:
    first, second = Loss(BYTES.digest, Tag("v1")), Loss(BYTES.digest)
    async with stand.store() as store:
        run = await store.begin(PLAN, "cleanup")
        begun = await begin_repository(run, APP, [], None)
        await begun.keep([BYTES])
        await begun.record_check([first])
        await begun.record_check([first, second])
    async with stand.store() as store:
        (found,) = await recorded(store, run.id)
        assert (set(found.losses), found.checked) == ({first, second}, True)
        journal = await (await store.load()).repository(PLAN.repositories[0])
        assert journal
        assert await journal.manifest(BYTES.digest) == BYTES


async def test_an_outcome_after_a_check_asks_for_another(stand: Stand) -> None:
    async with stand.store() as store:
        run = await store.begin(PLAN, "cleanup")
        begun = await begin_repository(run, APP, [], None)
        for checked in (False, True, False):
            await (begun.record_check([]) if checked else begun.record({IDS[0]: Deleted()}))
            (found,) = await recorded(store, run.id)
            assert found.checked is checked


async def test_what_has_just_begun_has_lost_nothing_and_holds_nothing(stand: Stand) -> None:
    async with stand.store() as store:
        run = await store.begin(PLAN, "cleanup")
        begun = (await begin_repository(run, APP, [], TOMBSTONE)).known
        assert begun.tombstone == TOMBSTONE
        assert (run.record.locks, begun.losses, begun.checked) == (False, (), False)
        assert await recorded(store, run.id) == (begun,)


async def test_that_locks_may_be_left_is_written_down_before_the_first_is_pushed(stand: Stand) -> None:
    async with stand.store() as store:
        run = await store.begin(PLAN, "cleanup")
        assert await run.may_lock(wanted=False) is False
        assert (await store.record(run.id)).locks is False
        for _ in range(2):
            assert await run.may_lock(wanted=True) is True
        assert (await store.record(run.id)).locks is True
    async with stand.store() as store:
        assert await (await store.load()).may_lock(wanted=False) is True


async def test_what_is_given_up_has_ended_and_what_has_ended_is_left_as_it_is(stand: Stand) -> None:
    async with stand.store(now=lambda: 1_795_000_000) as store:
        one, two = [await store.begin(plan(), "cleanup") for _ in range(2)]
        await two.finish()
        one.release()
    async with stand.store(now=lambda: 1_795_000_007) as store:
        for run, state, ended in ((one, "given-up", 1_795_000_007), (two, "finished", 1_795_000_000)):
            for _ in range(2):
                record = await store.give_up(run.id)
                assert (record.state, record.ended) == (state, ended)
                assert await store.record(run.id) == record


async def test_who_is_cancelled_while_it_waits_harms_nobody(stand: Stand) -> None:
    many = repository_plan(APP, level(*(remove(digest_of(b"%d" % number)) for number in range(51))))
    *others, last = (step.id for step in many.steps)
    async with stand.store() as store:
        run = await store.begin(plan(many), "cleanup")
        written = await begin_repository(run, APP, [BYTES], None)
        for number, step_id in enumerate(others):
            task = asyncio.ensure_future(written.record({step_id: Deleted()}))
            for _ in range(number % 4):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        await written.record({last: AlreadyGone()})
    async with stand.store() as store:
        (known,) = await recorded(store, run.id)
        assert known.outcomes[last] == AlreadyGone()
        assert known.outcomes.items() <= {**dict.fromkeys(others, Deleted()), last: AlreadyGone()}.items()


REPOSITORIES = [repository("a"), repository("b")]
STEPS = [untag(f"v{number}", digest_of(b"%d" % number)) for number in range(10)]
TWO = plan(*(repository_plan(each, Pass("untag", tuple(STEPS))) for each in REPOSITORIES))
_OUTCOMES: st.SearchStrategy[Outcome] = st.sampled_from(
    [Deleted(), AlreadyGone(), Failed("no"), MovedMeanwhile(digest_of(b"x"))]
)
_IDS: st.SearchStrategy[StepId] = st.sampled_from([step.id for step in STEPS])
_RECORDS = st.tuples(st.sampled_from(TWO.repositories), st.dictionaries(_IDS, _OUTCOMES, min_size=1))
_MARKS = st.tuples(st.sampled_from(TWO.repositories), st.frozensets(_IDS, min_size=1))


@settings(max_examples=25, deadline=None)
@given(st.lists(st.lists(_RECORDS | _MARKS, max_size=7), min_size=1, max_size=4))
def test_whatever_was_written_is_there_after_any_reopening(new_stand: NewStand, attempts: list[list[object]]) -> None:
    async def scenario(stand: Stand) -> None:
        expected: dict[Repository, tuple[dict[StepId, Outcome], set[StepId]]]
        expected = {each: ({}, set()) for each in REPOSITORIES}
        async with stand.store() as store:
            run = await store.begin(TWO, "cleanup")
            for each in REPOSITORIES:
                await begin_repository(run, each, [], None)
        for operations in attempts:
            async with stand.store() as store:
                run = await store.load()
                for operation in operations:
                    match operation:
                        case (RepositoryPlan() as where, dict() as outcomes):
                            journal = await run.repository(where)
                            assert journal
                            await journal.record(outcomes)
                            expected[where.repository][0].update(outcomes)
                        case (RepositoryPlan() as where, frozenset() as marks):
                            journal = await run.repository(where)
                            assert journal
                            await journal.mark_tombstoned(marks)
                            expected[where.repository][1].update(marks)
        async with stand.store() as store:
            found = {each.repository: each for each in await recorded(store, run.id)}
            assert {at: (dict(each.outcomes), set(each.tombstoned)) for at, each in found.items()} == expected

    with new_stand() as stand:
        asyncio.run(scenario(stand))
