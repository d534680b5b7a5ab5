"""SQLite and lock files, as the processes of one machine have them."""

import resource
import sqlite3
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, closing, contextmanager
from pathlib import Path
from typing import Final

import pytest

from holystone.adapters.state.sqlite import (
    FileLocks,
    Journal,
    RecalledSightings,
    SqliteBaselines,
    SqliteDigestCache,
    SqliteSightings,
    baselines,
    sightings,
)
from holystone.adapters.state.sqlite.schema import FILE_NAME
from holystone.engine.model.capabilities import Quota
from holystone.engine.ports import Baselines, DigestCache, Locks, RateBudget, RunStore, Sightings
from holystone.engine.scheduler.bucket import Bucket
from tests.state.conformance.stand import Record, Stand, drawn, still

_SLICE: Final = "slice IN (SELECT id FROM slices WHERE run = ?)"
_DAMAGE: Final[Mapping[Record, tuple[str, str]]] = {
    "run": (FILE_NAME, "UPDATE runs SET started = 'five' WHERE id = ?"),
    "head": (FILE_NAME, "UPDATE runs SET plan = '[]' WHERE id = ?"),
    "plan": (FILE_NAME, "UPDATE plans SET plan = x'7b' WHERE run = ?"),
    "half of the plan": (
        FILE_NAME,
        "DELETE FROM plans WHERE rowid = (SELECT max(rowid) FROM plans WHERE run = ?)",
    ),
    "tombstone": (FILE_NAME, "UPDATE slices SET tombstone_body = x'7b7d' WHERE run = ?"),
    "manifest": (FILE_NAME, f"UPDATE manifests SET body = x'7b' WHERE {_SLICE}"),
    "outcome": (FILE_NAME, f"UPDATE outcomes SET outcome = x'7b' WHERE {_SLICE}"),
    "step": (FILE_NAME, f"UPDATE outcomes SET step = 'v' || substr(step, 8) WHERE {_SLICE}"),
    "mark": (FILE_NAME, f"UPDATE tombstoned SET step = 'v2' WHERE {_SLICE}"),
    "loss": (FILE_NAME, f"UPDATE losses SET digest = 'sha256:1' WHERE {_SLICE}"),
    "counted": (baselines.FILE_NAME, """UPDATE baselines SET value = '{"number": "many"}' WHERE ?"""),
    "sighting": (sightings.FILE_NAME, "UPDATE seen SET since = 'long ago' WHERE ?"),
    "digest": ("known.db", "UPDATE known SET body = CAST(body || ' ' AS BLOB) WHERE ?"),
}
_LOG_HEAD: Final = 32
_FRAME_HEAD: Final = 24
"""sqlite.org/fileformat2.html#walformat"""


class SqliteStand:
    shares_budgets: Final = False

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @classmethod
    @contextmanager
    def new(cls) -> Iterator[Stand]:
        with tempfile.TemporaryDirectory(prefix="holystone-stand-") as name, pytest.MonkeyPatch.context() as patch:
            patch.setattr("holystone.adapters.state.sqlite.journal._WRITTEN", 1)
            patch.setattr("holystone.adapters.state.sqlite.run._CHUNK", 2)
            patch.setattr("holystone.adapters.state.sqlite.writer._BURST", 10_000.0)
            yield cls(Path(name))

    @property
    def script(self) -> str:
        return (
            "from pathlib import Path\n"
            "from tests.state.conformance.sqlite_stand import SqliteStand\n"
            f"stand = SqliteStand(Path({str(self._folder)!r}))\n"
        )

    @asynccontextmanager
    async def store(
        self,
        *,
        now: Callable[[], float] = still,
        token: Callable[[], str] = drawn,
        locks: Callable[[Locks], Locks] = lambda locks: locks,
    ) -> AsyncIterator[RunStore]:
        with Journal.open(self._folder, locks=locks(self.locks()), now=now, token=token) as journal:
            yield journal

    def locks(self) -> Locks:
        return FileLocks(self._folder)

    @asynccontextmanager
    async def cache(self) -> AsyncIterator[DigestCache]:
        with SqliteDigestCache(self._folder / "known.db") as cache:
            yield cache

    def baselines(self) -> Baselines:
        return SqliteBaselines(self._folder)

    @asynccontextmanager
    async def sightings(self) -> AsyncIterator[Sightings]:
        with SqliteSightings(self._folder) as found:
            yield found

    def recalled(self) -> Sightings:
        return RecalledSightings(self._folder)

    def budget(self, quota: Quota, now: float) -> RateBudget:
        return Bucket(quota, now)

    async def damage(self, record: Record, run_id: str = "") -> bool:
        name, statement = _DAMAGE[record]
        with closing(sqlite3.connect(self._folder / name)) as database, database:
            return database.execute(statement, (run_id or True,)).rowcount > 0

    async def damage_all(self) -> None:
        for file in (*self._folder.glob("*.sqlite"), *self._folder.glob("*.db")):
            file.write_bytes(b"this is not a database" * 100)

    @contextmanager
    def full(self, room: int = 0) -> Iterator[None]:
        """What a process may not make larger it cannot write: the log is the largest file that anything is added to."""
        log = self._log
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, ((log.stat().st_size if log.exists() else 0) + room, limits[1]))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)

    async def broken_off(self, work: Callable[[RunStore], Awaitable[None]]) -> AsyncIterator[Stand]:
        """The log is cut where a transaction ends, and within each."""
        async with self.store():
            pass
        with closing(sqlite3.connect(self._folder / FILE_NAME)) as other:  # or the last who closes it empties the log
            other.execute("SELECT count(*) FROM runs").fetchone()
            async with self.store() as store:
                await work(store)
            database, log = (self._folder / FILE_NAME).read_bytes(), self._log.read_bytes()
        for end in (0, *_ends(log)):
            with tempfile.TemporaryDirectory(prefix="holystone-stand-") as name:
                stand = SqliteStand(Path(name))
                for file, content in ((stand._folder / FILE_NAME, database), (stand._log, log[:end])):
                    file.write_bytes(content)
                    file.chmod(0o600)
                yield stand

    @property
    def _log(self) -> Path:
        return self._folder / f"{FILE_NAME}-wal"


def _ends(log: bytes) -> Iterator[int]:
    size = _FRAME_HEAD + int.from_bytes(log[8:12])
    begun = _LOG_HEAD
    for frame in range(_LOG_HEAD, len(log), size):
        if int.from_bytes(log[frame + 4 : frame + 8]):  # not 0 in the last frame of a transaction
            yield (begun + frame + size) // 2
            yield frame + size
            begun = frame + size
