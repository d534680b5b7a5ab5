"""The rules of retention said a second time, slowly and plainly: which tags of one repository stay.

It shares the values of policies and candidates with the policies' own code, and none of that code. Each rule's sentence
stands above it. Everything is counted anew for each tag.
"""

import fnmatch
import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from functools import cmp_to_key
from typing import Any

import semver

from holystone.policies.retention.candidates import Candidate, Candidates, Facts
from holystone.policies.retention.patterns import ExpressionPattern, GlobPattern, NamePattern, TagPattern
from holystone.policies.retention.rules import CommitOf, Entry, Policy

YES, NO, UNKNOWN = "yes", "no", "unknown"
DAY = 24 * 3600


class PlainRetention:
    def __init__(self, policy: Policy, candidates: Candidates, facts: Facts) -> None:
        self.policy, self.facts, self.now = policy, facts, facts.now
        self.tags = list(candidates.tags)

    def staying(self) -> set[str]:
        """ "A tag stays if any entry keeps it." "A tag that could be kept by an entry which cannot judge it stays."
        "In-use: images in use stay, whatever a rule says", and "archived stays whatever a policy says"."""
        stays = {each.tag for each in self.tags if each.tag in self.facts.in_use or each.archived}
        for entry in self.policy.keep:
            if not entry.same_commit:
                stays |= {tag for tag, answer in self.answers(entry, set()).items() if answer != NO}
        before = set(stays)
        for entry in self.policy.keep:
            if entry.same_commit:
                stays |= {tag for tag, answer in self.answers(entry, before).items() if answer != NO}
        return set(map(str, stays))

    def answers(self, entry: Entry, staying: set[Any]) -> dict[Any, str]:
        by_name = {each.tag: each for each in self.tags}
        about = [each for each in self.tags if self.groups(entry, each) is not None]
        alone = {each.tag: self.alone(entry, each, staying) for each in about}
        # "Unknown takes nobody's place": what cannot be judged is not among those that are counted.
        for each in about:
            if alone[each.tag] == YES and not self.countable(entry, each):
                alone[each.tag] = UNKNOWN
        final = dict(alone)
        pool = [each for each in about if final[each.tag] == YES]
        if entry.commits_of is not None:
            final.update({each.tag: self.by_commits(entry, each, pool) for each in pool})
            pool = [each for each in pool if final[each.tag] == YES]
        if entry.semver is not None:
            final.update({each.tag: self.by_version(entry, each, pool, about) for each in pool})
            judged = [each for each in pool if final[each.tag] != UNKNOWN]
        else:
            judged = pool
        for each in judged:
            if final[each.tag] == YES and not self.counted(entry, each, judged):
                final[each.tag] = NO
        if entry.with_siblings:
            # "All tags of a kept digest."
            for each in self.tags:
                same = [final[other.tag] for other in self.tags if other.digest == each.digest and other.tag in final]
                best = YES if YES in same else UNKNOWN if UNKNOWN in same else NO
                final[each.tag] = best
        assert set(final) <= set(by_name)
        return final

    # What each tag is asked alone.

    def groups(self, entry: Entry, each: Candidate) -> dict[str, str] | None:
        """ "Names, globs or RE2; any of them", "matched as a whole"; None: none of them matches, or "it is not
        about them"."""
        if any(plain_match(pattern, each.tag) is not None for pattern in entry.except_):
            return None
        if entry.tags is None:
            return {}
        for pattern in entry.tags:
            found = plain_match(pattern, each.tag)
            if found is not None:
                return found
        return None

    def alone(self, entry: Entry, each: Candidate, staying: set[Any]) -> str:
        """ "An entry keeps it if all its keys hold." One that does not hold is enough."""
        asked: list[str] = []
        groups = self.groups(entry, each) or {}
        if entry.pushed_within is not None:
            asked.append(self.recent(self.time(each), entry.pushed_within))
        if entry.pulled_within is not None:
            asked.append(self.recent(self.sensible(each.pulled), entry.pulled_within))
        if entry.label is not None:
            values = None if each.labels is None else each.labels.get(entry.label.name, frozenset())
            wanted = entry.label.value
            asked.append(UNKNOWN if values is None else yes(values if wanted is None else wanted in values))
        if entry.branch_exists_in is not None:
            branches = self.facts.clones[entry.branch_exists_in].branches
            branch = groups.get("branch")
            asked.append(UNKNOWN if not branch else yes(any(meant(one.name, branch) for one in branches)))
        if entry.branch_head_of is not None:
            branches = self.facts.clones[entry.branch_head_of].branches
            branch = groups.get("branch")
            heads = [one.commit for one in branches if not branch or meant(one.name, branch)]
            commits = self.commits(each, groups, entry.commit)
            if branch and not heads:
                asked.append(NO)
            elif not commits:
                asked.append(UNKNOWN)
            else:
                asked.append(yes(any(head.startswith(commit) for head in heads for commit in commits)))
        if entry.mentioned_in is not None:
            mentions = self.facts.mentions[entry.mentioned_in]
            asked.append(yes(each.tag in mentions.tags or each.digest in mentions.digests))
        if entry.same_commit:
            asked.append(self.same_commit(entry, each, groups, staying))
        return NO if NO in asked else UNKNOWN if UNKNOWN in asked else YES

    def same_commit(self, entry: Entry, each: Candidate, groups: dict[str, str], staying: set[Any]) -> str:
        """ "The commit of a kept tag." A tag that stays and cannot be read may be of any commit."""
        mine = self.commits(each, groups, entry.commit)
        if not mine:
            return UNKNOWN
        theirs: list[set[str] | None] = []
        for other in self.tags:
            if other.tag not in staying:
                continue
            if entry.commit.source == "group":
                patterns = [one for some in self.policy.keep for one in some.tags or ()]
                found = [plain_match(one, other.tag) or {} for one in patterns]
                theirs += [self.commits(other, one, entry.commit) for one in found]
            else:
                theirs.append(self.commits(other, {}, entry.commit))
        known = {commit for commits in theirs if commits for commit in commits}
        if any(one.startswith(two) or two.startswith(one) for one in mine for two in known):
            return YES
        return UNKNOWN if None in theirs else NO

    def commits(self, each: Candidate, groups: dict[str, str], by: CommitOf) -> set[str] | None:
        """None: they cannot be read."""
        said: set[str] | None
        if by.source == "group":
            said = {groups[by.name]} if by.name in groups else set()
        elif by.source == "provenance":
            said = None if each.provenance is None else set(each.provenance)
        else:
            said = None if each.labels is None else set(each.labels.get(by.name, ()))
        return None if said is None else {one.lower() for one in said if re.fullmatch("[0-9a-f]{7,64}", one.lower())}

    def sensible(self, moment: Any) -> int | None:
        """ "A time more than a day ahead, `created` of year 1 or 1970: the entry cannot judge it." """
        if moment is None or moment.seconds > self.now + DAY:
            return None
        return moment.seconds if datetime.fromtimestamp(moment.seconds, UTC).year >= 2013 else None

    def time(self, each: Candidate) -> int | None:
        return self.sensible(each.created if self.policy.times == "created" else each.pushed)

    def recent(self, time: int | None, within: int) -> str:
        return UNKNOWN if time is None else yes(time >= self.now - within)

    def countable(self, entry: Entry, each: Candidate) -> bool:
        """ "No time, a tag that is no version under `semver`: the entry cannot judge it." """
        needs_time = entry.newest is not None or entry.thin is not None or entry.groups is not None
        if needs_time and self.time(each) is None:
            return False
        return entry.semver is None or self.version(entry, each) is not None

    # What is counted.

    def age_order(self, one: Candidate, other: Candidate) -> int:
        """Positive if the first is the newer. "The first by natural order is the older"."""
        mine, theirs = self.time(one) or 0, self.time(other) or 0
        return (mine > theirs) - (mine < theirs) or natural_order(one.tag, other.tag)

    def per(self, entry: Entry, per: Iterable[str], each: Candidate) -> list[str]:
        groups = self.groups(entry, each) or {}
        found = []
        for name in per:
            version = self.version(entry, each) if name in ("major", "minor") else None
            if version is None:
                found.append(groups.get(name, ""))
            else:
                found.append(str(version.major) if name == "major" else f"{version.major}.{version.minor}")
        return found

    def images(self, pool: Iterable[Candidate]) -> dict[Any, Candidate]:
        """ "By digest: five tags of one image are one." "Archived images take no place." "A digest's place is that of
        its newest matching tag"."""
        found: dict[Any, Candidate] = {}
        for each in pool:
            if each.archived:
                continue
            if each.digest not in found or self.age_order(each, found[each.digest]) > 0:
                found[each.digest] = each
        return found

    def counted(self, entry: Entry, each: Candidate, pool: list[Candidate]) -> bool:
        if entry.newest is None and entry.thin is None and entry.groups is None:
            return True
        mine = self.per(entry, entry.per, each)
        images = self.images(one for one in pool if self.per(entry, entry.per, one) == mine)
        if each.digest not in images:
            return False
        if entry.groups is not None:
            # "`groups: N` takes the newest by their newest member".
            newest = self.newest_of(images.values())
            others = []
            for other in pool:
                key = self.per(entry, entry.per, other)
                theirs = self.images(one for one in pool if self.per(entry, entry.per, one) == key)
                if theirs and self.age_order(self.newest_of(theirs.values()), newest) > 0 and key not in others:
                    others.append(key)
            if len(others) >= entry.groups:
                return False
        newer = [one for one in images.values() if self.age_order(one, images[each.digest]) > 0]
        if entry.newest is not None and len(newer) >= entry.newest:
            return False
        return entry.thin is None or self.thinned(entry.thin, images, images[each.digest])

    def newest_of(self, images: Iterable[Candidate]) -> Candidate:
        return max(images, key=cmp_to_key(self.age_order))

    def thinned(self, thin: Any, images: dict[Any, Candidate], mine: Candidate) -> bool:
        """ "`daily: 7` is the newest of each of the last seven days that have an image (UTC; ISO weeks; calendar
        months); the parts add up"."""
        parts: list[tuple[int, Callable[[datetime], Any]]] = [
            (thin.daily, lambda at: at.strftime("%Y-%m-%d")),
            (thin.weekly, lambda at: at.strftime("%G-%V")),
            (thin.monthly, lambda at: at.strftime("%Y-%m")),
        ]
        for number, period_of in parts:

            def period(image: Candidate, period_of: Callable[[datetime], Any] = period_of) -> Any:
                return period_of(datetime.fromtimestamp(self.time(image) or 0, UTC))

            same = [one for one in images.values() if period(one) == period(mine)]
            best = max(same, key=cmp_to_key(self.age_order))
            if thin.which == "first":
                best = min(same, key=cmp_to_key(self.age_order))
            later = {period(one) for one in images.values() if period(one) > period(mine)}
            if best.digest == mine.digest and len(later) < number:
                return True
        return False

    def version(self, entry: Entry, each: Candidate) -> semver.Version | None:
        groups = self.groups(entry, each) or {}
        text = groups.get("version", each.tag)
        try:
            return semver.Version.parse(re.sub("^[vV]", "", text).replace("_", "+"))
        except ValueError:
            return None

    def highest(self, entry: Entry, each: Candidate, pool: list[Candidate]) -> semver.Version | None:
        """The highest version of the image of this tag; None for one that takes no place."""
        same = [one for one in pool if one.digest == each.digest and not one.archived]
        versions = [version for one in same if (version := self.version(entry, one)) is not None]
        return max(versions, default=None)

    def by_version(self, entry: Entry, each: Candidate, pool: list[Candidate], about: list[Candidate]) -> str:
        """ "`semver` orders as SemVer does; build metadata makes no new version. A prerelease never takes a release's
        place: `prereleases` keeps them; unsaid they stay"."""
        rules, mine = entry.semver, self.version(entry, each)
        assert rules is not None
        assert mine is not None
        key = self.per(entry, rules.per, each)
        group = [one for one in pool if self.per(entry, rules.per, one) == key]
        kind = [one for one in group if is_release(self.version(entry, one)) == is_release(mine)]
        if not is_release(mine) and rules.prereleases is None:
            return YES
        if rules.groups is not None and self.higher_groups(entry, key, group, pool) >= rules.groups:
            return NO
        place = self.highest(entry, each, kind)
        higher: list[semver.Version] = []
        for one in kind:
            other = self.highest(entry, one, kind)
            if place and other and other > place and not any(other.compare(known) == 0 for known in higher):
                higher.append(other)
        if is_release(mine):
            return yes(place is not None and len(higher) < rules.newest)
        answers = []
        assert rules.prereleases is not None
        if rules.prereleases.newest is not None:
            answers.append(yes(place is not None and len(higher) < rules.prereleases.newest))
        if rules.prereleases.within is not None:
            answers.append(self.recent(self.time(each), rules.prereleases.within))
        if rules.prereleases.until_released is not None:
            answers.append(self.until_released(entry, each, about, rules.prereleases.until_released))
        return YES if YES in answers else UNKNOWN if UNKNOWN in answers else NO

    def until_released(self, entry: Entry, each: Candidate, about: list[Candidate], until: int) -> str:
        rules, mine = entry.semver, self.version(entry, each)
        assert rules is not None
        assert mine is not None
        names = [name for name in rules.per if name not in ("major", "minor")]
        times = []
        for one in about:
            version = self.version(entry, one)
            if version is None or version.prerelease or version.compare(mine.finalize_version()) != 0:
                continue
            if self.per(entry, names, one) == self.per(entry, names, each):
                times.append(self.time(one))
        if None in times:
            return UNKNOWN
        return yes(not times or max(time for time in times if time is not None) >= self.now - until)

    def higher_groups(self, entry: Entry, key: list[str], group: list[Candidate], pool: list[Candidate]) -> int:
        """ "`groups: N` takes the newest by version under `semver`"; those without a release take no place."""
        rules = entry.semver
        assert rules is not None
        found = []
        for one in pool:
            other = self.per(entry, rules.per, one)
            theirs = [each for each in pool if self.per(entry, rules.per, each) == other]
            if other == key or other in found or not has_release(self, entry, theirs):
                continue
            if self.top_order(entry, theirs, group) > 0:
                found.append(other)
        return len(found)

    def top_order(self, entry: Entry, one: list[Candidate], other: list[Candidate]) -> int:
        mine, theirs = self.top(entry, one), self.top(entry, other)
        if mine is None or theirs is None:
            return (mine is not None) - (theirs is not None)
        return self.version_order(entry, mine, theirs)

    def top(self, entry: Entry, group: list[Candidate]) -> Candidate | None:
        counted = [each for each in group if not each.archived]
        releases = [each for each in counted if is_release(self.version(entry, each))]

        def order(one: Candidate, other: Candidate) -> int:
            return self.version_order(entry, one, other)

        return max(releases or counted, key=cmp_to_key(order), default=None)

    def version_order(self, entry: Entry, one: Candidate, other: Candidate) -> int:
        mine, theirs = self.version(entry, one), self.version(entry, other)
        assert mine is not None
        assert theirs is not None
        return mine.compare(theirs) or natural_order(one.tag, other.tag)

    def by_commits(self, entry: Entry, each: Candidate, pool: list[Candidate]) -> str:
        """werf's keep policies: of each reference that they select, the images of the commits that it reaches, newest
        first, within its limit."""
        assert entry.commits_of is not None
        known = self.facts.histories[entry.commits_of]
        by = entry.commits_of.by
        if not self.commits(each, self.groups(entry, each) or {}, by):
            return UNKNOWN
        if each.archived:
            return NO
        commits: dict[Any, set[str]] = {}
        names: dict[Any, str] = {}
        for one in pool:
            said = self.commits(one, self.groups(entry, one) or {}, by)
            if one.archived or not said:
                continue
            whole = {commit for commit in known.history.times for text in said if commit.startswith(text)}
            commits.setdefault(one.digest, set()).update(whole)
            if one.digest not in names or natural_order(one.tag, names[one.digest]) > 0:
                names[one.digest] = one.tag
        for selected in known.selected:
            head = selected.reference.commit
            best: list[tuple[int, bool, Any]] = []
            for digest, mine in commits.items():
                if selected.reference.kind == "branch":
                    reached = [one for one in mine if head in known.history.reached_from[one]]  # type: ignore[index]
                else:
                    reached = [one for one in mine if one == head]
                if reached:
                    best.append((*max((known.history.times[one], one == head) for one in reached), digest))  # type: ignore[index]

            def order(one: Any, other: Any, names: dict[Any, str] = names) -> int:
                return (one[:2] > other[:2]) - (one[:2] < other[:2]) or natural_order(names[one[2]], names[other[2]])

            best.sort(key=cmp_to_key(order), reverse=True)
            limit = selected.images_per_reference
            number = len(best) if limit is None or limit.last is None else limit.last
            if each.digest in [digest for *_, digest in best[:number]]:
                return YES
        return NO


