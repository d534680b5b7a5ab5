"""The one JSON document that a command writes to standard output, and its published schema."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal, TypeAlias

import msgspec

from holystone.engine.errors import HolystoneError
from holystone.engine.executor.results import Coverage, Halt, Limit, RunResult, Stopped
from holystone.engine.model.codec import json_schema, json_schemas, to_json
from holystone.engine.model.outcomes import Outcome
from holystone.engine.model.plan import Plan, PlanEnd, PlanHead, RepositoryPlan
from holystone.engine.model.records import RunState
from holystone.engine.model.references import Digest, Repository, Tag
from holystone.engine.report.policy_report import PolicyCheck, PolicySummary, PolicyTrial, ProjectSummary
from holystone.engine.report.told import PlanReport
from holystone.engine.undo.results import Moved, PutBack, UndoResult

Ending: TypeAlias = Literal["planned", "nothing-to-do", "done", "partial", "refused", "failed"]


class ErrorText(msgspec.Struct, frozen=True):
    message: str
    not_deleted: str
    """What was therefore left alone."""
    what_to_do: str


class StepResult(msgspec.Struct, frozen=True):
    tags: tuple[Tag, ...]
    digest: Digest
    outcome: Outcome


class Lost(msgspec.Struct, frozen=True):
    """Something that was to stay and is not there any more."""

    digest: Digest
    tag: Tag | None


class RepositoryReport(msgspec.Struct, frozen=True):
    repository: Repository
    steps: tuple[StepResult, ...]
    not_tried: int
    stopped: ErrorText | None
    lost: tuple[Lost, ...]
    """Found by the check after the deletions."""
    checked: Coverage | None = None
    """How that was made; null where it was not, or by an earlier attempt."""


class HaltReport(msgspec.Struct, frozen=True):
    """A budget ended the run before all was done."""

    budget: Limit
    """What of it was used up."""
    settled: int
    """Steps of which this attempt has left nothing to do."""
    not_tried: int
    nights: int | None
    """More attempts like this one that it takes; null if this one has got nowhere."""


class UndoReport(msgspec.Struct, frozen=True):
    """What came of the undo in one repository."""

    repository: Repository
    back: tuple[PutBack, ...]
    not_back: tuple[PutBack, ...]
    """Each with why."""
    moved: tuple[Moved, ...]
    """By others: tags that were to come back and are somebody else's by now, what the run kept and is not as it was.
    """
    not_tried: int
    stopped: ErrorText | None
    tombstone: Outcome | None
    """What came of deleting a tombstone that the run had left behind."""


class RunSummary(msgspec.Struct, frozen=True):
    id: str
    state: RunState
    command: str
    started: int
    """Unix seconds."""
    ended: int | None
    """Unix seconds; null for a run that has not ended."""


class Document(msgspec.Struct, frozen=True):
    command: str
    ending: Ending
    exit_code: int
    run: str | None = None
    """For `holystone resume`."""
    plan: PlanReport | None = None
    repositories: tuple[RepositoryReport, ...] = ()
    halt: HaltReport | None = None
    """What ended the run while there was more to do, and nothing was wrong; null otherwise."""
    undone: tuple[UndoReport, ...] = ()
    """Of `holystone undo`: the repositories that the run had begun. In a dry run, `restored` is what would be."""
    runs: tuple[RunSummary, ...] = ()
    """Of `holystone runs`, the newest first."""
    managed_images: tuple[str, ...] = ()
    """Of `holystone managed-images ls`; `~` is the nameless image."""
    policies: tuple[PolicySummary, ...] = ()
    """Of `holystone policy check`, in the order in which they are asked."""
    projects: tuple[ProjectSummary, ...] = ()
    """Of `holystone policy check`."""
    check: PolicyCheck | None = None
    """Of `holystone policy check`, where registries are asked."""
    trial: PolicyTrial | None = None
    """Of `holystone policy try`."""
    error: ErrorText | None = None
    format: Literal[2] = 2


def error_document(error: HolystoneError, command: str) -> Document:
    ending: Ending = "refused" if error.exit_code == 3 else "failed"
    return Document(command, ending, error.exit_code, error=error_text(error))


def document_schema() -> dict[str, Any]:
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **json_schema(Document)}


def plan_schema() -> dict[str, Any]:
    """The schema of each line of a plan file."""
    lines, definitions = json_schemas(PlanHead, RepositoryPlan, PlanEnd)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "anyOf": lines, "$defs": definitions}


def in_parts(
    document: Document, *, repositories: Iterable[RepositoryReport] = (), undone: Iterable[UndoReport] = ()
) -> Iterator[str | bytes]:
    """The document's JSON, of which no more than one repository is held at a time: each `bytes` is a whole JSON value,
    each `str` is what holds them together. Keys are sorted, as `to_json` does it. `repositories` and `undone` are read
    while they are written, and come in place of the document's own."""
    plan = document.plan
    parts: dict[str, Iterable[str | bytes]] = {
        "repositories": _list_in_parts(repositories),
        "undone": _list_in_parts(undone),
    }
    if plan:
        parts["plan"] = _object_in_parts(plan, {"repositories": _list_in_parts(plan.repositories)})
    return _object_in_parts(document, parts)


def _object_in_parts(value: msgspec.Struct, parts: Mapping[str, Iterable[str | bytes]]) -> Iterator[str | bytes]:
    for number, name in enumerate(sorted(value.__struct_fields__)):
        yield f'{"," if number else "{"}"{name}":'
        yield from parts[name] if name in parts else [to_json(getattr(value, name))]
    yield "}"


def _list_in_parts(values: Iterable[object]) -> Iterator[str | bytes]:
    yield "["
    for number, each in enumerate(values):
        if number:
            yield ","
        yield to_json(each)
    yield "]"


def repository_reports(plan: Plan, result: RunResult) -> Iterator[RepositoryReport]:
    for planned, done in zip(plan.repositories, result.repositories, strict=True):
        yield RepositoryReport(
            repository=planned.repository,
            steps=tuple(
                StepResult(step.tags, step.digest, done.outcomes[step.id])
                for step in planned.steps
                if step.id in done.outcomes
            ),
            not_tried=done.not_tried,
            stopped=_stopped_text(done.stopped) if done.stopped else None,
            lost=tuple(Lost(loss.digest, loss.tag) for loss in done.check.losses) if done.check else (),
            checked=done.check.coverage if done.check else None,
        )


def halt_report(halt: Halt | None) -> HaltReport | None:
    return HaltReport(halt.budget, halt.done, halt.left, halt.nights) if halt else None


def undo_reports(result: UndoResult) -> Iterator[UndoReport]:
    return (
        UndoReport(
            each.repository,
            each.back,
            each.not_back,
            each.moved_by_others,
            each.not_tried,
            _stopped_text(each.stopped) if each.stopped else None,
            each.tombstone,
        )
        for each in result.repositories
        if each.put_back or each.moved or each.not_tried or each.stopped
    )


def error_text(error: HolystoneError) -> ErrorText:
    return ErrorText(error.message, error.not_deleted, error.what_to_do)


def _stopped_text(stopped: Stopped) -> ErrorText:
    return ErrorText(stopped.message, stopped.not_deleted, stopped.what_to_do)
