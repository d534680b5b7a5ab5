"""After the deletions: everything that the plan kept is still there, and what was to go is not.

A deletion counts when it is seen: what the registry said it deleted it may give out all the same.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

import anyio

from holystone.engine.executor.looks import Sampling, all_manifests, choose
from holystone.engine.executor.results import CheckReport, Coverage
from holystone.engine.executor.step_states import StepStates
from holystone.engine.executor.work import WORKERS
from holystone.engine.inventory.listing import list_twice
from holystone.engine.model.manifests import named, understood
from holystone.engine.model.outcomes import AlreadyGone, Deleted, Loss
from holystone.engine.model.plan import RepositoryPlan
from holystone.engine.model.references import Digest, Tag
from holystone.engine.ports import DigestCache, Listing, RepositoryJournal, RepositorySession
from holystone.engine.scheduler import Sleep, for_each

_PAUSE: Final = 2.0
"""Seconds before what should be gone is asked for once more: some registries answer from several machines."""
_ONE_IN: Final = 200
_AT_LEAST: Final = 8
_AT_MOST: Final = 50
"""So many of the deleted manifests are looked for, evenly spread, since each costs a request and no listing shows them.
A registry that deletes nothing shows that with any of them, and then all are looked for. What was said not to be there,
though it was read for this plan, is always looked for."""


@dataclass(frozen=True, slots=True)
class Deletions:
    """What the registry said is gone."""

    tags: Mapping[Tag, Digest]
    """Tags, with what they pointed to."""
    manifests: tuple[Digest, ...] = ()
    """Manifests that it says it deleted, without tags that went with them."""
    absent: tuple[Digest, ...] = ()
    """Manifests of which it said that they were not there, when they were to be deleted."""
    tombstone: frozenset[Digest] = frozenset()
    """What tags that were pushed over pointed to last."""

    @property
    def sample(self) -> tuple[Digest, ...]:
        count = len(self.manifests)
        wanted = min(count, _AT_MOST, max(_AT_LEAST, 1 + count // _ONE_IN))
        return self.manifests[:: count // wanted][:wanted] if wanted else ()

    def failed(self, what: Tag | Digest, now: Digest | None) -> bool:
        if isinstance(what, Digest):
            return now is not None
        return now == self.tags[what] or now in self.tombstone


def what_went(journal: RepositoryJournal, states: StepStates) -> Deletions:
    tombstone = journal.known.tombstone
    parts = frozenset(part.digest for part in tombstone.parts) if tombstone else frozenset[Digest]()
    return Deletions(states.deleted_tags, states.gone_manifests(Deleted), states.gone_manifests(AlreadyGone), parts)


@dataclass(frozen=True, slots=True)
class Seen:
    renewed: tuple[Tag, ...]
    """Tags on another manifest: somebody else's."""
    served: tuple[Tag | Digest, ...]


async def look_for(session: RepositorySession, listing: Listing, deletions: Deletions, sleep: Sleep) -> Seen:
    """A tag that is listed and resolves to nothing is only in a listing that lags behind. Raises what the registry
    raises."""
    now: dict[Tag | Digest, Digest | None] = {}

    async def ask(what: Tag | Digest) -> None:
        now[what] = await session.resolve(what)

    async def look(what: Tag | Digest) -> None:
        told = listing.tags.get(what) if isinstance(what, Tag) else None
        if told and not deletions.failed(what, told):
            now[what] = told
        else:
            await ask(what)

    listed = sorted(deletions.tags.keys() & listing.tags.keys())
    asked: list[Tag | Digest] = [*listed, *deletions.absent, *deletions.sample]
    await for_each(asked, look, workers=WORKERS)
    suspects = [what for what, digest in now.items() if deletions.failed(what, digest)]
    if suspects:
        await sleep(_PAUSE)
        if any(isinstance(what, Digest) for what in suspects):
            suspects = list(dict.fromkeys((*suspects, *deletions.manifests)))
        await for_each(suspects, ask, workers=WORKERS)
    return Seen(
        tuple(tag for tag in listed if now[tag] is not None and not deletions.failed(tag, now[tag])),
        tuple(sorted(what for what in suspects if deletions.failed(what, now[what]))),
    )


