"""The same work for many items, a few at a time: items are read only as fast as they are worked on."""

from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import aclosing
from functools import partial
from typing import TypeAlias, TypeVar

import anyio
import anyio.lowlevel

T = TypeVar("T")
R = TypeVar("R")
_Start: TypeAlias = Callable[[Callable[[], Awaitable[object]]], object]


async def for_each(
    items: Iterable[T] | AsyncIterable[T], work: Callable[[T], Awaitable[object]], *, workers: int
) -> None:
    """Runs `work` on every item, in at most `workers` tasks. The first exception, of the work or of the items, cancels
    the rest and is raised as it is, not in a group. An async generator of items is closed in any case."""

    async def one(_position: int, item: T) -> None:
        await work(item)

    await _share_out(items, one, workers)


async def map_each(
    items: Iterable[T] | AsyncIterable[T], work: Callable[[T], Awaitable[R]], *, workers: int
) -> list[R]:
    """Like `for_each`, with the results in the order of the items."""
    results: dict[int, R] = {}

    async def one(position: int, item: T) -> None:
        results[position] = await work(item)

    await _share_out(items, one, workers)
    return [results[position] for position in range(len(results))]


def in_batches(items: Iterable[T], size: int) -> Iterator[Sequence[T]]:
    """The items in batches, as many at once as one request takes."""
    every = list(items)
    return (every[start : start + size] for start in range(0, len(every), size))


async def _share_out(
    items: Iterable[T] | AsyncIterable[T], work: Callable[[int, T], Awaitable[object]], workers: int
) -> None:
    if workers < 1:
        raise ValueError("at least one worker is needed")
    failures: list[Exception] = []

    async def unless_it_fails(act: Callable[[], Awaitable[object]]) -> None:
        try:
            await act()
        except Exception as failure:
            failures.append(failure)
            tasks.cancel_scope.cancel()

    def start(act: Callable[[], Awaitable[object]]) -> None:
        tasks.start_soon(unless_it_fails, act)

    async with anyio.create_task_group() as tasks:
        if isinstance(items, AsyncIterable):
            await unless_it_fails(partial(_hand_out, items, work, workers, start))
        else:
            start(_taker(items, work, workers, start))
    if failures:
        raise failures[0]


def _taker(
    items: Iterable[T], work: Callable[[int, T], Awaitable[object]], workers: int, start: _Start
) -> Callable[[], Awaitable[None]]:
    """A worker that takes the next item itself, which costs a fifth of handing it over, and starts another one where it
    has found something to do."""
    numbered = enumerate(items)
    started = 1

    async def take() -> None:
        nonlocal started
        for position, item in numbered:
            if started < workers:
                started += 1
                start(take)
            await work(position, item)
            await anyio.lowlevel.checkpoint()  # work that never waits must not keep everybody else waiting

    return take


async def _hand_out(
    items: AsyncIterable[T], work: Callable[[int, T], Awaitable[object]], workers: int, start: _Start
) -> None:
    """All items are awaited in one task: what they come from may hold a cancel scope meanwhile."""
    send, receive = anyio.create_memory_object_stream[tuple[int, T]](0)

    async def worker() -> None:
        async with receive.clone() as share:
            async for position, item in share:
                await work(position, item)

    async with send, receive, aclosing(_closed(items)) as each:
        started = position = 0
        async for item in each:
            if started < workers and not send.statistics().tasks_waiting_receive:
                start(worker)
                started += 1
            await send.send((position, item))
            position += 1


async def _closed(items: AsyncIterable[T]) -> AsyncGenerator[T, None]:
    try:
        async for item in items:
            yield item
    finally:
        if isinstance(items, AsyncGenerator):
            await items.aclose()
