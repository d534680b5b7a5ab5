"""What programs may import. These names are a promise; all others may change with any version."""

from holystone.api.options import Holystone
from holystone.engine.errors import HolystoneError, Refused, UsageError
from holystone.engine.executor.results import RepositoryResult, RunResult
from holystone.engine.model.events import Event
from holystone.engine.model.notices import Notice
from holystone.engine.model.plan import Kept, Plan, Remove, RepositoryPlan, Untag
from holystone.engine.model.records import RunRecord
from holystone.engine.model.references import Digest, ImageName, Repository, Tag
from holystone.engine.model.refusals import Refusal
from holystone.engine.report.notice_words import notice_words
from holystone.engine.report.refusal_words import refusal_words
from holystone.engine.undo import UndoResult
from holystone.workflows.journal import NotOpen
from holystone.workflows.runs import Announce, Applied

__all__ = [
    "Announce",
    "Applied",
    "Digest",
    "Event",
    "Holystone",
    "HolystoneError",
    "ImageName",
    "Kept",
    "NotOpen",
    "Notice",
    "Plan",
    "Refusal",
    "Refused",
    "Remove",
    "Repository",
    "RepositoryPlan",
    "RepositoryResult",
    "RunRecord",
    "RunResult",
    "Tag",
    "UndoResult",
    "Untag",
    "UsageError",
    "notice_words",
    "refusal_words",
]
