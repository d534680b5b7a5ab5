"""Takes the lock, keeps it for as long as the work lasts, and gives it back.

There is no compare-and-swap in the protocol, so a lock is a tag that nobody else writes: each run pushes its own, and
then lists. Of two runs that lock at the same time at least one sees the other's tag, and whoever sees one steps back.
"""

import random
import time
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from typing import Final

import anyio

from holystone.engine import events
from holystone.engine.errors import Busy, HolystoneError, Refused, RegistryFailure, Unauthorized
from holystone.engine.model.lock_tags import (
    LASTS,
    LockTag,
    false_locks,
    false_locks_text,
    live_lock,
    lock_image,
    lock_tag,
    parse_lock_tag,
)
from holystone.engine.model.outcomes import AlreadyGone, Deleted, Outcome
from holystone.engine.model.references import Digest, Repository, Tag
from holystone.engine.ports import Listing, RepositorySession
from holystone.engine.scheduler import for_each

_AT_ONCE: Final = 64
"""Tags that are looked at; the lane bounds the requests."""
_RENEWED: Final = LASTS / 3
"""Seconds between two renewals, so that two of them may fail."""
_TRIES: Final = 3
"""When two runs step back for each other, the one that waits longer finds the other's lock."""
_GIVE_BACK: Final = 30.0
"""Seconds that giving back may take, also when the run is cancelled. What is left behind goes stale."""
log: Final = events.logger()


@asynccontextmanager
async def holding(
    session: RepositorySession,
    run: str,
    *,
    now: Callable[[], float] = time.time,
    jitter: Callable[[], float] = random.random,
) -> AsyncIterator[None]:
    """`now`: Unix seconds, best by the registry's own clock, which all runs share. Raises Refused if another run has
    it, HolystoneError if no lock can be pushed."""
    lock = _Held(session, run, now)
    failures: list[Exception] = []
    try:
        async with anyio.create_task_group() as tasks:
            try:
                await _take(lock, jitter)
                tasks.start_soon(_renew, lock)
                yield
            except Exception as failure:
                failures.append(failure)
            tasks.cancel_scope.cancel()
    finally:
        with anyio.move_on_after(_GIVE_BACK, shield=True):
            await lock.give_back()
    if failures:
        raise failures[0]


async def _renew(lock: "_Held") -> None:
    while True:
        await anyio.sleep(_RENEWED)
        try:
            await lock.renew()
        except HolystoneError as error:
            log.warning("the lock was not renewed", repository=str(lock.repository), error=str(error))


async def _take(held: "_Held", jitter: Callable[[], float]) -> None:
    for left in range(_TRIES, 0, -1):
        if busy := await held.look():
            raise _refused(held.repository, busy)
        await held.push()
        busy = await held.look()
        if not busy and held.is_listed:
            return
        await held.give_back()
        if left == 1:
            raise _refused(held.repository, busy) if busy else _unlisted(held.repository)
        await anyio.sleep(1 + 10 * jitter())


def _refused(repository: Repository, by: LockTag) -> Busy:
    return Busy(
        f"{repository}: another run of Holystone has locked it ({by}).",
        not_deleted="Nothing was deleted by this command.",
        what_to_do="Wait for it to end. If it has died, `holystone resume` on its machine goes on with it, "
        f"and its lock counts no more after that time. If there is no such run, remove the tag {lock_tag(by)} by hand.",
    )


def _unlisted(repository: Repository) -> Refused:
    return Refused(
        f"{repository}: the registry does not list the lock that was just pushed; another run's may be missing, too.",
        not_deleted="Nothing was deleted by this command.",
        what_to_do="Run it again later. If that stays so, leave --lock-in-registry out and see to it that no other run "
        "works there.",
    )


