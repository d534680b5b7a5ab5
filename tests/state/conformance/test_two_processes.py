"""Two processes at once: one of them works on a run and in a repository, and the other harms nothing of it."""

import asyncio
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import msgspec
import pytest

from holystone.engine.errors import Busy
from holystone.engine.model.outcomes import Deleted
from holystone.engine.model.plan import RepositoryPlan
from holystone.engine.model.references import Repository
from holystone.engine.model.sources import Counted, Key
from tests.state.conformance.meanwhile import Meanwhile
from tests.state.conformance.stand import Stand
from tests.state.conformance.verbs import BYTES, ELSEWHERE, FIRST, OTHER_PLAN, PLAN, SECOND, seen
from tests.support.journals import begin_repository, recorded
from tests.support.memory_registry import digest_of, repository
from tests.support.small_plans import level, plan, remove, repository_plan


async def test_a_run_that_is_alive_is_not_taken_up(stand: Stand) -> None:
    async with stand.store() as store, stand.store() as other:
        run = await store.begin(PLAN, "cleanup")
        for take in (other.load, other.give_up):
            with pytest.raises(Busy, match="still going on"):
                await take(run.id)
        assert (await other.record(run.id)).state == "open"
        run.release()
        assert (await other.load()).id == run.id
        with pytest.raises(Busy, match="still going on"):
            await store.load(run.id)


async def test_two_runs_never_work_on_one_repository(stand: Stand) -> None:
    async with stand.store() as store, stand.store() as other:
        run = await store.begin(PLAN, "cleanup")
        both = msgspec.structs.replace(PLAN, repositories=(*PLAN.repositories, *OTHER_PLAN.repositories))
        with pytest.raises(Busy, match=f"a/first: another run.*run {run.id}"):
            await other.begin(both, "cleanup")
        with pytest.raises(Busy, match="a/first: another run"):
            await stand.locks().refuse_if_busy(FIRST)
        await other.begin(OTHER_PLAN, "cleanup")  # what was refused has kept no lock
        assert len(await other.runs()) == 2
        await run.finish()
        await stand.locks().refuse_if_busy(FIRST)
        await other.begin(PLAN, "cleanup")


async def test_a_run_is_not_taken_up_where_another_has_begun_since(stand: Stand) -> None:
    async with stand.store() as store, stand.store() as other:
        run = await store.begin(PLAN, "cleanup")
        run.release()
        later = await other.begin(plan(repository_plan(FIRST)), "cleanup")
        with pytest.raises(Busy, match=f"a/first: another run.*run {later.id}"):
            await store.load(run.id)
        await later.finish()
        assert (await store.load(run.id)).id == run.id, "what was refused has kept no lock"


async def test_who_takes_up_what_has_just_ended_sees_that_it_has(stand: Stand) -> None:
    async with stand.store() as store:
        run = await store.begin(PLAN, "cleanup")
        async with stand.store(locks=lambda locks: Meanwhile(locks, run.finish)) as other:
            taken = await other.load()
            assert (taken.id, taken.record.state, taken.record.ended) == (run.id, "finished", 1795450320)


async def test_what_has_ended_a_moment_ago_is_not_given_up(stand: Stand) -> None:
    async with stand.store() as store:
        run = await store.begin(PLAN, "cleanup")
        async with stand.store(locks=lambda locks: Meanwhile(locks, run.finish)) as other:
            assert (await other.give_up(run.id)).state == "finished"
            assert [each.state for each in await other.runs()] == ["finished"]


async def test_both_write_at_once_and_everything_is_there(stand: Stand) -> None:
    async def work(number: int) -> str:
        own = repository(f"own/{number}")
        async with stand.store() as store:
            run = await store.begin(plan(many_steps(own, 20)), "cleanup")
            begun = await begin_repository(run, own, BYTES, None)
            await asyncio.gather(*(begun.record({step.id: Deleted()}) for step in run.plan.repositories[0].steps))
            return run.id

    runs = await asyncio.gather(*(work(number) for number in range(4)))
    assert len(set(runs)) == 4
    async with stand.store() as store:
        for run in runs:
            (known,) = await recorded(store, run)
            (planned,) = (await store.plan(run)).repositories
            assert known.outcomes == dict.fromkeys([step.id for step in planned.steps], Deleted())


def many_steps(where: Repository, number: int) -> RepositoryPlan:
    return repository_plan(where, level(*(remove(digest_of(b"%d" % each)) for each in range(number))))


