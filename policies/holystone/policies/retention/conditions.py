"""What an entry asks of each tag alone."""

from collections.abc import Callable, Iterator
from typing import TypeAlias

from holystone.engine.model.policy_reasons import Doubt, EntryKey
from holystone.policies.retention.answers import KEPT, Answer, Standing
from holystone.policies.retention.branch_names import Branches
from holystone.policies.retention.candidates import Moment
from holystone.policies.retention.commits import CommitPrefix, commits_of
from holystone.policies.retention.rules import CommitOf, Entry, Label, Seconds
from holystone.policies.retention.sight import Matching, Sight

Condition: TypeAlias = Callable[[Matching], Answer]


def conditions(entry: Entry, sight: Sight) -> Iterator[tuple[EntryKey, Condition]]:
    """All but `same_commit`, which depends on what the other entries keep, and those that choose."""
    now = sight.facts.now
    if entry.pushed_within is not None:
        yield "pushed-within", _within(entry.pushed_within, now, "time", lambda each: each.seen.at)
    if entry.pulled_within is not None:
        yield "pulled-within", _within(entry.pulled_within, now, "pull", lambda each: each.seen.pulled)
    if entry.label is not None:
        yield "label", _labelled(entry.label)
    if entry.branch_exists_in is not None:
        yield "branch-exists-in", _branch_exists(sight.branches[entry.branch_exists_in])
    if entry.branch_head_of is not None:
        yield "branch-head-of", _is_head(sight.branches[entry.branch_head_of], entry.commit)
    if entry.mentioned_in is not None:
        mentions = sight.facts.mentions[entry.mentioned_in]
        yield (
            "mentioned-in",
            lambda each: each.seen.candidate.tag in mentions.tags or each.seen.candidate.digest in mentions.digests,
        )


def ask(asked: list[tuple[EntryKey, Condition]], each: Matching) -> Standing:
    """One no is a no, whatever is not known beside it."""
    doubt: Standing | None = None
    for key, condition in asked:
        answer = condition(each)
        if answer is False:
            return Standing(False, key)
        if answer is not True and doubt is None:
            doubt = Standing(answer, key)
    return doubt or KEPT


def said_commits(each: Matching, by: CommitOf) -> frozenset[CommitPrefix] | Doubt:
    """The commits that the image may be of, at least one."""
    said = commits_of(each.seen.candidate, each.groups, by)
    if said is None:
        return "provenance" if by.source == "provenance" else "labels"
    return said or "commit"


def _within(most: Seconds, now: int, doubt: Doubt, moment_of: Callable[[Matching], Moment | None]) -> Condition:
    def answer(each: Matching) -> Answer:
        moment = moment_of(each)
        return doubt if moment is None else now - moment.seconds <= most

    return answer


def _labelled(label: Label) -> Condition:
    def answer(each: Matching) -> Answer:
        labels = each.seen.candidate.labels
        if labels is None:
            return "labels"
        values = labels.get(label.name)
        return values is not None and (label.value is None or label.value in values)

    return answer


def _branch_exists(branches: Branches) -> Condition:
    def answer(each: Matching) -> Answer:
        branch = each.groups.get("branch")
        return "branch" if not branch else branches.called(branch) is not None

    return answer


def _is_head(branches: Branches, by: CommitOf) -> Condition:
    def answer(each: Matching) -> Answer:
        branch = each.groups.get("branch")
        heads = branches.called(branch) if branch else branches.heads
        if heads is None:
            return False
        said = said_commits(each, by)
        return said if isinstance(said, str) else any(heads.beginning_with(commit) for commit in said)

    return answer
