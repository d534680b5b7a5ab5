"""Where tags point now, for the comparison right before a deletion: one listing for all tags where it says that and
costs less, a look at each tag where not. What was seen of many tags stands for a minute.

A look that contradicts the plan is looked at again, over a connection of its own, before it decides anything. Most tags
may be moved by people. One that is written once (a stage, a record, an image named after its content) may not: seen
elsewhere than planned it proves a wrong answer, now or when the plan was made, or that somebody has overwritten it.
Neither leaves anything that the plan can be trusted for.
"""

import math
from collections.abc import Callable, Collection, Mapping

import anyio

from holystone.engine.errors import Doubtful, PlanDoubtful
from holystone.engine.executor.looks import FEW
from holystone.engine.executor.step_states import StepStates
from holystone.engine.inventory.listing import list_twice
from holystone.engine.model.capabilities import Capabilities
from holystone.engine.model.plan import RepositoryPlan
from holystone.engine.model.references import Digest, Tag
from holystone.engine.ports import Listing, RepositorySession
from holystone.engine.scheduler import FRESH, moment


def written_once(plan: RepositoryPlan) -> frozenset[Tag]:
    """The tags that are written once, kept and doomed ones."""
    return frozenset((*(each.tag for each in plan.kept if each.written_once), *plan.doomed_written_once))


async def look_again(
    session: RepositorySession, plan: RepositoryPlan, tag: Tag, expected: Collection[Digest], *, once: bool
) -> Digest | None:
    """Where the tag points, which was seen elsewhere than `expected`. `once`: it is written once. Raises what the
    registry raises; of such a tag Doubtful if the first answer was wrong, PlanDoubtful if it was right."""
    now = await session.resolve(tag, alone=True)
    if now is None or not once:
        return now
    if now in expected:
        raise Doubtful(
            f"{plan.repository}: asked twice where {tag} points, which nobody moves, the registry gave two answers: "
            "they are mixed up on the way, and none is to be relied on.",
            what_to_do="A proxy or server on the way there answers some requests twice: find it, or go around it.",
        )
    raise PlanDoubtful(
        f"{plan.repository}: {tag} is written once, and points to {now.short} now, elsewhere than when the plan was "
        "made: what was read then was wrong, or somebody has overwritten it.",
        what_to_do="Run the command again: it makes a new plan. If it happens again, find out who pushes there.",
    )


class TagResolver:
    def __init__(
        self,
        session: RepositorySession,
        capabilities: Capabilities,
        states: StepStates,
        *,
        tags: int,
        clock: Callable[[], float] = moment,
    ) -> None:
        """`tags`: about so many are there."""
        self._session = session
        self._told_by_listing = capabilities.listing.digests
        self._page = capabilities.listing.page
        self._states = states
        self._tags = tags
        self._clock = clock
        self._seen: Listing | None = None
        self._seen_at = 0.0
        self._spared: float = math.inf
        """Looks that the last listing stood for; of the next one no more is to be expected."""
        self._looking = anyio.Lock()
        self._looks: dict[Tag, Digest] = {}
        self.first_look = -math.inf
        """When the looks at single tags began that are remembered, by `moment`."""
        self._doubted = False

    def __repr__(self) -> str:
        age = f"{self._clock() - self._seen_at:.0f} s old" if self._seen else "nothing seen"
        return f"<TagResolver {self._session.repository} {age}>"

    @property
    def requests(self) -> int:
        """How many requests a listing takes."""
        return max(1, math.ceil(self._tags / self._page)) if self._page else 1

    async def listing(self) -> Listing:
        """The listing as it is now. Raises what the registry raises."""
        begun = self._clock()
        listing = await list_twice(self._session)
        self._seen, self._seen_at, self._spared, self._tags = listing, begun, 0, len(listing.tags)
        return listing

    async def tag(self, tag: Tag) -> Digest | None:
        """Where a tag points now; None if there is no such tag. Raises what the registry raises."""
        async with self._looking:
            listing = await self._fresh_listing() if self._told_by_listing else None
        return await self._find(tag, listing)

    async def tag_lately(self, tag: Tag) -> Digest | None:
        """Where a tag pointed by the last listing, however old that is, where listings tell; elsewhere by a recent
        look, or as it is now."""
        if not self._told_by_listing and (digest := self.recent.get(tag)):
            return digest
        return await self._find(tag, self._seen if self._told_by_listing else None)

    @property
    def recent(self) -> Mapping[Tag, Digest]:
        """What looks at single tags have seen that are not old yet."""
        is_old = self._clock() - self.first_look >= FRESH
        return {} if is_old or self._doubted else self._looks

    def remember(self, looks: Mapping[Tag, Digest], begun: float) -> None:
        """What looks at single tags have seen since `begun`, by `moment`. All of them become old with the first. Few
        are not remembered: it takes a moment to look again."""
        if self.recent:
            self._looks.update(looks)
        elif len(looks) > FEW:
            self._looks, self.first_look = {**looks}, begun

    def doubt(self) -> None:
        """From now on no look stands for another one: they may have been given answers to other questions."""
        self._doubted = True

    async def _fresh_listing(self) -> Listing | None:
        """A listing that is not old yet; None if one costs more than the looks for which it would stand: few tags are
        left, or deleting (or even the listing itself) is so slow that it would be old before long."""
        if not self._is_fresh():
            if self.requests > min(self._spared, len(self._states.due)):
                return None
            await self.listing()
            if not self._is_fresh():
                return None
        self._spared += 1
        return self._seen

    def _is_fresh(self) -> bool:
        return self._seen is not None and self._clock() - self._seen_at < FRESH

    async def _find(self, tag: Tag, listing: Listing | None) -> Digest | None:
        if listing and tag not in listing.tags:
            return None
        return (listing and listing.tags[tag]) or await self._session.resolve(tag)
