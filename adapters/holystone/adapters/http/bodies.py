"""Bodies of replies: none larger than it may be, and of large ones not more at once than there is room for."""

import zlib
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final

import aiohttp
import anyio
import anyio.lowlevel
from yarl import URL

from holystone.adapters.http.reply import address
from holystone.engine.errors import IncompleteSource

ROOM: Final = 64 << 20
"""Bytes. Hundreds of tasks read at once, and each may be sent the most that its question allows."""
_SMALL: Final = 64 << 10
"""Bytes for which nobody waits: nearly every manifest and configuration."""
_GZIP: Final = 16 + zlib.MAX_WBITS


class TooLarge(IncompleteSource):
    """Whoever can ask for less may do so."""


class Bodies:
    def __init__(self, room: int = ROOM) -> None:
        self._room = self._free = room
        self._freed = anyio.Condition()
        self._turn = anyio.Lock()

    async def read(self, response: aiohttp.ClientResponse, limit: int, asked: URL) -> bytes:
        """The whole body. Raises TooLarge for one of more than `limit` bytes."""
        if (response.content_length or 0) > limit:
            raise _too_large(response.method, asked, limit)
        whole = bytearray()  # parts may be of a byte each, and take fifty times that
        waited = False
        async with AsyncExitStack() as taken:
            async for part in _unfolded(response):
                whole += part
                if len(whole) > limit:
                    raise _too_large(response.method, asked, limit)
                if len(whole) > _SMALL and not waited:
                    # Once, and for the whole: two that each waited for the other's rest would wait for ever.
                    await taken.enter_async_context(self._take(min(limit, self._room)))
                    waited = True
            body = bytes(whole)
            whole.clear()  # leaving takes a moment, in which others read theirs
            return body

    @asynccontextmanager
    async def _take(self, size: int) -> AsyncIterator[None]:
        # In the order in which they came: who needs all of it would wait for as long as others need little.
        async with self._turn, self._freed:
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


def _too_large(method: str, asked: URL, limit: int) -> TooLarge:
    return TooLarge(
        f"The reply to {method} {asked.path} of {address(asked)} is larger than {limit} bytes, "
        "the most that such a reply may have."
    )


async def _unfolded(response: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    """The body, unfolded in small parts: aiohttp would unfold all that one packet brings, a thousand times its size,
    before anybody is asked whether there is room for it. Raises ClientPayloadError if it is damaged, or ends too
    early."""
    is_folded = response.headers.get("Content-Encoding", "").strip().lower() in ("gzip", "x-gzip")
    member = None
    async for part in response.content.iter_any():
        if not is_folded:
            yield part
            continue
        while part:
            member = member or zlib.decompressobj(_GZIP)
            try:
                unfolded = member.decompress(part, _SMALL)
            except zlib.error:
                raise aiohttp.ClientPayloadError("it is no gzip") from None
            part = member.unconsumed_tail or member.unused_data
            member = None if member.eof else member
            yield unfolded
            if part:
                await anyio.lowlevel.checkpoint()  # whoever has read his may be done with it before the next one has
    if member is not None:
        raise aiohttp.ClientPayloadError("its gzip does not end")
