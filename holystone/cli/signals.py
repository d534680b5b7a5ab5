"""The end of a command's work on a signal, or where it takes too much."""

import signal
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, TypeVar

import anyio

from holystone.cli.bounds import Exceeded, outgrown, overdue
from holystone.engine.errors import HolystoneError

T = TypeVar("T")


class Interrupted(HolystoneError):
    """SIGINT or SIGTERM ended the work before anything was deleted."""


class Overrun(Interrupted):
    """The work takes more than a run may take."""

    exit_code = 3


class InterruptedMidway(Interrupted):
    exit_code = 4


async def until_signal(
    job: Callable[[], Awaitable[T]],
    beside: Callable[[], Coroutine[Any, Any, None]] | None = None,
    bounds: Sequence[Callable[[], Awaitable[Exceeded]]] = (outgrown, overdue),
) -> T:
    """The job's result. `beside` runs as long as the job does. Raises Interrupted after SIGINT or SIGTERM, Overrun when
    one of `bounds` returns, after everything in the job has been closed: who presses Ctrl-C again meanwhile waits."""
    results: list[T] = []
    failures: list[Exception] = []
    ends: list[Interrupted] = []

    async def work() -> None:
        try:
            results.append(await job())
        except Exception as failure:
            failures.append(failure)
        group.cancel_scope.cancel()

    async def watch() -> None:
        ends.append(Interrupted(f"Interrupted by {(await anext(signals)).name}."))
        group.cancel_scope.cancel()

    async def hold_to(bound: Callable[[], Awaitable[Exceeded]]) -> None:
        exceeded = await bound()
        ends.append(Overrun(exceeded.what, what_to_do=exceeded.what_to_do))
        group.cancel_scope.cancel()

    with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async with anyio.create_task_group() as group:
            group.start_soon(watch)
            for bound in bounds:
                group.start_soon(hold_to, bound)
            if beside:
                group.start_soon(beside)
            group.start_soon(work)
    if failures:
        raise failures[0]
    if results:
        return results[0]
    raise ends[0] if ends else Interrupted("Interrupted.")
