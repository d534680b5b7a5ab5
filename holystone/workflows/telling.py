"""What a workflow tells while it works and when it is done. It prints nothing itself: whoever starts it says how."""

from collections.abc import Sequence
from typing import Protocol

from holystone.engine.errors import HolystoneError
from holystone.engine.executor.results import RunResult
from holystone.engine.model.plan import Plan
from holystone.engine.model.refusals import Unconfirmed
from holystone.engine.report.document import Ending
from holystone.engine.undo import UndoResult


class Reporter(Protocol):
    """Every method that tells a result raises HolystoneError where it cannot be told."""

    def say(self, text: str) -> None: ...

    def note(self, text: str) -> None: ...

    def error(self, error: HolystoneError) -> None: ...

    async def ask(self, plan: Plan, asked: Unconfirmed) -> HolystoneError | None:
        """Asks a person: None once they have said yes, else why not."""
        ...

    def planned(self, plan: Plan, ending: Ending, error: HolystoneError | None = None) -> None:
        """A plan that is not carried out."""
        ...

    def announced(self, plan: Plan) -> None:
        """What is going to be carried out, unless this raises."""
        ...

    def carried_out(
        self, run_id: str, plan: Plan, result: RunResult, ending: Ending, code: int, error: HolystoneError | None
    ) -> None: ...

    def undone(
        self, run_id: str, result: UndoResult, ending: Ending, code: int, error: HolystoneError | None
    ) -> None: ...

    def idle(self, command: str, why: str) -> None: ...

    def done(
        self, command: str, what: str, ending: Ending = "done", run_id: str | None = None, short: str = ""
    ) -> None:
        """Something without a plan; `what` is a sentence, and `short` too."""
        ...

    def managed(self, names: Sequence[str]) -> None: ...
