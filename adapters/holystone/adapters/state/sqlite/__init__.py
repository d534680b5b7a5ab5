"""The state of one machine: SQLite files in a state directory, beside a lock file for each run that is alive."""

from holystone.adapters.state.sqlite.baselines import SqliteBaselines
from holystone.adapters.state.sqlite.digest_cache import SqliteDigestCache
from holystone.adapters.state.sqlite.file_locks import FileLocks
from holystone.adapters.state.sqlite.forgetting import AFTER_DAYS as FORGET_AFTER_DAYS
from holystone.adapters.state.sqlite.journal import Journal
from holystone.adapters.state.sqlite.sightings import RecalledSightings, SqliteSightings

__all__ = [
    "FORGET_AFTER_DAYS",
    "FileLocks",
    "Journal",
    "RecalledSightings",
    "SqliteBaselines",
    "SqliteDigestCache",
    "SqliteSightings",
]
