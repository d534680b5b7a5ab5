"""Puts back what a run took away, out of the journal: what an index lists before the index, tags last, and nothing over
what somebody else has put there since. What is back already is left as it is, so undo can be repeated."""

from holystone.engine.undo.results import Moved, PutBack, RepositoryUndo, UndoResult
from holystone.engine.undo.run import uncover, undo_run
from holystone.engine.undo.taken import Part, names_taken

__all__ = ["Moved", "Part", "PutBack", "RepositoryUndo", "UndoResult", "names_taken", "uncover", "undo_run"]
