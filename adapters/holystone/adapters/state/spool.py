"""What a run has of each repository, in order of their names: in memory while it is little, else in a file.

So the memory of a run does not grow with the number of its repositories, but by a line each. The file has no name:
nobody else can open or change it, and it is gone with the process.
"""

import os
import tempfile
import weakref
from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, Final, Protocol, TypeVar, overload

from holystone.adapters.state.own_files import own_folder
from holystone.engine.errors import HolystoneError, UsageError
from holystone.engine.model.codec import pack, unpack
from holystone.engine.model.references import Repository
from holystone.engine.ports import Spool

IN_MEMORY: Final = 2 << 20
"""Bytes, as they are in a file. In memory they take five times as much; words of a letter or two, twenty times."""


class OfRepository(Protocol):
    @property
    def repository(self) -> Repository: ...


T = TypeVar("T", bound=OfRepository)


class FileSpool(Spool[T]):
    """Each item is read anew when it is asked for, unless it is among those used last."""

    def __init__(self, kind: type[T], folder: Path, *, in_memory: int = IN_MEMORY) -> None:
        """`in_memory`: bytes of items that there may be at once; what is more goes into `folder`, or where the system
        has its temporary files if that is not ours, or none."""
        self._kind = kind
        self._folder = folder
        self._in_memory = in_memory
        self._names: list[Repository] = []
        self._numbers: list[int] = []
        """In order of the names: which item it is, as they came."""
        self._canonical: set[Repository] = set()
        self._at: dict[int, tuple[int, int]] = {}
        """Where in the file it begins, and its bytes."""
        self._recent: OrderedDict[int, tuple[T, int]] = OrderedDict()
        self._weight = 0
        self._file: BinaryIO | None = None
        self._end = 0

    def __repr__(self) -> str:
        return f"<FileSpool of {len(self)} {self._kind.__name__}, {len(self._recent)} in memory>"

    def append(self, item: T) -> None:
        name = item.repository
        if name.canonical in self._canonical:
            raise ValueError(f"{name} is there twice")
        self._canonical.add(name.canonical)
        number, place = len(self._numbers), bisect_left(self._names, name)
        self._names.insert(place, name)
        self._numbers.insert(place, number)
        self._remember(number, item, len(pack(item)))

    def __len__(self) -> int:
        return len(self._numbers)

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[T]: ...
    def __getitem__(self, index: int | slice) -> T | Sequence[T]:
        if isinstance(index, slice):
            return [self._item(number) for number in self._numbers[index]]
        return self._item(self._numbers[index])

    def __iter__(self) -> Iterator[T]:
        return map(self._item, tuple(self._numbers))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence) or isinstance(other, str) or len(self) != len(other):
            return False
        return all(one == another for one, another in zip(self, other, strict=True))

    __hash__ = None  # type: ignore[assignment]

    def _item(self, number: int) -> T:
        if found := self._recent.get(number):
            self._recent.move_to_end(number)
            return found[0]
        start, size = self._at[number]
        item = unpack(self._read(start, size), self._kind)
        self._remember(number, item, size)
        return item

    def _remember(self, number: int, item: T, weight: int) -> None:
        self._recent[number] = item, weight
        self._weight += weight
        while self._weight > self._in_memory:
            oldest, (going, its) = next(iter(self._recent.items()))
            if oldest not in self._at:
                self._write(oldest, pack(going))
            del self._recent[oldest]
            self._weight -= its

    def _read(self, start: int, size: int) -> bytes:
        if self._file is None:
            raise KeyError(start)
        try:
            return os.pread(self._file.fileno(), size, start)
        except OSError as error:
            raise self._unusable("be read again from", error) from error

    def _write(self, number: int, encoded: bytes) -> None:
        end = self._end
        try:
            if self._file is None:
                self._file = self._nameless()
                weakref.finalize(self, self._file.close)
            while end < self._end + len(encoded):
                end += os.pwrite(self._file.fileno(), encoded[end - self._end :], end)
        except OSError as error:
            raise self._unusable("be written to", error) from error
        self._at[number] = self._end, len(encoded)
        self._end = end

    def _nameless(self) -> BinaryIO:
        """Whether the folder can be used may be seen in the midst of a run, and it is a cache's, without which all goes
        on."""
        try:
            own_folder(self._folder)
            return tempfile.TemporaryFile(dir=self._folder)
        except (UsageError, OSError):
            self._folder = Path(tempfile.gettempdir())
            return tempfile.TemporaryFile(dir=self._folder)

    def _unusable(self, how: str, error: OSError) -> HolystoneError:
        """While a plan is made, or in the midst of a run: whoever knows says more."""
        return HolystoneError(
            f"What is known of each repository cannot {how} {self._folder}: {error.strerror}.",
            not_deleted="What was not deleted by then stays.",
            what_to_do="Make room there, or name fewer repositories. If a run had begun to delete, `holystone resume` "
            "finishes it.",
        )
