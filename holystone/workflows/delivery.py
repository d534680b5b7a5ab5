"""What happens with a plan: it is shown, written to a file, or carried out and reported."""

import anyio.to_thread

from holystone.adapters.state.sqlite import Journal
from holystone.adapters.state.sqlite.baselines import SqliteBaselines
from holystone.engine.errors import HolystoneError, shell_word
from holystone.engine.events import tell
from holystone.engine.executor.results import RunResult
from holystone.engine.model import events
from holystone.engine.model.outcomes import kind_of
from holystone.engine.model.plan import Plan
from holystone.engine.planner.refusals import open_question
from holystone.engine.ports import Run
from holystone.engine.report.causes import failure, refusal
from holystone.engine.report.document import Ending
from holystone.settings.values import RunSettings
from holystone.workflows.carry_out import carry_out, ending_of
from holystone.workflows.plan_file import check_writable, write_plan
from holystone.workflows.session import Session
from holystone.workflows.telling import Reporter


class Delivery:
    def __init__(self, run: RunSettings, reporter: Reporter, notes: tuple[str, ...] = ()) -> None:
        self._run = run
        self._notes = notes
        self.reporter = reporter

    def check(self) -> None:
        """Finds out whether what will be written can be, before minutes are spent on reading. Raises HolystoneError."""
        if self._run.plan_out:
            check_writable(self._run.plan_out)
        elif not self._run.dry_run:
            self.journal().close()

    async def deliver(self, session: Session, plan: Plan) -> int:
        """The exit code. Raises HolystoneError."""
        for note in self._notes:
            self.reporter.note(note)
        if self._run.yes_delete_that_many:
            plan = plan.without_refusals("fuse")
        if self._run.plan_out:
            hashed = await anyio.to_thread.run_sync(write_plan, self._run.plan_out, plan)
            file = shell_word(self._run.plan_out)
            self.reporter.say(f"The plan is in {file}; `holystone apply {file}` executes it. Its hash is {hashed}.")
        if error := refusal(plan.without_refusals("confirmation")):
            return self.show(plan, "failed" if error.exit_code == 1 else "refused", error)
        if self._run.dry_run or self._run.plan_out:
            return self.show(plan, "planned")
        if plan.is_empty:
            await self._remember(plan)
            return self.show(plan, "nothing-to-do")
        if asked := open_question(plan):
            if not self._run.yes and (error := await self.reporter.ask(plan, asked)):
                return self.show(plan, "refused", error)
            plan = plan.without_refusals("confirmation")
        with self.journal() as journal:
            self.reporter.announced(plan)
            run = await journal.begin(plan, plan.command)
            return await self.report(run, await self.carry_out(session, run))

    async def carry_out(self, session: Session, run: Run) -> RunResult:
        """Raises HolystoneError."""
        return await carry_out(session, run, lock_in_registry=self._run.lock_in_registry)

    async def report(self, run: Run, result: RunResult) -> int:
        """The exit code, of a plan that was announced. Raises HolystoneError if only telling it went wrong."""
        ending, code = ending_of(result)
        if code == 0:
            await self._remember(run.plan, run.id)
        self.reporter.carried_out(run.id, run.plan, result, ending, code, failure(run.id, result))
        return code

    def show(self, plan: Plan, ending: Ending, error: HolystoneError | None = None) -> int:
        """The exit code of a plan that is not carried out."""
        for each in plan.refusals if error else ():
            tell(events.Refused(each.promise, kind_of(each)))
        self.reporter.planned(plan, ending, error)
        return error.exit_code if error else 0

    def journal(self) -> Journal:
        return Journal.open(self._run.state_dir)

    async def _remember(self, plan: Plan, run_id: str = "") -> None:
        """What there was to decide by, for later runs to be held against. Only once a run has ended well: what looks at
        a plan, or is refused, must not shift what protects the next one. That nothing can be remembered is no failure
        of this one."""
        try:
            await SqliteBaselines(self._run.state_dir).remember(plan.counted, plan.as_of, run_id)
        except HolystoneError as error:
            self.reporter.note(f"{error.message} So the next run has nothing newer to compare with.")
