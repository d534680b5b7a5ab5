"""What entries of policies say, in words."""

from collections.abc import Mapping
from typing import Final, assert_never

from holystone.engine.model.policy_reasons import Age, Doubt, EntryKey, KeptByEntry, NotKeptBy, Place, TimeSource
from holystone.engine.report.words import duration, short, shown

_SOURCES: Final[Mapping[TimeSource, str]] = {
    "tag-pushed": "when the tag was pushed",
    "manifest-pushed": "when its manifest was pushed",
    "annotation": "its annotation",
    "created": "when it was built",
    "first-seen": "when a run first saw it",
    "restored": "when it was restored",
}
_KEYS: Final[Mapping[EntryKey, str]] = {
    "prereleases": "a prerelease, and it does not say which of them stay",
    "until-released": "a prerelease whose release is not there, or not as old as it asks for",
}
"""Keys that do not say enough by themselves."""
DOUBTS: Final[Mapping[Doubt, str]] = {
    "time": "nothing says when it was pushed",
    "pull": "nothing says when it was pulled",
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
    why = [f"not by {reason.key}"] if reason.place is None and reason.age is None else []
    why += [_place_text(reason.place)] if reason.place is not None else []
    why += [_age_text(reason.age)] if reason.age is not None else []
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
    what = "pulled" if age.source is None else "built" if age.source == "created" else "pushed"
    when = f"{what} {duration(max(0, age.seconds))} ago"
    by = f" by {_SOURCES[age.source]}" if age.source is not None else ""
    return f"{when}{by}" + ("" if age.within is None else f", within {duration(age.within)} is asked for")
