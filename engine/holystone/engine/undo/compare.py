"""After an undo: what was there before the run beside what is there now, tag by tag and digest by digest."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from holystone.engine.executor.work import WORKERS
from holystone.engine.model.manifests import RawManifest
from holystone.engine.model.outcomes import Failed
from holystone.engine.model.plan import RepositoryPlan
from holystone.engine.model.references import Digest, Tag
from holystone.engine.ports import RepositorySession
from holystone.engine.scheduler import for_each
from holystone.engine.undo.results import Moved, OtherDigest, TakenMeanwhile, UndoOutcome, is_back
from holystone.engine.undo.taken import Taken


@dataclass(frozen=True, slots=True)
class There:
    tags: Mapping[Tag, Digest | None]
    manifests: frozenset[Digest]


async def look(session: RepositorySession, plan: RepositoryPlan, gone: Taken) -> There:
    """Every tag and manifest that the journal knows of the time before the run. Raises what the registry raises."""
    listing = await session.list_tags()
    tags: dict[Tag, Digest | None] = {}
    manifests: set[Digest] = set()

    async def tag(name: Tag) -> None:
        tags[name] = listing.tags.get(name) or await session.resolve(name)

    async def manifest(digest: Digest) -> None:
        if await session.resolve(digest) is not None:
            manifests.add(digest)

    await for_each(sorted({each.tag for each in plan.kept if each.digest} | gone.tags.keys()), tag, workers=WORKERS)
    manifests |= {digest for digest in tags.values() if digest}
    await for_each(sorted(frozenset(plan.kept_manifests) | gone.manifests - manifests), manifest, workers=WORKERS)
    return There(tags, frozenset(manifests))


def moved(plan: RepositoryPlan, gone: Taken, there: There) -> tuple[Moved, ...]:
    """What the run had kept and did not find lost itself."""
    kept = {each.tag: each.digest for each in plan.kept if each.digest and each.tag not in gone.tags}
    elsewhere = [Moved(tag, was, there.tags[tag]) for tag, was in sorted(kept.items()) if there.tags[tag] != was]
    behind = {each.was for each in elsewhere}
    missing = sorted(frozenset(plan.kept_manifests) - gone.manifests - there.manifests - behind)
    return (*(Moved(None, digest, None) for digest in missing), *elsewhere)


def same_bytes(raw: RawManifest) -> frozenset[Digest]:
    """The digests that a registry may give these bytes."""
    return frozenset(Digest.of(raw.body, each) for each in ("sha256", "sha512"))


def seen(outcome: UndoOutcome, was: Digest, now: Digest | None, others: Iterable[Digest]) -> UndoOutcome:
    """What came of putting something back, now that it was looked at once more. `others`: digests of the same bytes."""
    if not is_back(outcome) or now == was:
        return outcome
    if now is None:
        return Failed("it was put back, and is not there a moment later")
    return OtherDigest(now) if now in others else TakenMeanwhile(now)
