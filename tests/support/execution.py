"""What tests of the executor share: hooks for the registry in memory, and the type of the fixture that runs it."""

from collections.abc import Callable
from typing import Protocol

import anyio

from holystone.engine.executor import RunResult
from holystone.engine.model.plan import RepositoryPlan
from tests.support.memory_registry import Hook, MemoryRegistry, Point


class Execute(Protocol):
    async def __call__(self, registry: MemoryRegistry, *repositories: RepositoryPlan) -> RunResult: ...


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
