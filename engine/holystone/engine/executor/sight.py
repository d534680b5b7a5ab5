"""Where tags point now, for the comparison right before a deletion: one listing for all tags where it says that, a look
at each tag where not."""

import time
from collections.abc import Callable
from typing import Final

import anyio

from holystone.engine.model.references import Digest, Repository, Tag
from holystone.engine.ports import Listing, Registry

FRESH: Final = 60.0
"""Seconds for which a listing stands for a look. A batch of deletions may take that long at the pace that the slowest
vendors allow, and a listing for each of them would cost more than all of them."""


class Sight:
    def __init__(
        self,
        registry: Registry,
        repository: Repository,
        *,
        by_listing: bool,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._registry = registry
        self._repository = repository
        self._by_listing = by_listing
        self._clock = clock
        self._seen: tuple[float, Listing] | None = None
        self._looking = anyio.Lock()

    def __repr__(self) -> str:
        age = f"{self._clock() - self._seen[0]:.0f} s old" if self._seen else "nothing seen"
        return f"<Sight {self._repository} {age}>"

    async def listing(self) -> Listing:
        """As it is now. Raises what the registry raises."""
        begun = self._clock()
        listing = await self._registry.list_tags(self._repository)
        self._seen = begun, listing
        return listing

    async def tag(self, tag: Tag) -> Digest | None:
        """None if there is no such tag. Raises what the registry raises."""
        if not self._by_listing:
            return await self._registry.resolve(self._repository, tag)
        async with self._looking:
            if self._seen and self._clock() - self._seen[0] < FRESH:
                listing = self._seen[1]
            else:
                listing = await self.listing()
        if tag not in listing.tags:
            return None
        return listing.tags[tag] or await self._registry.resolve(self._repository, tag)
