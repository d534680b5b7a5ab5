"""What `holystone prune` takes of memory and time, for one large repository and for thousands of small ones: the
command itself, from its words to its report, in a process of its own beside the registry's.

`python -m benchmarks.pruning serve REPOSITORIES TAGS ON_EACH` is the registry, `… prune ARGUMENT…` the command; each
says what it has to say on a line.
"""

import subprocess
import sys
import time
from collections.abc import Iterable
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


_ONE: Final = _Shape(1, 200_000, 100)
_FEW: Final = _Shape(500, 200, 10)
_MANY: Final = _Shape(5_000, 200, 10)


class _Measured(NamedTuple):
    peak: float
    """MiB."""
    wall: float
    processor: float
    """Seconds."""


def measure_pruning() -> Iterable[Line]:
    one = _measured(_ONE)
    yield line(
        f"`prune --dry-run` of one repository of {_ONE.tags:,} tags, MiB",
        one.peak,
        f"Peak of the process. {one.wall:.0f} s, of which {one.processor:.0f} s are its own processor time.",
        goal=500,
    )
    few, many = _measured(_FEW), _measured(_MANY)
    yield line(
        f"`prune --dry-run` of {_MANY.total:,} tags in {_MANY.repositories:,} repositories, MiB",
        many.peak,
        f"Peak of the process. {many.wall:.0f} s, of which {many.processor:.0f} s are its own processor time; the "
        "registry takes the other core.",
        goal=400,
    )
    yield line(
        f"its time, times that of {_FEW.total:,} tags in {_FEW.repositories:,} repositories",
        many.wall / few.wall,
        f"{many.wall:.0f} s for {few.wall:.1f} s.",
        goal=11,
    )
    yield line(
        "its processor time a tag, cold, ms",
        1000 * many.processor / _MANY.total,
        f"Listing, HEAD of each tag, and manifest and configuration of each image, one for {_MANY.on_each} tags.",
        goal=2.0,
    )


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
