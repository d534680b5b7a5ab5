"""Outcomes and quantities in words. The only place where an outcome becomes text."""

from collections.abc import Sequence
from typing import Literal, assert_never

from holystone.engine.model import outcomes
from holystone.engine.model.in_use import ListEntry, User, Workload
from holystone.engine.model.outcomes import Outcome
from holystone.engine.undo import results as undone
from holystone.engine.undo.results import UndoOutcome

_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_LONG = 40


def user_text(by: User) -> str:
    match by:
        case Workload(context, namespace, kind, name):
            return f"{kind} {namespace}/{name} in context {context}"
        case ListEntry(source):
            return f"listed in {source}"
        case _:
            assert_never(by)


def outcome_text(outcome: Outcome) -> str:
    match outcome:
        case outcomes.Deleted():
            return "deleted"
        case outcomes.WouldDrop(seen):
            return (
                f"left alone: the registry dropped {seen.short} together with its last tag, and this is the last tag "
                "of another manifest that stays"
            )
        case outcomes.AlreadyGone():
            return "was already gone"
        case outcomes.MovedMeanwhile(now):
            return f"left alone: the tag moved to {now.short} after it was planned"
        case outcomes.Needed(by):
            return f"left alone: {by} needs it by now"
        case outcomes.Referenced(by):
            return f"refused by the registry, because something refers to it: {by}"
        case outcomes.StillReferenced(by):
            return f"left alone, because something that is not to go refers to it: {by}"
        case outcomes.StillServed():
            return "the registry said that it is gone, and still serves it"
        case outcomes.Locked(rule):
            return f"locked by the registry: {rule}"
        case outcomes.Forbidden(what):
            return f"forbidden: {what}"
        case outcomes.Failed(error):
            return f"failed: {error}"
        case _:
            assert_never(outcome)


def undo_text(outcome: UndoOutcome) -> str:
    match outcome:
        case undone.Restored():
            return "put back"
        case undone.AlreadyThere():
            return "is there"
        case undone.TakenMeanwhile(now):
            return f"left alone: somebody has put {now.short} there since"
        case undone.BlobsGone(why):
            return f"cannot come back, the registry has not kept what it needs: {why}"
        case undone.Unread():
            return "cannot come back: the registry took it along by itself, and its bytes were never read"
        case undone.BytesDamaged():
            return "cannot come back: its bytes in the journal are not what its digest says any more"
        case undone.OtherDigest(now):
            return f"is there under {now}: the registry did not take the digest that it had"
        case outcomes.Failed(error):
            return f"failed: {error}"
        case _:
            assert_never(outcome)


def reference_text(kind: Literal["branch", "tag"]) -> str:
    return "branch of origin" if kind == "branch" else "git tag"


def shown(label: str) -> str:
    """Labels may hold anything, also what a terminal would obey."""
    return short("".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in label))


def short(tag: str) -> str:
    """A signature is long, and its beginning finds it."""
    return tag if len(tag) <= _LONG else f"{tag[:12]}…"


def duration(seconds: int) -> str:
    for size, unit in ((_DAY, "d"), (_HOUR, "h"), (_MINUTE, "min")):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def size_text(size: int) -> str:
    amount = float(size)
    for unit in ("B", "kB", "MB", "GB"):
        if amount < 1000:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} TB"


def some(names: Sequence[str], shown: int = 3) -> str:
    """Names that stand for many."""
    return ", ".join(names[:shown]) + (f" and {len(names) - shown:,} more" if len(names) > shown else "")


def count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
