"""Notices and refusals for programs: each with its fields and, beside them, what it says in words; and how many of each
kind there are."""

from collections.abc import Iterable, Mapping
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Any, Final, TypeAlias, get_args

import msgspec

from holystone.engine.model.notices import Notice
from holystone.engine.model.plan import Plan
from holystone.engine.model.refusals import Promise, Refusal
from holystone.engine.report.notice_words import notice_words, notices_in_order
from holystone.engine.report.refusal_words import refusal_words, refusals_in_order


def _with(words: Mapping[str, Any], kinds: Any) -> Mapping[type, type]:
    """Each kind → the same with these fields more, so that a program finds data and words in one object."""
    return {
        kind: msgspec.defstruct(
            kind.__name__, [*words.items()], bases=(kind,), frozen=True, kw_only=True, tag=kind.__struct_config__.tag
        )
        for kind in get_args(kinds)
    }


_NOTICES: Final = _with({"text": str}, Notice)
_REFUSALS: Final = _with({"promise": Promise, "why": str, "what_to_do": str}, Refusal)
if TYPE_CHECKING:
    ToldNotice: TypeAlias = Notice
    ToldRefusal: TypeAlias = Refusal
else:
    ToldNotice = reduce(or_, _NOTICES.values())
    ToldRefusal = reduce(or_, _REFUSALS.values())


class KindCount(msgspec.Struct, frozen=True):
    kind: str
    number: int
    text: str
    """What all of the kind have in common."""


class PlanReport(Plan, frozen=True):
    """A plan as it is in a plan file, and in words what that leaves to its reader."""

    notices: tuple[ToldNotice, ...] = ()
    refusals: tuple[ToldRefusal, ...] = ()
    notice_kinds: tuple[KindCount, ...] = ()
    """By kind."""
    refusal_kinds: tuple[KindCount, ...] = ()


def plan_report(plan: Plan) -> PlanReport:
    notices = [(each, notice_words(each)) for each in notices_in_order(plan.notices)]
    refusals = [(each, refusal_words(each)) for each in refusals_in_order(plan.refusals)]
    told = {
        "notices": tuple(_told(_NOTICES, each, text=words.of_one) for each, words in notices),
        "refusals": tuple(
            _told(_REFUSALS, each, promise=each.promise, why=words.why, what_to_do=words.what_to_do)
            for each, words in refusals
        ),
        "notice_kinds": _counted((each, words.of_many) for each, words in notices),
        "refusal_kinds": _counted((each, words.of_many) for each, words in refusals),
    }
    return PlanReport(**{**_fields(plan), **told})


def _told(kinds: Mapping[type, type], each: msgspec.Struct, **words: str) -> Any:
    return kinds[type(each)](**_fields(each), **words)


def _counted(told: Iterable[tuple[msgspec.Struct, str]]) -> tuple[KindCount, ...]:
    found: dict[str, KindCount] = {}
    for each, text in told:
        kind = str(each.__struct_config__.tag)
        before = found[kind].number if kind in found else 0
        found[kind] = KindCount(kind, before + 1, text)
    return tuple(found[kind] for kind in sorted(found))


def _fields(value: msgspec.Struct) -> dict[str, Any]:
    return {name: getattr(value, name) for name in value.__struct_fields__}
