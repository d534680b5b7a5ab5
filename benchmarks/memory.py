"""What one large repository takes of memory, and thousands of small ones, from the listing to a proven plan, in a
process of its own beside the registry's.

`python -m benchmarks.memory serve one|many` is the registry, `… plan one|many HOST` the client; each says what
it has to say on a line.
"""

import json
import random
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import anyio

from benchmarks.lines import Line, line
from holystone.adapters.credentials.credential import Anonymous
from holystone.adapters.http.transport import RegistryHttp
from holystone.adapters.registries.default.registry import OciRegistry
from holystone.adapters.state.spool import FileSpool
from holystone.adapters.state.sqlite import Journal, SqliteDigestCache
from holystone.embedded.quirks import DISTRIBUTION_2_8
from holystone.embedded.server import EmbeddedRegistry
from holystone.embedded.storage import Storage
from holystone.engine.model.delete_reasons import NotNeeded
from holystone.engine.model.inventory import RepositorySnapshot
from holystone.engine.model.manifests import OCI_CONFIG, OCI_MANIFEST
from holystone.engine.model.plan import RepositoryPlan
from holystone.engine.model.references import Digest, RegistryHost, Repository, RepositoryPath
from holystone.engine.model.verdicts import Delete, Keep
from holystone.engine.planner.assemble import assemble
from holystone.engine.planner.facts import TagFacts
from holystone.engine.planning import Judged, Where, plan_repository
from holystone.engine.ports import Registry
from holystone.engine.scheduler import Limits, Scheduler, for_each
from holystone.workflows.plan_file import write_plan

_TAGS: Final = 200_000
_ON_EACH: Final = 100
_REPOSITORIES: Final = 5_000
_TAGS_OF_EACH: Final = 200
_AT_ONCE: Final = 8
_PATH: Final = RepositoryPath("bench/app")
_OURS: Final = [sys.executable, "-m", __spec__.name if __spec__ else "benchmarks.memory"]


def measure_memory() -> Iterable[Line]:
    peak, seconds = _measured("one")
    yield line(
        f"memory of a repository of {_TAGS:,} tags, MiB",
        peak,
        f"Peak of a process that lists it, looks at each tag, reads {_TAGS // _ON_EACH:,} manifests and "
        f"configurations, plans and proves the deletion of nine tags in ten. {seconds:.0f} s of processor time.",
        goal=500,
    )
    peak, seconds = _measured("many")
    yield line(
        f"memory of {_REPOSITORIES * _TAGS_OF_EACH:,} tags in {_REPOSITORIES:,} repositories, MiB",
        peak,
        f"Peak of a process that asks for the catalog, does the same to each repository, {_AT_ONCE} at once, and "
        f"writes the plan to a file and into the journal. {seconds:.0f} s of processor time.",
        goal=400,
    )


def _measured(which: str) -> tuple[float, float]:
    with subprocess.Popen([*_OURS, "serve", which], stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True) as server:
        assert server.stdout
        host = server.stdout.readline().strip()
        done = subprocess.run([*_OURS, "plan", which, host], check=True, capture_output=True, text=True)
        server.terminate()
    peak, seconds = map(float, done.stdout.split())
    return peak, seconds


async def _serve(which: str) -> None:
    async with EmbeddedRegistry(quirks=DISTRIBUTION_2_8) as registry:
        if which == "one":
            seed(registry.storage, _PATH, _TAGS, _ON_EACH)
        else:
            for number in range(_REPOSITORIES):
                seed(registry.storage, RepositoryPath(f"team-{number % 100}/app-{number}"), _TAGS_OF_EACH, 10)
        registry.requests.clear()
        print(registry.host, flush=True)
        await anyio.sleep_forever()


def seed(storage: Storage, path: RepositoryPath, tags: int, on_each: int) -> None:
    for number in range(tags // on_each):
        config = b'{"architecture":"amd64","config":{"Labels":{"number":"%d","of":"%s"}}}' % (number, path.encode())
        storage.put_blob(path, config)
        storage.put_manifest(path, _manifest(config), OCI_MANIFEST, f"v{number}-0")
        there = storage.repositories[path].tags
        there.update({f"v{number}-{more}": there[f"v{number}-0"] for more in range(1, on_each)})


def _manifest(config: bytes) -> bytes:
    descriptor = {"mediaType": OCI_CONFIG, "digest": Digest.of(config), "size": len(config)}
    return json.dumps({"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": descriptor, "layers": []}).encode()


async def _plan(which: str, host: RegistryHost) -> None:
    scheduler = Scheduler(Limits(in_flight=64))
    with TemporaryDirectory(prefix="holystone-bench-") as name, SqliteDigestCache(Path(name) / "known.db") as cache:
        async with RegistryHttp(host, Anonymous(), connections=64) as http:
            registry = OciRegistry(
                host, http, scheduler.lane(host, "bench", "read"), scheduler.lane(host, "bench", "write")
            )
            plans = FileSpool(RepositoryPlan, Path(name))

            async def one(repository: Repository) -> None:
                async with registry.open(repository) as session:
                    planned = await plan_repository(
                        session,
                        cache,
                        nine_in_ten,
                        Where("images", "user"),
                        needs_config=lambda _: True,
                        fuse=None,
                        now=time.time(),
                    )
                    plans.append(planned.plan)

            if which == "one":
                await one(Repository(host, _PATH))
            else:
                await for_each(_catalog(registry), one, workers=_AT_ONCE)
                plan = assemble(as_of=int(time.time()), command="bench", repositories=plans)
                write_plan(Path(name) / "plan", plan)
                with Journal.open(Path(name) / "state") as journal:
                    await journal.begin(plan, plan.command)
    print(_peak(), time.process_time())


async def _catalog(registry: Registry) -> AsyncIterator[Repository]:
    async for page in registry.repositories():
        for repository in page.repositories:
            yield repository


async def nine_in_ten(snapshot: RepositorySnapshot) -> Judged:
    rng = random.Random(str(snapshot.repository.path))
    verdicts = {tag: Delete((NotNeeded(),)) if rng.random() < 0.9 else Keep(()) for tag in snapshot.tags}
    return Judged(verdicts, TagFacts())


def _peak() -> float:
    """MiB. Not `ru_maxrss`, which a process inherits from the one that has made it."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(each.split()[1]) for each in lines if each.startswith("VmHWM:")) / 1024


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        if sys.argv[1] == "serve":
            anyio.run(_serve, sys.argv[2])
        else:
            anyio.run(_plan, sys.argv[2], RegistryHost.parse(sys.argv[3]))
