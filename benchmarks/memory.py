"""What one large repository takes of memory, from its listing to a proven plan, in a process of its own beside the
registry's.

`python -m benchmarks.memory serve` is the registry, `… plan HOST` the client; each says what it has to say on a line.
"""

import json
import random
import subprocess
import sys
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final

import anyio

from benchmarks.lines import Line, line
from holystone.adapters.credentials.credential import Anonymous
from holystone.adapters.http.transport import RegistryHttp
from holystone.adapters.registries.default.registry import OciRegistry
from holystone.adapters.state.sqlite import SqliteDigestCache
from holystone.embedded.quirks import DISTRIBUTION_2_8
from holystone.embedded.server import EmbeddedRegistry
from holystone.engine.inventory.snapshot import read_repository
from holystone.engine.model.manifests import OCI_CONFIG, OCI_MANIFEST
from holystone.engine.model.reasons import NotNeeded
from holystone.engine.model.references import Digest, RegistryHost, Repository, RepositoryPath, Tag
from holystone.engine.model.verdicts import Delete, Keep
from holystone.engine.planner.facts import TagFacts
from holystone.engine.planning import Where, plan_snapshot
from holystone.engine.scheduler import Limits, Scheduler

_TAGS: Final = 200_000
_ON_EACH: Final = 100
_PATH: Final = RepositoryPath("bench/app")
_OURS: Final = [sys.executable, "-m", __spec__.name if __spec__ else "benchmarks.memory"]


def measure_memory() -> Iterable[Line]:
    with subprocess.Popen([*_OURS, "serve"], stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True) as server:
        assert server.stdout
        host = server.stdout.readline().strip()
        done = subprocess.run([*_OURS, "plan", host], check=True, capture_output=True, text=True)
        server.terminate()
    peak, seconds = map(float, done.stdout.split())
    yield line(
        f"memory of a repository of {_TAGS:,} tags, MiB",
        peak,
        f"Peak of a process that lists it, looks at each tag, reads {_TAGS // _ON_EACH:,} manifests and "
        f"configurations, plans and proves the deletion of nine tags in ten. {seconds:.0f} s of processor time.",
        goal=500,
    )


async def _serve() -> None:
    async with EmbeddedRegistry(quirks=DISTRIBUTION_2_8) as registry:
        storage = registry.storage
        for number in range(_TAGS // _ON_EACH):
            config = b'{"architecture":"amd64","config":{"Labels":{"number":"%d"}}}' % number
            storage.put_blob(_PATH, config)
            storage.put_manifest(_PATH, _manifest(config), OCI_MANIFEST, f"v{number}-0")
            tags = storage.repositories[_PATH].tags
            tags.update({f"v{number}-{more}": tags[f"v{number}-0"] for more in range(1, _ON_EACH)})
        registry.requests.clear()
        print(registry.host, flush=True)
        await anyio.sleep_forever()


def _manifest(config: bytes) -> bytes:
    descriptor = {"mediaType": OCI_CONFIG, "digest": Digest.of(config), "size": len(config)}
    return json.dumps({"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": descriptor, "layers": []}).encode()


async def _plan(host: RegistryHost) -> None:
    scheduler = Scheduler(Limits(in_flight=64))
    async with RegistryHttp(host, Anonymous()) as http:
        registry = OciRegistry(
            host, http, scheduler.lane(host, "bench", "read"), scheduler.lane(host, "bench", "write")
        )
        async with registry.open(Repository(host, _PATH)) as session:
            with SqliteDigestCache(None) as cache:
                snapshot = await read_repository(session, cache, needs_config=lambda _: True)
                rng = random.Random(1)
                verdicts = {tag: Delete((NotNeeded(),)) if rng.random() < 0.9 else Keep(()) for tag in snapshot.tags}
                facts = TagFacts(written_once=frozenset[Tag]())
                where = Where("images", "user")
                await plan_snapshot(session, cache, snapshot, verdicts, facts, where, fuse=None, now=time.time())
    print(_peak(), time.process_time())


def _peak() -> float:
    """MiB. Not `ru_maxrss`, which a process inherits from the one that has made it."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(each.split()[1]) for each in lines if each.startswith("VmHWM:")) / 1024


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        anyio.run(_serve) if sys.argv[1] == "serve" else anyio.run(_plan, RegistryHost.parse(sys.argv[2]))
