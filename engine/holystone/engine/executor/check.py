"""After the deletions: everything that the plan kept is still there, and what was to go is not."""

from collections.abc import Iterable, Set
from functools import partial

import anyio

from holystone.engine.executor.results import CheckReport
from holystone.engine.executor.served import Deletions, look_for
from holystone.engine.executor.work import WORKERS
from holystone.engine.inventory.listing import list_twice
from holystone.engine.model.manifests import understood
from holystone.engine.model.outcomes import Loss
from holystone.engine.model.plan import RepositoryPlan
from holystone.engine.model.references import Digest, Tag
from holystone.engine.ports import DigestCache, RepositorySession
from holystone.engine.scheduler import Sleep, for_each


async def check_after(
    session: RepositorySession,
    cache: DigestCache,
    plan: RepositoryPlan,
    deletions: Deletions,
    *,
    sleep: Sleep = anyio.sleep,
) -> CheckReport:
    """`deletions`: what is said to have gone. Raises what the registry raises."""
    listing = await list_twice(session)
    kept = {each.tag: each.digest for each in plan.kept if each.digest}
    now: dict[Tag | Digest, Digest] = {tag: digest for tag in kept if (digest := listing.tags.get(tag))}

    async def look(what: Tag | Digest, *, alone: bool = False) -> None:
        if digest := await session.resolve(what, alone=alone):
            now[what] = digest

    async def look_for_all(there: Set[Tag | Digest]) -> None:
        """A 404 may be somebody else's: what is not there is asked for twice."""
        await for_each(sorted(there - now.keys()), look, workers=WORKERS)
        await for_each(sorted(there - now.keys()), partial(look, alone=True), workers=WORKERS)

    await look_for_all(kept.keys())
    moved = tuple(tag for tag in sorted(kept) if now.get(tag) not in (None, kept[tag]))
    untagged = set(plan.kept_manifests) - set(now.values()) - set(kept.values())
    await look_for_all(untagged)
    missing = untagged - now.keys()
    # Whoever moved a tag may have removed what it pointed to before: not ours, unless another kept tag needs it.
    theirs = await _reach(cache, (kept[tag] for tag in moved)) if missing else set[Digest]()
    if theirs:
        theirs -= await _reach(cache, (digest for tag, digest in kept.items() if tag not in moved))
    lost_tags = [Loss(digest, tag) for tag, digest in sorted(kept.items()) if tag not in now]
    lost = (*lost_tags, *(Loss(digest) for digest in sorted(missing) if digest not in theirs))
    there = await look_for(session, listing, deletions, sleep)
    tags = tuple(each for each in there.served if isinstance(each, Tag))
    manifests = tuple(each for each in there.served if isinstance(each, Digest))
    return CheckReport(lost, moved, there.renewed, tags, manifests)


async def _reach(cache: DigestCache, roots: Iterable[Digest]) -> set[Digest]:
    found: set[Digest] = set()
    frontier = set(roots)
    while frontier:
        found |= frontier
        known = [manifest async for raw in cache.manifests(frontier) if (manifest := understood(raw))]
        frontier = {child for manifest in known for child in manifest.children} - found
    return found
