"""A run that is being worked on, and what the journal has of one of its repositories."""

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from typing import Final

import msgspec

from holystone.adapters.state.sqlite import rows
from holystone.adapters.state.sqlite.writer import Writer
from holystone.engine.model.manifests import RawManifest
from holystone.engine.model.outcomes import Loss, Outcome
from holystone.engine.model.plan import Plan, RepositoryPlan, StepId
from holystone.engine.model.records import Journaled, RepositoryRecord, RunRecord, RunState, Tombstone
from holystone.engine.model.references import Digest, Repository
from holystone.engine.ports import Held

_CHUNK: Final = 500
"""Manifests in one transaction, so that a large repository does not hold up the records of others."""


class SqliteRepositoryJournal:
    """Every method returns when its record is on the disk. Raises HolystoneError if the journal cannot be written."""

    def __init__(self, writer: Writer, run_id: str, number: int, known: RepositoryRecord) -> None:
        self._writer = writer
        self._run_id = run_id
        self._number = number
        self.known = known
        """As it was recorded when this attempt began."""

    async def journaled(self) -> Journaled:
        return await self._writer.do(lambda db: rows.read_manifests(db, self._run_id, self.known.repository))

    async def manifest(self, digest: Digest) -> RawManifest | None:
        """A manifest that was kept; None if its bytes are not there, or not what its digest says."""
        return await self._writer.do(lambda db: rows.read_manifest(db, self._run_id, self.known.repository, digest))

    async def keep(self, manifests: Sequence[RawManifest]) -> None:
        for start in range(0, len(manifests), _CHUNK):
            await self._writer.do(rows.insert_manifests(self._number, manifests[start : start + _CHUNK]))

    async def seal(self) -> None:
        """All of it is kept."""
        await self._writer.do(lambda db: rows.seal_slice(db, self._number, self.known.tombstone))

    async def record(self, outcomes: Mapping[StepId, Outcome]) -> None:
        """Records what came of steps. A later outcome of a step replaces an earlier one."""
        if outcomes:
            await self._writer.do(rows.insert_outcomes(self._number, outcomes))

    async def mark_tombstoned(self, steps: Collection[StepId]) -> None:
        """These tags point to the tombstone now, so that they are ours if they are gone later."""
        if steps:
            await self._writer.do(rows.insert_tombstoned(self._number, sorted(steps)))

    async def record_check(self, losses: Sequence[Loss]) -> None:
        """What was to stay and is gone, of which such bytes as are known are kept, for `undo`. Losses that an earlier
        check recorded remain."""
        await self._writer.do(rows.insert_check(self._number, losses))


class SqliteRun:
    """A run that this process alone works on, as it does on all its repositories."""

    def __init__(self, writer: Writer, held: Held, record: RunRecord, plan: Plan, now: Callable[[], float]) -> None:
        self._writer = writer
        self._held = held
        self._now = now
        self.record = record
        self.plan = plan

    @property
    def id(self) -> str:
        return self.record.id

    def __repr__(self) -> str:
        return f"<Run {self.id} {self.record.state}, {len(self.plan.repositories)} repositories>"

    async def repository(self, plan: RepositoryPlan) -> SqliteRepositoryJournal | None:
        """What an earlier attempt wrote down, or None if it did not get to the first request. `plan`: the run's, of
        the repository. Raises Damaged, also for what came of a step that the plan has not."""
        found = await self._writer.do(lambda db: rows.read_slice(db, self.id, plan))
        return SqliteRepositoryJournal(self._writer, self.id, *found) if found else None

    async def open_repository(self, repository: Repository, tombstone: Tombstone | None) -> SqliteRepositoryJournal:
        """A place for everything that is needed to finish or undo the repository, which is kept before its first
        request is sent. It counts as begun only once it is sealed; a half-written one of an earlier attempt is taken
        up."""
        number = await self._writer.do(lambda db: rows.open_slice(db, self.id, repository))
        return SqliteRepositoryJournal(
            self._writer, self.id, number, RepositoryRecord(repository, tombstone, {}, frozenset())
        )

    async def may_lock(self, *, wanted: bool) -> bool:
        """Whether locks are held in its repositories: they are `wanted` now, or some of an earlier attempt may be left
        there. Written down before the first is pushed."""
        if wanted and not self.record.locks:
            await self._writer.do(partial(rows.set_locks, run_id=self.id))
            self.record = msgspec.structs.replace(self.record, locks=True)
        return self.record.locks

    async def begin_undo(self) -> None:
        """Says that an undo begins: from here on only `undo` takes the run up, however this attempt ends."""
        await self._writer.do(partial(rows.set_state, run_id=self.id, state="undoing", ended=self.record.ended))

    async def finish(self, state: RunState = "finished") -> None:
        """There is nothing left for `resume`. Gives the locks back."""
        await self._writer.do(partial(rows.set_state, run_id=self.id, state=state, ended=int(self._now())))
        self.release()

    def release(self) -> None:
        """Leaves the run as it is, for another process to take up."""
        self._held.release()
