"""The lock in the registry, in virtual time: nobody works beside somebody else, and nothing is left behind."""

import random
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, TypeVar

import anyio
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from holystone.adapters.state.registry_tags import holding
from holystone.engine.errors import Refused, RegistryFailure
from holystone.engine.model.capabilities import SPARES_ALL, Capabilities, DigestDeletion, TagDeletion
from holystone.engine.model.lock_tags import (
    LASTS,
    LockTag,
    false_locks,
    is_lock_tag,
    live_lock,
    lock_image,
    lock_tag,
    parse_lock_tag,
)
from holystone.engine.model.outcomes import AlreadyGone, Outcome
from holystone.engine.model.references import Digest, Repository, Tag
from holystone.engine.ports import TAGS, Listing, RepositorySession, Wanted
from tests.support import virtual_time
from tests.support.execution import after, before
from tests.support.gentle import gentle
from tests.support.memory_registry import Content, MemoryRegistry, Point, digest_of, repository

APP, OTHER = repository(), repository("team/other")
BY_TAG = gentle("memory", tags=TagDeletion(SPARES_ALL))
BY_DIGEST = gentle("memory")
UNKNOWN = gentle("memory", tags=TagDeletion())
"""Of which nobody knows whether the deletion of a tag takes its siblings: this one does."""
TAGS_ONLY = gentle("memory", tags=TagDeletion(), digests=None)
"""The Docker registry of GitHub Packages, where nobody can move a tag."""
WAYS = {"by tag": BY_TAG, "by digest": BY_DIGEST, "unknown": UNKNOWN, "tags only": TAGS_ONLY}
EACH_WAY = pytest.mark.parametrize("can", WAYS.values(), ids=WAYS.keys())
TAGS_MOVE = pytest.mark.parametrize("can", [BY_TAG, BY_DIGEST, UNKNOWN], ids=list(WAYS)[:3])
RUN, ANOTHER = "20261123-161200-ab12", "20261123-161205-cd34"


class Rough(MemoryRegistry):
    """To delete a tag is to delete what it points to."""

    def _delete_tag(self, content: Content, tag: Tag) -> Outcome:
        at = content.tags.get(tag)
        return self._delete_manifest(content, at) if at else AlreadyGone()


def registry(can: Capabilities = BY_TAG) -> MemoryRegistry:
    made = (Rough if can.tags == TagDeletion() else MemoryRegistry)(can)
    for each in (APP, OTHER):
        made.image(each, "image", "v1")
    return made


def image(there: MemoryRegistry) -> Digest:
    return there.contents[APP].tags[Tag("v1")]


def leave_lock(there: MemoryRegistry, until: int, run: str = ANOTHER, *others: str) -> Tag:
    """Of a run that has died; `others`: more tags on its manifest."""
    tag = lock_tag(LockTag(until, run))
    manifest, config = lock_image(tag)
    there.contents[APP].blobs[digest_of(config)] = config
    there.put(APP, manifest, tag, *others)
    return tag


def tags(there: MemoryRegistry) -> set[str]:
    return set(there.contents[APP].tags)


def locks(there: MemoryRegistry) -> list[LockTag]:
    return [lock for tag in tags(there) if (lock := parse_lock_tag(tag))]


T = TypeVar("T")


async def hold(
    session: RepositorySession,
    run: str,
    work: Callable[[], Awaitable[T]],
    *,
    jitter: Callable[[], float] = random.random,
) -> T:
    async with holding(session, run, now=virtual_time.clock, jitter=jitter):
        return await work()


@given(st.integers(LASTS, 10**11), st.from_regex(r"[0-9]{8}-[0-9]{6}-[0-9a-f]{4}", fullmatch=True))
def test_a_lock_is_told_by_its_tag(until: int, run: str) -> None:
    lock = LockTag(until, run)
    assert parse_lock_tag(Tag.parse(lock_tag(lock))) == lock
    assert live_lock([lock_tag(lock), "v1"], until - 1) == lock
    assert live_lock([lock_tag(lock), "v1"], until) is None
    assert live_lock([lock_tag(lock), "v1"], until - 1, run) is None


