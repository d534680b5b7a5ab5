"""How each content signature of an image stands with the selected references: which reach it, which keep it."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

import msgspec

from holystone.engine.model.history import History
from holystone.engine.model.reasons import BeyondLimit, ReachedFromBranch, ReachedFromTag, UnknownHistory
from holystone.engine.model.references import Commit
from holystone.policies.git_references import SelectedReference
from holystone.policies.werf.v1.project import Signature


class Standing(msgspec.Struct):
    """One content signature."""

    existing: Sequence[Commit]
    """Its commits that exist, newest first."""
    kept_by: list[ReachedFromBranch | ReachedFromTag] = []
    beyond: list[BeyondLimit] = []
    """References that reach it and keep newer signatures instead."""
    heads: dict[Commit, list[str]] = {}
    """The newest commit on each reference that keeps it, with the names of those references."""
    unknown: UnknownHistory | None = None
    """Set if the part of the history that the clone lacks could change any of this."""


class _Ranked(NamedTuple):
    """Sorts newest first. Of equal dates, which a rebase makes, the reference's own commit is the newest."""

    minus_date: int
    is_ancestor: bool
    signature: Signature
    commit: Commit


def stand(
    commits: Mapping[Signature, Collection[Commit]], history: History, selected: Iterable[SelectedReference], now: int
) -> Mapping[Signature, Standing]:
    """`commits`: those of the metadata records of each signature that has a tag. `now`: Unix seconds."""
    references = sorted(selected, key=lambda each: each.reference)
    branches = _by_commit(references, "branch")
    tags = _by_commit(references, "tag")
    standings: dict[Signature, Standing] = {}
    reached: defaultdict[int, list[_Ranked]] = defaultdict(list)
    for signature in sorted(commits):
        existing = sorted(
            (commit for commit in commits[signature] if commit in history.times),
            key=lambda commit: (-history.times[commit], commit not in branches, commit),
        )
        newest = _newest_reached(existing, history, branches, tags)
        standings[signature] = Standing(
            existing, unknown=_unknown(commits[signature], existing, newest, history, branches)
        )
        for index, commit in newest.items():
            is_ancestor = commit != references[index].reference.commit
            reached[index].append(_Ranked(-history.times[commit], is_ancestor, signature, commit))
    for index, each in enumerate(references):
        _rank(each, sorted(reached[index]), standings, now)
    return standings


def _by_commit(references: Sequence[SelectedReference], kind: str) -> Mapping[Commit, list[int]]:
    found: defaultdict[Commit, list[int]] = defaultdict(list)
    for index, each in enumerate(references):
        if each.reference.kind == kind:
            found[each.reference.commit].append(index)
    return dict(found)


def _newest_reached(
    existing: Iterable[Commit],
    history: History,
    branches: Mapping[Commit, Sequence[int]],
    tags: Mapping[Commit, Sequence[int]],
) -> dict[int, Commit]:
    """For each reference, by index, the first of these commits that it reaches."""
    newest: dict[int, Commit] = {}
    waiting = set(branches)
    for commit in existing:
        for index in tags.get(commit, ()):
            newest[index] = commit
        found = waiting & history.reached_from.get(commit, frozenset())
        waiting -= found
        for head in found:
            newest.update(dict.fromkeys(branches[head], commit))
    return newest


def _unknown(
    commits: Iterable[Commit],
    existing: Sequence[Commit],
    newest: Mapping[int, Commit],
    history: History,
    branches: Mapping[Commit, Sequence[int]],
) -> UnknownHistory | None:
    """In a shallow clone a missing commit may exist, and a branch may reach an existing one through missing ones; in a
    narrow one a missing branch or tag may reach any. In a clone that is only shallow, a signature whose newest commit
    every branch reaches is known for sure: nothing can make it newer."""
    if history.complete:
        return None
    missing = min((commit for commit in commits if commit not in history.times), default=None)
    if missing is not None:
        return UnknownHistory(missing)
    if not history.references_complete:
        return UnknownHistory(existing[0])
    date = history.times[existing[0]]
    for indexes in branches.values():
        commit = newest.get(indexes[0])
        if commit is None or history.times[commit] < date:
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
            standing.beyond.append(BeyondLimit(reference.shown))
            continue
        reason = ReachedFromBranch if reference.kind == "branch" else ReachedFromTag
        standing.kept_by.append(reason(reference.name, one.commit, each.policy))
        standing.heads.setdefault(one.commit, []).append(reference.shown)