async def check_after(
    session: RepositorySession,
    cache: DigestCache,
    plan: RepositoryPlan,
    deletions: Deletions,
    *,
    sampling: Sampling | None = None,
    sleep: Sleep = anyio.sleep,
) -> CheckReport:
    """`deletions`: what is said to have gone. Without `sampling` all is looked at. Raises what the registry raises."""
    listing = await list_twice(session)
    kept = {each.tag: each.digest for each in plan.kept if each.digest}
    now: dict[Tag | Digest, Digest] = {tag: digest for tag in kept if (digest := listing.tags.get(tag))}
    tags = kept.keys() - now.keys()
    manifests = set(plan.kept_manifests) - set(now.values()) - set(kept.values())
    if deletions.tags.keys() & listing.tags.keys():
        # Tags outlive their manifests there, so that a kept one may that was moved onto what went.
        sampling = None
    ties = await _named(cache, plan, listing) if sampling and (tags or manifests) else {}
    of_tags, of_manifests = choose(plan, listing.tags, tags, manifests, ties, sampling)
    once = {each.tag for each in plan.kept if each.written_once}

    async def look(what: Tag | Digest, *, alone: bool = False) -> None:
        if digest := await session.resolve(what, alone=alone):
            now[what] = digest

    async def look_for_all(there: Sequence[Tag | Digest]) -> bool:
        """Whether all is as it was planned to be. A 404 may be somebody else's: what is not there is asked for
        twice."""
        await for_each(there, look, workers=WORKERS)
        await for_each([each for each in there if each not in now], partial(look, alone=True), workers=WORKERS)
        return all(
            each in now and (isinstance(each, Digest) or each not in once or now[each] == kept[each]) for each in there
        )

    if not await look_for_all([*of_tags.first, *of_manifests.first]):
        await look_for_all([*of_tags.left, *of_manifests.left])
        of_tags, of_manifests = of_tags.whole, of_manifests.whole
    unlooked = {*of_tags.left, *of_manifests.left}
    moved = tuple(tag for tag in sorted(kept) if now.get(tag) not in (None, kept[tag]))
    missing = manifests - now.keys() - unlooked
    # Whoever moved a tag may have removed what it pointed to before: not ours, unless another kept tag needs it.
    theirs = await _needed_by(cache, (kept[tag] for tag in moved)) if missing else set[Digest]()
    if theirs:
        theirs -= await _needed_by(cache, (digest for tag, digest in kept.items() if tag not in moved))
    lost_tags = [Loss(digest, tag) for tag, digest in sorted(kept.items()) if tag not in now and tag not in unlooked]
    lost = (*lost_tags, *(Loss(digest) for digest in sorted(missing) if digest not in theirs))
    there = await look_for(session, listing, deletions, sleep)
    return CheckReport(
        lost,
        moved,
        there.renewed,
        tuple(each for each in there.served if isinstance(each, Tag)),
        tuple(each for each in there.served if isinstance(each, Digest)),
        Coverage(of_tags.looked(told=len(kept) - len(tags)), of_manifests.looked()),
    )


async def _named(cache: DigestCache, plan: RepositoryPlan, listing: Listing) -> dict[Digest, tuple[Digest, ...]]:
    """What each manifest that stays or went lists or refers to, as far as that is known."""
    every = all_manifests(plan)
    found = {digest: listing.manifests[digest].named for digest in every & listing.manifests.keys()}
    async for raw in cache.manifests(sorted(every - found.keys())):
        found[raw.digest] = named(raw)
    return found


async def _needed_by(cache: DigestCache, roots: Iterable[Digest]) -> set[Digest]:
    found: set[Digest] = set()
    frontier = set(roots)
    while frontier:
        found |= frontier
        known = [manifest async for raw in cache.manifests(frontier) if (manifest := understood(raw))]
        frontier = {child for manifest in known for child in manifest.children} - found
    return found
