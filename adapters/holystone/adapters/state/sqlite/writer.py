"""One thread owns the connection and commits what has come together in the meantime at once (group commit): a disk
flush for a hundred records costs what one for a single record costs, and a registry on the same disk waits for it too.
"""

import asyncio
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, Final, Generic, TypeVar

from holystone.adapters.state.sqlite.schema import unusable
from holystone.engine.errors import Damaged

T = TypeVar("T")
_GROUP: Final = 512
_RATE: Final = 20.0
"""Commits a second, in the long run: outcomes that come faster share one, and wait 50 ms for that at most."""
_BURST: Final = 30.0
"""Commits that need not wait, so that a small run never does."""


class Pace:
    """How long a commit should wait for others to join it."""

    def __init__(self, now: float) -> None:
        self._spare = _BURST
        self._at = now

    def wait(self, now: float) -> float:
        """Seconds; the commit is counted."""
        self._spare = min(_BURST, self._spare + (now - self._at) * _RATE) - 1
        self._at = now
        return max(0.0, -self._spare / _RATE)

    def give_back(self) -> None:
        """The last one wrote nothing, so that no disk was waited for."""
        self._spare += 1


class _Job(Generic[T]):
    def __init__(self, work: Callable[[sqlite3.Connection], T]) -> None:
        self.work = work
        self.loop = asyncio.get_running_loop()
        self.done: asyncio.Future[T] = self.loop.create_future()
        self.result: T
        self.failure: Exception | None = None

    def finish(self, commit: Exception | None) -> None:
        error = commit or self.failure

        def settle() -> None:
            if self.done.done():  # whoever waited was cancelled
                return
            if error:
                self.done.set_exception(error)
            else:
                self.done.set_result(self.result)

        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            self.loop.call_soon_threadsafe(settle)


class Writer:
    """The queue is bounded by its callers: each waits for its own job, so there are never more jobs than tasks."""

    def __init__(self, database: sqlite3.Connection, file: Path) -> None:
        self._database = database
        self._file = file
        self._jobs: SimpleQueue[_Job[Any] | None] = SimpleQueue()
        self._closed = False
        self._thread = threading.Thread(target=self._serve, name="holystone-journal", daemon=True)
        self._thread.start()

    async def do(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Runs `work` in the thread, in a transaction that it shares with others. What it wrote is on the disk when
        this returns; if the waiting is cancelled, it is written all the same. Raises HolystoneError."""
        if self._closed:
            raise RuntimeError("the journal is closed")
        job = _Job(work)
        self._jobs.put(job)
        try:
            return await job.done
        except sqlite3.Error as error:
            raise unusable(self._file, error) from error

    def close(self) -> None:
        """Returns when everything that was handed in is on the disk. Blocks, so that no cancellation can cut it short;
        that is one commit long at most."""
        self._closed = True
        self._jobs.put(None)
        self._thread.join()

    def _serve(self) -> None:
        open_for_more = True
        pace = Pace(time.monotonic())
        while open_for_more:
            group: list[_Job[Any]] = []
            waiting = self._jobs.get()
            if waiting is not None:
                time.sleep(pace.wait(time.monotonic()))
            while waiting is not None:
                group.append(waiting)
                if len(group) == _GROUP:
                    break
                try:
                    waiting = self._jobs.get_nowait()
                except Empty:
                    break
            open_for_more = waiting is not None
            if group:
                before = self._database.total_changes
                self._commit(group)
                if self._database.total_changes == before:
                    pace.give_back()
        self._database.close()

    def _commit(self, group: list[_Job[Any]]) -> None:
        """All or none: a record of which it is not known whether it is on the disk is not on the disk."""
        failure: Exception | None = None
        try:
            self._database.execute("BEGIN IMMEDIATE")
            for job in group:
                try:
                    job.result = job.work(self._database)
                except Damaged as error:  # found by reading, so that nothing of it is to be taken back
                    job.failure = error
            self._database.execute("COMMIT")
        except Exception as error:
            failure = error
            with suppress(sqlite3.Error):  # some errors have ended the transaction themselves
                self._database.execute("ROLLBACK")
        for job in group:
            job.finish(failure)
