"""What `semver` counts: the highest releases of each group, and prereleases, which never take a release's place."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal, NamedTuple

import msgspec

from holystone.engine.model.policy_reasons import Doubt, Place
from holystone.engine.model.references import Digest
from holystone.policies.retention.answers import Standing
from holystone.policies.retention.candidates import Moment
from holystone.policies.retention.counting import GroupKey, group_text
from holystone.policies.retention.rules import Prereleases, Semver
from holystone.policies.retention.sight import Matching
from holystone.policies.retention.versions import TagVersion, parse_version


class Versioned(msgspec.Struct, frozen=True, gc=False):
    matching: Matching
    version: TagVersion


class _Group(NamedTuple):
    releases: list[Versioned]
    prereleases: list[Versioned]

    @property
    def highest(self) -> tuple[TagVersion, int]:
        """The highest release, and among equal ones the last in natural order; of what has none, the highest
        prerelease."""
        counted = [each for each in (*self.releases, *self.prereleases) if not each.matching.seen.candidate.archived]
        releases = [each for each in counted if each.version.is_release]
        return max(((each.version, each.matching.order) for each in releases or counted), default=(_NONE, -1))


_NONE = TagVersion(-1, 0, 0, False, ())


def version_of(each: Matching) -> TagVersion | None:
    return parse_version(each.groups.get("version", "") if "version" in each.groups else each.seen.candidate.tag)


def count_versions(
    semver: Semver, pool: Sequence[Versioned], all_matching: Sequence[Versioned], now: int
) -> Mapping[int, Standing]:
    """What is to be said of each of the pool, by its position. `all_matching`: also those that other keys of the entry
    leave out, among which the releases of prereleases may be. `now`: Unix seconds."""
    groups: defaultdict[GroupKey, _Group] = defaultdict(lambda: _Group([], []))
    for each in pool:
        group = groups[_key(semver.per, each)]
        (group.releases if each.version.is_release else group.prereleases).append(each)
    released = _Released(semver, all_matching, now)
    found: dict[int, Standing] = {}
    for key, place in _places(groups):
        text = group_text(semver.per, key)
        group = groups[key]
        rules = semver.prereleases
        if rules is None:
            found |= {each.matching.order: _UNSAID for each in group.prereleases}
        if semver.groups is not None and place > semver.groups:
            out = Standing(False, "groups", Place("groups", place, semver.groups, text))
            found |= {each.matching.order: found.get(each.matching.order, out) for members in group for each in members}
            continue
        for each, number in _ranks(group.releases):
            found[each.matching.order] = _by_number("semver", number, semver.newest, text)
        if rules is not None:
            for each, number in _ranks(group.prereleases):
                found[each.matching.order] = _prerelease(rules, each, number, text, released, now)
    return found


_UNSAID = Standing(True, "prereleases")


def _key(per: tuple[str, ...], each: Versioned) -> GroupKey:
    return tuple([_part(name, each) for name in per])


def _part(name: str, each: Versioned) -> str:
    version = each.version
    if name == "major":
        return str(version.major)
    return f"{version.major}.{version.minor}" if name == "minor" else each.matching.groups.get(name, "")


def _places(groups: Mapping[GroupKey, _Group]) -> Iterator[tuple[GroupKey, int]]:
    """The groups of the highest releases first; one without a release takes no place of theirs."""
    place = 1
    highest = {key: group.highest for key, group in groups.items()}
    for key in sorted(groups, key=lambda each: highest[each], reverse=True):
        yield key, place
        place += highest[key][0].is_release


def _ranks(members: Sequence[Versioned]) -> Iterator[tuple[Versioned, int | None]]:
    """The number of each image's version, counted from the highest; None for archived ones, which take no place."""
    highest: dict[Digest, TagVersion] = {}
    for each in members:
        candidate = each.matching.seen.candidate
        if not candidate.archived:
            highest[candidate.digest] = max(each.version, highest.get(candidate.digest, each.version))
    numbers = {version: number for number, version in enumerate(sorted(set(highest.values()), reverse=True), start=1)}
    for each in members:
        version = highest.get(each.matching.seen.candidate.digest)
        yield each, None if version is None else numbers[version]


def _by_number(key: Literal["semver", "prereleases"], number: int | None, most: int, group: str) -> Standing:
    if number is None:
        return Standing(False, key)
    stays = number <= most
    return Standing(stays, None if stays else key, Place(key, number, most, group))


def _prerelease(
    rules: Prereleases, each: Versioned, number: int | None, group: str, released: "_Released", now: int
) -> Standing:
    """Any of what is said keeps it."""
    no = Standing(False, "prereleases")
    doubt: Doubt | None = None
    if rules.newest is not None:
        counted = _by_number("prereleases", number, rules.newest, group)
        if counted.answer is True:
            return counted
        no = counted
    if rules.within is not None:
        at = each.matching.seen.at
        if at is None:
            doubt = "time"
        elif now - at.seconds <= rules.within:
            return Standing(True, "pushed-within")
    if rules.until_released is not None:
        age = released.age(each)
        if age is None:
            doubt = doubt or "release-time"
        elif age <= rules.until_released:
            return Standing(True, "until-released")
    return no if doubt is None else Standing(doubt, "prereleases")


class _Released:
    """How long releases have been there."""

    def __init__(self, semver: Semver, all_matching: Sequence[Versioned], now: int) -> None:
        self._per = tuple(name for name in semver.per if name not in ("major", "minor"))
        self._now = now
        self._newest: dict[tuple[tuple[int, int, int], GroupKey], int | None] = {}
        if semver.prereleases is None or semver.prereleases.until_released is None:
            return
        for each in all_matching:
            if each.version.is_release:
                self._add(each.version.release, _key(self._per, each), each.matching.seen.at)

    def _add(self, release: tuple[int, int, int], key: GroupKey, at: Moment | None) -> None:
        """The newest of several tags of one release counts; none of them does, where the time of one is not known."""
        known = self._newest.get((release, key), -1)
        self._newest[release, key] = None if at is None or known is None else max(at.seconds, known)

    def age(self, each: Versioned) -> int | None:
        """Seconds; less than any if the release is not there. None: not known."""
        newest = self._newest.get((each.version.release, _key(self._per, each)), self._now + 1)
        return None if newest is None else self._now - newest
