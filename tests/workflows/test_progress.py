"""A long run says seldom how far it is, and always of how much."""

from collections.abc import Awaitable, Callable
from functools import partial

import anyio
import pytest

from holystone.engine.model.events import Begun, Step
from holystone.engine.model.references import Digest, RegistryHost, Repository, RepositoryPath
from holystone.engine.scheduler import RateLimited, Scheduler
from holystone.ui.progress import ProgressLines
from tests.support.virtual_time import clock, run

HOST = RegistryHost("registry.example")
DIGEST = Digest.of(b"")
ONE, TWO = (Repository(HOST, RepositoryPath.parse(name)) for name in ("one", "two"))


def step(repository: Repository, done: int, of: int) -> Step:
    return Step(repository, DIGEST, (), "deleted", done, of)


def test_the_whole_is_known_from_the_beginning(capsys: pytest.CaptureFixture[str]) -> None:
    now = 0.0
    progress = ProgressLines(quiet=False, clock=lambda: now)
    progress.heard(Begun("r1", 1_200))
    progress.heard(step(ONE, 1, 200))
    now = 6
    progress.heard(step(ONE, 2, 200))
    assert capsys.readouterr().err.splitlines() == [
        "holystone: run r1",
        "holystone: 2 of 1,200 steps are done, the last one in registry.example/one",
    ]
    progress.heard(step(TWO, 1_000, 1_000))
    assert str(progress) == "1,002 of 1,200 steps are done"


def test_without_it_the_repositories_add_up() -> None:
    progress = ProgressLines(quiet=True)
    assert str(progress) == "0 of 0 steps are done"
    progress.heard(step(ONE, 1, 200))
    progress.heard(step(TWO, 2, 300))
    assert str(progress) == "3 of 500 steps are done"


def test_an_hour_is_some_sixty_lines(capsys: pytest.CaptureFixture[str]) -> None:
    now = 0.0
    progress = ProgressLines(quiet=False, clock=lambda: now)
    progress.heard(Begun("r1", 0))
    for second in range(3_600):
        now = second
        progress.heard(step(ONE, second, 3_600))
    lines = capsys.readouterr().err.splitlines()
    assert 50 < len(lines) < 70
    assert lines[1].startswith("holystone: 5 of ")


def beating(work: Callable[[ProgressLines, Scheduler], Awaitable[None]], *, quiet: bool = False) -> None:
    """Beside the work, in virtual time."""

    async def main() -> None:
        progress, scheduler = ProgressLines(quiet=quiet, clock=clock), Scheduler(clock=clock)
        progress.watch(scheduler)
        async with anyio.create_task_group() as group:
            group.start_soon(progress.beat)
            await work(progress, scheduler)
            group.cancel_scope.cancel()

    run(main)


async def read_slowly(progress: ProgressLines, scheduler: Scheduler) -> None:
    lane = scheduler.lane(HOST, "ci", "read")
    with progress.reading():
        for _ in range(10):
            await lane.run(partial(anyio.sleep, 1), timeout=10)


def test_reading_is_told_by_its_requests(capsys: pytest.CaptureFixture[str]) -> None:
    beating(read_slowly)
    assert capsys.readouterr().err == "holystone: reading, 5 requests so far\n"
    beating(read_slowly, quiet=True)
    assert capsys.readouterr().err == ""


def test_nothing_is_told_while_somebody_is_asked(capsys: pytest.CaptureFixture[str]) -> None:
    async def work(progress: ProgressLines, scheduler: Scheduler) -> None:
        with progress.reading():
            await anyio.sleep(1)
        await anyio.sleep(3_600)
        progress.heard(Begun("r1", 3))
        await anyio.sleep(6)

    beating(work)
    assert capsys.readouterr().err == "holystone: run r1\nholystone: 0 of 3 steps are done\n"


def refused_once(pause: float) -> Callable[[], Awaitable[None]]:
    replies = [RateLimited("slow down", after=pause)]

    async def attempt() -> None:
        if replies:
            raise replies.pop()

    return attempt


def test_a_registry_that_asks_for_a_pause_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    async def work(progress: ProgressLines, scheduler: Scheduler) -> None:
        progress.heard(Begun("r1", 3))
        progress.heard(step(ONE, 1, 3))
        await scheduler.lane(HOST, "ci", "delete").run(refused_once(240.0), timeout=10)
        progress.heard(step(ONE, 2, 3))
        await anyio.sleep(60)

    beating(work)
    _, first, *_, last = capsys.readouterr().err.splitlines()
    assert first == (
        "holystone: 1 of 3 steps are done, the last one in registry.example/one; "
        "registry.example takes the next request in 3 min"
    )
    assert last == "holystone: 2 of 3 steps are done, the last one in registry.example/one"


@pytest.mark.parametrize(("pause", "patience"), [(240.0, 1.0), (9.0, 100.0)])
def test_a_pause_that_nobody_waits_for_or_that_is_nearly_over_is_not_worth_a_word(
    capsys: pytest.CaptureFixture[str], pause: float, patience: float
) -> None:
    async def work(progress: ProgressLines, scheduler: Scheduler) -> None:
        progress.heard(Begun("r1", 3))
        with anyio.move_on_after(patience):
            await scheduler.lane(HOST, "ci", "delete").run(refused_once(pause), timeout=10)
        await anyio.sleep(10)

    beating(work)
    assert capsys.readouterr().err.splitlines()[1] == "holystone: 0 of 3 steps are done"
