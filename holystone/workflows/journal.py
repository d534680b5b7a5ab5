"""The runs of the journal: which there are, and how one is ended for good. Loads nothing that deletes: they are asked
for often, and by people who wait."""

from pathlib import Path

from holystone.adapters.state.sqlite import Journal
from holystone.engine.errors import NOTHING_DELETED, Refused
from holystone.engine.model.plan import Plan
from holystone.engine.model.records import RunRecord


class NotOpen(Refused):
    """A run that cannot go on: it has ended, or was given up, or its undo has begun."""

    def __init__(self, record: RunRecord) -> None:
        self.record = record
        super().__init__(
            f"The undo of run {record.id} has begun and has not ended."
            if record.state == "undoing"
            else f"Run {record.id} is {record.state}, not open.",
            not_deleted=NOTHING_DELETED,
            what_to_do=f"`holystone undo {record.id}` goes on with it." if record.state == "undoing" else "",
        )


def check_journal(state_dir: Path) -> None:
    """Finds out whether there can be a journal, before minutes are spent on what is to be written there. Raises
    HolystoneError."""
    Journal.open(state_dir).close()


async def list_runs(state_dir: Path) -> tuple[RunRecord, ...]:
    """The newest first. Raises HolystoneError."""
    with Journal.open(state_dir) as journal:
        return await journal.runs()


async def plan_of(state_dir: Path, run_id: str) -> Plan:
    """The plan of a run, as it was begun. Raises UsageError if there is no such run, Damaged."""
    with Journal.open(state_dir) as journal:
        return await journal.plan(run_id)


async def give_up(state_dir: Path, run_id: str, *, dry_run: bool) -> None:
    """Ends a run for good; `dry_run` only looks whether that can be. Raises NotOpen; UsageError if there is no such
    run, Busy if it is still alive."""
    with Journal.open(state_dir) as journal:
        record = await journal.record(run_id)
        if record.state != "open":
            raise NotOpen(record)
        if not dry_run:
            await journal.give_up(run_id)
