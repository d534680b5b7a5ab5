"""Where what a run has of each repository is put, so that it need not all be in memory."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


class Spool(Sequence[T]):
    """Items of repositories, in order of their names, in whatever order they came. An item may be read anew each
    time."""

    @abstractmethod
    def append(self, item: T) -> None:
        """Raises ValueError for a repository that is there already, HolystoneError if there is no room."""
