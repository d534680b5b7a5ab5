"""The fuse: a plan that would delete an implausible part of a repository waits for a person."""

import msgspec

from holystone.engine.model.plan import Refusal, RepositoryPlan


class FuseLimits(msgspec.Struct, frozen=True):
    share: float = 0.8
    """Part of a repository's tags, 0 to 1, that may go at most."""
    from_tags: int = 20
    """The share counts only from this many tags on: of three tags, two may well be old."""
    number: int | None = None
    """Tags of one repository that may go at most, however many it has."""


def blow_fuse(plan: RepositoryPlan, limits: FuseLimits) -> Refusal | None:
    """The refusal of a plan that deletes too much; None if it does not. For policy cleanups; a purge asks for
    confirmation instead, see planner/confirmation.py."""
    doomed = len(plan.doomed_tags)
    total = doomed + len(plan.kept)
    if total >= limits.from_tags and doomed > limits.share * total:
        limit = f"more than {limits.share:.0%} of a repository of {limits.from_tags} tags or more"
    elif limits.number is not None and doomed > limits.number:
        limit = f"more than the {limits.number} that are allowed"
    else:
        return None
    return Refusal(
        promise="fuse",
        repository=plan.repository,
        why=f"{doomed} of {total} tags would be deleted, {limit}",
        what_to_do="read the plan; if it is what you want, run again with --yes-delete-that-many",
    )
