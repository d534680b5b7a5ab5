"""What another process does just then."""

import threading
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from typing import overload

from holystone.engine.model.plan import RepositoryPlan
from holystone.engine.model.references import Repository
from holystone.engine.ports import Held, Locks


class Meanwhile(Locks):
    """Locks that are taken only after something else has happened, once."""

    def __init__(self, locks: Locks, happens: Callable[[], Awaitable[None]]) -> None:
        self._locks = locks
        self._happens: Callable[[], Awaitable[None]] | None = happens

    async def take(self, run_id: str, repositories: Iterable[Repository] = ()) -> Held:
        if happens := self._happens:
            self._happens = None
            await happens()
        return await self._locks.take(run_id, repositories)

    async def refuse_if_busy(self, repository: Repository) -> None:
        await self._locks.refuse_if_busy(repository)


class Interrupted(Sequence[RepositoryPlan]):
    """Plans: before one of them is written, something happens in another thread, as in another process."""

    def __init__(self, plans: Sequence[RepositoryPlan], before: int, happens: Callable[[], None]) -> None:
        self._plans = plans
        self._before = before
        self._happens = happens
        self._rounds = 0

    def __iter__(self) -> Iterator[RepositoryPlan]:
        self._rounds += 1
        for number, each in enumerate(self._plans):
            if number == self._before and self._rounds == 2:  # the first is for the locks
                thread = threading.Thread(target=self._happens)
                thread.start()
                thread.join()
            yield each

    def __len__(self) -> int:
        return len(self._plans)

    @overload
    def __getitem__(self, index: int) -> RepositoryPlan: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[RepositoryPlan]: ...
    def __getitem__(self, index: int | slice) -> RepositoryPlan | Sequence[RepositoryPlan]:
        return self._plans[index]
