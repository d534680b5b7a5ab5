"""Where tags point now, for the comparison right before a deletion: one listing for all tags where it says that and
costs less, a look at each tag where not."""

import math
import time
from collections.abc import Callable

import anyio

from holystone.engine.executor.step_states import StepStates
from holystone.engine.inventory.listing import list_twice
from holystone.engine.model.capabilities import Capabilities
from holystone.engine.model.references import Digest, Tag
from holystone.engine.ports import Listing, RepositorySession
from holystone.engine.scheduler import FRESH


class TagResolver:
    def __init__(
        self,
        session: RepositorySession,
        capabilities: Capabilities,
        states: StepStates,
        *,
        tags: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`tags`: about so many are there."""
        self._session = session
        self._told_by_listing = capabilities.digests_in_listing
        self._page = capabilities.page
        self._states = states
        self._tags = tags
        self._clock = clock
        self._seen: Listing | None = None
        self._seen_at = 0.0
        self._spared: float = math.inf
        """Looks that the last listing stood for; of the next one no more is to be expected."""
        self._looking = anyio.Lock()

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

    async def tag_when_listed(self, tag: Tag) -> Digest | None:
        """Where a tag pointed by the last listing, however old that is, where listings tell; as it is now elsewhere."""
        return await self._find(tag, self._seen if self._told_by_listing else None)

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
