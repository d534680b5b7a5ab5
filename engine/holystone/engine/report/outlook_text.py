"""Whether what a run deletes can be put back, in words: one line for all repositories of which the same is true."""

from collections import defaultdict
from collections.abc import Iterator

from holystone.engine.model.outlook import UndoOutlook
from holystone.engine.model.plan import Plan
from holystone.engine.model.references import Repository
from holystone.engine.report.words import duration


def outlook_lines(plan: Plan) -> Iterator[str]:
    """What undo could do about the plan, by repository; nothing is said of those in which nothing goes."""
    alike: dict[UndoOutlook, list[Repository]] = defaultdict(list)
    for each in plan.repositories:
        if each.undo:
            alike[each.undo].append(each.repository)
    for outlook, repositories in alike.items():
        more = f" and {len(repositories) - 1} more" if len(repositories) > 1 else ""
        where = f" in {repositories[0]}{more}" if len(alike) > 1 else ""
        yield f"undo{where}: {outlook_text(outlook)}"


def outlook_text(outlook: UndoOutlook) -> str:
    lacks = f"; the credential lacks {outlook.lacks}, without which nothing comes back" if outlook.lacks else ""
    doubt = f"; not known for sure: {outlook.doubt}" if outlook.doubt else ""
    return f"{_way(outlook)}{lacks}{doubt}"


def _way(outlook: UndoOutlook) -> str:
    match outlook:
        case UndoOutlook(way="none"):
            return "none: the registry keeps nothing of an image that has lost its last tag"
        case UndoOutlook(seconds=0):
            return "not to be relied on: the registry keeps what was deleted for no time at all"
        case UndoOutlook(way="restore", seconds=None):
            return "the registry restores what was deleted, for as long as it keeps it"
        case UndoOutlook(way="restore", seconds=seconds):
            return f"the registry restores what was deleted, for {duration(seconds or 0)}"
        case UndoOutlook(seconds=None):
            return "possible until the registry's garbage collection runs"
        case UndoOutlook(seconds=seconds):
            return f"possible for {duration(seconds or 0)}, until the registry's garbage collection takes what it needs"
