"""The same work for many items, a few at a time: items are read only as fast as they are worked on."""

from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import aclosing
from typing import TypeVar

import anyio

T = TypeVar("T")
R = TypeVar("R")


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
    send, receive = anyio.create_memory_object_stream[tuple[int, T]](0)

    def fail(failure: Exception) -> None:
        failures.append(failure)
        tasks.cancel_scope.cancel()

    async def worker() -> None:
        try:
            async with receive.clone() as share:
                async for position, item in share:
                    await work(position, item)
        except Exception as failure:
            fail(failure)

    async with anyio.create_task_group() as tasks, send, receive, aclosing(_each(items)) as each:
        started = position = 0
        try:
            async for item in each:
                if started < workers and not send.statistics().tasks_waiting_receive:
                    tasks.start_soon(worker)
                    started += 1
                await send.send((position, item))
                position += 1
        except Exception as failure:
            fail(failure)
    if failures:
        raise failures[0]


async def _each(items: Iterable[T] | AsyncIterable[T]) -> AsyncGenerator[T, None]:
    if isinstance(items, AsyncIterable):
        try:
            async for item in items:
                yield item
        finally:
            if isinstance(items, AsyncGenerator):
                await items.aclose()
    else:
        for item in items:
            yield item
