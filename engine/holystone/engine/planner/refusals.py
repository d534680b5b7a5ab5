"""Why a plan is refused or has to wait for a person: a registry that does not delete, the fuse, a question to answer
first, and images that somebody uses by the time it is carried out."""

from collections import defaultdict
from collections.abc import Collection, Mapping

import msgspec

from holystone.engine.model.capabilities import Capabilities
from holystone.engine.model.in_use import UsedImage, User
from holystone.engine.model.plan import Plan, RepositoryPlan
from holystone.engine.model.references import Digest, Repository, Tag
from holystone.engine.model.refusals import CannotDelete, NumberExceeded, ShareExceeded, ShareOfAllExceeded, Unconfirmed


def refuse_if_disabled(plan: RepositoryPlan, capabilities: Capabilities) -> CannotDelete | None:
    """The refusal of a plan whose registry deletes nothing: it still shows what would go. None also if there is nothing
    to delete."""
    deletes = capabilities.tags or capabilities.digests
    if not plan.passes or (deletes and not capabilities.forbidden):
        return None
    return CannotDelete(plan.repository, capabilities.forbidden)


class FuseLimits(msgspec.Struct, frozen=True):
    share: float = 0.8
    """Part of a repository's tags, 0 to 1, that may go at most."""
    from_tags: int = 20
    """The share counts only from this many tags on: of three tags, two may well be old."""
    number: int | None = None
    """Tags of one repository that may go at most, however many it has."""


def blow_fuse(plan: RepositoryPlan, limits: FuseLimits) -> ShareExceeded | NumberExceeded | None:
    """The refusal of a plan that would delete an implausible part of a repository; None if it does not. For policy
    cleanups; a purge asks for confirmation instead, see `ask_first`."""
    doomed = len(plan.doomed_tags)
    total = doomed + len(plan.kept)
    if total >= limits.from_tags and doomed > limits.share * total:
        return ShareExceeded(plan.repository, doomed, total, limits.share, limits.from_tags)
    if limits.number is not None and doomed > limits.number:
        return NumberExceeded(plan.repository, doomed, total, limits.number)
    return None


def blow_fuse_of_all(doomed: int, total: int, limits: FuseLimits) -> ShareOfAllExceeded | None:
    """The refusal of a plan of many repositories, each of which may be too small for a fuse of its own."""
    if total >= limits.from_tags and doomed > limits.share * total:
        return ShareOfAllExceeded(doomed, total, limits.share)
    return None


def ask_first(plan: Plan, phrase: str) -> Plan:
    """The plan with a question to answer first, for one that no policy stands behind. `phrase` is what a person types
    to confirm: a name that is not typed by mistake."""
    if plan.is_empty:
        return plan
    return msgspec.structs.replace(plan, refusals=(*plan.refusals, Unconfirmed(phrase)))


def open_question(plan: Plan) -> Unconfirmed | None:
    """What a person, or somebody who speaks for one, has to confirm before the plan may be applied, if anything has."""
    return next((each for each in plan.refusals if isinstance(each, Unconfirmed)), None)


def doomed_and_used(plan: Plan, used: Collection[UsedImage]) -> Mapping[str, tuple[User, ...]]:
    """What a plan takes away although somebody uses it by now, in words, with who uses it; sorted. By name, or by the
    digest of manifest or configuration, wherever that was pulled from. What is held is of what is used, not of the
    plan, which may be of thousands of repositories."""
    names = {(each.repository.canonical, each.tag) for each in used if each.repository and each.tag}
    digests = {each.digest for each in used if each.digest}
    by_name: dict[tuple[Repository, Tag], str] = {}
    by_digest: dict[Digest, str] = {}
    for at in plan.repositories:
        for step in at.steps:
            shown = f"{at.repository}:{step.tags[0]}" if step.tags else f"{at.repository}@{step.digest}"
            for tag in step.tags:
                if (name := (at.repository.canonical, tag)) in names:
                    by_name[name] = f"{at.repository}:{tag}"
            for digest in (step.digest, at.image_ids.get(step.digest)):
                if digest in digests:
                    by_digest.setdefault(digest, shown)
    found: defaultdict[str, dict[User, None]] = defaultdict(dict)
    for image in used:
        named = by_name.get((image.repository.canonical, image.tag)) if image.repository and image.tag else None
        if what := named or (by_digest.get(image.digest) if image.digest else None):
            found[what][image.by] = None
    return {what: tuple(found[what]) for what in sorted(found)}
