"""What entries of policies say, in words."""

from collections.abc import Mapping
from typing import Final, assert_never

from holystone.engine.model.policy_reasons import Age, Doubt, EntryKey, KeptByEntry, NotKeptBy, Place, TimeSource
from holystone.engine.report.words import duration, short, shown

_SOURCES: Final[Mapping[TimeSource, str]] = {
    "tag-pushed": "its tag was pushed {} ago",
    "manifest-pushed": "its manifest was pushed {} ago",
    "annotation": "by its annotation it was made {} ago",
    "created": "it was built {} ago",
    "first-seen": "a run first saw it {} ago",
    "restored": "it was restored {} ago",
}
_MISSED: Final[Mapping[EntryKey, str]] = {
    "branch-exists-in": "no branch has its name",
    "branch-head-of": "its commit is the head of no branch",
    "commits-of": "no branch or tag that its keep policies select reaches it, within their limits",
    "mentioned-in": "nothing there names it",
    "label": "it does not have the label",
    "same-commit": "no tag that stays has its commit",
    "prereleases": "a prerelease, and not among those that it keeps",
    "thin": "not the one of a day, week or month that counts",
}
_KEYS: Final[Mapping[EntryKey, str]] = {
    "except": "it is none of those that it excepts",
    "prereleases": "a prerelease, and it does not say which of them stay",
    "until-released": "a prerelease whose release is not there, or not as old as it asks for",
}
"""Keys that do not say enough by themselves."""
DOUBTS: Final[Mapping[Doubt, str]] = {
    "time": "nothing that can be true says when it was pushed",
    "pull": "nothing that can be true says when it was pulled",
    "labels": "its labels cannot be read",
    "provenance": "its provenance cannot be read",
    "commit": "nothing says which commit it is of",
    "branch": "nothing says which branch it is of",
    "version": "it is no version",
    "release-time": "nothing says when its release was pushed",
    "history": "the clone may lack its commit",
    "commit-of-another": "it cannot be read of which commit a tag is that stays",
}


def entry_text(policy: str, entry: int) -> str:
    return f"entry {entry} of policy {shown(policy)}"


def kept_text(reason: KeptByEntry) -> str:
    said = [_KEYS.get(each, each) for each in reason.keys] if reason.like is None else []
    if reason.like is not None:
        what = "image" if "with-siblings" in reason.keys else "commit"
        said.append(f"it has the {what} of {short(reason.like)}, which stays")
    if reason.place is not None:
        said.append(_place_text(reason.place))
    if reason.age is not None:
        said.append(_age_text(reason.age))
    return f"{entry_text(reason.policy, reason.entry)} keeps it: {', '.join(said) or 'every tag'}"


def not_kept_text(reason: NotKeptBy) -> str:
    why = [_place_text(reason.place)] if reason.place is not None else []
    if reason.place is None and (reason.age is None or reason.age.within is None):
        why.append(_MISSED.get(reason.key, f"not by {reason.key}"))
    if reason.age is not None:
        why.append(_age_text(reason.age))
    return f"{entry_text(reason.policy, reason.entry)} does not keep it: {', '.join(why)}"


def _place_text(place: Place) -> str:
    of = f" of {shown(place.group)}" if place.group else ""
    this = f"this is number {place.number}{of}"
    match place.by:
        case "newest":
            return f"newest {place.of}, {this}"
        case "semver":
            return f"the {place.of} highest versions, {this}"
        case "prereleases":
            return f"the {place.of} highest prereleases, {this}"
        case "groups":
            return f"the {place.of} newest groups, {this}"
        case "daily" | "weekly" | "monthly":
            return f"{place.by} {place.of}, {this}"
        case _:
            assert_never(place.by)


def _age_text(age: Age) -> str:
    ago = duration(max(0, age.seconds))
    when = f"it was pulled {ago} ago" if age.source is None else _SOURCES[age.source].format(ago)
    if age.within is None:
        return when
    return f"{'pulled' if age.source is None else 'pushed'}-within {duration(age.within)}, {when}"
