"""Refusals for programs: each with its fields and, beside them, what it says in words; and how many of each kind there
are."""

from collections.abc import Iterable, Mapping
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Any, Final, TypeAlias, get_args

import msgspec

from holystone.engine.model.plan import Plan
from holystone.engine.model.refusals import Promise, Refusal
from holystone.engine.report.refusal_words import in_order, refusal_words


def _with(words: Mapping[str, Any], kinds: Any) -> Mapping[type, type]:
    """Each kind → the same with these fields more."""
    return {
        kind: msgspec.defstruct(
            kind.__name__, [*words.items()], bases=(kind,), frozen=True, kw_only=True, tag=kind.__struct_config__.tag
        )
        for kind in get_args(kinds)
    }


_REFUSALS: Final = _with({"promise": Promise, "why": str, "what_to_do": str}, Refusal)
if TYPE_CHECKING:
    ToldRefusal: TypeAlias = Refusal
else:
    ToldRefusal = reduce(or_, _REFUSALS.values())


class KindCount(msgspec.Struct, frozen=True):
    kind: str
    number: int
    text: str
    """What all of the kind have in common."""


class PlanReport(Plan, frozen=True):
    """A plan as it is in a plan file, and in words what that leaves to its reader."""

    refusals: tuple[ToldRefusal, ...] = ()
    refusal_kinds: tuple[KindCount, ...] = ()
    """By kind."""


def plan_report(plan: Plan) -> PlanReport:
    refusals = in_order(plan.refusals)
    return PlanReport(
        **{
            **_fields(plan),
            "refusals": tuple(map(_told_refusal, refusals)),
            "refusal_kinds": _counted((_kind(each), refusal_words(each).of_many) for each in refusals),
        }
    )


def _told_refusal(refusal: Refusal) -> ToldRefusal:
    words = refusal_words(refusal)
    told: ToldRefusal = _REFUSALS[type(refusal)](
        **_fields(refusal), promise=refusal.promise, why=words.why, what_to_do=words.what_to_do
    )
    return told


def _counted(kinds: Iterable[tuple[str, str]]) -> tuple[KindCount, ...]:
    found: dict[str, KindCount] = {}
    for kind, text in kinds:
        number = found[kind].number if kind in found else 0
        found[kind] = KindCount(kind, number + 1, text)
    return tuple(found[kind] for kind in sorted(found))


def _kind(value: msgspec.Struct) -> str:
    return str(value.__struct_config__.tag)


def _fields(value: msgspec.Struct) -> dict[str, Any]:
    return {name: getattr(value, name) for name in value.__struct_fields__}
