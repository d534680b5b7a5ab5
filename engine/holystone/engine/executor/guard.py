"""Looks once more before something goes: whatever appeared in the repository after the plan, or should be gone and is
not, holds back what it needs. The plan was closed over what was there then; this closes it over what is there now."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Final, NamedTuple

import anyio

from holystone.engine.closure.graph import Graph, graph_of
from holystone.engine.errors import Doubtful, HolystoneError, IncompleteSource, TooDeep
from holystone.engine.executor.work import RepositoryWork
from holystone.engine.model.inventory import RepositorySnapshot
from holystone.engine.model.lock_tags import is_lock_tag
from holystone.engine.model.manifests import NESTED_AT_MOST, Malformed, Manifest, parse_manifest
from holystone.engine.model.outcomes import Failed, Needed, Outcome
from holystone.engine.model.plan import Step
from holystone.engine.model.references import Digest, Tag
from holystone.engine.scheduler import FRESH, moment, suspended

_DELETIONS_A_REQUEST: Final = 10
"""Thus renewed looks cost a tenth of the deletions at most."""
_NAP: Final = 1.0
"""Seconds. What is less may be the time between the readings of two clocks."""


@dataclass(frozen=True, slots=True)
class Hold:
    by: str
    """A tag or digest, or a name that is neither."""
    for_good: bool
    """False if `by` should be gone itself and a later attempt may succeed."""

    @property
    def outcome(self) -> Outcome:
        return Needed(self.by) if self.for_good else Failed(f"{self.by}, which needs it, could not be removed")


@dataclass(frozen=True, slots=True)
class Holds:
    digests: Mapping[Digest, Hold]
    tags: Mapping[Tag, Hold]
    """Doomed tags that are attached by their names (signatures and the like) to a manifest which is held."""
    requests: int
    """About so many requests the look took, or would have without those that were made shortly before."""
    there: Mapping[Tag, Digest]
    """Where tags were seen."""
    since: float | None
    """When the earlier looks began on which this one relies, by `moment`; None if it relies on none."""


class _Look(NamedTuple):
    at: float
    left: int
    """Deletions that were to come then."""
    requests: int
    """So many requests another look would take."""
    suspended: float
    """See `scheduler.clock`."""


class Guard:
    """What must not go, in a pass that may take hours: it is looked at again whenever the last look is old and has let
    so many deletions through that another one adds little to their requests. A look at new names alone takes a listing,
    so that it is due more often; where a tag is that was there before is then taken from the last whole look. What was
    seen before the machine was suspended counts no more, however few went since: a night may lie between."""

    def __init__(
        self,
        work: RepositoryWork,
        *,
        also: Collection[Digest] = (),
        over: Sequence[Digest] = (),
        left: Callable[[], int] | None = None,
        clock: Callable[[], float] = moment,
    ) -> None:
        """`also`: what goes beside the manifests that are to go; `over`: what doomed tags may be on because of us;
        `left`: how many deletions are to come, if steps without an outcome do not tell."""
        self._work = work
        self._also = frozenset(also)
        self._over = tuple(over)
        self._left = left or (lambda: len(work.states.due))
        self._clock = clock
        self._holds: Holds | None = None
        self._whole = self._last = _Look(0.0, 0, 0, 0.0)
        self._contradicted_then = False
        self._has_news = False
        self._looking = anyio.Lock()
        self._failed: HolystoneError | None = None

    async def holds(self) -> Holds:
        """Raises as `find_holds` does, and then always: who waited for a look does not try it again."""
        async with self._looking:
            if self._failed:
                raise self._failed
            contradicted = self._work.contradicted and not self._contradicted_then
            if self._holds is None or contradicted or self._is_worn(self._whole):
                return await self._look(None)
            return await self._look(self._holds) if self._has_news or self._is_worn(self._last) else self._holds

    def next_pass(self, steps: Iterable[Step]) -> "Guard":
        """The guard of a pass that goes on with this look: what these steps have left behind since may hold something
        in it."""
        known = self._holds.digests if self._holds else {}
        self._has_news |= any(digest not in known for digest, _ in self._work.states.survivors(steps))
        return self

    async def _look(self, before: Holds | None) -> Holds:
        """Looks at everything, or only at what is new since `before`."""
        at, left, slept = self._clock(), self._left(), suspended()
        self._contradicted_then = self._work.contradicted
        self._has_news = False
        states = self._work.states
        ours = {tag: (*planned, *self._over) for tag, planned in states.due_tags.items()}
        # One that is gone, and listed again, is somebody's.
        there = before.there if before else {}
        seen = {tag: digest for tag, digest in there.items() if tag in ours or not states.dooms(tag)}
        try:
            holds = await find_holds(self._work, doomed_manifests(self._work) | self._also, ours, seen)
        except HolystoneError as error:
            self._failed = error
            raise
        self._holds = holds
        at = min(at, holds.since or at)
        self._last = _Look(at, left, holds.requests if before else self._work.resolver.requests, slept)
        if before is None:
            self._whole = _Look(at, left, holds.requests, slept)
        return holds

    def _is_worn(self, look: _Look) -> bool:
        if suspended() - look.suspended > _NAP:
            return True
        deletions = look.left - self._left()
        return self._clock() - look.at >= FRESH and deletions >= _DELETIONS_A_REQUEST * look.requests

    def __repr__(self) -> str:
        return f"<Guard {self._work.repository} {self._clock() - self._last.at:.0f} s old>"


def doomed_manifests(work: RepositoryWork) -> frozenset[Digest]:
    """Manifests that are to go: not those that only lose a tag."""
    return work.states.due_digests - frozenset(work.plan.kept_manifests)


async def find_holds(
    work: RepositoryWork,
    going: Collection[Digest],
    ours: Mapping[Tag, Collection[Digest]],
    seen: Mapping[Tag, Digest] = MappingProxyType({}),
) -> Holds:
    """What must not go after all. `going` are the manifests in question; a tag of `ours` on one of its manifests goes
    with it and holds nothing. `seen`: where tags are that are not asked again. Raises what the registry raises, and
    IncompleteSource for what cannot be understood."""
    there, odd, requests, since = await _resolve_all(work, going, ours, seen)
    kept = {each.tag: each.digest for each in work.plan.kept}
    work.elsewhere |= {tag for tag, digest in kept.items() if there.get(tag) not in (None, digest)}
    holders = {
        tag: Hold(tag, work.states.stays_for_good(tag))
        for tag, digest in sorted(there.items())
        if digest not in ours.get(tag, ()) and (kept.get(tag) != digest or digest in going)
    }
    roots = [(there[tag], hold) for tag, hold in holders.items()]
    roots += [(digest, Hold(digest, for_good)) for digest, for_good in work.states.survivors()]
    roots += [(digest, Hold(name, for_good=True)) for name, digest in sorted(odd.items())]
    if not roots:
        return Holds({}, {}, requests, there, since)
    manifests = await _read_from(work, {digest for digest, _ in roots}, new={there[tag] for tag in holders})
    doomed = work.states.doomed_tags
    graph = graph_of(RepositorySnapshot(work.repository, {**there, **doomed}, {}, manifests, {}))
    roots += [(subject, hold) for tag, hold in holders.items() if (subject := graph.subjects.get(tag))]
    found: dict[Digest, Hold] = {}
    for for_good in (True, False):  # what one of both kinds needs stays for good
        _spread(graph, [root for root in roots if root[1].for_good is for_good], found)
    tagged = {there[tag] for tag in holders}
    collects = work.capabilities.collects_unlisted
    while collects and (more := graph.takers(found, tagged, set(going) - found.keys())):
        _spread(graph, [(index, found[because.child]) for index, because in more.items()], found)
    attached = {tag: found[subject] for tag in doomed if (subject := graph.subjects.get(tag)) and subject in found}
    return Holds(found, attached, requests, there, since)


async def _resolve_all(
    work: RepositoryWork, going: Collection[Digest], ours: Mapping[Tag, Collection[Digest]], seen: Mapping[Tag, Digest]
) -> tuple[dict[Tag, Digest], dict[str, Digest], int, float | None]:
    """Where all tags point, the names that are no tags, and `requests` and `since` of Holds. Raises Doubtful as
    `tag_resolver.look_again`."""
    begun = moment()
    listing = await work.resolver.listing()
    fixed = {} if work.contradicted else {each.tag: each.digest for each in work.plan.kept if each.written_once}
    ours_alone = not set(going) & {step.digest for step in work.states.steps.values()}
    # What only this run itself has pushed is in nobody's index: a tag that may be on all of it holds nothing, wherever
    # it is. What was there before the run may be in the index to which somebody has moved a doomed tag.
    tags = [
        tag
        for tag in sorted(listing.tags)
        if not (is_lock_tag(tag) or (ours_alone and _all_in(ours.get(tag, ()), going)))
    ]
    known = {tag: digest for tag in tags if (digest := listing.tags[tag] or fixed.get(tag) or seen.get(tag))}
    unknown = [tag for tag in tags if tag not in known]
    # No look from before says what is on a thing that this run has pushed, nor where a tag is that went and came back.
    earlier = {} if ours_alone else work.resolver.recent
    recent = {tag: earlier[tag] for tag in unknown if tag in earlier and (tag in ours or not work.states.dooms(tag))}
    asked, since = [tag for tag in unknown if tag not in recent], work.resolver.first_look if recent else None
    found: dict[Tag, Digest] = {}
    # One that could not be read for the plan either is on nothing that this run itself has pushed.
    unread = {each.tag for each in work.plan.kept if each.digest is None}

    async def look(tag: Tag, *, alone: bool = False) -> None:
        try:
            digest = await work.session.resolve(tag, alone=alone)
        except IncompleteSource as error:
            if isinstance(error, Doubtful) or not (ours_alone and tag in unread):
                raise
            digest = None
        if digest:
            found[tag] = digest

    await work.each(asked, look)
    # One that is listed and not there holds nothing, so that a 404 of somebody else's must not make it look like one.
    await work.each([tag for tag in asked if tag not in found], partial(look, alone=True))
    work.resolver.remember(found, begun)
    there = known | recent | found
    contradicting = [
        tag for tag in tags if tag in work.written_once and there.get(tag) not in (None, *work.expected(tag))
    ]

    async def again(tag: Tag) -> None:
        if await work.look_again(tag) is None:
            del there[tag]

    await work.each(contradicting, again)
    odd = {name: digest for name, digest in listing.odd.items() if digest}
    return there, odd, work.resolver.requests + len(unknown), since


def _all_in(manifests: Collection[Digest], going: Collection[Digest]) -> bool:
    return all(digest in manifests for digest in going)


async def _read_from(
    work: RepositoryWork, roots: Iterable[Digest], *, new: Collection[Digest]
) -> dict[Digest, Manifest]:
    """The doomed manifests, and all that the roots reach. What a kept manifest needs is kept already. Of one that
    cannot be understood counts what any reader may see in it, as it did for the plan; but no `new` one may be so."""
    manifests = {digest: manifest for digest, manifest in work.manifests.items() if manifest}
    known = {*work.manifests, *work.plan.kept_manifests}

    async def read(digest: Digest) -> None:
        raw = await work.cache.manifest(digest)
        if raw is None:
            raw = (await work.session.read_manifests([digest])).get(digest)
        if raw is None:
            return
        await work.cache.learn_manifests([raw])
        try:
            manifests[digest] = parse_manifest(raw)
        except Malformed as error:
            if digest not in new:
                manifests[digest] = Manifest(digest, raw.media_type, len(raw.body), children=error.needs)
                return
            raise IncompleteSource(
                f"{work.repository}: somebody pushed a manifest after the plan was made, and it cannot be understood: "
                f"{error}.",
                not_deleted="It may need manifests that were to be deleted, so none was deleted from here on.",
                what_to_do="Have a look at it, or exclude the repository.",
            ) from error

    frontier, seen, depth = set(roots), set[Digest](), 0
    while frontier:
        seen |= frontier
        unknown = sorted(frontier - known)
        if unknown and depth == NESTED_AT_MOST:
            raise TooDeep(
                work.repository,
                unknown,
                NESTED_AT_MOST,
                not_deleted="What it needs cannot be told, so nothing was deleted from here on.",
            )
        depth += bool(unknown)
        await work.each(unknown, read)
        frontier = {need for digest in frontier if digest in manifests for need in _needs(manifests[digest])} - seen
    return manifests


def _needs(manifest: Manifest) -> tuple[Digest, ...]:
    return (*manifest.children, manifest.subject) if manifest.subject else manifest.children


def _spread(graph: Graph, roots: Iterable[tuple[Digest, Hold]], found: dict[Digest, Hold]) -> None:
    """Adds to each root all that stays with it. What has appeared since the plan was made is about its subject, too."""
    frontier = list(roots)
    while frontier:
        reached: list[tuple[Digest, Hold]] = []
        for digest, hold in frontier:
            if digest not in found:
                found[digest] = hold
                reached += [(other, hold) for other, _ in graph.holds(digest, subject=True)]
        frontier = reached