class _Held:
    def __init__(self, session: RepositorySession, run: str, now: Callable[[], float]) -> None:
        self.repository = session.repository
        self._session = session
        self._run = run
        self._now = now
        self._tags: list[Tag] = []
        """That may be there, the newest last: each is known before it is sent, and until it has been removed."""
        self._told: set[Tag] = set()
        self.is_listed = False
        """Whether the last look has found our own lock."""

    def __repr__(self) -> str:
        return f"<Lock {self.repository} {self._tags[-1] if self._tags else 'not held'}>"

    async def look(self) -> LockTag | None:
        """Another run's lock. Stale ones are removed on the way."""
        listing = await self._session.list_tags()
        self.is_listed = bool(self._tags) and self._tags[-1] in listing.tags
        now = self._now()
        if false := false_locks(listing.tags, now):
            self._leave(false)
        locks = {tag: lock for tag in listing.tags if tag not in false and (lock := parse_lock_tag(tag))}
        # One of our own that is not held is from an attempt that was killed.
        left = {tag for tag, lock in locks.items() if lock.until <= now or lock.run == self._run} - set(self._tags)
        if left:
            await self._remove_left(left, listing)
        return live_lock(locks, now, self._run)

    async def push(self) -> None:
        lock = LockTag(int(self._now()) + LASTS, self._run)
        tag = lock_tag(lock)
        manifest, config = lock_image(tag)
        self._tags = [*(each for each in self._tags if each != tag), tag]
        try:
            await self._session.push_blob(config)
            await self._session.push_manifest(tag, manifest)
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
            await self._remove_own(self._tags[0])
            del self._tags[0]

    async def _remove_own(self, tag: Tag) -> None:
        try:
            now = await self._session.resolve(tag)
            if now == lock_image(tag)[0].digest:
                await self._remove(tag)
            elif now:
                self._leave([tag])
        except HolystoneError as error:
            self._failed(tag, error)

    async def _remove_left(self, tags: Collection[Tag], listing: Listing) -> None:
        """What nobody holds any more: locks whose manifest is a lock's and has no other tag."""
        points: dict[Tag, Digest | None] = {}

        async def look(tag: Tag) -> None:
            points[tag] = listing.tags[tag] or await self._session.resolve(tag)

        try:
            await for_each(sorted(tags), look, workers=_AT_ONCE)
            locks = {tag: at for tag in sorted(tags) if (at := lock_image(tag)[0].digest) == points[tag]}
            if locks:
                await for_each(sorted(listing.tags.keys() - tags), look, workers=_AT_ONCE)
            elsewhere = {at for tag, at in points.items() if tag not in locks}
            for tag in (alone := [tag for tag, at in locks.items() if at not in elsewhere]):
                await self._remove_own(tag)  # the look at all the others may have taken minutes
        except HolystoneError as error:
            self._failed(min(tags), error)
            return
        if others := [tag for tag in sorted(tags) if points[tag] and tag not in alone]:
            self._leave(others)

    async def _remove(self, tag: Tag) -> None:
        """What cannot be removed goes stale, and is in nobody's way then. Deleted is the digest of the lock, whatever
        the tag points to by then; the tag by its name only where nothing else can go with that."""
        digest = lock_image(tag)[0].digest
        can = await self._session.probe()
        outcomes: list[Outcome] = []
        alone = can.tags is not None and can.tags.last_tag is not None
        if alone and (can.digests is None or can.digests.tags_first):
            outcomes += await self._session.delete_tags([tag])
        if can.digests:
            outcomes += await self._session.delete_manifests([digest])
        # A server that leaves a tag when its manifest is deleted, or refuses a manifest that has one, keeps them apart.
        if can.tags and not alone and await self._points_to(tag, digest):
            outcomes += await self._session.delete_tags([tag])
        if outcomes and not any(isinstance(each, Deleted | AlreadyGone) for each in outcomes):
            self._failed(tag, outcomes[-1])

    async def _points_to(self, tag: Tag, digest: Digest) -> bool:
        return await self._session.resolve(tag) == digest

    def _failed(self, tag: Tag, why: object) -> None:
        log.warning("a lock was not removed", repository=str(self.repository), tag=tag, error=str(why))

    def _leave(self, tags: Sequence[Tag]) -> None:
        """Told once, however often it is looked at."""
        if new := [tag for tag in tags if tag not in self._told]:
            self._told.update(new)
            log.warning(f"{self.repository}: {false_locks_text(new)}")