@pytest.mark.parametrize("tag", ["v1", *(f"holystone-lock-{rest}" for rest in ("", "x-y", "12", "1-a_b"))])
def test_other_tags_are_no_locks(tag: str) -> None:
    assert parse_lock_tag(tag) is None


@EACH_WAY
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

    assert virtual_time.run(lambda: hold(there.open(APP), RUN, work)) == "done"
    assert len(set(seen)) > 3, "renewed several times"
    assert tags(there) == {"v1"}
    assert len(there.contents[APP].manifests) == 1 or not can.digests


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
                await hold(there.open(APP), RUN, work)
        else:
            with anyio.move_on_after(5):
                await hold(there.open(APP), RUN, work)

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
    virtual_time.run(lambda: hold(there.open(APP), RUN, pushed.wait))
    assert tags(there) == {"v1"}


def test_a_lock_goes_whose_push_was_interrupted() -> None:
    there = registry()

    async def no_answer(point: Point) -> None:
        if after("push_manifest")(point):
            await anyio.sleep_forever()

    there.hook = no_answer

    async def main() -> None:
        with anyio.move_on_after(5):
            await hold(there.open(APP), RUN, nothing)

    virtual_time.run(main)
    assert tags(there) == {"v1"}


def test_a_second_run_is_refused_and_leaves_the_first_its_lock() -> None:
    there = registry()

    async def second() -> None:
        with pytest.raises(Refused, match=f"team/app: another run.*{RUN}, until "):
            await hold(there.open(APP), ANOTHER, nothing)
        assert [lock.run for lock in locks(there)] == [RUN]

    virtual_time.run(lambda: hold(there.open(APP), RUN, second))


@EACH_WAY
def test_a_stale_lock_is_removed_and_counts_no_more(can: Capabilities) -> None:
    there = registry(can)
    leave_lock(there, 999)  # virtual time begins at 1000
    worked = virtual_time.run(lambda: hold(there.open(APP), RUN, partial(answer, there)))
    assert worked == [RUN]
    assert tags(there) == {"v1"}


@EACH_WAY
def test_a_run_that_is_taken_up_again_is_not_stopped_by_its_own_lock(can: Capabilities) -> None:
    there = registry(can)
    leave_lock(there, 2000, RUN)
    assert virtual_time.run(lambda: hold(there.open(APP), RUN, partial(answer, there))) == [RUN]
    assert tags(there) == {"v1"}


@EACH_WAY
@pytest.mark.parametrize("lock", [LockTag(999, ANOTHER), LockTag(2000, RUN)], ids=["stale", "of this very run"])
def test_a_tag_that_is_named_like_a_lock_takes_nothing_away(can: Capabilities, lock: LockTag) -> None:
    """Whoever may push can put it on the newest image."""
    there = registry(can)
    there.contents[APP].tags[lock_tag(lock)] = image(there)
    before = there.contents[APP].state()
    with capture_logs() as told:
        virtual_time.run(lambda: hold(there.open(APP), RUN, partial(answer, there)))
    assert there.contents[APP].tags == before[0]
    assert before[1] <= there.contents[APP].manifests.keys()
    (said,) = [each["event"] for each in told]
    assert f"{APP}: {lock_tag(lock)}: named like a lock" in said
    assert "Remove the tag by hand, and the tag alone" in said


@EACH_WAY
def test_a_stale_lock_that_has_another_tag_is_left_alone(can: Capabilities) -> None:
    there = registry(can)
    stale = leave_lock(there, 999, ANOTHER, "v2")
    with capture_logs() as told:
        virtual_time.run(lambda: hold(there.open(APP), RUN, partial(answer, there)))
    assert tags(there) == {"v1", "v2", stale}
    assert str(stale) in told[0]["event"]


@TAGS_MOVE
@pytest.mark.parametrize("when", ["while the work lasts", "just before it is deleted"])
def test_our_own_lock_that_somebody_has_moved_onto_an_image_takes_nothing_away(can: Capabilities, when: str) -> None:
    there = registry(can)

    def move() -> None:
        for tag in tags(there):
            there.contents[APP].tags[Tag(tag)] = image(there)

    async def work() -> None:
        if when == "while the work lasts":
            move()

    async def race(point: Point) -> None:
        if point.moment == "before" and point.verb.startswith("delete_"):
            move()

    there.hook = race
    with capture_logs() as told:
        virtual_time.run(lambda: hold(there.open(APP), RUN, work))
    assert "v1" in tags(there)
    assert image(there) in there.contents[APP].manifests
    if when == "while the work lasts":
        assert "named like a lock" in told[0]["event"]


