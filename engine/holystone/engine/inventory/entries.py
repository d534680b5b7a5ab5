"""What of many things of one kind cannot be read, and when that is no single thing's fault any more."""

from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from typing import Final, Generic, TypeVar

from holystone.engine.errors import Doubtful, IncompleteSource, TooDeep, Unauthorized, Unreachable

K = TypeVar("K", bound=Hashable)
_EARLY: Final = 16
"""So many failures before anything else, and the rest is not tried: a host that is down costs patience each time."""


class Entries(Generic[K]):
    """Reading one thing fails for its own sake (a link that is empty, a configuration that may not be read, a
    connection that always breaks) or for the sake of all (the host, the credential, a storage that is down). One
    failure is a fact about one thing as long as others of its kind are read, or known from before."""

    def __init__(self) -> None:
        self.read = 0
        self.failed: dict[K, IncompleteSource] = {}

    def __repr__(self) -> str:
        return f"<Entries {self.read} read, {len(self.failed)} not>"

    @contextmanager
    def of(self, entry: K) -> Iterator[None]:
        """Takes what is raised within for the entry's own trouble. Raises what `add` raises."""
        try:
            yield
        except IncompleteSource as error:
            self.add(entry, error)
        else:
            self.read += 1

    def add(self, entry: K, error: IncompleteSource) -> None:
        """Notes an error as the entry's own. Raises it again if it is about more than this entry."""
        if isinstance(error, Doubtful | TooDeep):
            raise error
        self.failed[entry] = error
        if len(self.failed) >= _EARLY and len(self.failed) > self.read:
            raise self._first

    def end(self, *, may_read: bool = False) -> None:
        """To be called when all entries were asked for. Raises the first error if it is not about single entries.
        `may_read`: it is known from elsewhere that the host is there and lets us read."""
        if not self.failed or self.read:
            return
        if len(self.failed) > 1 or (not may_read and isinstance(self._first, Unauthorized | Unreachable)):
            raise self._first

    def problems(self) -> dict[K, str]:
        return {entry: error.message.removesuffix(".") for entry, error in self.failed.items()}

    @property
    def _first(self) -> IncompleteSource:
        return next(iter(self.failed.values()))
