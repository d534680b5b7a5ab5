"""What lanes, retries and authorization add to a request."""

import statistics
import time
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path

import aiohttp

from benchmarks.deleting import client
from benchmarks.lines import Line, line
from benchmarks.seeds import PATH
from benchmarks.servers import docker_registry
from holystone.adapters.registries.oci_reading import ACCEPT
from holystone.engine.model.references import Tag
from holystone.engine.scheduler import for_each

_REPEATS = 5
_TAGS = 500


async def measure_scheduling(program: str, storage: Path, concurrency: int) -> Iterable[Line]:
    ours, bare = [], []
    with docker_registry(program, storage) as host:
        async with client(host, concurrency) as mine, aiohttp.ClientSession() as session:
            tags = sorted((await mine.session.list_tags()).tags)[:_TAGS]

            async def resolve(tag: Tag) -> None:
                await mine.session.resolve(tag)

            async def head(tag: Tag) -> None:
                url = f"http://{host}/v2/{PATH}/manifests/{tag}"
                async with session.head(url, headers={"Accept": ACCEPT}) as reply:
                    reply.raise_for_status()

            for _ in range(_REPEATS):
                bare.append(await _processor_time(tags, head, concurrency))
                ours.append(await _processor_time(tags, resolve, concurrency))
                ours.append(await _processor_time(tags, resolve, concurrency))
                bare.append(await _processor_time(tags, head, concurrency))
    how = (
        f"Our own processor time for a HEAD of a tag, {concurrency} at once, against the same with bare aiohttp; "
        f"median of {2 * _REPEATS} times {_TAGS}."
    )
    added = statistics.median(ours) - statistics.median(bare)
    ratios = [mine / other for mine, other in zip(ours, bare, strict=True)]
    return (
        line("adapter and scheduler, added to a request, µs", added * 1e6, how, goal=500),
        line("adapter and scheduler, a request, times bare aiohttp", statistics.median(ratios), how),
    )


async def _processor_time(tags: list[Tag], act: Callable[[Tag], Awaitable[None]], concurrency: int) -> float:
    """Seconds a request."""
    begun = time.process_time()
    await for_each(tags, act, workers=concurrency)
    return (time.process_time() - begun) / len(tags)
