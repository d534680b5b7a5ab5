"""What every command shares: the opened cache, connections and journal, and the end of a run on a signal."""

import resource
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import anyio
import msgspec

from holystone.adapters.registries.connections import Connections
from holystone.adapters.state.spool import FileSpool, OfRepository
from holystone.adapters.state.sqlite.digest_cache import SqliteDigestCache
from holystone.engine.errors import HolystoneError
from holystone.engine.scheduler import Limits
from holystone.settings.values import RegistrySettings, RunSettings
from holystone.workflows.bounds import Exceeded, outgrown, overdue

T = TypeVar("T")
S = TypeVar("S", bound=OfRepository)
_UNBOUNDED = 1024
"""Requests at once where the user sets no limit, if five times as many files may be open: there may be a socket for
each and an idle one, as HEAD has connections of its own, two more that idle since what is deleted was read
(`Connections.renew`), and our own files. Sockets are not endless either."""
_FIRST_PATIENCE = 5.0
"""Seconds in which a registry has to answer for the first time. Once it has, an outage is waited out."""


class Interrupted(HolystoneError):
    """SIGINT or SIGTERM ended the work before anything was deleted."""


class Overrun(Interrupted):
    """The work takes more than a run may take."""

    exit_code = 3


class InterruptedMidway(Interrupted):
    exit_code = 4


class Session(msgspec.Struct, frozen=True):
    connections: Connections
    cache: SqliteDigestCache
    folder: Path
    """Where what does not fit into memory is kept meanwhile."""

    def spool(self, kind: type[S]) -> FileSpool[S]:
        return FileSpool(kind, self.folder)


@asynccontextmanager
async def open_session(
    registry: RegistrySettings, run: RunSettings, environ: Mapping[str, str]
) -> AsyncIterator[Session]:
    """`environ`: the variables in which logins and clusters may be named, and which the programs see that are run for
    them."""
    connections = Connections(
        registry.docker_config,
        insecure=registry.insecure,
        unverified=registry.unverified,
        token_servers=registry.trusted_token_servers,
        access=registry.access,
        named_places=registry.named_places,
        by_host=registry.by_host,
        environ=environ,
        limits=Limits(in_flight=registry.concurrency or _unbounded(), first_patience=_FIRST_PATIENCE),
    )
    with SqliteDigestCache(run.cache_dir / "known.db") as cache:
        async with connections:
            yield Session(connections, cache, run.cache_dir)


def _unbounded() -> int:
    may_be_open, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return _UNBOUNDED if may_be_open == resource.RLIM_INFINITY else max(1, min(_UNBOUNDED, may_be_open // 5))


async def until_signal(
    job: Callable[[], Awaitable[T]],
    beside: Callable[[], Coroutine[Any, Any, None]] | None = None,
    bounds: Sequence[Callable[[], Awaitable[Exceeded]]] = (outgrown, overdue),
) -> T:
    """The job's result. `beside` runs as long as the job does. Raises Interrupted after SIGINT or SIGTERM, Overrun when
    one of `bounds` returns, after everything in the job has been closed: who presses Ctrl-C again meanwhile waits."""
    results: list[T] = []
    failures: list[Exception] = []
    ends: list[Interrupted] = []

    async def work() -> None:
        try:
            results.append(await job())
        except Exception as failure:
            failures.append(failure)
        group.cancel_scope.cancel()

    async def watch() -> None:
        ends.append(Interrupted(f"Interrupted by {(await anext(signals)).name}."))
        group.cancel_scope.cancel()

    async def hold_to(bound: Callable[[], Awaitable[Exceeded]]) -> None:
        exceeded = await bound()
        ends.append(Overrun(exceeded.what, what_to_do=exceeded.what_to_do))
        group.cancel_scope.cancel()

    with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async with anyio.create_task_group() as group:
            group.start_soon(watch)
            for bound in bounds:
                group.start_soon(hold_to, bound)
            if beside:
                group.start_soon(beside)
            group.start_soon(work)
    if failures:
        raise failures[0]
    if results:
        return results[0]
    raise ends[0] if ends else Interrupted("Interrupted.")
