"""Text → YAML documents with positions, bounded in size, depth and expansion.

The tree is built from libyaml's events because its composer recurses in C (deep nesting ends the process), lets
a later duplicate key win, and forgets where keys stood.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Final, Never, Protocol

import yaml

from holystone.adapters.yaml.nodes import Entry, Node, Position, Scalar, problem
from holystone.engine.errors import UsageError

MAX_BYTES: Final = 4 * 1024 * 1024
_MAX_NODES: Final = 200_000
_MAX_DEPTH: Final = 100
_MAX_DIRECTIVES: Final = 100
"""libyaml compares each with all before it, and nothing else runs meanwhile: hours for as many as fit."""
_DIRECTIVE: Final = re.compile(r"(?:\A|[\n\r\x85\u2028\u2029])%TAG[ \t]")

_WORDS: Final[dict[str, Scalar]] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON"), True),
    **dict.fromkeys(("false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF"), False),
}
_INTEGER: Final = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,18})")
_FLOAT: Final = re.compile(r"[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")


def parse_documents(text: str, source: str) -> tuple[Node, ...]:
    """Every document of the stream, empty ones left out. `source` names the file in errors.

    Raises UsageError for what is not YAML, for a duplicate key, and for more than any honest file holds.
    """
    if sum(1 for _ in _DIRECTIVE.finditer(text)) > _MAX_DIRECTIVES:
        raise UsageError(f"{source} has more than {_MAX_DIRECTIVES} %TAG directives, which no configuration has")
    try:
        return tuple(_Builder(source).documents(text))
    except yaml.MarkedYAMLError as error:
        raise problem(source, _position(error.problem_mark), f"not YAML: {error.problem}") from error
    except yaml.reader.ReaderError as error:
        before = text.encode()[: error.position].decode(errors="ignore")
        at = Position(before.count("\n") + 1, len(before) - before.rfind("\n"))
        raise problem(source, at, f"not YAML: {error.reason}") from error


def decode(body: bytes, source: str) -> str:
    """Raises UsageError if it is too large or not UTF-8."""
    if len(body) > MAX_BYTES:
        raise UsageError(f"{source} is larger than {MAX_BYTES // 1024 // 1024} MiB, which no configuration is")
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = body[: error.start]
        at = Position(before.count(b"\n") + 1, len(before) - before.rfind(b"\n"))
        raise problem(source, at, "not UTF-8 text") from error


class _Mark(Protocol):
    """Counted from 0. libyaml's marks and PyYAML's own have no common base."""

    line: int
    column: int


@dataclass(slots=True)
class _Open:
    """A list or mapping whose end has not come yet."""

    position: Position
    anchor: str | None
    is_mapping: bool
    items: list[Node] = field(default_factory=list)
    entries: dict[str, Entry] = field(default_factory=dict)
    merges: list[tuple[Position, Node]] = field(default_factory=list)
    key: tuple[Position, str, bool] | None = None
    """The key whose value comes next, and whether it is the merge key."""


class _Builder:
    def __init__(self, source: str) -> None:
        self._source = source
        self._stack: list[_Open] = []
        self._anchors: dict[str, Node] = {}
        self._nodes = 0
        self._root: Node | None = None

    def documents(self, text: str) -> Iterator[Node]:
        for event in yaml.parse(text, Loader=yaml.CSafeLoader):
            at = _position(event.start_mark)
            match event:
                case yaml.DocumentStartEvent():
                    self._anchors, self._root = {}, None
                case yaml.DocumentEndEvent():
                    if self._root and self._root.value is not None:
                        yield self._root
                case yaml.ScalarEvent():
                    self._scalar(event, at)
                case yaml.AliasEvent():
                    self._alias(str(event.anchor), at)
                case yaml.SequenceStartEvent() | yaml.MappingStartEvent():
                    self._begin(_Open(at, event.anchor, isinstance(event, yaml.MappingStartEvent)))
                case yaml.SequenceEndEvent() | yaml.MappingEndEvent():
                    done = self._stack.pop()
                    self._add(self._finished(done), done.anchor)

    def _scalar(self, event: yaml.ScalarEvent, at: Position) -> None:
        plain = bool(event.implicit[0]) and event.tag is None
        into = self._stack[-1] if self._stack else None
        if into and into.is_mapping and into.key is None:
            self._key(into, event.value, at, is_merge=plain and event.value == "<<")
            if event.anchor:
                self._anchors[event.anchor] = Node(at, event.value)
            return
        value = _resolve(event.value) if plain else event.value
        self._add(Node(at, value, written=event.value if plain else None), event.anchor)

    def _key(self, into: _Open, key: str, at: Position, *, is_merge: bool) -> None:
        if key in into.entries or (is_merge and into.merges):
            self._fail(at, f"{key}: this key stands here twice")
        into.key = (at, key, is_merge)
        self._count(1, at)

    def _alias(self, anchor: str, at: Position) -> None:
        node = self._anchors.get(anchor)
        if node is None:
            self._fail(at, f"*{anchor}: no &{anchor} is complete before it")
        if len(self._stack) + node.height > _MAX_DEPTH:
            self._too_deep(at)
        self._count(node.weight - 1, at)
        self._add(replace(node, position=at), None)

    def _begin(self, opened: _Open) -> None:
        if len(self._stack) >= _MAX_DEPTH:
            self._too_deep(opened.position)
        into = self._stack[-1] if self._stack else None
        if into and into.is_mapping and into.key is None:
            self._fail(opened.position, "a key must be text")
        self._stack.append(opened)

    def _add(self, node: Node, anchor: str | None) -> None:
        self._count(1, node.position)
        if anchor:
            self._anchors[anchor] = node
        into = self._stack[-1] if self._stack else None
        if into is None:
            self._root = node
        elif not into.is_mapping:
            into.items.append(node)
        elif into.key is None:
            self._fail(node.position, "a key must be text")
        else:
            position, key, is_merge = into.key
            into.key = None
            if is_merge:
                into.merges.extend((position, each) for each in self._merged(node))
            else:
                into.entries[key] = Entry(position, node)

    def _merged(self, node: Node) -> tuple[Node, ...]:
        """What `<<` names: a mapping, or a list of mappings of which an earlier one wins."""
        sources = node.value if isinstance(node.value, tuple) else (node,)
        if not all(isinstance(each.value, dict) for each in sources):
            self._fail(node.position, "<< takes a mapping or a list of mappings")
        return sources

    def _finished(self, done: _Open) -> Node:
        for position, source in done.merges:
            self._count(source.weight, position)
            assert isinstance(source.value, dict)  # noqa: S101 -- _merged saw to it
            for key, entry in source.value.items():
                done.entries.setdefault(key, entry)
        inside = [entry.node for entry in done.entries.values()] if done.is_mapping else done.items
        return Node(
            done.position,
            done.entries if done.is_mapping else tuple(done.items),
            weight=1 + sum(node.weight for node in inside),
            height=1 + max((node.height for node in inside), default=0),
        )

    def _count(self, nodes: int, at: Position) -> None:
        self._nodes += nodes
        if self._nodes > _MAX_NODES:
            self._fail(at, f"more than {_MAX_NODES} values, aliases expanded")

    def _too_deep(self, at: Position) -> Never:
        self._fail(at, f"nested deeper than {_MAX_DEPTH} levels")

    def _fail(self, at: Position, what: str) -> Never:
        raise problem(self._source, at, what)


def _position(mark: _Mark | None) -> Position:
    return Position(mark.line + 1, mark.column + 1) if mark else Position(1, 1)


def _resolve(text: str) -> Scalar:
    """The value of an unquoted scalar, for the types that configurations of werf have; the rest is text."""
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    return float(text) if _FLOAT.fullmatch(text) else text
