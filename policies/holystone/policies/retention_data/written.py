"""Entries as people write them: as plain data of a file, and on one line."""

from collections.abc import Iterator, Mapping
from typing import Any

from holystone.policies.keep_policies import KeepPolicy, Limit
from holystone.policies.retention.patterns import TagPattern, shown_pattern
from holystone.policies.retention.rules import CommitOf, CommitsOf, Entry, Label, Mentioned, Seconds, Semver, Thin
from holystone.policies.retention_data.parts import MOST_OF_A_UNIT


def entry_data(entry: Entry) -> dict[str, Any]:
    """What a file would say of the entry; durations are whole hours."""
    said = {
        "tags": _tags(entry.tags),
        "except": _tags(entry.except_),
        "branch-exists-in": entry.branch_exists_in,
        "branch-head-of": entry.branch_head_of,
        **_commits_of(entry.commits_of),
        "by": _by(entry),
        **_mentioned(entry.mentioned_in),
        "label": _label(entry.label),
        "pushed-within": _duration(entry.pushed_within),
        "pulled-within": _duration(entry.pulled_within),
        "newest": entry.newest,
        "semver": _semver(entry.semver),
        **_thin(entry.thin),
        "per": list(entry.per),
        "groups": entry.groups,
        "same-commit": entry.same_commit,
        "with-siblings": entry.with_siblings,
        "optional": entry.optional,
    }
    return _said(said)


def shown_entry(entry: Entry) -> str:
    """The entry on one line, as `--keep` takes it where it can: `tags=v*,newest=3`."""
    return ",".join(_items(entry_data(entry)))


def _items(data: Mapping[str, Any], before: str = "") -> Iterator[str]:
    for key, value in data.items():
        match value:
            case dict():
                yield from _items(value, f"{before}{key}.")
            case [str(), *_]:
                yield f"{before}{key}={'|'.join(value)}"
            case list():
                yield f"{before}{key}=({len(value)})"
            case True:
                yield f"{before}{key}=true"
            case _:
                yield f"{before}{key}={value}"


def _said(data: Mapping[str, Any]) -> dict[str, Any]:
    """Without what is nothing: None, False, 0 and what is empty."""
    return {key: value for key, value in data.items() if value}


def _tags(tags: tuple[TagPattern, ...] | None) -> list[str]:
    return [shown_pattern(each) for each in tags or ()]


def _by(entry: Entry) -> str | None:
    by = entry.commits_of.by if entry.commits_of else entry.commit
    if by == CommitOf():
        return None
    return by.source if by.source == "provenance" else f"{by.source} {by.name}"


def _commits_of(commits: CommitsOf | None) -> dict[str, Any]:
    if commits is None:
        return {}
    return {"commits-of": commits.clone, "keep-policies": [_keep_policy(each) for each in commits.keep_policies]}


def _keep_policy(policy: KeepPolicy) -> dict[str, Any]:
    references = policy.references
    return _said(
        {
            "references": _said({references.kind: references.pattern, "limit": _limit(references.limit)}),
            "imagesPerReference": _limit(policy.images_per_reference),
        }
    )


def _limit(limit: Limit | None) -> dict[str, Any]:
    if limit is None:
        return {}
    within = None if limit.within is None else f"{limit.within}ns"
    return {
        **({} if limit.last is None else {"last": limit.last}),
        **_said({"in": within}),
        "operator": limit.operator,
    }


def _mentioned(mentioned: Mentioned | None) -> dict[str, Any]:
    if mentioned is None:
        return {}
    return {"mentioned-in": mentioned.clone, "within": _duration(mentioned.within or None)}


def _label(label: Label | None) -> dict[str, Any]:
    return _said({"name": label.name, "value": label.value}) if label else {}


def _semver(semver: Semver | None) -> dict[str, Any]:
    if semver is None:
        return {}
    before = semver.prereleases
    others = {"newest": before.newest, "until-released": _duration(before.until_released)} if before else {}
    return _said(
        {
            "newest": semver.newest,
            "per": list(semver.per),
            "groups": semver.groups,
            "prereleases-within": _duration(before.within) if before else None,
            "prereleases": _said(others),
        }
    )


def _thin(thin: Thin | None) -> dict[str, Any]:
    if thin is None:
        return {}
    days = _said({"daily": thin.daily, "weekly": thin.weekly, "monthly": thin.monthly})
    return {"thin": days, "which": None if thin.which == "last" else thin.which}


def _duration(seconds: Seconds | None) -> str | None:
    return None if seconds is None else shown_duration(seconds)


def shown_duration(seconds: Seconds) -> str:
    """The duration as a file says it; whole hours."""
    hours = seconds // 3_600
    units = ((24, "d"), (7 * 24, "w"), (1, "h"))
    return next(
        f"{hours // unit}{letter}" for unit, letter in units if hours % unit == 0 and hours // unit < MOST_OF_A_UNIT
    )
