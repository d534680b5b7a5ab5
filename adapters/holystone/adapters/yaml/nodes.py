"""YAML values that know where in the file they stand, and errors that say it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, NamedTuple, TypeAlias

from holystone.engine.errors import UsageError

Path: TypeAlias = tuple[str | int, ...]
"""Keys and positions (counted from 0) from a value down to one inside it."""
Scalar: TypeAlias = bool | int | float | str | None
Reading: TypeAlias = "Mapping[str, Callable[[Node], Any]]"
"""How the values of some keys are read, wherever these keys stand."""
_AS_THEY_ARE: Final[Reading] = MappingProxyType({})


class Position(NamedTuple):
    """A place in a file; both numbers are counted from 1, as editors do."""

    line: int
    column: int


class Entry(NamedTuple):
    """A key's place and the value beside it."""

    position: Position
    node: "Node"


@dataclass(frozen=True, slots=True)
class Node:
    position: Position
    value: "Scalar | tuple[Node, ...] | dict[str, Entry]"
    weight: int = 1
    """Nodes inside and itself, those behind aliases counted each time: what expanding it would cost."""
    height: int = 1
    written: str | None = None
    """Of a scalar without quotes: its text. `1.10` is the number 1.1, and may be meant as a name."""

    @property
    def kind(self) -> str:
        """What kind of value it is, for people."""
        match self.value:
            case dict():
                return "a mapping"
            case tuple():
                return "a list"
            case None:
                return "nothing"
            case str():
                return "text"
            case bool():
                return "true or false"
            case _:
                return "a number"

    def plain(self, reading: Reading = _AS_THEY_ARE) -> Any:
        """The value as ordinary dicts, lists and scalars."""
        match self.value:
            case dict():
                return {
                    key: reading[key](entry.node) if key in reading else entry.node.plain(reading)
                    for key, entry in self.value.items()
                }
            case tuple():
                return [node.plain(reading) for node in self.value]
            case _:
                return self.value

    def locate(self, path: Path) -> Position:
        """Where the last key of `path` stands; of a path that leads nowhere (say, to a missing key) the deepest
        part that exists."""
        node, position = self, self.position
        for step in path:
            match node.value:
                case dict() if step in node.value:
                    position, node = node.value[str(step)]
                case tuple() if isinstance(step, int) and 0 <= step < len(node.value):
                    node = node.value[step]
                    position = node.position
                case _:
                    break
        return position


def shown(path: Path) -> str:
    """A path as people read it: `keepPolicies[0].references`."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return text.removeprefix(".")


def problem(source: str, position: Position, what: str) -> UsageError:
    return UsageError(f"{source}:{position.line}:{position.column}: {what}")
