"""Circuit breakers: whether what failed of one deletion is about that one, or fails them all.

A connection that breaks may be a host that is down, or something about one deletion. One that is forbidden says little
of the others: a server may protect single tags, and a gateway may be wrong for a moment.
"""

from collections.abc import Awaitable, Callable, Collection
from typing import Final, TypeVar

import anyio

from holystone.engine.errors import (
    DeletionDisabled,
    Doubtful,
    IncompleteSource,
    RegistryFailure,
    Unauthorized,
    Unreachable,
)
from holystone.engine.model.outcomes import Deleted, Forbidden, Outcome
from holystone.engine.ports import RepositorySession

T = TypeVar("T")
_BREAKS_AT_MOST: Final = 8
"""So many may break one after another, each for a reason of its own."""
_ENOUGH: Final = 10
"""Refusals without a single success: then the right is missing, whatever else the registry says of itself. Not every
one can be asked beforehand (GitHub)."""
_BY_NOW: Final = 100
"""Refusals in a row after a success: the credential has ended, or its right was taken away. The next attempt begins
with others, so that nothing is held up by many that are forbidden by themselves."""


class Breaks:
    """Deletions that break their connection to the end. What becomes of the next ones tells: if one of them succeeds,
    the host is there."""

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
        if await self._one_succeeds() or (self._waiting < _BREAKS_AT_MOST and await answers()):
            return broken.message
        raise broken

    async def _one_succeeds(self) -> bool:
        before = self._succeeded
        self._waiting += 1
        self._tell()
        while self._succeeded == before and self._waiting < min(_BREAKS_AT_MOST, self._to_come):
            await self._news.wait()
        return self._succeeded > before  # if none does, it goes on being counted

    def _tell(self) -> None:
        self._news.set()
        self._news = anyio.Event()


class Rights:
    """What one attempt at one repository learns of the rights it has."""

    def __init__(self, session: RepositorySession) -> None:
        self._session = session
        self._refusals = 0
        """Answers, each of which may be about many."""
        self._in_a_row = 0
        self._ask_at = 1
        self._proven = False
        """Something was deleted."""
        self._last = ""

    def __repr__(self) -> str:
        return f"<Rights {self._session.repository}, {self._refusals} refusals{', proven' if self._proven else ''}>"

    async def seen(self, outcomes: Collection[Outcome]) -> None:
        """Raises RegistryFailure if nothing can be deleted. The registry is asked after the first refusal, the second,
        the fourth …: what it says of itself is true of all."""
        if any(isinstance(outcome, Deleted) for outcome in outcomes):
            self._proven, self._in_a_row = True, 0
        forbidden = [outcome.what for outcome in outcomes if isinstance(outcome, Forbidden)]
        if not forbidden:
            return
        self._refusals += 1
        self._in_a_row += 1
        self._last = forbidden[0]
        if self._refusals >= self._ask_at:
            self._ask_at *= 2
            await self._ask()
        if self._refusals >= _ENOUGH:
            self.expect_success()
        if self._in_a_row >= _BY_NOW:
            raise self._missing()

    @property
    def worth_another_try(self) -> bool:
        """Whether to try what was forbidden once more: others were not, or there were no others."""
        return self._proven or self._refusals == 1

    def expect_success(self) -> None:
        """Raises RegistryFailure if there were refusals and nothing else."""
        if self._refusals and not self._proven:
            raise self._missing()

    def _missing(self) -> RegistryFailure:
        return RegistryFailure(
            f"{self._session.repository}: deletion is forbidden: {self._last}.",
            what_to_do="Give the credential the right to delete, then run `holystone resume`.",
        )

    async def _ask(self) -> None:
        """Asks the registry twice, for what says no may be wrong for a moment, too."""
        if await self._why_not() and (why := await self._why_not()):
            raise DeletionDisabled(f"{self._session.repository}: nothing more can be deleted: {why}")

    async def _why_not(self) -> str:
        """Why nothing can be deleted; empty also if there is no answer, which says nothing."""
        try:
            found = await self._session.probe()
        except (Unreachable, Doubtful):
            raise
        except Unauthorized as error:
            return error.message
        except (IncompleteSource, RegistryFailure):
            return ""
        return found.forbidden
