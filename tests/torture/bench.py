"""Everything that trials need, opened once for many of them."""

import asyncio
import os
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path

from tests.real.servers import SERVERS
from tests.support.docker_registry import docker_registry
from tests.torture.command import launcher
from tests.torture.proxy import fault_proxy
from tests.torture.schedules import QUICK, SERVERS_TRIED, Schedule, Server
from tests.torture.trial import Bench, Outcome, Reference
from tests.torture.world import WORLDS, World, build


def distribution_3() -> str:
    """The program that HOLYSTONE_DISTRIBUTION_3 names, or that `make servers` has installed; empty if there is none."""
    return os.environ.get("HOLYSTONE_DISTRIBUTION_3") or SERVERS["distribution"].where.partition("#")[0]


async def carry_out(
    schedules: Sequence[Schedule],
    distribution_3: str,
    jobs: int,
    done: Callable[[Outcome], None],
    *,
    quickly: float = QUICK,
) -> None:
    """`jobs` of them at a time, or one more. `distribution_3` names its program; without one, there may be no schedules
    on it. `quickly`: how much faster time passes for a disturbed command."""
    with folder_in_memory() as folder:
        built = _worlds(folder)
        references: dict[tuple[Server, int], asyncio.Task[Reference]] = {}

        async def job(server: Server, left: Iterator[Schedule]) -> None:
            program = distribution_3 if server == "distribution-3" else None
            async with bench(folder, built, program, quickly) as mine:
                for each in left:
                    key = server, each.world
                    if key not in references:
                        references[key] = asyncio.create_task(mine.reference(each.world))
                    done(await mine.carry_out(each, await references[key]))

        async with asyncio.TaskGroup() as group:
            for server in SERVERS_TRIED:
                mine = [each for each in schedules if each.server == server]
                left = iter(mine)
                for _ in range(min(len(mine), -(-jobs * len(mine) // len(schedules)))):
                    group.create_task(job(server, left))


def _worlds(folder: Path) -> dict[int, World]:
    now = int(time.time())
    return {number: build(folder / f"world-{number}", number, now) for number in range(WORLDS)}


@contextmanager
def folder_in_memory() -> Iterator[Path]:
    """In memory where possible."""
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    folder = Path(tempfile.mkdtemp(prefix="holystone-torture-", dir=memory))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@asynccontextmanager
async def bench(
    beside: Path, built: Mapping[int, World], program: str | None, quickly: float = QUICK
) -> AsyncIterator[Bench]:
    """On the installed docker-registry, or on `program`."""
    folder = Path(tempfile.mkdtemp(dir=beside))
    async with AsyncExitStack() as stack:
        registry = await stack.enter_async_context(docker_registry(folder / "registry", program=program))
        proxy = await stack.enter_async_context(fault_proxy(registry.host))
        launched = {
            quick: await stack.enter_async_context(launcher(folder / f"said-{quick}", quickly if quick else 1.0))
            for quick in (False, True)
        }
        yield Bench(registry.storage, proxy, launched, built, folder)
