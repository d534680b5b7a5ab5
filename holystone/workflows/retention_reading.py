"""What has to be read of a repository so that a policy can judge it, and nothing more."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final, NamedTuple

from holystone.engine.closure.graph import is_attached_name, names_its_subject
from holystone.engine.errors import IncompleteSource
from holystone.engine.executor.tombstones import RUN_LABEL
from holystone.engine.inventory.contents import Contents
from holystone.engine.model.references import Tag
from holystone.engine.ports import Wanted
from holystone.policies.retention.patterns import TagPattern, matcher, steps
from holystone.policies.retention.rules import CommitOf, Entry, Policy
from holystone.workflows.candidate_facts import CREATED

_LONGEST: Final = 200
"""Characters of a label that is remembered, or one more than the longest that the policy asks for: whatever is longer
is neither that nor a commit."""
_STEPS: Final = 20_000_000_000
"""Of a policy's expressions, over the bytes of the tags that are held against them: some minutes, in which nothing else
can happen, where RE2 has to take each for each byte."""


class Reading(NamedTuple):
    """What is asked of a repository; `needs_config`, `contents` and `wanted` as `read_repository` and `plan_repository`
    take them."""

    needs_config: Callable[[Tag], bool]
    contents: Contents
    wanted: Wanted
    needs_provenance: Callable[[Tag], bool]
    """The tags of which attestations are looked at."""


def reading_of(policy: Policy, most: int = _STEPS) -> Reading:
    """What is read of one repository. `needs_config` and `contents.immutable` raise IncompleteSource where there are
    more tags than the policy's expressions can be held against."""
    names = frozenset(_labels(policy))
    longest = max((_LONGEST, *(1 + len(entry.label.value or "") for entry in policy.keep if entry.label)))

    def remembered(labels: Mapping[str, str], more: frozenset[str] = frozenset()) -> Mapping[str, str]:
        return {name: text[:longest] for name, text in labels.items() if name in names or name in more}

    labelled, dated = _matching(policy, _needs_labels), _matching(policy, _needs_time)
    attested = _matching(policy, _needs_provenance)
    if any(entry.same_commit and _label(entry.commit) for entry in policy.keep):
        labelled = _not_attached  # the commit of any tag that stays counts
    if any(entry.same_commit and entry.commit.source == "provenance" for entry in policy.keep):
        attested = _not_attached
    by_build = policy.times == "created"
    count = _bounded(policy, [entry.tags for entry in policy.keep], most)

    def needs_config(tag: Tag) -> bool:
        count(tag)
        return labelled(tag) or (by_build and dated(tag))

    return Reading(
        needs_config=needs_config,
        contents=Contents(
            labels=remembered,
            annotations=lambda labels: remembered(labels, frozenset({CREATED, RUN_LABEL})),
            parts=True,
            undated=dated,
            immutable=_immutable(policy, most),
        ),
        wanted=Wanted(
            pulls=any(entry.pulled_within is not None for entry in policy.keep),
            loose=policy.untagged_after is not None or policy.orphaned_after is not None,
        ),
        needs_provenance=attested,
    )


def _bounded(policy: Policy, patterns: Iterable[tuple[TagPattern, ...] | None], most: int) -> Callable[[Tag], None]:
    of_each = sum(map(steps, patterns))
    size = 0

    def count(tag: Tag) -> None:
        nonlocal size
        size += len(tag)
        if size * of_each > most:
            raise IncompleteSource(
                f"The expressions of policy {policy.name} take {of_each:,} steps for each letter, and there are "
                f"{size:,} and more in the tags: that is more than is judged.",
                what_to_do="Write shorter expressions, or find out who made so many tags.",
            )

    return count


def _immutable(policy: Policy, most: int) -> Callable[[Tag], bool]:
    if not policy.immutable:
        return names_its_subject
    match, count = matcher(policy.immutable), _bounded(policy, [policy.immutable], most)

    def is_immutable(tag: Tag) -> bool:
        count(tag)
        return names_its_subject(tag) or match(tag) is not None

    return is_immutable


def _not_attached(tag: Tag) -> bool:
    return not is_attached_name(tag)


def _matching(policy: Policy, needs: Callable[[Entry], bool]) -> Callable[[Tag], bool]:
    matchers = tuple(matcher(entry.tags) for entry in policy.keep if needs(entry))
    return lambda tag: _not_attached(tag) and any(match(tag) is not None for match in matchers)


def _needs_labels(entry: Entry) -> bool:
    return bool({*_labels_of(entry)})


def _needs_time(entry: Entry) -> bool:
    prereleases = entry.semver and entry.semver.prereleases
    ages = (entry.pushed_within, entry.pulled_within)
    counts = (entry.newest, entry.thin, entry.groups, entry.commits_of, prereleases)
    return any(each is not None for each in (*ages, *counts))


def _labels(policy: Policy) -> frozenset[str]:
    return frozenset(name for entry in policy.keep for name in _labels_of(entry))


def _labels_of(entry: Entry) -> tuple[str, ...]:
    return tuple(name for name in (entry.label and entry.label.name, *map(_label, _commits(entry))) if name)


def _needs_provenance(entry: Entry) -> bool:
    return any(each.source == "provenance" for each in _commits(entry))


def _commits(entry: Entry) -> Iterator[CommitOf]:
    if entry.commits_of:
        yield entry.commits_of.by
    if entry.branch_head_of or entry.same_commit:
        yield entry.commit


def _label(commit: CommitOf) -> str | None:
    return commit.name if commit.source == "label" else None
