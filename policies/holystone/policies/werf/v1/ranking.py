"""How each content signature of an image stands with the selected references: which reach it, which keep it."""

from array import array
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple, TypeAlias

import msgspec

from holystone.engine.model.delete_reasons import BeyondLimit
from holystone.engine.model.history import History
from holystone.engine.model.reasons import ReachedFromBranch, ReachedFromTag, UnknownHistory
from holystone.engine.model.references import Commit
from holystone.engine.model.verdicts import NAMED
from holystone.policies.git_references import SelectedReference
from holystone.policies.werf.v1.project import Signature

_Row: TypeAlias = "array[int]"
"""For each head of a branch, where among the existing commits of one content, the newest first, the first is that it
reaches; -1: nowhere. One byte for each, two or four where the places are many: there may be millions."""


class Standing(msgspec.Struct):
    """How one content signature stands: which references reach it, and which keep it."""

    existing: Sequence[Commit]
    """Its commits that exist, newest first."""
    kept_by: list[ReachedFromBranch | ReachedFromTag] = []
    """Empty if nothing keeps it; so with the next."""
    beyond: list[BeyondLimit] = []
    """References that reach it and keep newer signatures instead."""
    heads: dict[Commit, list[str]] = {}
    """The newest commit on each reference that keeps it, with the names of some of those references."""
    unknown: UnknownHistory | None = None
    """Set if the part of the history that the clone lacks could change any of this."""


class _Ranked(NamedTuple):
    """Sorts newest first. Of equal dates, which a rebase makes, the reference's own commit is the newest."""

    minus_date: int
    is_ancestor: bool
    signature: Signature
    commit: Commit


def rank_signatures(
    commits: Mapping[Signature, Collection[Commit]], history: History, selected: Iterable[SelectedReference], now: int
) -> Mapping[Signature, Standing]:
    """How each signature stands with the selected references. `commits`: those of the metadata records of each
    signature that has a tag. `now`: Unix seconds."""
    references = sorted(selected, key=lambda each: each.reference)
    heads = {commit: column for column, commit in enumerate(_commits(references, "branch"))}
    standings: dict[Signature, Standing] = {}
    rows: dict[Signature, _Row] = {}
    having: defaultdict[Commit, list[Signature]] = defaultdict(list)
    for signature in sorted(commits):
        existing = sorted(
            (commit for commit in commits[signature] if commit in history.times),
            key=lambda commit: (-history.times[commit], commit not in heads, commit),
        )
        for commit in existing:
            having[commit].append(signature)
        row = rows[signature] = _newest_reached(existing, history, heads)
        standings[signature] = Standing(existing, unknown=_unknown(commits[signature], existing, row, history))
    for each in references:
        head = each.reference.commit
        if each.reference.kind == "branch":
            column = heads[head]
            places = ((signature, row[column]) for signature, row in rows.items())
            reached = [(signature, standings[signature].existing[place]) for signature, place in places if place >= 0]
        else:
            reached = [(signature, head) for signature in having.get(head, ())]
        ranked = sorted(_Ranked(-history.times[at], at != head, signature, at) for signature, at in reached)
        _rank(each, ranked, standings, now)
    return standings


def _commits(references: Iterable[SelectedReference], kind: str) -> Iterable[Commit]:
    """The commits of the references of this kind, each once."""
    return dict.fromkeys(each.reference.commit for each in references if each.reference.kind == kind)


def _newest_reached(existing: Sequence[Commit], history: History, heads: Mapping[Commit, int]) -> _Row:
    row = array(_typecode(len(existing)), [-1]) * len(heads)
    for place, found in enumerate(history.reached_from.newly(existing)):
        for head in found:
            if (column := heads.get(head)) is not None:
                row[column] = place
    return row


def _typecode(places: int) -> str:
    """The type code of the shortest numbers that will do."""
    return "b" if places <= 1 << 7 else "h" if places <= 1 << 15 else "i"


def _unknown(
    commits: Iterable[Commit], existing: Sequence[Commit], row: _Row, history: History
) -> UnknownHistory | None:
    """What the clone lacks that could change how a signature stands. In a shallow clone a missing commit may exist, and
    a branch may reach an existing one through missing ones; in a narrow one a missing branch or tag may reach any. In a
    clone that is only shallow, a signature whose newest commit every branch reaches is known for sure: nothing can make
    it newer."""
    if history.complete:
        return None
    missing = min((commit for commit in commits if commit not in history.times), default=None)
    if missing is not None:
        return UnknownHistory(missing)
    if not history.references_complete:
        return UnknownHistory(existing[0])
    date = history.times[existing[0]]
    if any(place < 0 or history.times[existing[place]] < date for place in row):
        return UnknownHistory(existing[0])
    return None


def _rank(
    each: SelectedReference, ranked: Sequence[_Ranked], standings: Mapping[Signature, Standing], now: int
) -> None:
    reference, limit = each.reference, each.images_per_reference
    count = len(ranked) if limit is None else limit.count([-one.minus_date for one in ranked], now)
    for place, one in enumerate(ranked):
        standing = standings[one.signature]
        if place >= count:
            if len(standing.beyond) < NAMED:
                standing.beyond.append(BeyondLimit(reference.shown))
            continue
        if len(standing.kept_by) < NAMED:
            reason = ReachedFromBranch if reference.kind == "branch" else ReachedFromTag
            standing.kept_by.append(reason(reference.name, one.commit, each.policy))
        names = standing.heads.setdefault(one.commit, [])
        if len(names) < NAMED:
            names.append(reference.shown)
