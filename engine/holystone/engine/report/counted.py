"""Thousands of reasons as a few lines that a person can check: how many tags have each, for which branches and git
tags, and one tag as an example."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, TypeAlias

from holystone.engine.model.delete_reasons import BeyondLimit, DeleteReason
from holystone.engine.model.reasons import KeepReason, ReachedFromBranch, ReachedFromTag
from holystone.engine.report.reason_words import reason_words

Reasons: TypeAlias = tuple[KeepReason, ...] | tuple[DeleteReason, ...]
_SHOWN: Final = 3
"""References of one kind of reason."""


def counted(word: str, tags: Mapping[str, Reasons]) -> Iterator[str]:
    """A line for each kind of reason, the most frequent first. The first reason of a tag decides."""
    kinds: defaultdict[str, list[str]] = defaultdict(list)
    for tag, reasons in tags.items():
        kinds[reason_words(reasons[0]).of_many if reasons else "no reason given"].append(tag)
    for kind, alike in sorted(kinds.items(), key=lambda item: (-len(item[1]), item[0])):
        yield f"  {len(alike):>6,} {word:<4} {kind}{_references(tags[tag] for tag in alike)}{_example(alike)}"


def _references(reasons: Iterable[Reasons]) -> str:
    """Says on how many of the tags each branch or git tag has a say; a tag counts for each that has."""
    found = Counter(name for each in reasons for name in _names(each))
    if not found:
        return ""
    first = sorted(found.items(), key=lambda item: (-item[1], item[0]))[:_SHOWN]
    more = len(found) - len(first)
    shown = ", ".join(f"{number:,} on {name}" for name, number in first)
    return f": {shown}{f', and {more:,} more' if more else ''}"


def _names(reasons: Reasons) -> set[str]:
    """The names in those of a tag's reasons that are of the first one's kind, by which the tag is counted."""
    found = set()
    for reason in reasons:
        if type(reason) is type(reasons[0]):
            match reason:
                case ReachedFromBranch(name, _, _) | ReachedFromTag(name, _, _) | BeyondLimit(name):
                    found.add(name)
    return found


def _example(tags: Sequence[str]) -> str:
    return f", e.g. {min(tags)}" if len(tags) > 1 else f", {tags[0]}"
