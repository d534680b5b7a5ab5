"""Tags whose image is of the same commit as that of a tag which stays anyway."""

from collections.abc import Callable, Collection, Iterable

from holystone.engine.model.references import Tag
from holystone.policies.retention.answers import Standing
from holystone.policies.retention.commits import CommitIndex, CommitPrefix, commits_of
from holystone.policies.retention.conditions import said_commits
from holystone.policies.retention.patterns import NO_GROUPS, ExpressionPattern, Matcher, matcher, named_groups
from holystone.policies.retention.rules import CommitOf, Policy
from holystone.policies.retention.sight import Matching, Sight


def shares_commit(sight: Sight, by: CommitOf, stays: Collection[int]) -> Callable[[Matching], Standing]:
    """`stays`: positions of those that stay for the other entries, for doubts about them, or because they are in use.
    One that names no commit shares it with none; one that cannot be read may share it with any."""
    readers = _readers(sight.policy, by)
    some_unread = False
    tags: dict[CommitPrefix, Tag] = {}
    for order in sorted(stays):
        seen = sight.tags[order]
        for commits in _said(readers, Matching(order, seen, NO_GROUPS), by):
            some_unread |= commits is None
            for commit in commits or ():
                tags[commit] = seen.candidate.tag
    index = CommitIndex(tags)

    def standing(each: Matching) -> Standing:
        said = said_commits(each, by)
        if isinstance(said, str):
            return Standing(said, "same-commit")
        for commit in sorted(said):
            if (found := index.may_have(commit)) is not None:
                like = tags[found]
                return Standing(True, like=None if like == each.seen.candidate.tag else like)
        return Standing("commit-of-another" if some_unread else False, "same-commit")

    return standing


def _readers(policy: Policy, by: CommitOf) -> tuple[Matcher, ...]:
    """Where commits are read from a group: the expressions of all entries that have it, for what stays need not match
    the entry that asks."""
    if by.source != "group":
        return ()
    patterns = {
        pattern
        for entry in policy.keep
        for pattern in entry.tags or ()
        if isinstance(pattern, ExpressionPattern) and by.name in named_groups(pattern)
    }
    return tuple(matcher((each,)) for each in sorted(patterns, key=lambda each: each.expression))


def _said(readers: Iterable[Matcher], each: Matching, by: CommitOf) -> Iterable[frozenset[CommitPrefix] | None]:
    if by.source != "group":
        return (commits_of(each.seen.candidate, NO_GROUPS, by),)
    found = (read(each.seen.candidate.tag) for read in readers)
    return [commits_of(each.seen.candidate, groups, by) for groups in found if groups is not None]
