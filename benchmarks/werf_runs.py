"""A cleanup of a werf project of 4,000 tags, half of which go, by the command itself on a real registry, beside what
the real werf 1.1.36 took for as many on another machine of two cores (measured once; it needs a binary that is no
longer handed out)."""

import os
import random
import resource
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final, NamedTuple

from benchmarks.lines import Line, line
from benchmarks.servers import NO_REGISTRY, docker_registry, find_registry
from holystone.demo.composer import Composer
from holystone.demo.git_story import GitStory
from holystone.demo.stages import Content
from holystone.engine.model.references import RegistryHost
from tests.support.distribution_storage import write
from tests.support.holystone_process import Holystone

IMAGES: Final = tuple(f"image-{number}" for number in range(5))
COMMITS: Final = 200
WERF_REAL: Final = (7_524, 6.0)
"""Requests and seconds of processor time of a warm run that deletes 2,000 of 4,000 tags."""
_KEPT: Final = COMMITS // 2
_DAY: Final = 24 * 3600
_CONFIGURATION: Final = f"""\
configVersion: 1
project: bench
cleanup:
  keepPolicies:
  - references:
      branch: master
    imagesPerReference: {{last: {_KEPT}}}
"""


class Cost(NamedTuple):
    requests: int
    processor: float
    """Seconds."""


def compose(folder: Path, host: RegistryHost) -> Composer:
    """1,000 images, each with two stages and a record of its own; a stage more for each of the five names."""
    now = int(time.time())
    composer = Composer(
        "bench", folder, host=host, now=now, images_repo="bench/app", stages_storage="bench/stages", twin_records=False
    )
    story = GitStory(folder)
    (folder / "werf.yaml").write_text(
        _CONFIGURATION + "".join(f"---\nimage: {each}\nfrom: alpine\n" for each in IMAGES)
    )
    rng = random.Random(1)
    for number in range(COMMITS):
        at = now - (COMMITS + 1 - number) * _DAY
        commit = story.commit("master", "Change", at=at)
        content = Content(dependencies=number, code=number)
        for image in IMAGES:
            composer.publish(image, commit, content, at=at + rng.randrange(3_000))
    return composer


async def measure_werf_runs() -> AsyncIterator[Line]:
    name = "werf project of 4,000 tags, real run, warm"
    program = find_registry()
    if program is None:
        yield line(f"{name}: requests", None, NO_REGISTRY)
        return
    with tempfile.TemporaryDirectory(prefix="holystone-bench-", dir="/tmp") as folder:
        storage, log = Path(folder, "storage"), Path(folder, "access.log")
        with docker_registry(program, storage, log) as host:
            composer = compose(Path(folder, "project"), host)
            write(storage, composer.pushes)
            os.sync()
            cli = Holystone(Path(folder, "run"), str(host), composer.described())
            await _cost(cli, log, "--dry-run")
            real = await _cost(cli, log)
    requests, processor = WERF_REAL
    how = (
        "`holystone cleanup` after a dry run that has read everything: 1,000 images, 2,000 stages, 1,000 records in "
        f"six repositories, half of all go. The real werf 1.1.36: {requests:,} requests, {processor:g} s."
    )
    yield line(f"{name}: requests", real.requests, how)
    yield line(f"{name}: s of processor time", real.processor, how, goal=processor)


async def _cost(cli: Holystone, log: Path, *options: str) -> Cost:
    """Raises RuntimeError if the run failed. Counted by the registry; processor time of git and other children too."""
    requests, begun = _lines(log), resource.getrusage(resource.RUSAGE_CHILDREN)
    ended = await cli.cleanup("--yes-delete-that-many", *options)
    if ended.code:
        raise RuntimeError(f"{ended.out}\n{ended.err}")
    done = resource.getrusage(resource.RUSAGE_CHILDREN)
    return Cost(_lines(log) - requests, done.ru_utime + done.ru_stime - begun.ru_utime - begun.ru_stime)


def _lines(log: Path) -> int:
    return log.read_bytes().count(b"\n")
