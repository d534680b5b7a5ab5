"""What a run took away from a repository, or may have taken away, or found gone afterwards, and the order in which that
comes back: told by the manifests themselves, never by the order in which they went."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from holystone.engine.closure.order import Levels, components
from holystone.engine.model.manifests import Manifest
from holystone.engine.model.outcomes import AlreadyGone, Deleted, Failed, StillServed
from holystone.engine.model.plan import Remove, RepositoryPlan, Step
from holystone.engine.model.records import Journaled, RepositoryRecord
from holystone.engine.model.references import Digest, Tag


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
