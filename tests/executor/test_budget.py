"""A run with a budget: what comes first, where it stops, and that nothing is lost by it."""

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from holystone.adapters.state.sqlite import Journal
from holystone.adapters.state.sqlite.digest_cache import SqliteDigestCache
from holystone.engine.errors import BudgetSpent, RegistryFailure
from holystone.engine.events import listening
from holystone.engine.executor import RunResult, execute_plan
from holystone.engine.executor.budget import Budget
from holystone.engine.executor.order import freed_per_request, most_first
from holystone.engine.executor.results import Halt
from holystone.engine.executor.work import WORKERS
from holystone.engine.model.capabilities import SPARES_ALL, TagDeletion
from holystone.engine.model.events import Halted
from holystone.engine.model.outcomes import Loss
from holystone.engine.model.plan import Pass, RepositoryPlan
from holystone.engine.model.references import Digest, RegistryHost, Tag
from tests.support.execution import after, before, die, once
from tests.support.gentle import gentle
from tests.support.memory_registry import MemoryRegistry, Point, repository
from tests.support.small_plans import level, plan, remove, repository_plan, tombstone, untag
from tests.support.small_worlds import APP, WAYS, Way, world
from tests.support.spools import results

A_REGISTRY, ANOTHER = RegistryHost("a.test"), RegistryHost("b.test")
OVER = Budget(ends=0, clock=lambda: 0)


class Attempts:
    """One run, attempt after attempt."""

    def __init__(self, folder: Path, registry: MemoryRegistry, *repositories: RepositoryPlan) -> None:
        self.folder = folder
        self.registry = registry
        self.repositories = repositories

    async def attempt(self, budget: Budget | None = None, *, at_once: int = 1) -> RunResult:
        with Journal.open(self.folder) as journal:
            new = not await journal.runs()
            run = await journal.begin(plan(*self.repositories), "prune") if new else await journal.load()
            return await execute_plan(
                run, self.registry.planned, SqliteDigestCache(None), results(), budget=budget, at_once=at_once
            )

    async def state(self) -> str:
        with Journal.open(self.folder) as journal:
            (run,) = await journal.runs()
            return run.state

    def requests(self, number: int) -> Budget:
        before = len(self.registry.calls)
        return Budget(requests=number, sent=lambda: len(self.registry.calls) - before)


def of_size(size: int, *digests: Digest) -> Pass:
    return level(*(msgspec.structs.replace(remove(digest), size=size) for digest in digests))


def deleted(registry: MemoryRegistry) -> list[str]:
    return [str(arguments[0]).rpartition("/")[2] for verb, arguments in registry.calls if verb == "delete_manifests"]


@pytest.fixture
def three(tmp_path: Path) -> Attempts:
    return of_three(tmp_path, 4)


def of_three(folder: Path, doomed: int) -> Attempts:
    """Repositories with so many doomed manifests each, of 1, 100 and 10 bytes."""
    registry = MemoryRegistry()
    plans = []
    for name, size in (("a", 1), ("b", 100), ("c", 10)):
        at = repository(name)
        kept = registry.image(at, f"{name}-keep", "keep")
        going = [registry.image(at, f"{name}-{number}") for number in range(doomed)]
        plans.append(repository_plan(at, of_size(size, *going), kept={"keep": kept}))
    return Attempts(folder, registry, *plans)


async def test_what_frees_most_bytes_a_request_goes_first(three: Attempts) -> None:
    heard: list[object] = []
    with listening(heard.append):
        result = await three.attempt(Budget(ends=2, clock=lambda: len(set(deleted(three.registry)))))
    assert list(dict.fromkeys(deleted(three.registry))) == ["b", "c"]
    assert [each.not_tried for each in result.repositories][:2] == [4, 0]
    assert result.halt
    assert result.halt.budget == "time"
    assert [each for each in heard if isinstance(each, Halted)] == [Halted("time", result.halt.done, result.halt.left)]


async def test_without_a_budget_the_order_is_that_of_the_names(three: Attempts) -> None:
    result = await three.attempt()
    assert list(dict.fromkeys(deleted(three.registry))) == ["a", "b", "c"]
    assert result.halt is None
    assert await three.state() == "finished"


