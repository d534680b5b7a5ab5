"""From rows to values. The file may have been restored, copied, written by another version or by another hand, so each
row is a claim until its kinds, names and digests have been looked at."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final, Self

import msgspec

from holystone.adapters.state.sqlite.schema import VERSION
from holystone.engine.errors import Damaged
from holystone.engine.model.codec import from_json
from holystone.engine.model.manifests import RawManifest, blobs_of
from holystone.engine.model.outcomes import Loss, Outcome
from holystone.engine.model.plan import Plan, PlanHead, RepositoryPlan, StepId
from holystone.engine.model.records import RunRecord, Tombstone
from holystone.engine.model.references import Digest, Tag

RUN_COLUMNS: Final = ("id", "started", "ended", "command", "state", "locks")
_ID: Final = re.compile(r"[0-9A-Za-z-]{1,64}", re.ASCII)
"""Of a run: a part of file names and tags."""
_STATES: Final = ("beginning", "open", "finished", "undoing", "undone", "given-up")


class Recorded(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    outcome: Outcome


@contextmanager
def reading(run: str, what: str) -> Iterator[None]:
    """Raises Damaged for whatever is wrong with a row of this run."""
    try:
        yield
    except (msgspec.MsgspecError, ValueError, TypeError) as error:
        raise damaged(run, f"{what}: {error}") from error


def damaged(run: str, why: str) -> Damaged:
    return Damaged(
        f"The journal's record of run {run} is damaged ({why}).",
        not_deleted="Nothing was deleted by this command.",
        what_to_do="Restore the journal from a backup, or use the version of Holystone that began the run; `holystone "
        f"runs give-up {run}` ends it for good.",
    )


def is_run_id(name: object) -> bool:
    return isinstance(name, str) and _ID.fullmatch(name) is not None


def run_record(row: Sequence[object]) -> RunRecord:
    """One in the state `damaged` if the row is none, with the reason as its command."""
    try:
        fields = dict(zip(RUN_COLUMNS, row, strict=True))
        if fields["locks"] in (0, 1):  # SQLite knows no truth
            fields["locks"] = bool(fields["locks"])
        record = msgspec.convert(fields, RunRecord)
        if not is_run_id(record.id):
            raise ValueError("its name is none")
        if record.state not in _STATES:
            raise ValueError(f"there is no state {record.state}")
    except (msgspec.ValidationError, ValueError) as error:
        return RunRecord(ascii(row[0])[:80].strip("'"), 0, None, str(error), "damaged")
    return record


class Begun(PlanHead, frozen=True, kw_only=True):
    """What is recorded of a plan beside its repositories."""

    repositories: int

    @classmethod
    def of(cls, plan: Plan) -> Self:
        fields = {name: getattr(plan, name) for name in PlanHead.__struct_fields__}
        return cls(**fields, repositories=len(plan.repositories))


def begun(run: str, version: object, encoded: object) -> Begun:
    """`version`: of the journal in which the run was begun. Raises Damaged, also for an earlier one: what was meant
    there is not guessed."""
    with reading(run, "its plan"):
        made = msgspec.convert(version, int)
        if made > VERSION:
            raise ValueError(f"there is no format {made}")
        if made == VERSION:
            return from_json(_bytes(encoded), Begun)
    raise Damaged(
        f"Run {run} was begun by an earlier version of Holystone, and what it wrote down is read by that one alone "
        f"(format {made}).",
        not_deleted="Nothing was deleted by this command.",
        what_to_do="That version can go on with it in a copy of the state directory from before the update: it refuses "
        f"the journal as it is by now. `holystone runs give-up {run}` ends it for good.",
    )


def repository_plan(run: str, name: object, encoded: object) -> RepositoryPlan:
    """Raises Damaged."""
    with reading(run, f"its plan of {name}"):
        plan = from_json(_bytes(encoded), RepositoryPlan)
        if str(plan.repository) != name:
            raise ValueError(f"it is of {plan.repository}")
        return plan.claimed()


def manifest(digest: Digest, media_type: object, body: object) -> RawManifest | None:
    """The manifest that a row says; None if the bytes are not the digest's."""
    if not isinstance(body, bytes) or not digest.matches(body):
        return None
    return RawManifest(digest, media_type if isinstance(media_type, str) else "", body)


def tombstone(digest: object, media_type: object, body: object, config: object) -> Tombstone | None:
    """What is pushed and deleted by its digest, or None where there is none."""
    if digest is None:
        return None
    made = manifest(Digest.parse(_text(digest)), media_type, body)
    if made is None or blobs_of(made) != (Digest.of(_bytes(config)),):
        raise ValueError("the tombstone's bytes are not its digest's")
    return Tombstone(made, _bytes(config))


def outcome(encoded: object) -> Outcome:
    return from_json(_bytes(encoded), Recorded).outcome


def loss(tag: object, digest: object) -> Loss:
    return Loss(Digest.parse(_text(digest)), Tag.parse(_text(tag)) if tag else None)


def step_id(text: object, planned: Mapping[str, StepId]) -> StepId:
    """`planned`: the plan's own, by themselves, so that none is in memory twice."""
    if (found := planned.get(_text(text))) is None:
        raise ValueError(f"its plan does not remove {ascii(text)[:80]}")
    return found


def digest(text: object) -> Digest:
    return Digest.parse(_text(text))


def _text(value: object) -> str:
    return msgspec.convert(value, str)


def _bytes(value: object) -> bytes:
    if not isinstance(value, bytes):
        raise TypeError(f"expected bytes, got {type(value).__name__}")
    return value
