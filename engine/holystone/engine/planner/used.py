"""What a plan would take away although somebody uses it: for a plan that is carried out later than it was made."""

from collections import defaultdict
from collections.abc import Iterable, Mapping

from holystone.engine.model.in_use import UsedImage, User
from holystone.engine.model.plan import Plan
from holystone.engine.model.references import Digest, Repository, Tag


def doomed_and_used(plan: Plan, used: Iterable[UsedImage]) -> Mapping[str, tuple[User, ...]]:
    """What goes, in words, with who uses it; sorted. By name, or by the digest of manifest or configuration, wherever
    that was pulled from."""
    by_name: dict[tuple[Repository, Tag], str] = {}
    by_digest: dict[Digest, str] = {}
    for at in plan.repositories:
        for step in at.steps:
            shown = f"{at.repository}:{step.tags[0]}" if step.tags else f"{at.repository}@{step.digest}"
            by_name |= {(at.repository.canonical, tag): f"{at.repository}:{tag}" for tag in step.tags}
            for digest in (step.digest, at.image_ids.get(step.digest)):
                if digest:
                    by_digest.setdefault(digest, shown)
    found: defaultdict[str, dict[User, None]] = defaultdict(dict)
    for image in used:
        named = by_name.get((image.repository.canonical, image.tag)) if image.repository and image.tag else None
        if what := named or (by_digest.get(image.digest) if image.digest else None):
            found[what][image.by] = None
    return {what: tuple(found[what]) for what in sorted(found)}
