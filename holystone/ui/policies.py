"""What is told of policies, as text or as JSON."""

from collections.abc import Sequence
from typing import Literal

from holystone.engine.report.document import Document, Ending, in_parts
from holystone.engine.report.policy_report import PolicySummary, PolicyTrial
from holystone.engine.report.policy_text import policy_lines, trial_lines
from holystone.ui import output


def show_policies(file: str, policies: Sequence[PolicySummary], form: Literal["text", "json"]) -> int:
    """The exit code. Raises HolystoneError."""
    if form == "json":
        output.document(in_parts(Document("policy check", "done", 0, policies=tuple(policies))))
    else:
        output.report_lines(policy_lines(file, policies))
    return 0


def show_trial(trial: PolicyTrial, form: Literal["text", "json"], *, every_tag: bool) -> int:
    """The exit code: 3 where a run would be refused. Raises HolystoneError."""
    ending: Ending = "refused" if trial.refusals else "planned"
    code = 3 if trial.refusals else 0
    if form == "json":
        output.document(in_parts(Document("policy try", ending, code, trial=trial)))
    else:
        output.report_lines(trial_lines(trial, every_tag=every_tag))
    return code
