"""After the deletions: everything that the plan kept is still there, and what was to go is not."""

from collections.abc import Iterable

import anyio

from holystone.engine.executor.gather import understood
from holystone.engine.executor.results import CheckReport
from holystone.engine.executor.served import Deletions, Sleep, look_for
from holystone.engine.executor.work import WORKERS
from holystone.engine.model.outcomes import Loss
from holystone.engine.model.plan import RepositoryPlan
from holystone.engine.model.references import Digest, Tag
from holystone.engine.ports import Knowledge, Registry
from holystone.engine.scheduler import for_each


async def check_after(
    registry: Registry, knowledge: Knowledge, plan: RepositoryPlan, deletions: Deletions, *, sleep: Sleep = anyio.sleep
) -> CheckReport:
    """`deletions`: what is said to have gone. Raises what the registry raises."""
    repository = plan.repository
    listing = await registry.list_tags(repository)
    now: dict[Tag, Digest | None] = {}

    async def look(tag: Tag) -> None:
        now[tag] = listing.tags.get(tag) or await registry.resolve(repository, tag)

    kept = {each.tag: each.digest for each in plan.kept if each.digest}
    await for_each(sorted(kept), look, workers=WORKERS)
    moved = tuple(tag for tag in sorted(kept) if now[tag] not in (None, kept[tag]))
    missing: list[Digest] = []

    async def read(digest: Digest) -> None:
        if await registry.resolve(repository, digest) is None:
            missing.append(digest)

    seen = {digest for digest in now.values() if digest}
    await for_each(sorted(set(plan.kept_manifests) - seen - set(kept.values())), read, workers=WORKERS)
    # Whoever moved a tag may have removed what it pointed to before: not ours, unless another kept tag needs it.
    theirs = _reach(knowledge, (kept[tag] for tag in moved)) - _reach(
        knowledge, (digest for tag, digest in kept.items() if tag not in moved)
    )
    lost_tags = [Loss(digest, tag) for tag, digest in sorted(kept.items()) if now[tag] is None]
    lost = (*lost_tags, *(Loss(digest) for digest in sorted(missing) if digest not in theirs))
    there = await look_for(registry, repository, listing, deletions, sleep)
    return CheckReport(lost, moved, there.renewed, there.served)


def _reach(knowledge: Knowledge, roots: Iterable[Digest]) -> set[Digest]:
    found: set[Digest] = set()
    frontier = list(roots)
    while frontier:
        digest = frontier.pop()
        if digest in found:
            continue
        found.add(digest)
        raw = knowledge.manifest(digest)
        if raw and (manifest := understood(raw)):
            frontier.extend(manifest.children)
    return found
