"""Which runs the journal forgets. Runs in the writer's thread.

Never one that is open, or whose undo is not through; nor, however large the journal is, one that may still be
undone."""

import sqlite3
from typing import Final

from holystone.adapters.state.sqlite.rows import forget

AFTER_DAYS: Final = 90
"""Days since the end of a run. A nightly job would fill the disk, and what is older than that `undo` would hardly
find."""
SURELY_DAYS: Final = 14
"""Days since the end of a run, in which it is kept whatever it takes: garbage is collected weekly, or never."""
LARGEST: Final = 1 << 30
"""Bytes of the file: who may push decides how large the manifests are of which each night's run keeps the bytes."""
_BORNE_OUT_BY: Final = 7
"""Days with runs."""
_DAY: Final = 86_400
_LATEST: Final = (
    "SELECT max(started) FROM runs WHERE typeof(started) = 'integer' "  # noqa: S608
    f"GROUP BY started / {_DAY} ORDER BY 1 DESC LIMIT 1 OFFSET {_BORNE_OUT_BY - 1}"
)
_OLD: Final = (
    "rowid < (SELECT max(rowid) FROM runs "  # noqa: S608
    f"GROUP BY started / {_DAY} ORDER BY 1 DESC LIMIT 1 OFFSET {_BORNE_OUT_BY - 1}) AND ended < ?"
)
_ENDED: Final = "ended IS NOT NULL AND state NOT IN ('open', 'undoing')"


def forget_runs(database: sqlite3.Connection, now: int, *, largest: int = LARGEST) -> None:
    """All that is recorded of runs that ended long ago; if the file is larger than `largest`, the oldest of the others
    too, and those first that were undone. `now`: Unix seconds. The room is used again; the file does not
    become smaller.

    Age is counted up to the seventh latest day on which a run began, and no run is old before as many have come after
    it: a clock that leaps ahead or back, were it for days, and a machine that was off for months, make nothing old."""
    borne_out = database.execute(_LATEST).fetchone()
    today = min(now, *borne_out) if borne_out else 0
    for (run,) in _ids(database, _OLD, today - AFTER_DAYS * _DAY):
        forget(database, run)
    undone = _ids(database, "state = 'undone' AND ended < ?", now)
    for (run,) in [*undone, *_ids(database, f"state != 'undone' AND {_OLD}", today - SURELY_DAYS * _DAY)]:
        if _size(database) <= largest:
            return
        forget(database, run)


def _ids(database: sqlite3.Connection, which: str, moment: int) -> list[tuple[str]]:
    query = f"SELECT id FROM runs WHERE {_ENDED} AND {which} ORDER BY ended, id"  # noqa: S608
    return database.execute(query, (moment,)).fetchall()


def _size(database: sqlite3.Connection) -> int:
    """Bytes that are in use."""
    pages, free, each = (
        int(database.execute(f"PRAGMA {name}").fetchone()[0]) for name in ("page_count", "freelist_count", "page_size")
    )
    return (pages - free) * each
