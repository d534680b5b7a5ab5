"""What `holystone prune` takes of memory and time, for one large repository and for thousands of small ones: the
command itself, from its words to its report, in a process of its own beside the registry's.

`python -m benchmarks.pruning serve REPOSITORIES TAGS ON_EACH` is the registry, `… prune ARGUMENT…` the command; each
says what it has to say on a line.
"""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from tempfile import TemporaryDirectory
from typing import Final, NamedTuple

import anyio

from benchmarks.lines import Line, line
from benchmarks.repositories import peak_memory, seed
from holystone.embedded.quirks import DISTRIBUTION_2_8
from holystone.embedded.server import EmbeddedRegistry
from holystone.engine.model.references import RepositoryPath

_OURS: Final = [sys.executable, "-m", __spec__.name if __spec__ else "benchmarks.pruning"]


class _Shape(NamedTuple):
    repositories: int
    tags: int
    """In each."""
    on_each: int
    """Tags that an image has."""

    @property
    def total(self) -> int:
        return self.repositories * self.tags


_ONE: Final = _Shape(1, 50_000, 100)
_FEW: Final = _Shape(50, 200, 10)
_MANY: Final = _Shape(500, 200, 10)
_EACH_ITS_OWN: Final = _Shape(25, 200, 1)
_LARGE_ONE: Final = _Shape(1, 200_000, 100)
_LARGE_MANY: Final = _Shape(5_000, 200, 10)


class _Measured(NamedTuple):
    peak: float
    """MiB."""
    wall: float
    processor: float
    """Seconds."""


def measure_pruning() -> Iterator[Line]:
    own = _measured(_EACH_ITS_OWN)
    yield line(
        "`prune --dry-run`, processor time a tag, cold, ms",
        1000 * own.processor / _EACH_ITS_OWN.total,
        f"Listing, and HEAD, manifest and configuration of each of {_EACH_ITS_OWN.total:,} tags, which all have an "
        "image of their own; what the program takes to start is in it.",
        goal=2.0,
    )
    yield from _one(_ONE, goal=200)
    yield from _many(_MANY, _FEW)


def measure_large_pruning() -> Iterator[Line]:
    yield from _one(_LARGE_ONE, goal=500)
    yield from _many(_LARGE_MANY, _MANY)


def _one(shape: _Shape, goal: float) -> Iterator[Line]:
    found = _measured(shape)
    yield line(
        f"`prune --dry-run` of one repository of {shape.tags:,} tags, MiB",
        found.peak,
        f"Peak of the process. {found.wall:.0f} s, of which {found.processor:.0f} s are its own processor time.",
        goal=goal,
    )


def _many(shape: _Shape, smaller: _Shape) -> Iterator[Line]:
    few, many = _measured(smaller), _measured(shape)
    where = f"{shape.total:,} tags in {shape.repositories:,} repositories"
    yield line(
        f"`prune --dry-run` of {where}, MiB",
        many.peak,
        f"Peak of the process, {few.peak:.0f} MiB for {smaller.total:,} tags in {smaller.repositories:,}. "
        f"{many.wall:.0f} s, of which {many.processor:.0f} s are its own processor time; the registry takes the other "
        "core.",
        goal=400,
    )
    ratio = f"of {where}, times that of {smaller.total:,} in {smaller.repositories:,}"
    how = f"{many.wall:.0f} s for {few.wall:.1f} s, {many.processor:.0f} s of processor time for {few.processor:.1f} s."
    yield line(f"time {ratio}", many.wall / few.wall, how, goal=11)
    yield line(f"processor time {ratio}", many.processor / few.processor, how, goal=11)


def _measured(shape: _Shape) -> _Measured:
    with (
        TemporaryDirectory(prefix="holystone-bench-") as name,
        subprocess.Popen(
            [*_OURS, "serve", *map(str, shape)], stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True
        ) as server,
    ):
        assert server.stdout
        host = server.stdout.readline().strip()
        folders = ["--state-dir", f"{name}/state", "--cache-dir", f"{name}/cache", "--docker-config", name]
        words = [f"{host}/**", "--keep", "newest=2", "--without-kube", "--dry-run", "--quiet", *folders]
        done = subprocess.run(
            [*_OURS, "prune", *words, "--yes-delete-that-many"], check=True, stdout=subprocess.PIPE, text=True
        )
        server.terminate()
    return _Measured(*map(float, done.stdout.splitlines()[-1].split()))


async def _serve(shape: _Shape) -> None:
    async with EmbeddedRegistry(quirks=DISTRIBUTION_2_8, records=False) as registry:
        for number in range(shape.repositories):
            seed(registry.storage, RepositoryPath(f"team-{number % 100}/app-{number}"), shape.tags, shape.on_each)
        print(registry.host, flush=True)
        await anyio.sleep_forever()


def _prune(words: list[str]) -> None:
    from holystone.cli.main import main

    sys.argv = ["holystone", "prune", *words]
    begun = time.monotonic()
    try:
        main()
    except SystemExit as end:
        if end.code:
            raise
    print(peak_memory(), time.monotonic() - begun, time.process_time())


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        if sys.argv[1] == "serve":
            anyio.run(_serve, _Shape(*map(int, sys.argv[2:])))
        else:
            _prune(sys.argv[2:])
