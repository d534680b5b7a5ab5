"""What happens with a plan: it is shown, written to a file, or carried out and reported. Takes up old runs too."""

import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import anyio.to_thread
import msgspec

from holystone.cleanup.confirmation import ask, open_question
from holystone.cleanup.message import failure, print_error, refusal
from holystone.cleanup.progress import ProgressLines
from holystone.cleanup.session import Session
from holystone.engine.errors import HolystoneError, Refused, UsageError
from holystone.engine.executor.results import RunResult
from holystone.engine.executor.run import execute_plan
from holystone.engine.journal import Journal, Run
from holystone.engine.lease import holding_all
from holystone.engine.model.codec import from_json, to_json
from holystone.engine.model.plan import Plan
from holystone.engine.ports import Registry
from holystone.engine.report.document import Document, Ending, error_text, repository_reports
from holystone.engine.report.plan_text import plan_text
from holystone.engine.report.result_text import result_text
from holystone.settings.values import LogSettings, RunSettings

_PLAN_LIMIT = 1 << 30
"""Bytes of a plan file."""


class Delivery:
    """Standard output gets the report and nothing else; notes and progress go to standard error."""

    def __init__(self, run: RunSettings, log: LogSettings, notes: tuple[str, ...] = ()) -> None:
        self._run = run
        self._log = log
        self._notes = notes
        self.progress = ProgressLines(quiet=log.level == "quiet")

    async def deliver(self, session: Session, plan: Plan) -> int:
        """The exit code. Raises HolystoneError."""
        self._say_notes()
        if self._run.yes_delete_that_many:
            plan = plan.without_refusals("fuse")
        if self._run.plan_out:
            await anyio.to_thread.run_sync(_write, self._run.plan_out, to_json(plan, indent=2) + b"\n")
            self._say(f"The plan is in {self._run.plan_out}; `holystone apply {self._run.plan_out}` executes it.")
        if error := refusal(plan.without_refusals("confirmation")):
            return self._show(plan, "failed" if error.exit_code == 1 else "refused", error)
        if self._run.dry_run or self._run.plan_out:
            return self._show(plan, "planned")
        if plan.is_empty:
            return self._show(plan, "nothing-to-do")
        if asked := open_question(plan):
            if not self._run.yes and (error := await ask(plan, asked)):
                return self._show(plan, "refused", error)
            plan = plan.without_refusals("confirmation")
        with self._journal() as journal:
            return await self._execute(session, await journal.begin(plan, plan.command))

    async def resume(self, session: Session, run_id: str | None) -> int:
        """The exit code. Raises HolystoneError."""
        with self._journal() as journal:
            if run_id is None and all(record.state != "open" for record in await journal.runs()):
                return self._idle("No run is left unfinished: there is nothing to do.")
            run = await journal.load(run_id)
            if run.record.state == "undoing":
                raise Refused(
                    f"The undo of run {run.id} has begun and has not ended.",
                    not_deleted="Nothing was deleted.",
                    what_to_do=f"`holystone undo {run.id}` goes on with it.",
                )
            if run.record.state != "open":
                return self._idle(f"Run {run.id} is {run.record.state}: there is nothing left to do.")
            return await self._execute(session, run)

    async def list_runs(self) -> int:
        with self._journal() as journal:
            for record in await journal.runs():
                print(f"{record.id}  {record.state:<8}  {record.command}")
        return 0

    def read_plan(self, file: Path) -> Plan:
        """Raises UsageError."""
        try:
            with file.open("rb") as source:
                data = source.read(_PLAN_LIMIT)
            return from_json(data, Plan)
        except OSError as error:
            raise UsageError(f"The plan {file} cannot be read: {error.strerror}.") from error
        except msgspec.MsgspecError as error:
            raise UsageError(
                f"{file} is not a plan of this version: {error}", what_to_do="Make a new one with --plan-out."
            ) from error

    async def _execute(self, session: Session, run: Run) -> int:
        registries: dict[object, Registry] = {}
        for each in run.plan.repositories:
            registries[each.repository] = await session.connections.registry(
                each.repository, each.implementation, each.place, each.told_by
            )
        self.progress.begin(run.id, sum(len(each.steps) for each in run.plan.repositories))
        session.connections.renew()

        locked = [each.repository for each in run.plan.repositories if each.passes and self._run.lock_in_registry]

        async def locking(work: Callable[[], Awaitable[RunResult]]) -> RunResult:
            async def whole() -> RunResult:
                result = await work()
                session.connections.renew()  # locks are given back, whatever was in doubt
                return result

            return await holding_all([(registries[each], each) for each in locked], run.id, whole)

        result = await execute_plan(
            run,
            registries.__getitem__,
            session.knowledge,
            progress=self.progress,
            settle=lambda repository: session.connections.settle(repository.host),
            held=locking,
        )
        return self._report(run, result)

    def _report(self, run: Run, result: RunResult) -> int:
        ending, code = _ending(result)
        error = failure(run.id, result)
        if self._run.output == "json":
            reports = repository_reports(run.plan, result)
            self._print_document(Document(run.plan.command, ending, code, run.id, run.plan, reports), error)
        else:
            self._print(plan_text(run.plan, every_tag=self._log.level in ("verbose", "debug")) + "\n")
            self._print(result_text(run.id, run.plan, result))
        if error:
            print_error(error)
        return code

    def _idle(self, why: str) -> int:
        self._say(why)
        if self._run.output == "json":
            self._print_document(Document("resume", "nothing-to-do", 0), None)
        return 0

    def _show(self, plan: Plan, ending: Ending, error: HolystoneError | None = None) -> int:
        code = error.exit_code if error else 0
        if self._run.output == "json":
            self._print_document(Document(plan.command, ending, code, plan=plan), error)
        else:
            every_tag = self._run.dry_run or self._log.level in ("verbose", "debug")
            # Refusals are told once, as the error.
            self._print(plan_text(msgspec.structs.replace(plan, refusals=()), every_tag=every_tag))
            if error is None:
                self._print("Nothing was deleted.\n" if ending == "planned" else "There is nothing to delete.\n")
        if error:
            print_error(error)
        return code

    def _journal(self) -> Journal:
        return Journal.open(self._run.state_dir)

    def _print_document(self, document: Document, error: HolystoneError | None) -> None:
        if error:
            document = msgspec.structs.replace(document, error=error_text(error))
        self._print(to_json(document).decode() + "\n")

    def _print(self, text: str) -> None:
        sys.stdout.write(text)
        sys.stdout.flush()

    def _say_notes(self) -> None:
        for note in self._notes:
            self._say(f"note: {note}")

    def _say(self, text: str) -> None:
        if self._log.level != "quiet":
            print(f"holystone: {text}", file=sys.stderr)


def _ending(result: RunResult) -> tuple[Ending, int]:
    if result.losses:
        return "failed", 1
    if result.incomplete:
        # What is said to be deleted and still served is done in part: some of it may be gone a moment later.
        done = result.counts.get("deleted") or result.counts.get("still-served") or result.doubtful
        return ("partial", 4) if done else ("failed", 1)
    return "done", 0


def _write(file: Path, data: bytes) -> None:
    try:
        file.write_bytes(data)
    except OSError as error:
        raise HolystoneError(
            f"The plan cannot be written to {file}: {error.strerror}.", not_deleted="Nothing was deleted."
        ) from error