async def test_a_run_that_is_stopped_stays_open_and_later_attempts_finish_it(three: Attempts) -> None:
    nights = 0
    while (result := await three.attempt(three.requests(1))).halt:
        nights += 1
        assert result.incomplete
        assert not result.is_checked
        assert result.halt.done >= 1
        assert await three.state() == "open"
    assert result.counts == {"deleted": 12}
    assert await three.state() == "finished"
    assert 1 < nights <= 12
    assert len(deleted(three.registry)) == 12, "none is deleted twice"


async def test_what_was_done_by_then_is_checked(three: Attempts) -> None:
    registry = three.registry
    lost = registry.contents[repository("b")].tags[Tag("keep")]
    registry.hook = once(after("delete_manifests"), lambda: registry.contents[repository("b")].delete_manifest(lost))
    result = await three.attempt(three.requests(1))
    assert [loss for _, loss in result.losses] == [Loss(lost, Tag("keep"))]
    assert result.halt


async def test_nothing_is_begun_when_it_is_spent_before(three: Attempts) -> None:
    result = await three.attempt(OVER)
    assert three.registry.calls == []
    assert result.halt == Halt("time", 0, 12)
    assert result.halt.nights is None
    assert all(each.is_stopped_by(BudgetSpent) for each in result.repositories)
    assert await three.state() == "open"


async def test_what_earlier_attempts_have_finished_takes_nothing_of_later_ones(tmp_path: Path) -> None:
    three = of_three(tmp_path, WORKERS + 4)
    first = await three.attempt(Budget(ends=1, clock=lambda: "c" in deleted(three.registry)))
    assert [bool(each.not_tried) for each in first.repositories] == [True, False, True]
    del three.registry.calls[:]
    second = await three.attempt(Budget(ends=3, clock=lambda: len(deleted(three.registry))))
    assert second.halt
    assert {str(arguments[0]).rpartition("/")[2] for _, arguments in three.registry.calls} <= {"a", "c"}


async def test_a_check_that_an_earlier_attempt_could_not_make_keeps_the_run_open(three: Attempts) -> None:
    registry = three.registry

    async def break_listing(point: Point) -> None:
        if point.verb == "list_tags" and len(deleted(registry)) == 12:
            raise RegistryFailure("503")

    registry.hook = break_listing
    assert (await three.attempt()).incomplete
    registry.hook = None
    stopped = await three.attempt(OVER)
    assert stopped.incomplete
    assert await three.state() == "open"
    assert not (await three.attempt()).incomplete
    assert await three.state() == "finished"


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("spent_after", range(0, 40, 3))
async def test_it_stops_where_the_repository_is_whole_and_resume_ends_like_any_other_run(
    tmp_path: Path, way: Way, spent_after: int
) -> None:
    there = world(way)
    before_all = dict(there.tags())
    run = Attempts(tmp_path, there.registry, there.plan)
    result = await run.attempt(run.requests(spent_after))
    assert there.kept_is_there()
    assert there.tags().items() <= before_all.items(), "a tombstone was left behind"
    assert result.halt or spent_after, "with nothing to spend it stops"
    assert not (await run.attempt()).incomplete
    assert there.is_clean()


async def test_the_tombstones_that_were_pushed_go_and_no_others_are(tmp_path: Path) -> None:
    registry = MemoryRegistry(gentle("memory"))
    kept = registry.image(APP, "keep", "keep")
    doomed = {f"v{number}": registry.image(APP, str(number), f"v{number}") for number in range(100)}
    steps = [tombstone(tag, digest) for tag, digest in doomed.items()]
    run = Attempts(
        tmp_path,
        registry,
        repository_plan(
            APP, Pass("tombstone", tuple(steps)), level(*map(remove, doomed.values())), kept={"keep": kept}
        ),
    )
    result = await run.attempt(Budget(ends=5, clock=lambda: registry.count("push_manifest")))
    left = registry.contents[APP].tags
    pushed = registry.count("push_manifest")
    assert 5 <= pushed < 100
    assert len(left) == 101 - pushed
    assert all(left[Tag(tag)] == digest for tag, digest in doomed.items() if Tag(tag) in left)
    assert result.halt == Halt("time", pushed, 200 - pushed)
    assert set(doomed.values()) <= registry.contents[APP].manifests.keys(), "manifests wait for all tags"
    assert (await run.attempt()).counts == {"deleted": 200}
    assert registry.contents[APP].state() == ({Tag("keep"): kept}, {kept})


