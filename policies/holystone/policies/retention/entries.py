"""What the entries of a policy say, each of the tags that it is about."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import NamedTuple

from holystone.engine.model.policy_reasons import EntryKey
from holystone.engine.model.references import Digest, Tag
from holystone.policies.retention.answers import KEPT, Standing
from holystone.policies.retention.commit_counting import count_commits
from holystone.policies.retention.conditions import ask, conditions
from holystone.policies.retention.counting import GroupKey, count, group_by
from holystone.policies.retention.rules import Entry
from holystone.policies.retention.same_commit import shares_commit
from holystone.policies.retention.sight import Matching, Sight
from holystone.policies.retention.version_counting import Versioned, count_versions, version_of


class EntryVerdicts(NamedTuple):
    standings: Mapping[int, Standing]
    """By position. What is missing the entry is not about."""
    matched: int
    """Tags that match it, also those that it does not keep."""
    group_sizes: Mapping[GroupKey, int]
    """How many tags each group of `per` has."""


def judge_entries(sight: Sight) -> Iterator[tuple[int, EntryVerdicts]]:
    """What each entry of the policy says, with its position: those last that ask for the commits of what stays for the
    others, for doubts about them, or because it is in use, archived or locked."""
    entries = tuple(enumerate(sight.policy.keep))
    later = [(number, entry) for number, entry in entries if entry.same_commit]
    stays: set[int] = set()
    for number, entry in entries:
        if not entry.same_commit:
            said = judge_entry(entry, sight)
            if later:
                stays.update(order for order, standing in said.standings.items() if standing.answer is not False)
            yield number, said
    if later:
        in_use = sight.facts.in_use
        stays.update(
            order
            for order, seen in enumerate(sight.tags)
            if seen.candidate.archived or seen.candidate.locked or seen.candidate.tag in in_use
        )
    for number, entry in later:
        yield number, judge_entry(entry, sight, stays)


def judge_entry(entry: Entry, sight: Sight, stays: Collection[int] = ()) -> EntryVerdicts:
    """`stays`: positions of those that stay for other entries, which `same_commit` asks for."""
    matching = sight.matching(entry.tags, entry.except_)
    standings = _ask(entry, sight, matching, stays)
    _choose(entry, sight, matching, standings)
    if entry.with_siblings:
        _add_siblings(sight, standings)
    per = entry.per or (() if entry.semver is None else entry.semver.per)
    named = tuple(name for name in per if name not in ("major", "minor"))
    sizes = {key: len(members) for key, members in group_by(matching, named).items()} if named else {}
    return EntryVerdicts(standings, len(matching), sizes)


def _ask(entry: Entry, sight: Sight, matching: Sequence[Matching], stays: Collection[int]) -> dict[int, Standing]:
    asked = list(conditions(entry, sight))
    standings = {each.order: ask(asked, each) for each in matching} if asked else {}
    if not asked:
        standings = dict.fromkeys((each.order for each in matching), KEPT)
    if entry.same_commit:
        shares = shares_commit(sight, entry.commit, stays)
        for each in matching:
            if (before := standings[each.order]).answer is not False:
                shared = shares(each)
                standings[each.order] = shared if before is KEPT or shared.answer is False else before
    return standings


def _choose(entry: Entry, sight: Sight, matching: Sequence[Matching], standings: dict[int, Standing]) -> None:
    """The limits of `commits_of` choose among what the conditions leave, each other key that counts among what is left
    then. What one of them cannot judge takes no place in any."""
    now = sight.facts.now
    versions: dict[int, Versioned] = {}
    if entry.semver is not None:
        for each in matching:
            if (version := version_of(each)) is not None:
                versions[each.order] = Versioned(each, version)
            elif standings[each.order].answer is True:
                standings[each.order] = Standing("version", "semver")
    if counts := entry.newest is not None or entry.thin is not None or entry.groups is not None:
        key: EntryKey = "newest" if entry.newest is not None else "thin" if entry.thin is not None else "groups"
        for each in matching:
            if each.seen.at is None and standings[each.order].answer is True:
                standings[each.order] = Standing("time", key)
    if entry.commits_of is not None:
        known = sight.facts.histories[entry.commits_of]
        _also(standings, count_commits(entry.commits_of.by, _left(matching, standings), known, now))
    left = _left(matching, standings)
    if entry.semver is not None:
        counted = count_versions(entry.semver, [versions[each.order] for each in left], list(versions.values()), now)
        _also(standings, counted)
        left = [each for each in left if isinstance(counted[each.order].answer, bool)]
    if counts:
        for counted in count(entry, left):
            _also(standings, counted)


def _left(matching: Sequence[Matching], standings: Mapping[int, Standing]) -> Sequence[Matching]:
    return [each for each in matching if standings[each.order].answer is True]


def _also(standings: dict[int, Standing], more: Mapping[int, Standing]) -> None:
    """What one more key says of tags for which nothing is in doubt. One no is a no."""
    for order, standing in more.items():
        before = standings[order]
        if before is KEPT or (before.answer is True and standing.answer is not True):
            standings[order] = standing
        elif before.answer is True:
            standings[order] = Standing(
                True,
                before.key or standing.key,
                before.place or standing.place,
                before.like or standing.like,
                before.because + standing.because,
            )


def _add_siblings(sight: Sight, standings: dict[int, Standing]) -> None:
    """All tags of what the entry keeps, and of what it cannot judge."""
    kept: dict[Digest, Tag] = {}
    doubted: dict[Digest, Standing] = {}
    for order, standing in standings.items():
        candidate = sight.tags[order].candidate
        if standing.answer is True:
            kept.setdefault(candidate.digest, candidate.tag)
        elif standing.answer is not False:
            doubted.setdefault(candidate.digest, standing)
    for order, seen in enumerate(sight.tags):
        before = standings.get(order)
        if before is not None and before.answer is True:
            continue
        digest = seen.candidate.digest
        if digest in kept:
            standings[order] = Standing(True, "with-siblings", like=kept[digest])
        elif digest in doubted and (before is None or before.answer is False):
            standings[order] = doubted[digest]
