"""The tag-strategy policy: an image stays while what it is named after exists, within limits of age and number.

Nothing goes that could be wanted. Where the clone is incomplete, or an image does not say when it was created, a tag
goes only if it would go whatever the truth is, and counts against no other tag. One of a git tag that the clone has and
origin has not counts against none of a git tag that origin has.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Final, Literal, NamedTuple

import msgspec

from holystone.engine.model.delete_reasons import BeyondNewest, CommitGone, DeleteReason, Expired, ReferenceGone
from holystone.engine.model.history import GitNames
from holystone.engine.model.reasons import (
    AmongNewest,
    CommitExists,
    CreationUnknown,
    KeepReason,
    NamedAfter,
    OtherStrategy,
    UnknownHistory,
    UnknownReference,
    WithinStrategy,
)
from holystone.engine.model.references import Commit, InvalidName
from holystone.engine.model.verdicts import Delete, Keep, Verdict, Verdicts
from holystone.policies.natural_order import natural_key
from holystone.policies.werf.v1.project import ImageTag

_DAY: Final = 24 * 60 * 60
_COMMIT_LENGTH: Final = 40


class Allowance(msgspec.Struct, frozen=True):
    """How many tags of one strategy stay, and how long. None: no limit; 0 is one."""

    limit: int | None = None
    expiry_days: int | None = None


class StrategyRules(msgspec.Struct, frozen=True):
    """There is none for `git-branch`: a branch is the only limit of its tag."""

    git_tag: Allowance = Allowance()
    git_commit: Allowance = Allowance()
    stages_signature: Allowance = Allowance()

    def of(self, strategy: str | None) -> Allowance:
        named = {
            "git-tag": self.git_tag,
            "git-commit": self.git_commit,
            "stages-signature": self.stages_signature,
        }
        return named.get(strategy or "", Allowance())


class _Judged(NamedTuple):
    tag: ImageTag
    keep: tuple[KeepReason, ...] = ()
    delete: tuple[DeleteReason, ...] = ()
    """Not empty: the tag goes."""
    is_sure: bool = True
    """False if what it is named after may exist and may not."""
    is_gone: bool = False
    """What it is named after is in the clone alone."""

    @property
    def verdict(self) -> Verdict:
        return Delete(self.delete) if self.delete else Keep(self.keep or (WithinStrategy(self.tag.strategy or ""),))


def named_commits(tags: Iterable[ImageTag]) -> frozenset[Commit]:
    """The commits that `GitNames` must know about."""
    found = (_commit(tag.meta_tag) for tag in tags if tag.strategy == "git-commit")
    return frozenset(commit for commit in found if commit)


def decide_by_strategy(
    tags: Iterable[ImageTag], names: GitNames, rules: StrategyRules, now: int, *, folds: bool = False
) -> Verdicts:
    """Tags of one image that are not in use. Sorted by tag. `now`: Unix seconds. `folds`: the registry knows no capital
    letters in tags, so that a tag is wanted by every branch and git tag whose name becomes its name."""
    by_strategy: defaultdict[str | None, list[_Judged]] = defaultdict(list)
    if folds:
        tags, names = map(_folded, tags), _folded_names(names)
    for tag in tags:
        by_strategy[tag.strategy].append(_expire(_by_name(tag, names), rules.of(tag.strategy).expiry_days, now))
    found = {
        each.tag.reference.tag: each.verdict
        for strategy, judged in by_strategy.items()
        for each in _limit(judged, rules.of(strategy).limit)
    }
    return dict(sorted(found.items()))


def saved_by_folding(tags: Iterable[ImageTag], names: GitNames) -> tuple[ImageTag, ...]:
    """Tags that go because nothing has their name, and would stay if capital letters did not matter: what depends on
    whether the registry folds them. Sorted."""
    folded = _folded_names(names)
    return tuple(
        tag
        for tag in sorted(tags, key=lambda each: each.reference)
        if _by_name(tag, names).delete and not _by_name(_folded(tag), folded).delete
    )


def _folded(tag: ImageTag) -> ImageTag:
    return msgspec.structs.replace(tag, meta_tag=tag.meta_tag.lower())


def _folded_names(names: GitNames) -> GitNames:
    """One spelling that origin has is enough."""
    there = {name.lower() for name in names.tags.keys() - names.gone_tags}
    return msgspec.structs.replace(
        names,
        branches={name.lower(): shown for name, shown in names.branches.items()},
        tags={name.lower(): shown for name, shown in names.tags.items()},
        gone_tags={name.lower() for name in names.gone_tags} - there,
    )


def _by_name(tag: ImageTag, names: GitNames) -> _Judged:
    match tag.strategy:
        case "git-branch":
            return _by_reference(tag, "branch", names.branches, names)
        case "git-tag":
            return _by_reference(tag, "tag", names.tags, names)
        case "git-commit":
            return _by_commit(tag, names)
        case "stages-signature":
            return _Judged(tag)
        case _:
            return _Judged(tag, keep=(OtherStrategy(tag.strategy),))


def _by_reference(
    tag: ImageTag, kind: Literal["branch", "tag"], existing: Mapping[str, str], names: GitNames
) -> _Judged:
    if tag.meta_tag in existing:
        is_gone = kind == "tag" and tag.meta_tag in names.gone_tags
        return _Judged(tag, keep=(NamedAfter(kind, existing[tag.meta_tag]),), is_gone=is_gone)
    if not names.complete:
        return _Judged(tag, keep=(UnknownReference(kind, tag.meta_tag),), is_sure=False)
    return _Judged(tag, delete=(ReferenceGone(kind, tag.meta_tag),))


def _by_commit(tag: ImageTag, names: GitNames) -> _Judged:
    commit = _commit(tag.meta_tag)
    if commit in names.commits:
        return _Judged(tag, keep=(CommitExists(commit),))
    if commit and not names.complete:
        return _Judged(tag, keep=(UnknownHistory(commit),), is_sure=False)
    return _Judged(tag, delete=(CommitGone(tag.meta_tag),))


def _commit(meta_tag: str) -> Commit | None:
    """The commit that a tag is named after; None for anything but a whole id: a shortened one names a commit only until
    another begins so."""
    try:
        return Commit.parse(meta_tag.lower()) if len(meta_tag) == _COMMIT_LENGTH else None
    except InvalidName:
        return None


def _expire(judged: _Judged, days: int | None, now: int) -> _Judged:
    if days is None or judged.delete:
        return judged
    if judged.tag.created <= 0:
        return judged._replace(keep=(*judged.keep, CreationUnknown()))
    # `created` has lost its fraction of a second: an image of this very second is older than 0 days.
    age = now - judged.tag.created
    return judged._replace(delete=(Expired(age, days),)) if age >= days * _DAY else judged


def _limit(judged: Iterable[_Judged], limit: int | None) -> Iterable[_Judged]:
    """Newest first, of equal dates the last by natural order, and those without a date last, where they count against
    none. A rank counts
    only tags that are surely wanted, and those of git tags that are gone only among each other."""
    sure = gone = 0
    for each in sorted(judged, key=lambda each: (each.tag.created, natural_key(each.tag.reference.tag)), reverse=True):
        if limit is None or each.delete:
            yield each
            continue
        is_dated = each.tag.created > 0
        rank = 1 + (sure + (gone if each.is_gone else 0) if is_dated else 0)
        reason = AmongNewest(rank, limit) if is_dated else CreationUnknown()
        if rank > limit:
            yield each._replace(delete=(BeyondNewest(rank, limit),))
        else:
            yield each._replace(keep=tuple(dict.fromkeys((*each.keep, reason))))
        gone += each.is_gone
        sure += each.is_sure and not each.is_gone
