"""What a run took away from a repository, or may have taken away, and in which order that comes back."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from holystone.engine.journal import Slice
from holystone.engine.model.manifests import RawManifest
from holystone.engine.model.outcomes import AlreadyGone, Deleted, Failed
from holystone.engine.model.plan import Remove, RepositoryPlan, Step, Untag
from holystone.engine.model.references import Digest, Tag


@dataclass(frozen=True, slots=True)
class Taken:
    levels: tuple[tuple[RawManifest, ...], ...]
    """Children before their index, referrers before their subject: each level needs only those before it."""
    tags: Mapping[Tag, RawManifest]


def taken(plan: RepositoryPlan, known: Slice, manifests: Mapping[Digest, RawManifest]) -> Taken:
    """`manifests` are those in the journal: what was not written down was never touched."""
    numbers = iter(range(len(plan.steps)))
    passes = [[step for step in each.steps if _may_be_ours(next(numbers), known)] for each in plan.passes]
    levels = (
        tuple(manifests[step.digest] for step in steps if isinstance(step, Remove) and step.digest in manifests)
        for steps in reversed(passes)
    )
    tags = {
        tag: manifests[step.digest]
        for steps in passes
        for step in steps
        if step.digest in manifests
        for tag in _tags(step)
    }
    return Taken(tuple(level for level in levels if level), tags)


def _may_be_ours(number: int, known: Slice) -> bool:
    """A request may have had its effect without an answer, or without the time to record it: then there is no outcome,
    or a failure, or what the next attempt saw."""
    outcome = known.outcomes.get(number)
    return number in known.tombstoned or outcome is None or isinstance(outcome, Deleted | AlreadyGone | Failed)


def _tags(step: Step) -> Iterator[Tag]:
    yield from (step.tag,) if isinstance(step, Untag) else step.tags
