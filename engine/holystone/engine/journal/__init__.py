"""The record of every run, written before the wire: what `resume`, `undo` and reports live on. One SQLite file in a
state directory, and one lock file for each run that is alive."""

from holystone.engine.journal.forgetting import AFTER_DAYS as FORGET_AFTER_DAYS
from holystone.engine.journal.locks import refuse_if_busy
from holystone.engine.journal.records import Journaled, RunRecord, RunState, Slice, Tombstone
from holystone.engine.journal.run import Run, SliceJournal
from holystone.engine.journal.store import Journal

__all__ = [
    "FORGET_AFTER_DAYS",
    "Journal",
    "Journaled",
    "Run",
    "RunRecord",
    "RunState",
    "Slice",
    "SliceJournal",
    "Tombstone",
    "refuse_if_busy",
]
