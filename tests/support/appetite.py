"""How much memory something takes that reads from a server: done in a process of its own, which says its peak.

`python -m tests.support.appetite WORK HOST FOLDER` is that process."""

import json
import subprocess
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import anyio
import anyio.lowlevel

from holystone.adapters.credentials.credential import Anonymous
from holystone.adapters.http.transport import RegistryHttp
from holystone.adapters.registries.default.registry import DefaultSession, OciRegistry
from holystone.adapters.state.sqlite import Journal
from holystone.adapters.state.sqlite.digest_cache import SqliteDigestCache
from holystone.cli.signals import until_signal
from holystone.engine.errors import HolystoneError
from holystone.engine.executor.gather import IN_HAND, gather
from holystone.engine.inventory.contents import Contents
from holystone.engine.inventory.snapshot import read_repository
from holystone.engine.model.manifests import RawManifest
from holystone.engine.model.plan import Plan
from holystone.engine.model.references import Digest, RegistryHost, Repository, RepositoryPath
from holystone.engine.scheduler import Limits, Scheduler, Transient
from holystone.policies.werf.v1.labels import looked_at
from holystone.workflows.plan_file import read_plan
from tests.support.spools import FOLDER

SUBJECT: Final = Digest("sha256:" + "5" * 64)


@dataclass(frozen=True, slots=True)
class Ended:
    peak: int
    """MiB, of all memory that was the process's own at a time or mapped from files."""
    said: str
    """What came of it; empty if it was refused."""
    refused: str
    """In words."""


async def appetite(work: str, host: object, folder: Path) -> Ended:
    """`work` is the name of one of the functions below."""
    command = [sys.executable, "-m", __name__, work, str(host), str(folder)]
    done = await anyio.run_process(command, stderr=subprocess.PIPE, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return Ended(**json.loads(done.stdout))


async def list_tags(session: DefaultSession, _: Path) -> str:
    return str(len((await session.list_tags()).tags))


async def list_many(session: DefaultSession, _: Path) -> str:
    """Eight at once."""
    async with anyio.create_task_group() as group:
        for _each in range(8):
            group.start_soon(session.list_tags)
    return "all"


async def heads(session: DefaultSession, _: Path) -> str:
    """As many at once as there are connections."""
    said = set()

    async def ask(number: int) -> None:
        try:
            reply = await session.http.request("GET", f"/v2/team/app/manifests/t{number}", lane=None, limit=9)
            said.add(str(reply.status))
        except Transient as error:
            said.add(str(error))

    async with anyio.create_task_group() as group:
        for number in range(64):
            group.start_soon(ask, number)
    return ", ".join(said)


async def catalog(session: DefaultSession, _: Path) -> str:
    return str([len(page.repositories) async for page in session.registry.repositories()])


async def referrers(session: DefaultSession, _: Path) -> str:
    return str(len(await session.referrers(SUBJECT)))


async def read(session: DefaultSession, folder: Path) -> str:
    with SqliteDigestCache(folder / "known.db") as cache:
        snapshot = await read_repository(session, cache, needs_config=lambda _: True, contents=Contents(looked_at))
        return f"{len(snapshot.tags)} tags, {len(snapshot.configs)} configurations, {len(snapshot.broken)} broken"


async def plan(_session: DefaultSession, file: Path) -> str:
    asked = read_plan(file, FOLDER, max_age=10**18)[0].clusters
    return f"{len(asked.contexts if asked else ())} contexts"


async def write_down(session: DefaultSession, folder: Path) -> str:
    """What goes, as a run does it; then what an undo begins with."""
    digests = [Digest.parse(tag) for tag in (await session.list_tags()).odd]
    with SqliteDigestCache(None) as cache, Journal.open(folder / "state") as journal:
        run = await journal.begin(Plan(0, "cleanup", repositories=()), "cleanup")
        begun = await run.open_repository(session.repository, None)
        gathered = await gather(session, cache, digests, begun.keep, anyio.CapacityLimiter(IN_HAND))
        await begun.seal()
        there = await begun.journaled()
        assert there.whole == gathered.found
        return f"{len(there.whole)} of {len(digests)}"


async def write_down_many(session: DefaultSession, _: Path) -> str:
    """Of eight repositories at once, before a disk that takes its time to begin."""
    digests = [Digest.parse(tag) for tag in (await session.list_tags()).odd]
    in_hand = anyio.CapacityLimiter(IN_HAND)
    kept: list[int] = []
    ready = anyio.current_time() + 5

    async def keep(some: Sequence[RawManifest]) -> None:
        await anyio.sleep_until(ready)
        kept.append(len(some))

    with SqliteDigestCache(None) as cache:
        async with anyio.create_task_group() as group:
            for number in range(8):
                there = Repository(session.repository.host, RepositoryPath(f"team/app{number}"))
                group.start_soon(gather, session.registry.open(there), cache, digests[number::8], keep, in_hand)
    return f"{sum(kept)} of {len(digests)}"


async def hoard(_session: DefaultSession, _folder: Path) -> str:
    """Something that has no bound of its own, and takes half a gigabyte a second, as no network gives."""
    kept = []
    while True:
        kept.append(bytearray(1 << 20))
        kept[-1][::4096] = b"x" * 256
        await anyio.sleep(0.002)


_WORKS: Final[dict[str, Callable[[DefaultSession, Path], Awaitable[str]]]] = {
    each.__name__: each
    for each in (list_tags, list_many, heads, catalog, referrers, read, plan, write_down, write_down_many, hoard)
}


async def _main(work: str, host: RegistryHost, folder: Path) -> str:
    lane = Scheduler(limits=Limits(in_flight=64)).lane(host, "test", "read")
    async with RegistryHttp(host, Anonymous()) as http:
        registry = OciRegistry(host, http, lane, lane)
        return await _WORKS[work](registry.open(Repository(host, RepositoryPath("team/app"))), folder)


def _peak() -> int:
    """Not `ru_maxrss`, which a process inherits from the one that has made it."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) >> 10


if __name__ == "__main__":
    said = refused = ""
    try:
        host, folder = RegistryHost.parse(sys.argv[2]), Path(sys.argv[3])
        said = anyio.run(until_signal, lambda: _main(sys.argv[1], host, folder))
    except HolystoneError as error:
        refused = f"{type(error).__name__} ({error.exit_code}): {error}"
    print(json.dumps({"peak": _peak(), "said": said, "refused": refused}))
