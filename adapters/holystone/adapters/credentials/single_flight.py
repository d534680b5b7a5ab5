"""One call at a time for one key, its result shared by all who wanted it meanwhile."""

from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar
from weakref import WeakValueDictionary

import anyio

from holystone.engine.scheduler import sent_at_any_time

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class _Flight:
    __slots__ = ("__weakref__", "failed", "failure", "lock", "started")

    def __init__(self) -> None:
        self.lock = anyio.Lock()
        self.started = 0
        self.failed = 0
        self.failure: Exception | None = None


class SingleFlight(Generic[K, V]):
    """A cancelled caller frees its place: the next one makes the call. A failure is shared by those who were waiting
    for it, so that fifty waiters do not fail one after another; who comes later tries again."""

    def __init__(self) -> None:
        self._flights: WeakValueDictionary[K, _Flight] = WeakValueDictionary()

    async def run(self, key: K, known: Callable[[], V | None], call: Callable[[], Awaitable[V]]) -> V:
        """`known` gives the result if somebody has fetched it meanwhile; `call` fetches it and stores it there."""
        if (value := known()) is not None:
            return value
        flight = self._flights.get(key)
        if flight is None:
            flight = self._flights[key] = _Flight()
        awaited = flight.started if flight.lock.locked() else flight.started + 1
        async with flight.lock:
            if (value := known()) is not None:
                return value
            if flight.failure is not None and flight.failed >= awaited:
                raise flight.failure
            flight.started += 1
            try:
                with sent_at_any_time():
                    return await call()
            except Exception as error:
                flight.failure, flight.failed = error, flight.started
                raise

    def __repr__(self) -> str:
        return f"<SingleFlight {len(self._flights)} in the air>"
