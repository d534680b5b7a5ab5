"""The fuse: a plan that would delete an implausible part of a repository waits for a person."""

import msgspec

from holystone.engine.model.plan import RepositoryPlan
from holystone.engine.model.refusals import NumberExceeded, ShareExceeded


class FuseLimits(msgspec.Struct, frozen=True):
    share: float = 0.8
    """Part of a repository's tags, 0 to 1, that may go at most."""
    from_tags: int = 20
    """The share counts only from this many tags on: of three tags, two may well be old."""
    number: int | None = None
    """Tags of one repository that may go at most, however many it has."""


def blow_fuse(plan: RepositoryPlan, limits: FuseLimits) -> ShareExceeded | NumberExceeded | None:
    """The refusal of a plan that deletes too much; None if it does not. For policy cleanups; a purge asks for
    confirmation instead, see planner/confirmation.py."""
    doomed = len(plan.doomed_tags)
    total = doomed + len(plan.kept)
    if total >= limits.from_tags and doomed > limits.share * total:
        return ShareExceeded(plan.repository, doomed, total, limits.share, limits.from_tags)
    if limits.number is not None and doomed > limits.number:
        return NumberExceeded(plan.repository, doomed, total, limits.number)
    return None
