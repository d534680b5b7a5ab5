"""What all of a run shares: the opened cache and connections."""

import resource
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

import msgspec

from holystone.adapters.registries.connections import Connections
from holystone.adapters.state.spool import FileSpool, OfRepository
from holystone.adapters.state.sqlite.digest_cache import SqliteDigestCache
from holystone.adapters.state.sqlite.tag_memory import SqliteTagMemory
from holystone.engine.executor.budget import Budget
from holystone.engine.scheduler import Limits
from holystone.settings.run import RunSettings
from holystone.settings.values import RegistrySettings
from holystone.workflows.budget import budget_of

S = TypeVar("S", bound=OfRepository)
_UNBOUNDED = 1024
"""Requests at once where the user sets no limit, if five times as many files may be open: there may be a socket for
each and an idle one, as HEAD has connections of its own, two more that idle since what is deleted was read
(`Connections.renew`), and our own files. Sockets are not endless either."""
_FIRST_PATIENCE = 5.0
"""Seconds in which a registry has to answer for the first time. Once it has, an outage is waited out."""


class Session(msgspec.Struct, frozen=True):
    connections: Connections
    cache: SqliteDigestCache
    memory: SqliteTagMemory
    folder: Path
    """Where what does not fit into memory is kept meanwhile."""
    budget: Budget
    """Of the command that it was opened for."""

    async def settle(self) -> None:
        """Nothing more is read: raises Doubtful if what was read was not all asked for, and keeps what was learned."""
        await self.connections.settle()
        await self.memory.settle()

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
        named=registry.named,
        by_host=registry.by_host,
        environ=environ,
        limits=Limits(in_flight=registry.concurrency or _unbounded(), first_patience=_FIRST_PATIENCE),
    )
    with SqliteDigestCache(run.cache_dir / "known.db") as cache, SqliteTagMemory(run.cache_dir / "tags.db") as memory:
        async with connections:
            yield Session(connections, cache, memory, run.cache_dir, budget_of(run.budget))


def _unbounded() -> int:
    may_be_open, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return _UNBOUNDED if may_be_open == resource.RLIM_INFINITY else max(1, min(_UNBOUNDED, may_be_open // 5))
