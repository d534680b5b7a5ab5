"""How a run, or an undo, has ended: in a word and as an exit code."""

from holystone.engine.errors import Busy, HolystoneError
from holystone.engine.executor.results import RunResult
from holystone.engine.report.document import Ending
from holystone.engine.undo import UndoResult


def ending_of(result: RunResult) -> tuple[Ending, int]:
    """How a run ended, with the exit code."""
    if result.losses:
        return "failed", 1
    if result.incomplete:
        # What is said to be deleted and still served is done in part: some of it may be gone a moment later.
        done = result.counts.get("deleted") or result.counts.get("still-served") or result.doubtful or result.halt
        if not done and all(each.is_stopped_by(Busy) for each in result.repositories if each.incomplete):
            return "refused", 3
        return ("partial", 4) if done else ("failed", 1)
    return "done", 0


def ending_of_undo(result: UndoResult, *, dry_run: bool) -> tuple[Ending, int]:
    """How an undo ended, with the exit code. What somebody else has taken is not back either, so that a script learns
    of it."""
    lost = len(result.lost)
    if result.incomplete or lost:
        if not result.put_back and all(each.is_stopped_by(Busy) for each in result.repositories if each.incomplete):
            return "refused", 3
        return ("partial", 4) if len(result.put_back) > lost else ("failed", 1)
    if dry_run:
        return "planned", 0
    return ("done" if result.put_back else "nothing-to-do"), 0


def failure_of_undo(run_id: str, result: UndoResult) -> HolystoneError:
    """What is wrong with an undo that has not ended well."""
    lost, not_tried = len(result.lost), result.not_tried
    parts = [f"{lost:,} tags and manifests could not be put back"] if lost else []
    parts += [f"{not_tried:,} were not tried"] if not_tried else []
    why = "it was stopped" if any(each.stopped for each in result.repositories) else "a tombstone is left"
    causes = dict.fromkeys(str(each.stopped) for each in result.repositories if each.stopped)
    what = f"What was named of run {run_id} is not back" if result.is_part else f"Run {run_id} is not undone"
    again = "The same command tries again." if result.is_part else f"`holystone undo {run_id}` tries again."
    return HolystoneError(
        "\n".join((f"{what} completely: {', '.join(parts) or why}.", *causes)),
        what_to_do=again if result.incomplete else "",
    )
