"""The lock in the registry, in virtual time: nobody works beside somebody else, and nothing is left behind."""

import random
from functools import partial

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from holystone.engine.errors import Refused, RegistryFailure
from holystone.engine.lease import LockTag, holding, holding_all, live_lock, lock_tag, parse_lock_tag
from holystone.engine.lease.hold import LASTS
from holystone.engine.model.capabilities import Capabilities
from holystone.engine.model.references import Tag
from tests.support import virtual_time
from tests.support.execution import after, before
from tests.support.gentle import gentle
from tests.support.memory_registry import MemoryRegistry, Point, repository

APP, OTHER = repository(), repository("team/other")
BY_TAG = gentle("memory", tag_delete=True, tag_delete_spares_siblings=True)
BY_DIGEST = gentle("memory")
RUN, ANOTHER = "20261123-161200-ab12", "20261123-161205-cd34"


def registry(can: Capabilities = BY_TAG) -> MemoryRegistry:
    made = MemoryRegistry(can)
    for each in (APP, OTHER):
        made.image(each, "image", "v1")
    return made


def tags(there: MemoryRegistry) -> set[str]:
    return set(there.contents[APP].tags)


def locks(there: MemoryRegistry) -> list[LockTag]:
    return [lock for tag in tags(there) if (lock := parse_lock_tag(tag))]


hold = partial(holding, now=virtual_time.clock)


@given(st.integers(0, 10**11), st.from_regex(r"[0-9]{8}-[0-9]{6}-[0-9a-f]{4}", fullmatch=True))
def test_a_lock_is_told_by_its_tag(until: int, run: str) -> None:
    lock = LockTag(until, run)
    assert parse_lock_tag(Tag.parse(lock_tag(lock))) == lock
    assert live_lock([lock_tag(lock), "v1"], until - 1) == lock
    assert live_lock([lock_tag(lock), "v1"], until) is None
    assert live_lock([lock_tag(lock), "v1"], until - 1, run) is None


@pytest.mark.parametrize("tag", ["v1", *(f"holystone-lock-{rest}" for rest in ("", "x-y", "12", "1-a_b"))])
def test_other_tags_are_no_locks(tag: str) -> None:
    assert parse_lock_tag(tag) is None


@pytest.mark.parametrize("can", [BY_TAG, BY_DIGEST], ids=["by tag", "by digest"])
def test_the_lock_is_there_while_the_work_lasts_and_then_gone(can: Capabilities) -> None:
    there = registry(can)
    seen: list[LockTag] = []

    async def work() -> str:
        for _ in range(20):
            await anyio.sleep(LASTS / 10)
            (lock,) = locks(there)
            assert lock.until > virtual_time.clock()
            seen.append(lock)
        return "done"

    assert virtual_time.run(lambda: hold(there, APP, RUN, work)) == "done"
    assert len(set(seen)) > 3, "renewed several times"
    assert tags(there) == {"v1"}
    assert len(there.contents[APP].manifests) == 1


@pytest.mark.parametrize("how", ["fails", "is cancelled"])
def test_the_lock_goes_however_the_work_ends(how: str) -> None:
    there = registry()

    async def work() -> None:
        if how == "fails":
            raise RegistryFailure("no more")
        await anyio.sleep_forever()

    async def main() -> None:
        if how == "fails":
            with pytest.raises(RegistryFailure, match="no more"):
                await hold(there, APP, RUN, work)
        else:
            with anyio.move_on_after(5):
                await hold(there, APP, RUN, work)

    virtual_time.run(main)
    assert tags(there) == {"v1"}


def test_a_lock_goes_that_is_being_renewed_when_the_work_ends() -> None:
    """Its push has reached the registry, and the answer has not reached us."""
    there = registry()
    pushed = anyio.Event()

    async def no_answer(point: Point) -> None:
        if after("push_manifest")(point) and len(locks(there)) == 2:
            pushed.set()
            await anyio.sleep_forever()

    there.hook = no_answer
    virtual_time.run(lambda: hold(there, APP, RUN, pushed.wait))
    assert tags(there) == {"v1"}


def test_a_lock_goes_whose_push_was_interrupted() -> None:
    there = registry()

    async def no_answer(point: Point) -> None:
        if after("push_manifest")(point):
            await anyio.sleep_forever()

    there.hook = no_answer

    async def main() -> None:
        with anyio.move_on_after(5):
            await hold(there, APP, RUN, nothing)

    virtual_time.run(main)
    assert tags(there) == {"v1"}


def test_a_second_run_is_refused_and_leaves_the_first_its_lock() -> None:
    there = registry()

    async def second() -> None:
        with pytest.raises(Refused, match=f"team/app: another run.*{RUN}, until "):
            await hold(there, APP, ANOTHER, nothing)
        assert [lock.run for lock in locks(there)] == [RUN]

    virtual_time.run(lambda: hold(there, APP, RUN, second))


def test_a_stale_lock_is_removed_and_counts_no_more() -> None:
    there = registry()
    there.image(APP, "lock", lock_tag(LockTag(999, ANOTHER)))  # virtual time begins at 1000
    worked = virtual_time.run(lambda: hold(there, APP, RUN, partial(answer, there)))
    assert worked == [RUN]
    assert tags(there) == {"v1"}


def test_a_run_that_is_taken_up_again_is_not_stopped_by_its_own_lock() -> None:
    there = registry()
    there.image(APP, "lock", lock_tag(LockTag(2000, RUN)))
    assert virtual_time.run(lambda: hold(there, APP, RUN, partial(answer, there))) == [RUN]
    assert tags(there) == {"v1"}


@pytest.mark.parametrize("seed", range(30))
def test_of_runs_that_come_at_the_same_time_none_works_beside_another(seed: int) -> None:
    there, dice = registry(), random.Random(seed)
    at_work: list[str] = []

    async def slow(_: Point) -> None:
        await anyio.sleep(dice.random())

    there.hook = slow

    async def work(run: str) -> None:
        assert at_work == []
        at_work.append(run)
        await anyio.sleep(5)
        at_work.remove(run)

    async def one(run: str) -> None:
        await anyio.sleep(2 * dice.random())
        try:
            await hold(there, APP, run, partial(work, run), jitter=dice.random)
        except Refused as refused:
            assert "another run" in refused.message  # noqa: PT017 - most of them end so

    async def main() -> None:
        async with anyio.create_task_group() as group:
            for number in range(3):
                group.start_soon(one, f"run-{number}")

    virtual_time.run(main)
    assert tags(there) == {"v1"}


def test_a_registry_that_takes_no_push_is_told() -> None:
    there = registry()

    async def forbid(point: Point) -> None:
        if before("push_manifest")(point):
            raise RegistryFailure("denied")

    there.hook = forbid

    async def main() -> None:
        with pytest.raises(Refused, match="it cannot be locked: denied") as refused:
            await hold(there, APP, RUN, nothing)
        assert "--lock-in-registry" in refused.value.what_to_do

    virtual_time.run(main)


def test_several_repositories_are_locked_all_or_none() -> None:
    there = registry()
    there.image(OTHER, "lock", lock_tag(LockTag(10**10, ANOTHER)))

    async def main() -> None:
        with pytest.raises(Refused, match="team/other"):
            await holding_all([(there, APP), (there, OTHER)], RUN, nothing)
        assert tags(there) == {"v1"}
        assert await holding_all([(there, APP)], RUN, partial(answer, there)) == [RUN]

    virtual_time.run(main)


async def nothing() -> None:
    pytest.fail("the work was begun")


async def answer(there: MemoryRegistry) -> list[str]:
    return [lock.run for lock in locks(there)]