async def test_a_mark_stays_as_long_as_what_it_marks(tmp_path: Path) -> None:
    registry = MemoryRegistry()
    stages = {f"s{number}": registry.image(APP, f"s{number}", f"s{number}") for number in range(100)}
    marks = {f"{tag}-rejected": registry.image(APP, f"{tag}-rejected", f"{tag}-rejected") for tag in stages}
    made = repository_plan(
        APP,
        level(*(remove(digest, tag) for tag, digest in stages.items())),
        level(*(remove(digest, tag) for tag, digest in marks.items())),
    )
    made = msgspec.structs.replace(made, marks={Tag(f"{tag}-rejected"): Tag(tag) for tag in stages})
    run = Attempts(tmp_path, registry, made)
    await run.attempt(Budget(ends=3, clock=lambda: registry.count("delete_manifests")))
    left = registry.contents[APP].tags
    assert 100 < len(left) < 200
    assert all(Tag(f"{tag}-rejected") in left for tag in stages if Tag(tag) in left)
    assert (await run.attempt()).counts == {"deleted": 200}


async def test_the_first_batch_is_done_whatever_it_took_to_come_there(tmp_path: Path) -> None:
    """Else a budget that is smaller than what goes before the first deletion would never get anywhere."""
    registry = MemoryRegistry(gentle("memory", tags=TagDeletion(SPARES_ALL), bulk=10))
    doomed = {f"v{number}": registry.image(APP, str(number), f"v{number}") for number in range(30)}
    run = Attempts(
        tmp_path, registry, repository_plan(APP, Pass("untag", tuple(untag(*each) for each in doomed.items())))
    )
    done = [(await run.attempt(run.requests(1))).halt for _ in range(3)]
    assert [halt and (halt.done, halt.left, halt.nights) for halt in done] == [(10, 20, 2), (10, 10, 1), None]


async def test_a_run_that_is_killed_after_it_was_checked_is_checked_again(tmp_path: Path) -> None:
    registry = MemoryRegistry()
    doomed = [registry.image(APP, str(number)) for number in range(4)]
    run = Attempts(tmp_path, registry, repository_plan(APP, level(*map(remove, doomed))))
    await run.attempt(run.requests(1))
    registry.hook = once(lambda point: before("list_tags")(point) and len(deleted(registry)) == 4, die)
    with pytest.raises(BaseExceptionGroup):
        await run.attempt()
    registry.hook = None
    assert (await run.attempt(OVER)).incomplete
    assert not (await run.attempt()).incomplete


def made(name: str, size: int, steps: int, kept: int = 0) -> RepositoryPlan:
    registry, at = MemoryRegistry(), repository(name)
    doomed = [registry.image(at, f"{name}{number}") for number in range(steps)]
    stays = {f"k{number}": registry.image(at, f"k{number}") for number in range(kept)}
    return repository_plan(at, of_size(size, *doomed), kept=stays)


def worth(made: RepositoryPlan) -> float:
    return freed_per_request(made, {step.id for step in made.steps})


def test_bytes_count_by_the_requests_that_they_take() -> None:
    assert worth(made("a", 100, 1)) == worth(made("b", 100, 7)) == 100
    assert worth(made("a", 99, 1, kept=2)) == 33
    assert freed_per_request(made("a", 100, 3), ()) == 0
    digest = next(iter(made("a", 1, 1).steps)).digest
    tagged = repository_plan(APP, Pass("tombstone", (tombstone("v1", digest),)), of_size(90, digest))
    assert worth(tagged) == 30


def test_registries_take_turns() -> None:
    one: Callable[[float], tuple[RegistryHost, float]] = lambda worth: (A_REGISTRY, worth)  # noqa: E731
    other: Callable[[float], tuple[RegistryHost, float]] = lambda worth: (ANOTHER, worth)  # noqa: E731
    assert most_first([one(1), one(9), other(3), one(4), other(5)]) == [1, 4, 3, 2, 0]
    assert most_first([]) == []
    assert most_first([one(0), one(0)]) == [0, 1]
