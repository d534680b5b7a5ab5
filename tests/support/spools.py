"""Spools in which no two repositories are in memory at once, so that what a test looks at has been in the file."""

import atexit
import tempfile
from pathlib import Path
from typing import Final

from holystone.adapters.state.spool import FileSpool
from holystone.engine.executor import RepositoryResult
from holystone.engine.model.plan import RepositoryPlan
from holystone.engine.undo import RepositoryUndo

_KEPT: Final = tempfile.TemporaryDirectory(prefix="holystone-spools-")
atexit.register(_KEPT.cleanup)
FOLDER: Final = Path(_KEPT.name)


def planned() -> FileSpool[RepositoryPlan]:
    return FileSpool(RepositoryPlan, FOLDER, in_memory=0)


def results() -> FileSpool[RepositoryResult]:
    return FileSpool(RepositoryResult, FOLDER, in_memory=0)


def undone() -> FileSpool[RepositoryUndo]:
    return FileSpool(RepositoryUndo, FOLDER, in_memory=0)
