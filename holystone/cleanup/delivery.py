"""What happens with a plan: it is shown, written to a file, or carried out and reported."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

import anyio.to_thread
import msgspec

from holystone.adapters.state.registry_tags import holding_all
from holystone.adapters.state.sqlite import Journal
from holystone.adapters.state.sqlite.baselines import SqliteBaselines
from holystone.cleanup import output
from holystone.cleanup.confirmation import ask, open_question
from holystone.cleanup.message import NOTHING_DELETED, failure, print_error, refusal
from holystone.cleanup.plan_file import check_writable, write_plan
from holystone.cleanup.progress import ProgressLines
from holystone.cleanup.session import Session
from holystone.engine.errors import HolystoneError, shell_word
from holystone.engine.executor.results import RunResult
from holystone.engine.executor.run import execute_plan
from holystone.engine.model.codec import to_json
from holystone.engine.model.plan import Plan
from holystone.engine.ports import Run
from holystone.engine.report.document import Document, Ending, error_text, repository_reports
from holystone.engine.report.outlook_text import outlook_lines
from holystone.engine.report.plan_text import plan_lines
from holystone.engine.report.result_text import result_lines
from holystone.engine.undo import uncover
from holystone.settings.values import LogSettings, RunSettings


class Delivery:
    """Standard output gets the report and nothing else; notes and progress go to standard error."""

    def __init__(self, run: RunSettings, log: LogSettings, notes: tuple[str, ...] = ()) -> None:
        self._run = run
        self._log = log
        self._notes = notes
        self.progress = ProgressLines(quiet=log.level == "quiet")

    def check(self) -> None:
        """That what will be written can be, before minutes are spent on reading. Raises HolystoneError."""
        if self._run.plan_out:
            check_writable(self._run.plan_out)
        elif not self._run.dry_run:
            self.journal().close()

    async def deliver(self, session: Session, plan: Plan) -> int:
        """The exit code. Raises HolystoneError."""
        self._say_notes()
        if self._run.yes_delete_that_many:
            plan = plan.without_refusals("fuse")
        if self._run.plan_out:
            hashed = await anyio.to_thread.run_sync(write_plan, self._run.plan_out, plan)
            file = shell_word(self._run.plan_out)
            self.say(f"The plan is in {file}; `holystone apply {file}` executes it. Its hash is {hashed}.")
        if error := refusal(plan.without_refusals("confirmation")):
            return self.show(plan, "failed" if error.exit_code == 1 else "refused", error)
        if self._run.dry_run or self._run.plan_out:
            return self.show(plan, "planned")
        if plan.is_empty:
            await self._remember(plan)
            return self.show(plan, "nothing-to-do")
        if asked := open_question(plan):
            if not self._run.yes and (error := await ask(plan, asked)):
                return self.show(plan, "refused", error)
            plan = plan.without_refusals("confirmation")
        with self.journal() as journal:
            self.announce(plan)
            run = await journal.begin(plan, plan.command)
            return await self.report(run, await self.carry_out(session, run))

    async def carry_out(self, session: Session, run: Run) -> RunResult:
        """Raises HolystoneError."""
        connections = session.connections
        opened = {
            each.repository: await connections.session(each.repository, each.implementation, each.place, each.told_by)
            for each in run.plan.repositories
        }
        self.progress.begin(run.id, sum(len(each.steps) for each in run.plan.repositories))
        connections.renew()

        locks = await run.may_lock(wanted=self._run.lock_in_registry)
        locked = [opened[each.repository] for each in run.plan.repositories if each.passes and locks]

        async def locking(work: Callable[[], Awaitable[RunResult]]) -> RunResult:
            async def whole() -> RunResult:
                result = await work()
                connections.renew()  # locks are given back, whatever was in doubt
                if result.plan_is_doubtful:
                    await uncover(run, connections.planned)
                return result

            return await holding_all(locked, run.id, whole, now=connections.dates.now)

        return await execute_plan(
            run,
            connections.planned,
            session.cache,
            progress=self.progress,
            settle=lambda repository: connections.settle(repository.host),
            held=locking,
        )

    def announce(self, plan: Plan) -> None:
        """What is going to be carried out. Raises Unwritten, and then it must not be. JSON comes at the end, when it is
        of no use any more whether it can be taken back."""
        if self._run.output == "json":
            for line in outlook_lines(plan):
                self.say(f"note: {line}")
        elif not self._is_quiet:
            with _nothing_deleted():
                output.report(*plan_lines(plan, every_tag=self._log.level in ("verbose", "debug")), "")

    async def report(self, run: Run, result: RunResult) -> int:
        """The exit code, of a plan that was announced. Raises HolystoneError if only telling it went wrong."""
        ending, code = _ending(result)
        error = failure(run.id, result)
        if code == 0:
            await self._remember(run.plan, run.id)
        unwritten = self._report(run, result, ending, code, error)
        if unwritten and not error:
            later = f"`holystone runs` lists it, and `holystone undo {run.id}` would take it back."
            raise unwritten.after(f"Run {run.id} is done", later) from unwritten
        for each in (error, unwritten):
            if each:
                print_error(each)
        return code

    def _report(
        self, run: Run, result: RunResult, ending: Ending, code: int, error: HolystoneError | None
    ) -> output.Unwritten | None:
        try:
            if self._run.output == "json":
                reports = repository_reports(run.plan, result)
                self._print_document(Document(run.plan.command, ending, code, run.id, run.plan, reports), error)
            elif not self._is_quiet:
                output.report(*result_lines(run.id, run.plan, result))
        except output.Unwritten as unwritten:
            return unwritten
        return None

    def idle(self, command: str, why: str) -> int:
        self.say(why)
        if self._run.output == "json":
            self._print_document(Document(command, "nothing-to-do", 0), None)
        return 0

    def done(self, command: str, run_id: str, what: str, ending: Ending = "done") -> int:
        """Something without a plan."""
        try:
            if self._run.output == "json":
                self._print_document(Document(command, ending, 0, run_id), None)
            elif ending == "planned" or not self._is_quiet:
                output.report(what)
        except output.Unwritten as unwritten:
            raise unwritten.after(what.partition(":")[0].rstrip(".")) from unwritten
        return 0

    def show(self, plan: Plan, ending: Ending, error: HolystoneError | None = None) -> int:
        """The exit code of a plan that is not carried out."""
        code = error.exit_code if error else 0
        with _nothing_deleted():
            if self._run.output == "json":
                self._print_document(Document(plan.command, ending, code, plan=plan), error)
            elif self._run.dry_run or not self._is_quiet:
                every_tag = self._run.dry_run or self._log.level in ("verbose", "debug")
                # Refusals are told once, as the error.
                lines = [*plan_lines(msgspec.structs.replace(plan, refusals=()), every_tag=every_tag)]
                if error is None:
                    lines.append(NOTHING_DELETED if ending == "planned" else "There is nothing to delete.")
                output.report(*lines)
        if error:
            print_error(error)
        return code

    def journal(self) -> Journal:
        return Journal.open(self._run.state_dir)

    async def _remember(self, plan: Plan, run_id: str = "") -> None:
        """What there was to decide by, for later runs to be held against. Only once a run has ended well: what looks at
        a plan, or is refused, must not shift what protects the next one. That nothing can be remembered is no failure
        of this one."""
        try:
            await SqliteBaselines(self._run.state_dir).remember(plan.counted, plan.as_of, run_id)
        except HolystoneError as error:
            self.say(f"note: {error.message} So the next run has nothing newer to compare with.")

    def _print_document(self, document: Document, error: HolystoneError | None) -> None:
        if error:
            document = msgspec.structs.replace(document, error=error_text(error))
        output.document(to_json(document))

    def _say_notes(self) -> None:
        for note in self._notes:
            self.say(f"note: {note}")

    def say(self, text: str) -> None:
        if not self._is_quiet:
            output.tell(f"holystone: {text}")

    @property
    def _is_quiet(self) -> bool:
        """Says only what went wrong, and what was asked for."""
        return self._log.level == "quiet"


@contextmanager
def _nothing_deleted() -> Iterator[None]:
    try:
        yield
    except output.Unwritten as unwritten:
        unwritten.not_deleted = NOTHING_DELETED
        raise


def _ending(result: RunResult) -> tuple[Ending, int]:
    if result.losses:
        return "failed", 1
    if result.incomplete:
        # What is said to be deleted and still served is done in part: some of it may be gone a moment later.
        done = result.counts.get("deleted") or result.counts.get("still-served") or result.doubtful
        return ("partial", 4) if done else ("failed", 1)
    return "done", 0
