"""What is told of policies, as text or as JSON."""

from collections.abc import Sequence
from typing import Literal

from holystone.engine.errors import HolystoneError
from holystone.engine.report.check_text import check_lines
from holystone.engine.report.document import Document, Ending, error_text, in_parts
from holystone.engine.report.policy_report import PolicyCheck, PolicySummary, PolicyTrial, ProjectSummary
from holystone.engine.report.policy_text import policy_lines, trial_lines
from holystone.ui import message, output


def show_policies(
    file: str, policies: Sequence[PolicySummary], projects: Sequence[ProjectSummary], form: Literal["text", "json"]
) -> int:
    """The exit code. Raises HolystoneError."""
    if form == "json":
        output.document(
            in_parts(Document("policy check", "done", 0, policies=tuple(policies), projects=tuple(projects)))
        )
    else:
        output.report_lines(policy_lines(file, policies, projects))
    return 0


def show_check(
    check: PolicyCheck, error: HolystoneError | None, form: Literal["text", "json"], *, every_repository: bool
) -> int:
    """The exit code: that of a dry run. `error`: why that would be refused, or what it would leave alone. Raises
    HolystoneError."""
    code = error.exit_code if error else 0
    if form == "json":
        document = Document(
            "policy check",
            "refused" if code == 3 else "failed" if code == 1 else "planned",
            code,
            check=check,
            error=error_text(error) if error else None,
        )
        output.document(in_parts(document))
    else:
        output.report_lines(check_lines(check, every_repository=every_repository))
    if error:
        message.print_error(error)
    return code


def show_trial(trial: PolicyTrial, form: Literal["text", "json"], *, every_tag: bool) -> int:
    """The exit code: 3 where a run would be refused. Raises HolystoneError."""
    ending: Ending = "refused" if trial.refusals else "planned"
    code = 3 if trial.refusals else 0
    if form == "json":
        output.document(in_parts(Document("policy try", ending, code, trial=trial)))
    else:
        output.report_lines(trial_lines(trial, every_tag=every_tag))
    return code
