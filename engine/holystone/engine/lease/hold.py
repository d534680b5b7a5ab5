"""Takes the lock, keeps it for as long as the work lasts, and gives it back.

There is no compare-and-swap in the protocol, so a lock is a tag that nobody else writes: each run pushes its own, and
then lists. Of two runs that lock at the same time at least one sees the other's tag, and whoever sees one steps back.
"""

import random
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, TypeVar

import anyio
import structlog

from holystone.engine.errors import HolystoneError, Refused, RegistryFailure, Unauthorized
from holystone.engine.lease.tags import LockTag, live_lock, lock_tag, parse_lock_tag
from holystone.engine.model.layerless import layerless_image
from holystone.engine.model.references import Repository, Tag
from holystone.engine.ports import Registry

T = TypeVar("T")
LASTS: Final = 1800
"""Seconds until a lock is stale that is not renewed. Clocks may differ by minutes."""
_RENEWED: Final = LASTS / 3
"""Seconds between two renewals, so that two of them may fail."""
_TRIES: Final = 3
"""When two runs step back for each other, the one that waits longer finds the other's lock."""
_GIVE_BACK: Final = 30.0
"""Seconds that giving back may take, also when the run is cancelled. What is left behind goes stale."""
log: structlog.stdlib.BoundLogger = structlog.get_logger()


async def holding(
    registry: Registry,
    repository: Repository,
    run: str,
    work: Callable[[], Awaitable[T]],
    *,
    now: Callable[[], float] = time.time,
    jitter: Callable[[], float] = random.random,
) -> T:
    """The result of the work, which is begun once the lock is there. Raises Refused if another run has it,
    HolystoneError if no lock can be pushed, and what the work raises."""
    held = _Held(registry, repository, run, now)
    results: list[T] = []
    failures: list[Exception] = []

    async def renew() -> None:
        while True:
            await anyio.sleep(_RENEWED)
            try:
                await held.renew()
            except HolystoneError as error:
                log.warning("the lock was not renewed", repository=str(repository), error=str(error))

    try:
        await _take(held, jitter)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(renew)
            try:
                results.append(await work())
            except Exception as failure:
                failures.append(failure)
            tasks.cancel_scope.cancel()
    finally:
        with anyio.move_on_after(_GIVE_BACK, shield=True):
            await held.give_back()
    if failures:
        raise failures[0]
    return results[0]


async def holding_all(places: Sequence[tuple[Registry, Repository]], run: str, work: Callable[[], Awaitable[T]]) -> T:
    """The same for several repositories: all of them or none."""
    if not places:
        return await work()
    (registry, repository), *rest = places
    return await holding(registry, repository, run, lambda: holding_all(rest, run, work))


async def _take(held: "_Held", jitter: Callable[[], float]) -> None:
    for left in range(_TRIES, 0, -1):
        if busy := await held.look():
            raise _refused(held.repository, busy)
        await held.push()
        busy = await held.look()
        if not busy:
            return
        await held.give_back()
        if left == 1:
            raise _refused(held.repository, busy)
        await anyio.sleep(1 + 10 * jitter())


def _refused(repository: Repository, by: LockTag) -> Refused:
    return Refused(
        f"{repository}: another run of Holystone has locked it ({by}).",
        not_deleted="Nothing was deleted by this command.",
        what_to_do="Wait for it to end. If it has died, `holystone resume` on its machine goes on with it, "
        "and its lock counts no more after that time.",
    )


class _Held:
    def __init__(self, registry: Registry, repository: Repository, run: str, now: Callable[[], float]) -> None:
        self.repository = repository
        self._registry = registry
        self._run = run
        self._now = now
        self._tags: list[Tag] = []
        """That may be there, the newest last: each is known before it is sent, and until it has been removed."""

    def __repr__(self) -> str:
        return f"<Lock {self.repository} {self._tags[-1] if self._tags else 'not held'}>"

    async def look(self) -> LockTag | None:
        """Another run's lock. Stale ones are removed on the way."""
        listing = await self._registry.list_tags(self.repository)
        locks = {tag: lock for tag in listing.tags if (lock := parse_lock_tag(tag))}
        for tag, lock in locks.items():
            # One of our own that is not held is from an attempt that was killed.
            if lock.until <= self._now() or (lock.run == self._run and tag not in self._tags):
                await self._remove(tag)
        return live_lock(locks, self._now(), self._run)

    async def push(self) -> None:
        lock = LockTag(int(self._now()) + LASTS, self._run)
        tag = lock_tag(lock)
        # Its own digest, so that it can go alone on servers that delete by digest only.
        manifest, config = layerless_image({"holystone.lock": tag}, oci=True)
        self._tags = [*(each for each in self._tags if each != tag), tag]
        try:
            await self._registry.push_blob(self.repository, config)
            await self._registry.push_manifest(self.repository, tag, manifest)
        except (RegistryFailure, Unauthorized) as error:
            raise Refused(
                f"{self.repository}: it cannot be locked: {error.message}",
                not_deleted="Nothing was deleted.",
                what_to_do="Give the credential the right to push, or leave --lock-in-registry out "
                "and see to it that no other run works there.",
            ) from error

    async def renew(self) -> None:
        await self.push()
        await self._remove_all_but(1)

    async def give_back(self) -> None:
        await self._remove_all_but(0)

    async def _remove_all_but(self, newest: int) -> None:
        while len(self._tags) > newest:
            await self._remove(self._tags[0])
            del self._tags[0]

    async def _remove(self, tag: Tag) -> None:
        """What cannot be removed goes stale, and is in nobody's way then."""
        try:
            digest = await self._registry.resolve(self.repository, tag)
            if digest is None:
                return
            can = await self._registry.probe(self.repository)
            if can.tag_delete and (can.tags_first or not can.digest_delete):
                await self._registry.delete_tags(self.repository, [tag])
            if can.digest_delete:
                await self._registry.delete_manifests(self.repository, [digest])
        except HolystoneError as error:
            log.warning("a lock was not removed", repository=str(self.repository), tag=tag, error=str(error))
