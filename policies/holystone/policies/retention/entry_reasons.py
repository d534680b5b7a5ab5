"""Why an entry keeps a tag or does not, as reasons."""

from collections.abc import Iterator

from holystone.engine.model.policy_reasons import Age, CannotJudge, Doubt, EntryKey, KeptByEntry, NotKeptBy
from holystone.engine.model.reasons import KeepReason
from holystone.policies.retention.answers import Standing
from holystone.policies.retention.rules import Entry
from holystone.policies.retention.sight import Seen, Sight


class EntryReasons:
    """The reasons of one entry; those that are the same for many tags are made once."""

    def __init__(self, sight: Sight, number: int, entry: Entry) -> None:
        self._policy = sight.policy.name
        self._now = sight.facts.now
        self._number = number + 1
        self._entry = entry
        self._doubted: dict[Doubt, CannotJudge] = {}
        self._missed: dict[EntryKey, NotKeptBy] = {}
        self._keys = tuple(_keys(entry))
        self._plain = KeptByEntry(self._policy, self._number, self._keys)

    def kept(self, standing: Standing, seen: Seen) -> tuple[KeepReason, ...]:
        if standing.like is not None:
            siblings = standing.key == "with-siblings"
            keys: tuple[EntryKey, ...] = ("with-siblings",) if siblings else ("same-commit",)
            return (KeptByEntry(self._policy, self._number, keys, like=standing.like),)
        keys = (standing.key,) if standing.key in ("prereleases", "until-released") else self._keys
        age = self._age(seen, standing)
        if keys is self._keys and age is None and standing.place is None and not standing.because:
            return (self._plain,)
        return KeptByEntry(self._policy, self._number, keys, standing.place, age), *standing.because

    def missed(self, standing: Standing, seen: Seen) -> NotKeptBy:
        key = standing.key or "tags"
        if standing.place is None and key not in ("pushed-within", "pulled-within", "thin"):
            if key not in self._missed:
                self._missed[key] = NotKeptBy(self._policy, self._number, key)
            return self._missed[key]
        return NotKeptBy(self._policy, self._number, key, standing.place, self._age(seen, standing))

    def doubted(self, doubt: Doubt) -> CannotJudge:
        if doubt not in self._doubted:
            self._doubted[doubt] = CannotJudge(self._policy, self._number, doubt)
        return self._doubted[doubt]

    def _age(self, seen: Seen, standing: Standing) -> Age | None:
        """What the entry asks for, or by what it counted."""
        entry, within = self._entry, None
        if standing.key == "pulled-within" or (entry.pulled_within is not None and standing.answer is True):
            pulled = seen.pulled
            return None if pulled is None else Age(self._now - pulled.seconds, within=entry.pulled_within)
        if standing.key == "pushed-within" or (entry.pushed_within is not None and standing.answer is True):
            within = entry.pushed_within
            if within is None and entry.semver is not None and entry.semver.prereleases is not None:
                within = entry.semver.prereleases.within
        elif entry.newest is None and entry.thin is None and entry.groups is None:
            return None
        return None if seen.at is None else Age(self._now - seen.at.seconds, seen.at.source, within)


def _keys(entry: Entry) -> Iterator[EntryKey]:
    """The keys that no place and no age shows."""
    if entry.tags is not None:
        yield "tags"
    if entry.except_:
        yield "except"
    if entry.branch_exists_in is not None:
        yield "branch-exists-in"
    if entry.branch_head_of is not None:
        yield "branch-head-of"
    if entry.commits_of is not None:
        yield "commits-of"
    if entry.mentioned_in is not None:
        yield "mentioned-in"
    if entry.label is not None:
        yield "label"
    if entry.same_commit:
        yield "same-commit"
