"""A file of retention policies, with all that it includes → RetentionFile; and `--keep`, which is an entry of one."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeVar

import msgspec

from holystone.adapters.retention_file.reader import read_retention_file
from holystone.adapters.retention_file.tag_column import read_tag_column
from holystone.adapters.yaml.nodes import Node, problem, shown
from holystone.engine.errors import UsageError, shell_word
from holystone.policies.keep_policies_data import Path as KeyPath
from holystone.policies.keep_policies_data import PolicyError
from holystone.policies.retention.patterns import ExpressionPattern, TagPattern
from holystone.policies.retention.rules import CloneName, Entry, Policy, RetentionFile
from holystone.policies.retention_data.command_line import parse_keep_option
from holystone.policies.retention_data.entries import Beside
from holystone.policies.retention_data.file import parse_file, parse_included
from holystone.policies.retention_data.includes import Include
from holystone.policies.retention_data.parts import Data, Part, Word
from holystone.policies.retention_data.tags import ListedTag
from holystone.settings.retention_registries import checked_registries
from holystone.settings.untold_pulls import UntoldPulls, untold_pulls

T = TypeVar("T")
_MOST_POLICIES: Final = 2_000
_MOST_EXPRESSIONS: Final = 1_000
"""In all files together; each is kept compiled."""


class LoadedRetention(msgspec.Struct, frozen=True):
    file: RetentionFile
    places: Mapping[str, tuple[str, ...]]
    """Where the entries of each policy stand (`holystone.yaml:15`), by the policy's name."""


def load_retention_file(path: Path, home: Path) -> LoadedRetention:
    """All that a file of policies says. Paths in it count from its folder, and those that begin with `~/` from `home`.
    Raises UsageError, which names file, line and column."""
    written = WrittenDocument.read(path)
    folder = _Folder(path.parent, home)
    said = written.understood(lambda part: parse_file(part, folder.tags))
    registries = checked_registries(said.registries, written.place, folder.path)
    gathered = _Gathered()
    for each in said.includes:
        gathered.include(each, folder, frozenset(said.clones))
    gathered.add(said.policies, written)
    if untold := untold_pulls(gathered.policies, registries):
        raise gathered.wrong(untold)
    return LoadedRetention(
        RetentionFile(
            in_use=said.in_use,
            in_use_lists=tuple(str(folder.path(each)) for each in said.in_use_lists),
            policies=tuple(gathered.policies),
            clones={name: str(folder.path(each)) for name, each in said.clones.items()},
            registries=registries,
            projects=tuple(
                msgspec.structs.replace(
                    each,
                    directory=str(folder.path(each.directory).absolute()),
                    config=str(folder.path(each.config)) if each.config else "",
                )
                for each in said.projects
            ),
        ),
        gathered.places,
    )


def keep_entries(texts: Sequence[str], home: Path) -> tuple[Entry, ...]:
    """The entries of `--keep` options. Raises UsageError."""
    beside = Beside(frozenset(), _Folder(Path(), home).tags)
    return tuple(_keep_entry(each, beside) for each in texts)


def _keep_entry(text: str, beside: Beside) -> Entry:
    try:
        return parse_keep_option(text, beside)
    except PolicyError as error:
        key = f"{shown(error.path)}: " if error.path else ""
        raise UsageError(f"--keep {shell_word(text)}: {key}{error.message}") from error


@dataclass(frozen=True, slots=True)
class _Folder:
    """Whence paths of a file count."""

    at: Path
    home: Path
    is_closed: bool = False
    """Whether only what lies below it may be named: whoever includes a file need not trust it with all others."""

    def path(self, text: str) -> Path:
        """Raises ValueError."""
        path = self.home / text[2:] if text.startswith("~/") else self.at / text
        if self.is_closed and not self.holds(path):
            raise ValueError("an included file names only files below its own folder")
        return path

    def holds(self, path: Path) -> bool:
        """Whether it lies below the folder, whatever links lead there; of what can be no path whoever reads it says
        so."""
        try:
            return path.resolve().is_relative_to(self.at.resolve())
        except ValueError:
            return True

    def tags(self, text: str) -> tuple[ListedTag, ...]:
        """Raises ValueError."""
        return tuple(ListedTag(*each) for each in read_tag_column(self.path(text)))


