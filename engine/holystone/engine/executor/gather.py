"""The bytes of everything that is about to go, so that the journal can have them before the first request. They are
handed over as they are read: whoever may push decides how large they are, and together they may be gigabytes."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

import anyio

from holystone.engine.errors import IncompleteSource, RegistryFailure
from holystone.engine.executor.work import WORKERS
from holystone.engine.inventory.entries import Entries
from holystone.engine.model.manifests import Manifest, RawManifest, understood
from holystone.engine.model.references import Digest
from holystone.engine.ports import DigestCache, RepositorySession
from holystone.engine.scheduler import for_each, in_batches

KeepBytes: TypeAlias = Callable[[Sequence[RawManifest]], Awaitable[None]]
_AT_ONCE: Final = 8 << 20
"""Bytes, and manifests, that are handed over together."""
_MANY: Final = 500
IN_HAND: Final = 32
"""Manifests, of all repositories of a run, that are being read and not handed over, or being pushed: of the largest
128 MiB."""


@dataclass(slots=True)
class Gathered:
    found: dict[Digest, Manifest | None] = field(default_factory=dict)
    """What was handed over; None for bytes that cannot be understood."""
    unreadable: dict[Digest, str] = field(default_factory=dict)
    """The registry's error for each. A manifest that is in neither is gone."""


class _Handover:
    """Whoever reads waits for the disk: else hundreds of megabytes would, before a slow one."""

    def __init__(self, keep: KeepBytes) -> None:
        self._keep = keep
        self._alone = anyio.Lock()
        self._waiting: list[RawManifest] = []
        self._bytes = 0

    async def add(self, raw: RawManifest) -> None:
        async with self._alone:
            self._waiting.append(raw)
            self._bytes += len(raw.body)
            if self._bytes >= _AT_ONCE or len(self._waiting) >= _MANY:
                await self.rest()

    async def rest(self) -> None:
        waiting, self._waiting, self._bytes = self._waiting, [], 0
        if waiting:
            await self._keep(waiting)


async def gather(
    session: RepositorySession,
    cache: DigestCache,
    digests: Iterable[Digest],
    keep: KeepBytes,
    in_hand: anyio.CapacityLimiter,
) -> Gathered:
    """All that it found is kept when it returns. `in_hand` is the run's (see IN_HAND). Raises IncompleteSource where
    that is about more than single manifests: some lists describe one so well that nobody has read it yet."""
    gathered = Gathered()
    handover = _Handover(keep)
    entries: Entries[Digest] = Entries()

    async def found(raw: RawManifest) -> None:
        gathered.found[raw.digest] = understood(raw)
        await handover.add(raw)

    wanted = set(digests)
    async for known in cache.manifests(sorted(wanted)):
        await found(known)
    entries.read = len(gathered.found)
    unknown = sorted(wanted - gathered.found.keys())

    async def read(some: Sequence[Digest]) -> None:
        async with in_hand:
            await ask(some)

    async def ask(some: Sequence[Digest]) -> None:
        try:
            answer = await session.read_manifests(some)
        except RegistryFailure as error:
            gathered.unreadable.update(dict.fromkeys(some, str(error)))
            return
        except IncompleteSource as error:
            if len(some) == 1:
                entries.add(some[0], error)
                return
            for digest in some:  # one of them may be what spoils the answer
                await ask([digest])
            return
        entries.read += len(some)
        for digest, raw in answer.items():
            if digest.matches(raw.body):
                await cache.learn_manifests([raw])
                await found(raw)
            else:
                gathered.unreadable[digest] = "its bytes do not match its digest"

    at_once = session.manifests_at_once
    await for_each(in_batches(unknown, at_once), read, workers=max(1, WORKERS // at_once))
    entries.end()
    gathered.unreadable.update(entries.problems())
    await handover.rest()
    return gathered