@contextmanager
def another_process(stand: Stand, *lines: str) -> Iterator[subprocess.Popen[str]]:
    """That says what the lines print and goes on for ever, until it is killed."""
    script = "\n".join(
        (
            stand.script,
            "import asyncio",
            "from holystone.engine.errors import Busy",
            "from holystone.engine.model.outcomes import Deleted",
            "from tests.state.conformance.verbs import BYTES, FIRST, SECOND, TOMBSTONE",
            "from tests.support.journals import begin_repository",
            "from tests.support.memory_registry import repository",
            "async def main():",
            *(f"    {line}" for line in lines),
            "    await asyncio.sleep(600)",
            "asyncio.run(main())",
        )
    )
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def _said(process: subprocess.Popen[str]) -> str:
    assert process.stdout
    return process.stdout.readline().strip()


@pytest.mark.slow
async def test_who_is_killed_has_what_it_wrote_written_and_gives_its_run_back(stand: Stand) -> None:
    planned = many_steps(SECOND, 10_000)
    async with stand.store() as store:
        await store.begin(plan(planned), "cleanup")
    with another_process(
        stand,
        "async with stand.store() as store:",
        "    run = await store.load()",
        "    steps = run.plan.repositories[0].steps",
        "    begun = await begin_repository(run, SECOND, BYTES, TOMBSTONE)",
        "    print(run.id, flush=True)",
        "    async def work(first):",
        "        for step in steps[first::8]:",
        "            await begun.record({step.id: Deleted()})",
        "            print(step.id, flush=True)",
        "    await asyncio.gather(*(work(first) for first in range(8)))",
    ) as victim:
        run_id = _said(victim)
        told = [_said(victim) for _ in range(100)]
        async with stand.store() as store:
            with pytest.raises(Busy, match="still going on"):
                await store.load(run_id)
        victim.kill()
        assert victim.stdout
        told += victim.stdout.read().splitlines()
    async with stand.store() as store:
        journal = await (await store.load()).repository(planned)
        assert journal
        assert set(told) <= set(journal.known.outcomes)
        assert set((await journal.journaled()).whole) == {raw.digest for raw in BYTES}


@pytest.mark.slow
@pytest.mark.parametrize("ends", ["kill", "terminate"])
async def test_the_locks_of_a_process_that_died_are_none(stand: Stand, ends: str) -> None:
    with another_process(
        stand,
        "held = await stand.locks().take('20261123-161200-ab12', [FIRST, SECOND])",
        "print('has them', flush=True)",
    ) as victim:
        assert _said(victim) == "has them"
        with pytest.raises(Busy, match="still going on"):
            await stand.locks().take("20261123-161200-ab12")
        with pytest.raises(Busy, match=r"a/first: another run.*run 20261123-161200-ab12"):
            await stand.locks().take("20261123-161300-cd34", [ELSEWHERE, FIRST])
        with pytest.raises(Busy, match="a/first: another run"):
            await stand.locks().refuse_if_busy(FIRST)
        getattr(victim, ends)()
        victim.wait()
        (await stand.locks().take("20261123-161200-ab12", [ELSEWHERE, FIRST])).release()


@pytest.mark.slow
async def test_of_many_that_begin_at_once_one_gets_what_all_want(stand: Stand) -> None:
    with ExitStack() as running:
        processes = [
            running.enter_context(
                another_process(
                    stand,
                    "print('there', input(), flush=True)",
                    "try:",
                    f"    held = await stand.locks().take('run-{number}', [SECOND, repository('own/{number}')])",
                    "    print('got', flush=True)",
                    "except Busy:",
                    "    print('refused', flush=True)",
                )
            )
            for number in range(4)
        ]
        for each in processes:
            assert each.stdin
            each.stdin.write("now\n")
            each.stdin.flush()
        assert [_said(each) for each in processes] == ["there now"] * 4
        assert sorted(_said(each) for each in processes) == ["got", "refused", "refused", "refused"]


def test_many_that_are_the_first_at_once_all_begin(stand: Stand) -> None:
    """Nothing is there yet, and each makes what it needs."""
    runs: list[str] = []
    at_once = threading.Barrier(4)

    async def work(number: int) -> None:
        key = Key("tags", repository(f"own/{number}"))
        at_once.wait()
        async with stand.store() as store, stand.cache() as cache:
            run = await store.begin(plan(repository_plan(key.repository)), "cleanup")
            await stand.baselines().remember([Counted(key, 1, 1)], 1_000, run.id)
            await cache.learn_manifests(BYTES)
            runs.append(run.id)

    threads = [threading.Thread(target=lambda number=number: asyncio.run(work(number))) for number in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(runs) == 4
    found = asyncio.run(seen(stand))
    assert set(found) == set(runs)
