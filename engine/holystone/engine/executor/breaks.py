"""Deletions that break their connection to the end: a host that is down, or something about that one deletion."""

from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

import anyio

from holystone.engine.errors import Unreachable

T = TypeVar("T")
_AT_MOST: Final = 8
"""So many may break one after another, each for a reason of its own."""


class Breaks:
    """What becomes of the next ones tells: if one of them succeeds, the host is there."""

    def __init__(self) -> None:
        self._to_come = 0
        self._succeeded = 0
        self._waiting = 0
        self._news = anyio.Event()

    def __repr__(self) -> str:
        return f"<Breaks {self._to_come} to come, {self._waiting} broken>"

    def expect(self, more: int) -> None:
        """Says that so many more things are about to be done, or fewer."""
        self._to_come += more
        self._tell()

    async def run(self, act: Callable[[], Awaitable[T]], answers: Callable[[], Awaitable[bool]]) -> T | str:
        """What `act` gives, or how it broke its connection. Raises Unreachable if that is not its own fault alone.
        `answers`: whether the host does, asked something else."""
        try:
            result = await act()
        except Unreachable as error:
            broken = error
        else:
            self._succeeded += 1
            self._waiting = 0  # whoever breaks from now on is not among those that this tells of
            self._tell()
            return result
        if await self._one_succeeds() or (self._waiting < _AT_MOST and await answers()):
            return broken.message
        raise broken

    async def _one_succeeds(self) -> bool:
        before = self._succeeded
        self._waiting += 1
        self._tell()
        while self._succeeded == before and self._waiting < min(_AT_MOST, self._to_come):
            await self._news.wait()
        return self._succeeded > before  # if none does, it goes on being counted

    def _tell(self) -> None:
        self._news.set()
        self._news = anyio.Event()
