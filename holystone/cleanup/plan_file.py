"""A plan as a file: written by one command, read by another, and bound to what was read when it was made.

The hash shows that somebody has changed the file, or that it was damaged. It is no signature: who can write the file
can make the hash anew.
"""

import hashlib
import time
from pathlib import Path
from typing import Any, Final

import msgspec

from holystone.cleanup.message import NOTHING_DELETED
from holystone.engine.errors import HolystoneError, Refused, UsageError
from holystone.engine.model.codec import from_json, to_json
from holystone.engine.model.plan import Plan

_LIMIT: Final = 1 << 30
"""Bytes of a plan file."""
_CLOCK_SKEW: Final = 5 * 60
"""Seconds that a plan of another machine may be ahead."""
_AGAIN: Final = "Make a new one with --plan-out."


class PlanFile(Plan, frozen=True):
    hash: str = ""
    """Of everything else in the file, whatever its layout: `sha256:…`."""


def plan_hash(plan: Plan) -> str:
    return f"sha256:{hashlib.sha256(to_json(plan)).hexdigest()}"


def write_plan(file: Path, plan: Plan) -> None:
    """Raises HolystoneError."""
    sealed = PlanFile(**_fields(plan), hash=plan_hash(plan))
    try:
        file.write_bytes(to_json(sealed, indent=2) + b"\n")
    except OSError as error:
        raise HolystoneError(
            f"The plan cannot be written to {file}: {error.strerror}.", not_deleted=NOTHING_DELETED
        ) from error


def read_plan(file: Path, *, max_age: int, now: float | None = None) -> Plan:
    """`max_age`: seconds since it was made. Raises UsageError for what is no plan of this version, Refused for one that
    was changed, or is too old, or is of the future."""
    try:
        with file.open("rb") as source:
            sealed = from_json(source.read(_LIMIT), PlanFile)
    except OSError as error:
        raise UsageError(f"The plan {file} cannot be read: {error.strerror}.") from error
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise UsageError(f"{file} is not a plan of this version: {error}", what_to_do=_AGAIN) from error
    if not sealed.hash:
        raise UsageError(f"{file} is not a plan of this version: it has no hash", what_to_do=_AGAIN)
    plan = Plan(**_fields(sealed))
    if plan_hash(plan) != sealed.hash:
        raise Refused(
            f"The plan {file} is not as it was written: its content does not fit its hash.",
            not_deleted=NOTHING_DELETED,
            what_to_do=f"{_AGAIN} What is to stay can be said there: by policies, or with --in-use FILE.",
        )
    age = int(time.time() if now is None else now) - plan.as_of
    if age > max_age:
        raise Refused(
            f"The plan {file} was made {_hours(age)} ago, and --max-age is {_hours(max_age)}: what is there, and what "
            "is wanted, may be another today.",
            not_deleted=NOTHING_DELETED,
            what_to_do=f"{_AGAIN} Or, if it is to be carried out all the same, give a longer --max-age.",
        )
    if age < -_CLOCK_SKEW:
        raise Refused(
            f"The plan {file} was made {_hours(-age)} from now: one of the clocks is wrong.",
            not_deleted=NOTHING_DELETED,
            what_to_do=f"Set the clock right, and the one of the machine that made the plan. {_AGAIN}",
        )
    return plan.claimed()


def _fields(plan: Plan) -> dict[str, Any]:
    return {name: getattr(plan, name) for name in Plan.__struct_fields__}


def _hours(seconds: float) -> str:
    hours, minutes = divmod(int(seconds) // 60, 60)
    return f"{hours // 24} days and {hours % 24} hours" if hours >= 48 else f"{hours} hours and {minutes} minutes"
