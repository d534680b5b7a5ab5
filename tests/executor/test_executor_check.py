"""A deletion counts when it is seen: what the registry calls deleted and still gives out is told, and tried again."""

from collections.abc import Callable
from pathlib import Path

import pytest

from holystone.adapters.state.sqlite import Journal
from holystone.adapters.state.sqlite.digest_cache import SqliteDigestCache
from holystone.engine.executor import RunResult, execute_plan
from holystone.engine.executor.check import Deletions
from holystone.engine.model.outcomes import AlreadyGone, Deleted, Failed, Outcome, StillServed
from holystone.engine.model.plan import Pass, RepositoryPlan
from holystone.engine.model.references import Digest, Repository, Tag
from tests.support.execution import before, came_of
from tests.support.memory_registry import TELLING, MemoryRegistry, Point
from tests.support.small_plans import level, plan, remove, repository_plan, tombstone, untag
from tests.support.small_worlds import APP
from tests.support.spools import results


class Bench:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.pauses: list[float] = []
        self.meanwhile: Callable[[], object] = lambda: None

    async def run(self, registry: MemoryRegistry, *repositories: RepositoryPlan) -> RunResult:
        """`meanwhile` happens in every pause."""

        async def sleep(seconds: float) -> None:
            self.pauses.append(seconds)
            self.meanwhile()

        with Journal.open(self.folder) as journal:
            run = await journal.begin(plan(*repositories), "cleanup") if repositories else await journal.load()
            return await execute_plan(run, registry.planned, SqliteDigestCache(None), results(), sleep=sleep)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def lie(said: Outcome) -> Callable[[Tag | Digest], Outcome | None]:
    """As servers do that answer 202 and delete nothing, by tag or by digest (Nexus since 3.8x, pull-through caches)."""
    return lambda _: said


@pytest.mark.parametrize("said", [Deleted(), AlreadyGone()])
@pytest.mark.parametrize("telling", [False, True])
async def test_a_tag_that_is_said_to_be_gone_and_is_not(bench: Bench, said: Outcome, *, telling: bool) -> None:
    registry = MemoryRegistry(TELLING) if telling else MemoryRegistry()
    one, two = registry.image(APP, "one", "v1"), registry.image(APP, "two", "v2")
    registry.answer = lambda what: said if what == "v1" else None
    result = await bench.run(registry, repository_plan(APP, Pass("untag", (untag("v1", one), untag("v2", two)))))
    assert came_of(result) == {"v1": StillServed(), "v2": Deleted()}
    assert result.repositories[0].check is not None
    assert result.repositories[0].check.served == ("v1",)
    assert result.incomplete
    assert len(bench.pauses) == 1

    again = await bench.run(registry)  # resume looks again, and says it again
    assert (came_of(again)["v1"], again.incomplete) == (StillServed(), True)
    registry.answer = lambda _: None
    last = await bench.run(registry)
    assert (came_of(last)["v1"], last.incomplete) == (Deleted(), False)


async def test_a_deletion_that_shows_a_moment_later_is_none(bench: Bench) -> None:
    registry = MemoryRegistry()
    one = registry.image(APP, "one", "v1")
    registry.answer = lie(Deleted())
    bench.meanwhile = lambda: registry.contents[APP].delete_manifest(one)
    result = await bench.run(registry, repository_plan(APP, level(remove(one, "v1"))))
    assert (result.incomplete, len(bench.pauses)) == (False, 1)


async def test_a_manifest_with_and_without_tags_that_is_still_served(bench: Bench) -> None:
    registry = MemoryRegistry()
    one, two = registry.image(APP, "one", "v1"), registry.image(APP, "two")
    registry.answer = lie(Deleted())
    result = await bench.run(registry, repository_plan(APP, level(remove(one, "v1"), remove(two))))
    assert came_of(result) == {one: StillServed(), two: StillServed()}
    assert result.repositories[0].check is not None
    assert set(result.repositories[0].check.served) == {"v1", two}  # the tag tells of its manifest


