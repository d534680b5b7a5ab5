"""What happens with a plan: it is shown, written to a file, or carried out and reported."""

from collections.abc import Iterable
from pathlib import Path

import anyio.to_thread

from holystone.api import Applied
from holystone.api.client import Client
from holystone.cli.endings import ending_of
from holystone.engine.errors import HolystoneError, shell_word
from holystone.engine.events import tell
from holystone.engine.model import events
from holystone.engine.model.notices import Notice
from holystone.engine.model.outcomes import kind_of
from holystone.engine.model.plan import Plan
from holystone.engine.planner.refusals import open_question
from holystone.engine.report.causes import failure, left_alone, refusal
from holystone.engine.report.document import Ending
from holystone.engine.report.notice_words import notice_words
from holystone.settings.run import RunSettings
from holystone.ui.reporter import Reporter
from holystone.workflows.journal import check_journal
from holystone.workflows.plan_file import check_writable, write_plan


class Delivery:
    def __init__(
        self, run: RunSettings, reporter: Reporter, notes: tuple[str, ...] = (), policies: Path | None = None
    ) -> None:
        """`policies`: the file with which plans are made, and are to be carried out."""
        self._run = run
        self._policies = policies
        self._notes = notes
        self.reporter = reporter

    def check(self) -> None:
        """Finds out whether what will be written can be, before minutes are spent on reading. Raises HolystoneError."""
        if self._run.plan_out:
            check_writable(self._run.plan_out)
        elif not self._run.dry_run:
            check_journal(self._run.state_dir)

    async def deliver(self, client: Client, plan: Plan) -> int:
        """The exit code. Raises HolystoneError."""
        for note in self._notes:
            self.reporter.note(note)
        if self._run.yes_delete_that_many:
            plan = plan.without_refusals("fuse")
        if self._run.plan_out:
            hashed = await anyio.to_thread.run_sync(write_plan, self._run.plan_out, plan)
            file = shell_word(self._run.plan_out)
            more = f" --config {shell_word(self._policies)}" if self._policies else ""
            self.reporter.say(
                f"The plan is in {file}; `holystone apply {file}{more}` executes it. Its hash is {hashed}."
            )
        if error := refusal(plan.without_refusals("confirmation")):
            return self.show(plan, "failed" if error.exit_code == 1 else "refused", error)
        if self._run.dry_run or self._run.plan_out:
            return self.show(plan, "planned", left_alone(plan, others=not plan.is_empty))
        asked = None if plan.is_empty or self._run.yes else open_question(plan)
        if asked and (error := await self.reporter.ask(plan, asked)):
            return self.show(plan, "refused", error)
        return self.report(await client.apply(plan.without_refusals("confirmation"), self.announce))

    def announce(self, plan: Plan, notices: tuple[Notice, ...]) -> None:
        """Tells what is going to be carried out. Raises HolystoneError, and then it must not be."""
        self.note(notices)
        self.reporter.announced(plan)

    def note(self, notices: Iterable[Notice]) -> None:
        for notice in notices:
            self.reporter.note(notice_words(notice).of_one)

    def report(self, applied: Applied) -> int:
        """The exit code, of a plan that was announced, or is empty. Raises HolystoneError if only telling it went
        wrong."""
        for note in applied.notes:
            self.reporter.note(note)
        if not applied.run:
            alone = left_alone(applied.plan, others=False)
            return self.show(applied.plan, "refused" if alone else "nothing-to-do", alone)
        ending, code = ending_of(applied.result)
        error = failure(applied.run, applied.result)
        if error is None and (error := left_alone(applied.plan, others=True)):
            ending, code = "partial", error.exit_code
        self.reporter.carried_out(applied.run, applied.plan, applied.result, ending, code, error)
        return code

    def show(self, plan: Plan, ending: Ending, error: HolystoneError | None = None) -> int:
        """The exit code of a plan that is not carried out."""
        for each in plan.refusals if error else ():
            tell(events.Refused(each.promise, kind_of(each)))
        self.reporter.planned(plan, ending, error)
        return error.exit_code if error else 0
