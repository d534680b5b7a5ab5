"""What an entry counts: the newest images, the newest of each day, week and month, the newest groups. An image is a
digest, and its place that of its newest matching tag; archived ones take none."""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final, Literal, NamedTuple, TypeAlias

from holystone.engine.model.policy_reasons import EntryKey, Place
from holystone.engine.model.references import Digest
from holystone.policies.retention.answers import KEPT, Standing
from holystone.policies.retention.rules import Entry, Thin
from holystone.policies.retention.sight import Matching

GroupKey: TypeAlias = tuple[str, ...]

_Newness: TypeAlias = tuple[int, int]
"""Unix seconds, then the position in natural order: of two with one time the first is the older."""


class _Image(NamedTuple):
    newness: _Newness
    digest: Digest


def count(entry: Entry, pool: Sequence[Matching]) -> Iterator[Mapping[int, Standing]]:
    """What each key that counts says of each of the pool, all of which have a time. By their positions."""
    if entry.newest is None and entry.thin is None and entry.groups is None:
        return
    groups = group_by(pool, entry.per)
    images = {key: _images(members) for key, members in groups.items()}
    if entry.groups is not None:
        yield _newest_groups(entry.groups, groups, images, entry.per)
    if entry.newest is not None:
        yield {
            order: standing
            for key, members in groups.items()
            for order, standing in _newest(entry.newest, members, images[key], group_text(entry.per, key))
        }
    if entry.thin is not None:
        yield {
            order: standing
            for key, members in groups.items()
            for order, standing in _thinned(entry.thin, members, images[key], group_text(entry.per, key))
        }


def group_by(pool: Sequence[Matching], per: tuple[str, ...]) -> Mapping[GroupKey, Sequence[Matching]]:
    if not per:
        return {(): pool} if pool else {}
    found: defaultdict[GroupKey, list[Matching]] = defaultdict(list)
    for each in pool:
        found[tuple([each.groups.get(name, "") for name in per])].append(each)
    return found


def group_text(per: tuple[str, ...], key: GroupKey) -> str:
    """The group in words."""
    return ", ".join(f"{name} {value or 'none'}" for name, value in zip(per, key, strict=True))


def _images(members: Sequence[Matching]) -> Sequence[_Image]:
    """The newest first."""
    newest: dict[Digest, _Newness] = {}
    for each in members:
        candidate, at = each.seen.candidate, each.seen.at
        if candidate.archived or at is None:
            continue
        newness = at.seconds, each.order
        if newness > newest.get(candidate.digest, (-1, -1)):
            newest[candidate.digest] = newness
    return sorted(map(_Image, newest.values(), newest), reverse=True)


def _newest(
    number: int, members: Sequence[Matching], images: Sequence[_Image], group: str
) -> Iterator[tuple[int, Standing]]:
    standings = {}
    for place, image in enumerate(images, start=1):
        standings[image.digest] = Standing(
            place <= number, None if place <= number else "newest", Place("newest", place, number, group)
        )
    yield from _of_members(members, standings, "newest")


def _newest_groups(
    number: int,
    groups: Mapping[GroupKey, Sequence[Matching]],
    images: Mapping[GroupKey, Sequence[_Image]],
    per: tuple[str, ...],
) -> Mapping[int, Standing]:
    found: dict[int, Standing] = {}
    in_order = sorted((key for key in groups if images[key]), key=lambda key: images[key][0].newness, reverse=True)
    for place, key in enumerate(in_order, start=1):
        if place <= number:
            standing = KEPT
        else:
            standing = Standing(False, "groups", Place("groups", place, number, group_text(per, key)))
        found |= dict.fromkeys((each.order for each in groups[key]), standing)
    archived = Standing(False, "groups")
    return {each.order: found.get(each.order, archived) for members in groups.values() for each in members}


def _of_members(
    members: Sequence[Matching], standings: Mapping[Digest, Standing], key: EntryKey
) -> Iterator[tuple[int, Standing]]:
    others = Standing(False, key)
    for each in members:
        yield each.order, standings.get(each.seen.candidate.digest, others)


_Period: TypeAlias = Literal["daily", "weekly", "monthly"]


def _day(at: datetime) -> Hashable:
    return at.date()


def _week(at: datetime) -> Hashable:
    """ISO 8601: the last days of December may be of the next year's first week."""
    return at.isocalendar()[:2]


def _month(at: datetime) -> Hashable:
    return at.year, at.month


_PERIODS: Final[Mapping[_Period, Callable[[datetime], Hashable]]] = {"daily": _day, "weekly": _week, "monthly": _month}


def _thinned(
    thin: Thin, members: Sequence[Matching], images: Sequence[_Image], group: str
) -> Iterator[tuple[int, Standing]]:
    standings: dict[Digest, Standing] = {}
    numbers: tuple[tuple[_Period, int], ...] = (
        ("daily", thin.daily),
        ("weekly", thin.weekly),
        ("monthly", thin.monthly),
    )
    times = [datetime.fromtimestamp(image.newness[0], UTC) for image in images]
    for by, number in numbers:
        period_of = _PERIODS[by]
        chosen: dict[Hashable, Digest] = {}
        for image, time in zip(images, times, strict=True):
            period = period_of(time)
            if period not in chosen:
                if len(chosen) == number:
                    break
                chosen[period] = image.digest
            elif thin.which == "first":
                chosen[period] = image.digest
        for place, digest in enumerate(chosen.values(), start=1):
            standings.setdefault(digest, Standing(True, None, Place(by, place, number, group)))
    yield from _of_members(members, standings, "thin")
