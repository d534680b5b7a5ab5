"""What a run took away from a repository, or may have taken away, or found gone afterwards, and the order in which that
comes back: told by the manifests themselves, never by the order in which they went."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Set
from dataclasses import dataclass, replace
from typing import TypeAlias

from holystone.engine.closure.graph import subjects_by_name
from holystone.engine.closure.order import Levels, components
from holystone.engine.model.manifests import Manifest
from holystone.engine.model.outcomes import AlreadyGone, Deleted, Failed, StillServed
from holystone.engine.model.plan import Remove, RepositoryPlan, Step
from holystone.engine.model.records import Journaled, RepositoryRecord
from holystone.engine.model.references import Digest, Repository, Tag

Names: TypeAlias = Set[Tag | Digest]
Part: TypeAlias = Mapping[Repository, Names]
"""What is to come back of a run, by the canonical repository; no name at all: all of it."""


def parts(manifest: Manifest | None) -> tuple[Digest, ...]:
    """Manifests that must be there before this one: what it lists, which no server does without, and its subject, which
    distribution needs not and GitLab 4, Harbor and Cloudflare's serverless-registry do. Empty for bytes that cannot be
    understood."""
    subject = (manifest.subject,) if manifest and manifest.subject else ()
    return (*children(manifest), *subject)


def children(manifest: Manifest | None) -> tuple[Digest, ...]:
    """What an index lists."""
    return manifest.children if manifest else ()


def levels(manifests: Mapping[Digest, Manifest | None]) -> Levels:
    """The order in which manifests come back: each level needs only those before it. Inside a circle, which no honest
    bytes make, there is no order."""
    after: dict[Digest, list[Digest]] = {digest: [] for digest in sorted(manifests)}
    for digest in after:
        for part in parts(manifests[digest]):
            if part in after:
                after[part].append(digest)
    first: dict[Digest, int] = defaultdict(int)
    for circle in components(after, after):
        level = max(first[digest] for digest in circle)
        for digest in circle:
            first[digest] = level
        for other in _beyond(circle, after):
            first[other] = max(first[other], level + 1)
    found: dict[int, list[Digest]] = defaultdict(list)
    for digest in after:
        found[first[digest]].append(digest)
    return tuple(tuple(found[level]) for level in sorted(found))


def _beyond(circle: Collection[Digest], after: Mapping[Digest, Iterable[Digest]]) -> set[Digest]:
    return {other for digest in circle for other in after[digest]} - set(circle)


@dataclass(frozen=True, slots=True)
class Taken:
    manifests: frozenset[Digest]
    tags: Mapping[Tag, Digest]
    held: Mapping[Digest, Manifest | None]
    """Of all these, those behind the tags included, the ones whose bytes the journal has; None for bytes that cannot be
    understood. Of what the registry took along by itself they may be missing."""
    damaged: frozenset[Digest]
    """Of which the journal has other bytes than theirs."""
    levels: Levels
    """All of them in the order in which they come back."""


def taken(plan: RepositoryPlan, known: RepositoryRecord, journaled: Journaled) -> Taken:
    """What a run took away from a repository. What it did itself was written down before: no step was done whose
    manifest is not in `journaled`."""
    recorded = journaled.whole.keys() | journaled.damaged
    steps = [step for step in plan.steps if step.digest in recorded and _may_be_ours(step, known)]
    manifests = frozenset(step.digest for step in steps if isinstance(step, Remove))
    manifests |= {loss.digest for loss in known.losses if loss.tag is None}
    tags = {tag: step.digest for step in steps for tag in step.tags}
    tags |= {loss.tag: loss.digest for loss in known.losses if loss.tag}
    return to_come_back(manifests, tags, journaled)


def to_come_back(manifests: frozenset[Digest], tags: Mapping[Tag, Digest], journaled: Journaled) -> Taken:
    """What is to come back, in its order: those first whose bytes the journal has not: nothing tells their place."""
    every = manifests | frozenset(tags.values())
    held = {digest: journaled.whole[digest] for digest in every & journaled.whole.keys()}
    unread = tuple(sorted(every - held.keys()))
    return Taken(manifests, tags, held, journaled.damaged, (unread, *levels(held)))


def whole(gone: Taken, named: Names, marks: Mapping[Tag, Tag]) -> Taken:
    """What comes back with these names, so that each can be used: what an index lists, a subject, and whatever is
    attached to one of them. `marks`: tags by those that say that they must not be used."""
    every = gone.manifests | frozenset(gone.tags.values())
    attached = subjects_by_name(gone.tags, every)
    marked = {tag: mark for mark, tag in marks.items() if mark in gone.tags}
    tags = {each for each in gone.tags if each in named}
    found: set[Digest] = set()
    frontier = {each for each in every if each in named} | {gone.tags[tag] for tag in tags}
    while frontier:
        found |= frontier
        tags |= {tag for tag, subject in attached.items() if subject in found}
        tags |= {marked[tag] for tag in tags if tag in marked}
        needed = {part for digest in frontier for part in parts(gone.held.get(digest))}
        about = {digest for digest, manifest in gone.held.items() if manifest and manifest.subject in found}
        frontier = ((needed | about | {gone.tags[tag] for tag in tags}) & every) - found
    return replace(gone, manifests=gone.manifests & found, tags={tag: gone.tags[tag] for tag in sorted(tags)})


def names_taken(plan: RepositoryPlan, known: RepositoryRecord) -> Names:
    """Tags and manifests that the run took away, or perhaps, or found gone afterwards."""
    steps = [step for step in plan.steps if _may_be_ours(step, known)]
    manifests = {step.digest for step in steps if isinstance(step, Remove)}
    lost = {name for loss in known.losses for name in (loss.tag, loss.digest) if name}
    return manifests | {tag for step in steps for tag in step.tags} | lost


def tags_taken(plan: RepositoryPlan, known: RepositoryRecord) -> frozenset[Tag]:
    """The tags that the run's own steps took away, or perhaps."""
    steps = (step for step in plan.steps if _may_be_ours(step, known))
    return frozenset(tag for step in steps for tag in step.tags)


def _may_be_ours(step: Step, known: RepositoryRecord) -> bool:
    """A request may have had its effect without an answer, or without the time to record it: then there is no outcome,
    or a failure, or what the next attempt saw."""
    outcome = known.outcomes.get(step.id)
    ours = Deleted | AlreadyGone | Failed | StillServed
    return step.id in known.tombstoned or outcome is None or isinstance(outcome, ours)
