"""Whether a run works on more repositories than it may open files: planned, locked in the registry, carried out and
checked by a process that may open 256.

`python -m benchmarks.open_files serve` is the registry, `… clean HOST` the client; each says what it has to say on a
line.
"""

import random
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import anyio

from benchmarks.lines import Line, line
from benchmarks.repositories import seed
from holystone.adapters.state.sqlite import Journal
from holystone.embedded.quirks import DISTRIBUTION_3_1
from holystone.embedded.server import EmbeddedRegistry
from holystone.engine.model.delete_reasons import NotNeeded
from holystone.engine.model.inventory import RepositorySnapshot
from holystone.engine.model.plan import RepositoryPlan
from holystone.engine.model.references import RegistryHost, Repository, RepositoryPath
from holystone.engine.model.verdicts import Delete, Keep
from holystone.engine.planner.assemble import assemble
from holystone.engine.planner.facts import TagFacts
from holystone.engine.planning import Judged, Where, plan_repository
from holystone.engine.scheduler import for_each
from holystone.settings.run import RunSettings
from holystone.settings.values import RegistrySettings
from holystone.workflows.carry_out import carry_out
from holystone.workflows.session import open_session

_FILES: Final = 256
_REPOSITORIES: Final = 1_100
_TAGS: Final = 10
_AT_ONCE: Final = 8
_OURS: Final = [sys.executable, "-m", __spec__.name if __spec__ else "benchmarks.open_files"]


def measure_open_files() -> Iterator[Line]:
    with subprocess.Popen([*_OURS, "serve"], stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True) as server:
        assert server.stdout
        host = server.stdout.readline().strip()
        done = subprocess.run([*_OURS, "clean", host], check=True, capture_output=True, text=True)
        server.terminate()
    cleaned, seconds = map(float, done.stdout.split())
    yield line(
        f"repositories cleaned with {_FILES} open files, of {_REPOSITORIES:,}",
        cleaned,
        f"Planned, locked in the registry, carried out and checked, with no error. {seconds:.0f} s of processor time.",
        goal=_REPOSITORIES,
        better="higher",
    )


async def _serve() -> None:
    async with EmbeddedRegistry(quirks=DISTRIBUTION_3_1) as registry:
        for number in range(_REPOSITORIES):
            seed(registry.storage, _path(number), _TAGS, 1)
        registry.requests.clear()
        print(registry.host, flush=True)
        await anyio.sleep_forever()


def _path(number: int) -> RepositoryPath:
    return RepositoryPath(f"team-{number % 10}/app-{number}")


async def _clean(host: RegistryHost) -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (_FILES, _FILES))
    with TemporaryDirectory(prefix="holystone-bench-") as name:
        folder = Path(name)
        run = RunSettings(state_dir=folder / "state", cache_dir=folder / "cache")
        async with open_session(RegistrySettings(docker_config=folder), run, {}) as session:
            plans = session.spool(RepositoryPlan)

            async def one(number: int) -> None:
                async with session.connections.turn(Repository(host, _path(number)), "default", "images", "user") as at:
                    planned = await plan_repository(
                        at,
                        session.cache,
                        _nine_in_ten,
                        Where("images", "user"),
                        needs_config=lambda _: True,
                        fuse=None,
                        now=time.time(),
                    )
                    plans.append(planned.plan)

            await for_each(range(_REPOSITORIES), one, workers=_AT_ONCE)
            plan = assemble(as_of=int(time.time()), command="bench", repositories=plans)
            with Journal.open(run.state_dir) as journal:
                result = await carry_out(session, await journal.begin(plan, plan.command), lock_in_registry=True)
    done = sum(not each.incomplete for each in result.repositories)
    if result.losses or set(result.counts) != {"deleted"}:
        raise RuntimeError(f"the plan was not carried out: {result.counts}")
    print(done, time.process_time())


async def _nine_in_ten(snapshot: RepositorySnapshot) -> Judged:
    rng = random.Random(str(snapshot.repository.path))
    verdicts = {tag: Delete((NotNeeded(),)) if rng.random() < 0.9 else Keep(()) for tag in snapshot.tags}
    return Judged(verdicts, TagFacts())


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        anyio.run(_serve) if sys.argv[1] == "serve" else anyio.run(_clean, RegistryHost.parse(sys.argv[2]))
