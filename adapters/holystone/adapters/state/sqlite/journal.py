"""The journal as a whole: begins runs, finds them again, reads what is recorded of them."""

import secrets
import sqlite3
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

from holystone.adapters.state.sqlite import checked, rows
from holystone.adapters.state.sqlite.file_locks import lock_repositories, lock_run
from holystone.adapters.state.sqlite.forgetting import forget_runs
from holystone.adapters.state.sqlite.run import SqliteRun
from holystone.adapters.state.sqlite.schema import FILE_NAME, open_database
from holystone.adapters.state.sqlite.writer import Writer
from holystone.engine.errors import UsageError, shell_word
from holystone.engine.model.codec import to_json
from holystone.engine.model.manifests import RawManifest
from holystone.engine.model.plan import Plan
from holystone.engine.model.records import RepositoryRecord, RunRecord
from holystone.engine.model.references import Digest, Repository


class Journal:
    """A context manager. Leaving it, by whatever way, puts everything on the disk and gives all locks back; runs that
    are not finished stay open for `resume`."""

    def __init__(self, writer: Writer, directory: Path, now: Callable[[], float], token: Callable[[], str]) -> None:
        self._writer = writer
        self._directory = directory
        self._now = now
        self._token = token
        self._taken: list[SqliteRun] = []

    @classmethod
    def open(
        cls,
        directory: Path,
        *,
        now: Callable[[], float] = time.time,
        token: Callable[[], str] = lambda: secrets.token_hex(2),
    ) -> Self:
        """`now` gives Unix seconds, `token` the last part of a new run's id. Raises UsageError for a journal of a newer
        version or of another user, HolystoneError for one that is damaged, locked or not writable."""
        file = directory / FILE_NAME
        return cls(Writer(open_database(file), file), directory, now, token)

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
        Refused if another run is at work in one of its repositories."""
        started = self._now()
        await self._writer.do(partial(forget_runs, now=int(started)))
        encoded = to_json(plan)
        stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime(started))
        while True:
            record = RunRecord(f"{stamp}-{self._token()}", int(started), None, command, "open")
            with self._lock(record.id, plan) as locks:
                if await self._writer.do(lambda db, record=record: rows.insert_run(db, record, encoded)):  # type: ignore[misc]
                    return self._hold(SqliteRun(self._writer, locks.pop_all(), record, plan, self._now))

    async def load(self, run_id: str | None = None) -> SqliteRun:
        """Takes up a run, the latest open one if no id is given. Raises UsageError if there is none, Damaged if its
        record is, Refused if it is still alive or another is at work in one of its repositories."""
        record, encoded = await self._find(run_id)
        if record.state == "damaged":
            raise checked.damaged(record.id, record.command)
        plan = checked.plan(record.id, encoded)
        with self._lock(record.id, plan) as locks:
            record, _ = await self._find(record.id)  # its last owner may have finished it a moment ago
            return self._hold(SqliteRun(self._writer, locks.pop_all(), record, plan, self._now))

    async def give_up(self, run_id: str) -> RunRecord:
        """Ends an open run for good; one in any other state is left as it is. Its plan need not be readable. Raises
        UsageError if there is none, Refused if it is still alive."""
        with ExitStack() as taken:
            await self._find(run_id)
            taken.callback(lock_run(self._directory, run_id).release)
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
        record, encoded = await self._find(run_id)
        return checked.plan(record.id, encoded)

    async def repositories(self, run_id: str) -> tuple[RepositoryRecord, ...]:
        """Of the repositories that were begun, sorted by name. Raises Damaged."""
        return await self._writer.do(lambda db: rows.read_slices(db, run_id))

    async def manifests(self, run_id: str, repository: Repository) -> Mapping[Digest, RawManifest]:
        """The manifests that the run set out to delete, and those behind the tags it set out to take away."""

        def read(database: sqlite3.Connection) -> dict[Digest, RawManifest]:
            return {digest: raw for digest, raw in rows.stored_manifests(database, run_id, repository) if raw}

        return await self._writer.do(read)

    def _lock(self, run_id: str, plan: Plan) -> ExitStack:
        with ExitStack() as taken:
            taken.callback(lock_run(self._directory, run_id).release)
            repositories = [each.repository for each in plan.repositories]
            taken.enter_context(lock_repositories(self._directory, repositories, run_id))
            return taken.pop_all()

    def _hold(self, run: SqliteRun) -> SqliteRun:
        self._taken.append(run)
        return run

    async def _find(self, run_id: str | None) -> tuple[RunRecord, object]:
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
