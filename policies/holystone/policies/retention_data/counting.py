"""What of an entry counts: `semver` and `thin`."""

from typing import Final, Literal

from holystone.policies.retention.rules import Prereleases, Semver, Thin
from holystone.policies.retention_data.parts import Part
from holystone.policies.retention_data.tags import Groups

SEMVER_KEYS: Final = ("newest", "per", "groups", "prereleases-within", "prereleases")
PRERELEASE_KEYS: Final = ("newest", "until-released")
THIN_KEYS: Final = ("daily", "weekly", "monthly")
_OF_THE_VERSION: Final = ("major", "minor")


def parse_semver(part: Part, groups: Groups) -> Semver:
    """Raises PolicyError."""
    keys = part.keys(SEMVER_KEYS, {"newest": "how many versions stay"}, "{newest: 5}")
    if "groups" in keys and "per" not in keys:
        raise keys["groups"].wrong("goes with per, which says what the groups are")
    return Semver(
        newest=keys["newest"].count(),
        per=groups.per(keys.get("per"), also=_OF_THE_VERSION),
        groups=keys["groups"].count() if "groups" in keys else None,
        prereleases=_prereleases(keys),
    )


def _prereleases(keys: dict[str, Part]) -> Prereleases | None:
    within = keys["prereleases-within"].duration() if "prereleases-within" in keys else None
    if "prereleases" not in keys:
        return None if within is None else Prereleases(within=within)
    said = keys["prereleases"].keys(PRERELEASE_KEYS)
    return Prereleases(
        within=within,
        newest=said["newest"].count() if "newest" in said else None,
        until_released=said["until-released"].duration() if "until-released" in said else None,
    )


def parse_thin(part: Part, which: Part | None) -> Thin:
    """Raises PolicyError."""
    keys = part.keys(THIN_KEYS, like="{daily: 7}")
    first: Literal["first", "last"] = "first" if which and which.one_of("first", "last") == "first" else "last"
    daily, weekly, monthly = (keys[key].count() if key in keys else 0 for key in THIN_KEYS)
    return Thin(daily, weekly, monthly, first)