@pytest.mark.parametrize("count", [1, 3, 250, 1000])
async def test_of_many_manifests_few_are_looked_for_until_one_is_still_there(bench: Bench, count: int) -> None:
    registry = MemoryRegistry()
    many = [registry.image(APP, f"{number}") for number in range(count)]
    steps = level(*map(remove, many))
    registry.answer = lie(Deleted())
    result = await bench.run(registry, repository_plan(APP, steps))
    assert set(result.repositories[0].outcomes.values()) == {StillServed()}
    registry.answer = lambda _: None
    registry.calls.clear()
    result = await bench.run(registry)
    assert not result.incomplete
    assert registry.count("resolve") <= max(8, 1 + count // 200)


@pytest.mark.parametrize("count", [*range(8), 199, 200, 399, 401, 5_000, 100_000])
def test_the_sample_is_bounded_and_spread(count: int) -> None:
    manifests = tuple(Digest(f"sha256:{number:064x}") for number in range(count))
    sample = Deletions({}, manifests).sample
    assert len(sample) == len(set(sample)) == min(50, count, max(8, 1 + count // 200))
    if len(sample) > 1:
        assert manifests.index(sample[-1]) >= count // 2


async def test_what_is_said_to_have_gone_before_is_looked_for_whatever_the_sample(bench: Bench) -> None:
    """A 404 to a deletion of what had just been read."""
    registry = MemoryRegistry()
    many = [registry.image(APP, f"{number}") for number in range(40)]
    liar = next(each for each in many if each not in Deletions({}, tuple(many)).sample)
    registry.answer = lambda what: AlreadyGone() if what == liar else None
    result = await bench.run(registry, repository_plan(APP, level(*map(remove, many))))
    served = {name for name, outcome in came_of(result).items() if outcome == StillServed()}
    assert (served, result.incomplete) == ({liar}, True)
    registry.answer = lambda _: None
    assert not (await bench.run(registry)).incomplete
    assert registry.contents[APP].state() == ({}, set())


class Forgetful(MemoryRegistry):
    """Once something has been deleted, it knows nothing of `wanted`, as often as is said."""

    wanted: Tag | Digest | None = None
    times = 0
    asked = 0

    async def resolve(self, repository: Repository, reference: Tag | Digest, *, alone: bool = False) -> Digest | None:
        found = await super().resolve(repository, reference, alone=alone)
        if reference != self.wanted or not self.count("delete_manifests"):
            return found
        self.asked += 1
        return None if self.asked <= self.times else found


@pytest.mark.parametrize(("times", "lost"), [(1, False), (9, True)])
@pytest.mark.parametrize("kind", ["tag", "manifest"])
async def test_what_was_to_stay_is_lost_when_two_looks_say_so(
    bench: Bench, times: int, kind: str, *, lost: bool
) -> None:
    registry = Forgetful()
    child = registry.image(APP, "child")
    index, doomed = registry.index(APP, [child], "keep"), registry.image(APP, "one", "v1")
    registry.wanted, registry.times = Tag("keep") if kind == "tag" else child, times
    kept = repository_plan(APP, level(remove(doomed, "v1")), kept={"keep": index}, needed=[child])
    result = await bench.run(registry, kept)
    assert (bool(result.losses), registry.asked) == (lost, 2)


async def test_a_tombstone_that_stays_is_no_tag_that_somebody_moved(bench: Bench) -> None:
    registry = MemoryRegistry()
    one = registry.image(APP, "one", "v1", "keep")
    registry.answer = lie(Deleted())
    result = await bench.run(
        registry, repository_plan(APP, Pass("tombstone", (tombstone("v1", one),)), kept={"keep": one})
    )
    assert came_of(result) == {"v1": StillServed()}
    assert result.repositories[0].check is not None
    assert result.repositories[0].check.renewed == ()


async def test_a_tag_that_is_only_listed_alarms_nobody(bench: Bench) -> None:
    registry = MemoryRegistry()
    one = registry.image(APP, "one", "v1")

    async def lag(point: Point) -> None:
        if before("resolve")(point) and registry.count("delete_manifests"):
            registry.contents[APP].tags.pop(Tag("v1"), None)
        if before("list_tags")(point) and registry.count("delete_manifests"):
            registry.contents[APP].tags[Tag("v1")] = one

    registry.hook = lag
    result = await bench.run(registry, repository_plan(APP, level(remove(one, "v1"))))
    assert (result.incomplete, bench.pauses) == (False, [])
    assert result.repositories[0].check is not None
    assert (result.repositories[0].check.renewed, result.repositories[0].check.served) == ((), ())


async def test_what_had_to_wait_for_a_tag_that_is_still_there_goes_on_resume(bench: Bench) -> None:
    registry = MemoryRegistry()
    part = registry.image(APP, "part")
    index = registry.index(APP, [part], "v1")
    registry.answer = lambda what: Deleted() if what == "v1" else None
    steps = Pass("untag", (untag("v1", index),)), level(remove(index)), level(remove(part))
    result = await bench.run(registry, repository_plan(APP, *steps))
    outcomes = came_of(result)
    assert outcomes["v1"] == StillServed()
    assert isinstance(outcomes[index], Failed)
    assert isinstance(outcomes[part], Failed)
    registry.answer = lambda _: None
    assert not (await bench.run(registry)).incomplete
    assert registry.contents[APP].state() == ({}, set())


@pytest.mark.parametrize(("times", "gone"), [(1, False), (2, True)])
async def test_a_deletion_that_failed_has_happened_when_two_looks_say_so(
    bench: Bench, times: int, *, gone: bool
) -> None:
    registry = Forgetful()
    doomed = registry.image(APP, "one")
    registry.wanted, registry.times = doomed, times
    registry.answer = lambda _: Failed("500")
    result = await bench.run(registry, repository_plan(APP, level(remove(doomed))))
    assert isinstance(came_of(result)[doomed], Failed) is not gone
