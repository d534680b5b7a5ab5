"""What lanes, retries and authorization add to a request."""

import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Callable

import aiohttp

from benchmarks.deleting import CONCURRENCY, client
from benchmarks.lines import Line, line
from benchmarks.seeds import PATH, stages
from benchmarks.servers import NO_REGISTRY, find_registry
from holystone.adapters.registries.oci_reading import ACCEPT
from holystone.engine.model.references import Tag
from holystone.engine.scheduler import for_each

_REPEATS = 5
_TAGS = 500


async def measure_scheduling() -> AsyncIterator[Line]:
    name = "adapter and scheduler, added to a request, µs"
    program = find_registry()
    if program is None:
        yield line(name, None, NO_REGISTRY, goal=500)
        return
    ours, bare = [], []
    with stages(program, _TAGS) as host:
        async with client(host) as mine, aiohttp.ClientSession() as session:
            tags = sorted((await mine.session.list_tags()).tags)

            async def resolve(tag: Tag) -> None:
                await mine.session.resolve(tag)

            async def head(tag: Tag) -> None:
                url = f"http://{host}/v2/{PATH}/manifests/{tag}"
                async with session.head(url, headers={"Accept": ACCEPT}) as reply:
                    reply.raise_for_status()

            for _ in range(_REPEATS):
                bare.append(await _processor_time(tags, head))
                ours.append(await _processor_time(tags, resolve))
                ours.append(await _processor_time(tags, resolve))
                bare.append(await _processor_time(tags, head))
    how = (
        f"Our own processor time for a HEAD of a tag, {CONCURRENCY} at once, against the same with bare aiohttp; "
        f"median of {2 * _REPEATS} times {_TAGS}."
    )
    added = statistics.median(ours) - statistics.median(bare)
    ratios = [mine / other for mine, other in zip(ours, bare, strict=True)]
    yield line(name, added * 1e6, how, goal=500)
    yield line("adapter and scheduler, a request, times bare aiohttp", statistics.median(ratios), how)


async def _processor_time(tags: list[Tag], act: Callable[[Tag], Awaitable[None]]) -> float:
    """Seconds a request."""
    begun = time.process_time()
    await for_each(tags, act, workers=CONCURRENCY)
    return (time.process_time() - begun) / len(tags)