@dataclass(frozen=True, slots=True)
class WrittenDocument:
    """A document as it was written."""

    source: str
    node: Node

    @classmethod
    def read(cls, path: Path) -> "WrittenDocument":
        return cls(str(path), read_retention_file(path))

    def understood(self, parse: Callable[[Part], T]) -> T:
        try:
            return parse(Part(plain_data(self.node)))
        except PolicyError as error:
            raise self.wrong(error.path, error.message) from error

    def wrong(self, path: KeyPath, why: str) -> UsageError:
        return problem(self.source, self.node.locate(path), f"{shown(path)}: {why}" if path else why)

    def place(self, path: KeyPath) -> str:
        at = self.node.locate(path)
        return f"{self.source}:{at.line}:{at.column}: {shown(path)}"

    def line(self, path: KeyPath) -> str:
        return f"{self.source}:{self.node.locate(path).line}"


def plain_data(node: Node) -> Data:
    """The node as the parser of its meaning takes it."""
    match node.value:
        case dict():
            return {key: plain_data(entry.node) for key, entry in node.value.items()}
        case tuple():
            return [plain_data(each) for each in node.value]
        case None:
            return None
        case _:
            return str(node.value) if node.written is None else Word(node.written)


@dataclass(slots=True)
class _Gathered:
    """The policies of all files, in the order in which they are asked."""

    policies: list[Policy] = field(default_factory=list)
    places: dict[str, tuple[str, ...]] = field(default_factory=dict)
    _whence: dict[str, tuple[WrittenDocument, KeyPath]] = field(default_factory=dict)
    """Where the policy of this name stands."""
    _expressions: int = 0

    def include(self, included: Include, folder: _Folder, clones: frozenset[CloneName]) -> None:
        """Raises UsageError."""
        path = folder.path(included.path)
        inside = _Folder(path.parent, folder.home, is_closed=True)
        if not inside.holds(path):
            raise UsageError(f"{path}: an included file lies in its own folder, and is no link to what lies elsewhere")
        written = WrittenDocument.read(path)
        self.add(written.understood(lambda part: parse_included(part, included.prefix, clones, inside.tags)), written)

    def add(self, policies: Sequence[Policy], written: WrittenDocument) -> None:
        """Raises UsageError."""
        for number, policy in enumerate(policies):
            key = ("policies", number)
            if policy.name in self._whence:
                other, at = self._whence[policy.name]
                there = other.line((*at, "name"))
                raise written.wrong((*key, "name"), f"the policy at {there} has this name, too")
            self._whence[policy.name] = written, key
            self._expressions += sum(isinstance(each, ExpressionPattern) for each in _patterns(policy))
            self.places[policy.name] = tuple(written.line((*key, "keep", index)) for index, _ in enumerate(policy.keep))
            self.policies.append(policy)
            if self._expressions > _MOST_EXPRESSIONS:
                raise written.wrong(key, f"with this policy there are more than {_MOST_EXPRESSIONS:,} expressions")
        if len(self.policies) > _MOST_POLICIES:
            raise written.wrong(("policies",), f"with these there are more than {_MOST_POLICIES:,} policies")

    def wrong(self, untold: UntoldPulls) -> UsageError:
        written, key = self._whence[untold.policy]
        return written.wrong((*key, "keep", untold.entry, "pulled-within"), untold.why)


def _patterns(policy: Policy) -> Iterator[TagPattern]:
    yield from policy.immutable
    for entry in policy.keep:
        yield from entry.tags or ()
        yield from entry.except_
