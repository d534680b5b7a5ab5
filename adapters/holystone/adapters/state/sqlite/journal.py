"""The journal as a whole: begins runs, finds them again, reads what is recorded of them."""

import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import anyio
import msgspec

from holystone.adapters.state.spool import FileSpool
from holystone.adapters.state.sqlite import checked, rows
from holystone.adapters.state.sqlite.checked import Begun
from holystone.adapters.state.sqlite.file_locks import FileLocks
from holystone.adapters.state.sqlite.forgetting import forget_runs
from holystone.adapters.state.sqlite.run import SqliteRun
from holystone.adapters.state.sqlite.schema import FILE_NAME, open_database
from holystone.adapters.state.sqlite.writer import Writer
from holystone.engine.errors import Busy, UsageError, shell_word
from holystone.engine.model.codec import to_json
from holystone.engine.model.plan import Plan, RepositoryPlan
from holystone.engine.model.records import RepositoryRecord, RunRecord
from holystone.engine.model.references import Repository
from holystone.engine.ports import Held, Locks

_WRITTEN: Final = 4 << 20
"""Bytes of plans in one transaction, or one more of any size."""
_READ: Final = 1 << 20
"""Bytes of plans at once, or one more of any size."""


class Journal:
    """A context manager. Leaving it, by whatever way, puts everything on the disk and gives all locks back; runs that
    are not finished stay open for `resume`."""

    def __init__(
        self, writer: Writer, directory: Path, locks: Locks, now: Callable[[], float], token: Callable[[], str]
    ) -> None:
        self._writer = writer
        self._directory = directory
        self._locks = locks
        self._now = now
        self._token = token
        self._taken: list[SqliteRun] = []

    @classmethod
    def open(
        cls,
        directory: Path,
        *,
        locks: Locks | None = None,
        now: Callable[[], float] = time.time,
        token: Callable[[], str] = lambda: secrets.token_hex(2),
    ) -> Self:
        """`locks`: those in the same directory, if none are given. `now` gives Unix seconds, `token` the last part of a
        new run's id. Raises UsageError for a journal of a newer version or of another user, HolystoneError for one that
        is damaged, locked or not writable."""
        file = directory / FILE_NAME
        return cls(Writer(open_database(file), file), directory, locks or FileLocks(directory), now, token)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        self._writer.close()
        for run in self._taken:
            run.release()

    async def begin(self, plan: Plan, command: str) -> SqliteRun:
        """A new run, on the disk with its whole plan when this returns. Runs that ended long ago are forgotten. Raises
        Busy if another run is at work in one of its repositories."""
        started = self._now()
        await self._writer.do(partial(forget_runs, now=int(started)))
        await self._forget_half_written()
        head = to_json(Begun.of(plan))
        stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime(started))
        while True:
            record = RunRecord(f"{stamp}-{self._token()}", int(started), None, command, "beginning")
            with ExitStack() as taken:
                held = await self._take(taken, record.id, plan)
                if await self._writer.do(lambda db, record=record: rows.insert_run(db, record, head)):  # type: ignore[misc]
                    for some in _some_at_once(plan.repositories):
                        await self._writer.do(rows.insert_plans(record.id, some))
                    await self._open(record.id)
                    record = msgspec.structs.replace(record, state="open")
                    return self._hold(taken, SqliteRun(self._writer, held, record, plan, self._now))

    async def _open(self, run_id: str) -> None:
        """What is written is written also if the waiting for it is cut short, and then nobody has heard of the run."""
        try:
            await self._writer.do(partial(rows.set_state, run_id=run_id, state="open", ended=None))
        except anyio.get_cancelled_exc_class():
            with anyio.CancelScope(shield=True):
                await self._writer.do(partial(rows.forget, run_id=run_id))
            raise

    async def _forget_half_written(self) -> None:
        """Forgets beginnings of processes that died before their run had begun: whoever lives has the lock of his."""
        for run_id in await self._writer.do(rows.half_written):
            try:
                held = await self._locks.take(run_id)
            except Busy:
                continue
            try:
                await self._writer.do(partial(rows.forget_half_written, run_id=run_id))
            finally:
                held.release()

    async def load(self, run_id: str | None = None) -> SqliteRun:
        """Takes up a run, the latest open one if no id is given. Raises UsageError if there is none, Damaged if its
        record is, Busy if it is still alive or another is at work in one of its repositories."""
        record, head = await self._find(run_id)
        if record.state == "damaged":
            raise checked.damaged(record.id, record.command)
        plan = await self._plan(record.id, head)
        with ExitStack() as taken:
            held = await self._take(taken, record.id, plan)
            record, _ = await self._find(record.id)  # its last owner may have finished it a moment ago
            return self._hold(taken, SqliteRun(self._writer, held, record, plan, self._now))

    async def give_up(self, run_id: str) -> RunRecord:
        """Ends an open run for good; one in any other state is left as it is. Its plan need not be readable. Raises
        UsageError if there is none, Busy if it is still alive."""
        with ExitStack() as taken:
            await self._find(run_id)
            taken.callback((await self._locks.take(run_id)).release)
            record, _ = await self._find(run_id)
            if record.state == "open":
                ended = int(self._now())
                await self._writer.do(partial(rows.set_state, run_id=run_id, state="given-up", ended=ended))
                record, _ = await self._find(run_id)
            return record

    async def runs(self) -> tuple[RunRecord, ...]:
        """Newest first."""
        return await self._writer.do(rows.all_runs)

    async def record(self, run_id: str) -> RunRecord:
        """Raises UsageError if there is no such run."""
        return (await self._find(run_id))[0]

    async def plan(self, run_id: str) -> Plan:
        """Like the other reading methods, this needs no lock. Raises UsageError if there is no such run, Damaged."""
        record, head = await self._find(run_id)
        return await self._plan(record.id, head)

    async def _plan(self, run_id: str, head: Sequence[object]) -> Plan:
        """Read once, and whole, so that what is wrong with it is known before anything is done. Raises Damaged."""
        begun = checked.begun(run_id, *head)
        repositories = FileSpool(RepositoryPlan, self._directory)
        names: list[Repository] = []
        after = ""
        while found := await self._writer.do(lambda db, after=after: rows.read_plans(db, run_id, after, _READ)):  # type: ignore[misc]
            with checked.reading(run_id, "its plan"):
                for _, each in found:
                    repositories.append(each)
                    names.append(each.repository)
            after = found[-1][0]
        if len(repositories) != begun.repositories:
            why = f"its plan has {len(repositories)} of {begun.repositories} repositories"
            raise checked.damaged(run_id, why)
        return Plan.of(begun.claimed(names), repositories)

    async def recorded(self, run_id: str, plan: RepositoryPlan) -> RepositoryRecord | None:
        """What a run recorded of the repository of which this is its plan; None for one that was not begun. Raises
        Damaged as `Run.repository`."""
        found = await self._writer.do(lambda db: rows.read_slice(db, run_id, plan))
        return found[1] if found else None

    async def _take(self, taken: ExitStack, run_id: str, plan: Plan) -> Held:
        """Until `taken` is closed."""
        held = await self._locks.take(run_id, [each.repository for each in plan.repositories])
        taken.callback(held.release)
        return held

    def _hold(self, taken: ExitStack, run: SqliteRun) -> SqliteRun:
        """Until it is released, or the journal is closed."""
        taken.pop_all()
        self._taken.append(run)
        return run

    async def _find(self, run_id: str | None) -> tuple[RunRecord, Sequence[object]]:
        found = None
        if run_id is None or run_id.isascii():  # what is not UTF-8 cannot even be asked for
            found = await self._writer.do(lambda db: rows.one_run(db, run_id))
        if found is None:
            raise UsageError(
                f"The journal in {self._directory} has no run {shell_word(run_id)}."
                if run_id is not None
                else f"The journal in {self._directory} has no run that is left unfinished.",
                what_to_do="`holystone runs` lists the runs.",
            )
        return found


def _some_at_once(plans: Iterable[RepositoryPlan]) -> Iterator[list[tuple[Repository, bytes]]]:
    """The items in parts of as many as one transaction may take without holding up others."""
    some: list[tuple[Repository, bytes]] = []
    size = 0
    for each in plans:
        some.append((each.repository, to_json(each)))
        size += len(some[-1][1])
        if size > _WRITTEN:
            yield some
            some, size = [], 0
    if some:
        yield some
