"""What tests of the executor share: hooks for the registry in memory, the type of the fixture that runs it, and one
repository's work without a run around it."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Protocol

import anyio
import msgspec

from holystone.adapters.state.sqlite import Journal
from holystone.adapters.state.sqlite.digest_cache import SqliteDigestCache
from holystone.engine.executor import CheckReport, RunResult
from holystone.engine.executor.step_states import StepStates
from holystone.engine.executor.work import RepositoryWork
from holystone.engine.model.manifests import Manifest
from holystone.engine.model.outcomes import Outcome
from holystone.engine.model.plan import RepositoryPlan
from holystone.engine.model.references import Digest
from tests.support.journals import begin_repository
from tests.support.memory_registry import Hook, MemoryRegistry, Point
from tests.support.small_plans import plan


class Execute(Protocol):
    async def __call__(self, registry: MemoryRegistry, *repositories: RepositoryPlan) -> RunResult: ...


def came_of(result: RunResult) -> dict[str, Outcome]:
    """What came of each step of the only repository, by what it removes."""
    (only,) = result.repositories
    return dict(only.outcomes.items())


def came_to_light(check: CheckReport | None) -> CheckReport | None:
    """What a check found, however it did."""
    return check and msgspec.structs.replace(check, coverage=None)


class Killed(BaseException):
    """Stands for the end of the process: nothing in the program catches it."""


def once(matches: Callable[[Point], bool], act: Callable[[], object]) -> Hook:
    """Somebody else acts at the first point that matches."""
    done = False

    async def hook(point: Point) -> None:
        nonlocal done
        if not done and matches(point):
            done = True
            act()

    return hook


def at(number: int, act: Callable[[], object]) -> Hook:
    return once(lambda point: point.number == number, act)


def before(verb: str) -> Callable[[Point], bool]:
    return lambda point: (point.verb, point.moment) == (verb, "before")


def after(verb: str) -> Callable[[Point], bool]:
    return lambda point: (point.verb, point.moment) == (verb, "after")


def hang_at(number: int, reached: anyio.Event) -> Hook:
    async def hook(point: Point) -> None:
        if point.number == number:
            reached.set()
            await anyio.sleep_forever()

    return hook


def die() -> None:
    raise Killed


@asynccontextmanager
async def working(
    folder: Path,
    registry: MemoryRegistry,
    made: RepositoryPlan,
    *,
    manifests: Mapping[Digest, Manifest | None] = MappingProxyType({}),
) -> AsyncIterator[RepositoryWork]:
    with Journal.open(folder) as journal:
        run = await journal.begin(plan(made), "cleanup")
        yield RepositoryWork(
            made,
            registry.open(made.repository),
            SqliteDigestCache(None),
            registry.capabilities,
            await begin_repository(run, made.repository, [], None),
            StepStates(made, {}),
            manifests=manifests,
            unreadable={},
        )
