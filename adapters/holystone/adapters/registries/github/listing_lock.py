"""Numbered pages lose rows when something is deleted while they are read: our own deletions wait for that long."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio


class ListingLock:
    """Deletions go on side by side; a list is read alone. Whoever comes later waits for whoever came before."""

    def __init__(self) -> None:
        self._door = anyio.Lock()
        self._under_way = 0
        self._still = anyio.Event()

    def __repr__(self) -> str:
        return f"<ListingLock {self._under_way} deletions under way>"

    @asynccontextmanager
    async def listing(self) -> AsyncIterator[None]:
        async with self._door:
            if self._under_way:
                self._still = anyio.Event()
                await self._still.wait()
            yield

    @asynccontextmanager
    async def deletion(self) -> AsyncIterator[None]:
        async with self._door:
            self._under_way += 1
        try:
            yield
        finally:
            self._under_way -= 1
            if not self._under_way:
                self._still.set()
