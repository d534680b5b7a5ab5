"""Bodies of replies: none larger than it may be, and of large ones not more at once than there is room for."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final

import aiohttp
import anyio
from yarl import URL

from holystone.adapters.http.reply import address
from holystone.engine.errors import IncompleteSource

ROOM: Final = 64 << 20
"""Bytes. Hundreds of tasks read at once, and each may be sent the most that its question allows."""
_SMALL: Final = 64 << 10
"""Bytes for which nobody waits: nearly every manifest and configuration."""


class Bodies:
    def __init__(self, room: int = ROOM) -> None:
        self._room = self._free = room
        self._freed = anyio.Condition()

    async def read(self, response: aiohttp.ClientResponse, limit: int, asked: URL) -> bytes:
        """Raises IncompleteSource for one of more than `limit` bytes."""
        too_big = IncompleteSource(
            f"The reply to {response.method} {asked.path} of {address(asked)} is larger than {limit} bytes, "
            "the most that such a reply may have."
        )
        if (response.content_length or 0) > limit:
            raise too_big
        parts: list[bytes] = []
        size, waited = 0, False
        async with AsyncExitStack() as taken:
            async for part in response.content.iter_any():
                size += len(part)
                if size > limit:
                    raise too_big
                if size > _SMALL and not waited:
                    # Once, and for the whole: two that each waited for the other's rest would wait for ever.
                    await taken.enter_async_context(self._take(min(limit, self._room)))
                    waited = True
                parts.append(part)
            return b"".join(parts)

    @asynccontextmanager
    async def _take(self, size: int) -> AsyncIterator[None]:
        async with self._freed:
            while self._free < size:
                await self._freed.wait()
            self._free -= size
        try:
            yield
        finally:
            self._free += size
            with anyio.CancelScope(shield=True):
                async with self._freed:
                    self._freed.notify_all()
