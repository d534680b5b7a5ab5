"""Undoes a run that is in the journal, and reports it."""

from holystone.adapters.state.sqlite import Journal
from holystone.engine.errors import Busy, HolystoneError
from holystone.engine.report.document import Ending
from holystone.engine.undo import UndoResult
from holystone.settings.values import ApplySettings
from holystone.workflows.carry_out import take_back
from holystone.workflows.session import Session
from holystone.workflows.telling import Reporter


async def undo(session: Session, settings: ApplySettings, reporter: Reporter, run_id: str) -> int:
    """The exit code. Raises HolystoneError; UsageError for an unknown run, Refused for one that is alive."""
    dry_run = settings.run.dry_run
    with Journal.open(settings.run.state_dir) as journal:
        run = await journal.load(run_id)
        lock = settings.run.lock_in_registry
        result = await take_back(session, run, lock_in_registry=lock, dry_run=dry_run)
    ending, code = _ending(result, dry_run)
    reporter.undone(run_id, result, ending, code, _failure(run_id, result) if code else None)
    return code


def _ending(result: UndoResult, dry_run: bool) -> tuple[Ending, int]:
    """What somebody else has taken is not back either, so that a script learns of it."""
    lost = len(result.lost)
    if result.incomplete or lost:
        if not result.put_back and all(each.is_stopped_by(Busy) for each in result.repositories if each.incomplete):
            return "refused", 3
        return ("partial", 4) if len(result.put_back) > lost else ("failed", 1)
    if dry_run:
        return "planned", 0
    return ("done" if result.put_back else "nothing-to-do"), 0


def _failure(run_id: str, result: UndoResult) -> HolystoneError:
    lost, not_tried = len(result.lost), result.not_tried
    parts = [f"{lost:,} tags and manifests could not be put back"] if lost else []
    parts += [f"{not_tried:,} were not tried"] if not_tried else []
    why = "it was stopped" if any(each.stopped for each in result.repositories) else "a tombstone is left"
    causes = dict.fromkeys(str(each.stopped) for each in result.repositories if each.stopped)
    return HolystoneError(
        "\n".join((f"Run {run_id} is not undone completely: {', '.join(parts) or why}.", *causes)),
        what_to_do=f"`holystone undo {run_id}` tries again." if result.incomplete else "",
    )
