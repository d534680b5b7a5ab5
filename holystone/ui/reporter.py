"""What a command tells of a plan, a run or an undo: as text for people, or as one JSON document for programs.

Standard output gets the report and nothing else; notes, progress and errors go to standard error. What standard output
does not take ends in words that say what has happened all the same.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain

import msgspec

from holystone.engine.errors import NOTHING_DELETED, HolystoneError
from holystone.engine.executor.results import RunResult
from holystone.engine.model.plan import Plan
from holystone.engine.model.refusals import Unconfirmed
from holystone.engine.report.document import (
    Document,
    Ending,
    RepositoryReport,
    UndoReport,
    error_text,
    halt_report,
    in_parts,
    repository_reports,
    undo_reports,
)
from holystone.engine.report.outlook_text import outlook_lines
from holystone.engine.report.plan_text import plan_lines
from holystone.engine.report.result_text import result_lines
from holystone.engine.report.told import plan_report
from holystone.engine.report.undo_text import undo_lines
from holystone.engine.undo import UndoResult
from holystone.ui import message, output
from holystone.ui.question import ask


class Reporter(ABC):
    """`quiet`: says only what went wrong, and what was asked for. `every_tag`: lists name each of them. `looks`: what
    would be done was asked for, and nothing is."""

    def __init__(self, *, quiet: bool = False, every_tag: bool = False, looks: bool = False) -> None:
        self.quiet = quiet
        self.every_tag = every_tag or looks
        self.looks = looks

    def say(self, text: str) -> None:
        if not self.quiet:
            message.say(text)

    def note(self, text: str) -> None:
        if not self.quiet:
            message.note(text)

    def error(self, error: HolystoneError) -> None:
        message.print_error(error)

    async def ask(self, plan: Plan, asked: Unconfirmed) -> HolystoneError | None:
        """Asks a person: None once they have said yes, else why not."""
        return await ask(plan, asked)

    def planned(self, plan: Plan, ending: Ending, error: HolystoneError | None = None) -> None:
        """A plan that is not carried out. Raises HolystoneError if it cannot be told."""
        with _nothing_deleted():
            self._planned(plan, ending, error)
        if error:
            self.error(error)

    def announced(self, plan: Plan) -> None:
        """What is going to be carried out. Raises HolystoneError, and then it must not be."""
        with _nothing_deleted():
            self._announced(plan)

    def carried_out(
        self, run_id: str, plan: Plan, result: RunResult, ending: Ending, code: int, error: HolystoneError | None
    ) -> None:
        """Tells what came of a run. Raises HolystoneError if only telling it went wrong."""
        unwritten: output.Unwritten | None = None
        try:
            self._carried_out(run_id, plan, result, ending, code, error)
        except output.Unwritten as fault:
            unwritten = fault
        if unwritten and not error:
            later = f"`holystone runs` lists it, and `holystone undo {run_id}` would take it back."
            raise unwritten.after(f"Run {run_id} is done", later) from unwritten
        for each in (error, unwritten):
            if each:
                self.error(each)

    def undone(self, run_id: str, result: UndoResult, ending: Ending, code: int, error: HolystoneError | None) -> None:
        """Tells what came of an undo. Raises HolystoneError if only telling it went wrong."""
        try:
            self._undone(run_id, result, ending, code, error)
        except output.Unwritten as unwritten:
            if self.looks:
                raise
            if not error:
                what = f"What was named of run {run_id} is back" if result.is_part else f"Run {run_id} is undone"
                command = "The same command" if result.is_part else f"`holystone undo {run_id}`"
                raise unwritten.after(what, f"{command} looks again, and puts back what is missing.") from unwritten
            self.error(unwritten)
        if error:
            self.error(error)

    def idle(self, command: str, why: str) -> None:
        self.say(why)
        self._idle(command)

    def done(
        self, command: str, what: str, ending: Ending = "done", run_id: str | None = None, short: str = ""
    ) -> None:
        """Something without a plan; `what` is a sentence, and `short` too. Raises HolystoneError if it cannot be
        told."""
        try:
            self._done(command, what, ending, run_id)
        except output.Unwritten as unwritten:
            raise unwritten.after((short or what).rstrip(".")) from unwritten

    @abstractmethod
    def managed(self, names: Sequence[str]) -> None:
        """The images whose records there are."""

    @abstractmethod
    def _planned(self, plan: Plan, ending: Ending, error: HolystoneError | None) -> None: ...

    @abstractmethod
    def _announced(self, plan: Plan) -> None: ...

    @abstractmethod
    def _carried_out(
        self, run_id: str, plan: Plan, result: RunResult, ending: Ending, code: int, error: HolystoneError | None
    ) -> None: ...

    @abstractmethod
    def _undone(
        self, run_id: str, result: UndoResult, ending: Ending, code: int, error: HolystoneError | None
    ) -> None: ...

    @abstractmethod
    def _idle(self, command: str) -> None: ...

    @abstractmethod
    def _done(self, command: str, what: str, ending: Ending, run_id: str | None) -> None: ...


class TextReporter(Reporter):
    def managed(self, names: Sequence[str]) -> None:
        if names:
            output.report(*names)

    def _planned(self, plan: Plan, ending: Ending, error: HolystoneError | None) -> None:
        if self.quiet and not self.looks:
            return
        # Refusals, and what is left alone, are told once: as the error.
        lines = plan_lines(msgspec.structs.replace(plan, refusals=(), set_aside=()), every_tag=self.every_tag)
        last = [NOTHING_DELETED if ending == "planned" else "There is nothing to delete."] if error is None else []
        output.report_lines(chain(lines, last))

    def _announced(self, plan: Plan) -> None:
        if not self.quiet:
            output.report_lines(chain(plan_lines(plan, every_tag=self.every_tag), [""]))

    def _carried_out(
        self, run_id: str, plan: Plan, result: RunResult, ending: Ending, code: int, error: HolystoneError | None
    ) -> None:
        if not self.quiet:
            output.report_lines(result_lines(run_id, plan, result))

    def _undone(self, run_id: str, result: UndoResult, ending: Ending, code: int, error: HolystoneError | None) -> None:
        if self.looks or not self.quiet:
            output.report_lines(undo_lines(run_id, result, dry_run=self.looks, every_tag=self.every_tag))

    def _idle(self, command: str) -> None:
        pass

    def _done(self, command: str, what: str, ending: Ending, run_id: str | None) -> None:
        if ending != "done" or not self.quiet:
            output.report(what)


class JsonReporter(Reporter):
    """One document, at the end, when it is of no use any more whether it can be taken back."""

    def managed(self, names: Sequence[str]) -> None:
        _document(Document("managed-images ls", "done", 0, managed_images=tuple(names)))

    def _planned(self, plan: Plan, ending: Ending, error: HolystoneError | None) -> None:
        _document(Document(plan.command, ending, error.exit_code if error else 0, plan=plan_report(plan)), error)

    def _announced(self, plan: Plan) -> None:
        for line in outlook_lines(plan):
            self.note(line)

    def _carried_out(
        self, run_id: str, plan: Plan, result: RunResult, ending: Ending, code: int, error: HolystoneError | None
    ) -> None:
        document = Document(plan.command, ending, code, run_id, plan_report(plan), halt=halt_report(result.halt))
        _document(document, error, repositories=repository_reports(plan, result))

    def _undone(self, run_id: str, result: UndoResult, ending: Ending, code: int, error: HolystoneError | None) -> None:
        _document(Document("undo", ending, code, run_id), error, undone=undo_reports(result))

    def _idle(self, command: str) -> None:
        _document(Document(command, "nothing-to-do", 0))

    def _done(self, command: str, what: str, ending: Ending, run_id: str | None) -> None:
        _document(Document(command, ending, 0, run_id))


def _document(
    document: Document,
    error: HolystoneError | None = None,
    *,
    repositories: Iterable[RepositoryReport] = (),
    undone: Iterable[UndoReport] = (),
) -> None:
    if error:
        document = msgspec.structs.replace(document, error=error_text(error))
    output.document(in_parts(document, repositories=repositories, undone=undone))


@contextmanager
def _nothing_deleted() -> Iterator[None]:
    try:
        yield
    except output.Unwritten as unwritten:
        unwritten.not_deleted = NOTHING_DELETED
        raise