def has_release(plain: PlainRetention, entry: Entry, group: list[Candidate]) -> bool:
    return any(is_release(plain.version(entry, each)) for each in group if not each.archived)


def is_release(version: semver.Version | None) -> bool:
    return version is not None and not version.prerelease


def yes(holds: object) -> str:
    return YES if holds else NO


def plain_match(pattern: TagPattern, tag: str) -> dict[str, str] | None:
    match pattern:
        case NamePattern(name):
            return {} if name == tag else None
        case GlobPattern(glob):
            return {} if fnmatch.fnmatchcase(tag, glob) else None
        case ExpressionPattern(expression):
            found = re.fullmatch(expression, tag)
            return (
                None if found is None else {name: text for name, text in found.groupdict().items() if text is not None}
            )


def natural_order(one: str, other: str) -> int:
    """Numbers as numbers."""

    def parts(name: str) -> list[Any]:
        return [int(part) if part.isdigit() else part for part in re.split("([0-9]+)", name)]

    mine, theirs = parts(one), parts(other)
    if mine != theirs:
        return 1 if mine > theirs else -1
    return (len(one) > len(other)) - (len(one) < len(other)) or (one > other) - (one < other)


def meant(branch: str, text: str) -> bool:
    """ "docker/metadata-action (what is not `[A-Za-z0-9._-]` becomes `-`), GitLab's CI_COMMIT_REF_SLUG (lower case,
    `[a-z0-9]`, 63, no `-` at the ends), `/` as `-` or `_`"; an ambiguous one keeps."""
    letters = "abcdefghijklmnopqrstuvwxyz0123456789"
    allowed = letters + letters[:26].upper() + "._-"
    slug = "".join(each if each in letters else "-" for each in branch.lower())[:63].strip("-")
    odd = "".join(each if each in allowed else "-" for each in branch)
    run = ""
    for at, each in enumerate(branch):
        if each in allowed:
            run += each
        elif at == 0 or branch[at - 1] in allowed:
            run += "-"
    forms = [branch, slug, odd[:128], run[:128], branch.replace("/", "-"), branch.replace("/", "_")]
    return text.lower() in [each.lower() for each in forms]