def test_what_says_that_it_lasts_for_ever_is_no_lock() -> None:
    there = registry()
    never = Tag("holystone-lock-999999999999-x")
    there.contents[APP].tags[never] = image(there)
    with capture_logs() as told:
        assert set(virtual_time.run(lambda: hold(there.open(APP), RUN, partial(answer, there)))) == {RUN, "x"}
    assert tags(there) == {"v1", never}
    assert str(never) in told[0]["event"]


@pytest.mark.parametrize("ahead", [LASTS, LASTS + 5 * 60, LASTS + 5 * 60 + 1])
def test_clocks_may_differ_by_minutes(ahead: int) -> None:
    tag = lock_tag(LockTag(1000 + ahead, ANOTHER))
    holds = ahead <= LASTS + 5 * 60
    assert (live_lock([tag], 1000) is not None) == holds
    assert false_locks([tag, Tag("v1")], 1000) == (() if holds else (tag,))


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
            await hold(there.open(APP), run, partial(work, run), jitter=dice.random)
        except Refused as refused:
            assert "another run" in refused.message  # noqa: PT017 - most of them end so

    async def main() -> None:
        async with anyio.create_task_group() as group:
            for number in range(3):
                group.start_soon(one, f"run-{number}")

    virtual_time.run(main)
    assert tags(there) == {"v1"}


@pytest.mark.parametrize(("late", "works"), [(1, True), (9, False)])
def test_a_list_that_lacks_our_own_lock_may_lack_anothers(late: int, works: bool) -> None:
    class Late(MemoryRegistry):
        """Its list of tags was made before the last push."""

        pushed = 0

        async def push_manifest(self, *arguments: Any) -> None:
            self.pushed += 1
            await super().push_manifest(*arguments)

        async def list_tags(self, repository: Repository, wanted: Wanted = TAGS) -> Listing:
            listing = await super().list_tags(repository, wanted)
            if not 0 < self.pushed <= late:
                return listing
            return Listing({tag: at for tag, at in listing.tags.items() if not is_lock_tag(tag)})

    there = Late(BY_TAG)
    there.image(APP, "image", "v1")
    done: list[str] = []

    async def work() -> None:
        done.append("worked")

    if works:
        virtual_time.run(lambda: hold(there.open(APP), RUN, work))
    else:
        with pytest.raises(Refused, match="does not list the lock"):
            virtual_time.run(lambda: hold(there.open(APP), RUN, work))
    assert (done == ["worked"], locks(there)) == (works, [])


def test_a_registry_that_takes_no_push_is_told() -> None:
    there = registry()

    async def forbid(point: Point) -> None:
        if before("push_manifest")(point):
            raise RegistryFailure("denied")

    there.hook = forbid

    async def main() -> None:
        with pytest.raises(Refused, match="it cannot be locked: denied") as refused:
            await hold(there.open(APP), RUN, nothing)
        assert "--lock-in-registry" in refused.value.what_to_do

    virtual_time.run(main)


def test_a_lock_that_points_elsewhere_by_the_time_it_would_go_stays() -> None:
    """The look at all other tags takes as long as there are tags."""
    there = registry(msgspec.structs.replace(BY_TAG, digests=DigestDeletion(tags_first=True)))
    left = leave_lock(there, 500)

    async def move(point: Point) -> None:
        if before("resolve")(point) and point.arguments[1] == "v1":
            there.contents[APP].tags[left] = image(there)

    there.hook = move

    async def main() -> None:
        assert await hold(there.open(APP), RUN, partial(answer, there))
        assert left in tags(there)

    virtual_time.run(main)


async def nothing() -> None:
    pytest.fail("the work was begun")


async def answer(there: MemoryRegistry) -> list[str]:
    return [lock.run for lock in locks(there)]
