"""An event loop whose time jumps: whenever all tasks are idle, the clock is set to the next timer.

Sleeps, timeouts and deadlines work as ever, days pass in milliseconds, and a run is the same each time.
For code without threads and sockets; a loop in which everybody waits forever raises Deadlock."""

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

_BEGIN = 1000.0
"""Not zero, so that nothing works only because zero is false."""


class Deadlock(Exception):
    """Every task waits, and no timer is left that could wake one."""


class _JumpingSelector(selectors.SelectSelector):
    now = _BEGIN

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if ready or (timeout is not None and timeout <= 0):
            return ready
        if timeout is None:
            raise Deadlock
        self.now += timeout
        return ready


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._virtual = _JumpingSelector()
        super().__init__(self._virtual)

    def time(self) -> float:
        return self._virtual.now


def clock() -> float:
    """The virtual time, to be passed as a clock."""
    return asyncio.get_running_loop().time()


def run(main: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Runs `main` in virtual time. Raises Deadlock."""
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(main())
