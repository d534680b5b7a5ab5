"""Which tags an entry is about, and the named groups that its expressions have in common."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple, TypeAlias

from holystone.policies.retention.patterns import TagPattern, named_groups, parse_tag_pattern
from holystone.policies.retention.rules import CommitOf
from holystone.policies.retention_data.parts import Part

_WHAT: Final = "names, globs or /expressions/ of tags"
_WAYS: Final = "label NAME, group NAME or provenance"
_MOST_GROUPS: Final = 10


class ListedTag(NamedTuple):
    place: str
    """File and line, for errors."""
    text: str


ReadTags: TypeAlias = Callable[[str], Sequence[ListedTag]]
"""Reads the tags of a file that is named. Raises ValueError."""


def tag_patterns(part: Part, read_tags: ReadTags) -> tuple[TagPattern, ...]:
    """The patterns of which any may match: one, a list of them, or a file that lists them. Raises PolicyError."""
    if isinstance(part.data, Mapping):
        return _of_file(part.keys(("file",), {"file": "which file lists the tags"})["file"], read_tags)
    return tuple(_pattern(each) for each in part.items(_WHAT))


def _pattern(part: Part) -> TagPattern:
    text = part.text("the name of a tag, a glob or an /expression/")
    try:
        return parse_tag_pattern(text)
    except ValueError as error:
        raise part.wrong(str(error)) from error


def _of_file(part: Part, read_tags: ReadTags) -> tuple[TagPattern, ...]:
    file, place = part.text("the path of a file"), ""
    patterns: list[TagPattern] = []
    try:
        for place, text in read_tags(file):  # noqa: B007 -- the handler reads it
            patterns.append(parse_tag_pattern(text))
    except ValueError as error:
        raise part.wrong(f"{place}: {error}" if place else str(error)) from error
    return tuple(patterns)


class Groups:
    """The named groups that every tag of an entry has, whichever of its patterns matches."""

    def __init__(self, patterns: tuple[TagPattern, ...] | None) -> None:
        self._of = [named_groups(each) for each in patterns or ()]

    def check(self, name: str, part: Part) -> str:
        """The name itself. Raises PolicyError if a pattern has no such group."""
        if not self._of:
            raise part.wrong(f"there are no tags: with a group {name!r} beside it")
        if not all(name in each for each in self._of):
            which = "the expression" if len(self._of) == 1 else "each of the tags:"
            raise part.wrong(f"{which} needs a group {name!r}, as in /^(?P<{name}>.+)-[0-9]+$/")
        return name

    def per(self, part: Part | None, also: tuple[str, ...] = ()) -> tuple[str, ...]:
        """The groups by which something is counted; `also` are words that mean something without one. Raises
        PolicyError."""
        if part is None:
            return ()
        items = part.items("names of groups")
        if len(items) > _MOST_GROUPS:
            raise part.wrong(f"more than {_MOST_GROUPS} groups")
        names: list[str] = []
        for each in items:
            name = each.text("the name of a group")
            if name in names:
                raise each.wrong(f"{name} stands here twice")
            if name not in also:
                self.check(name, each)
            elif any(name in groups for groups in self._of):
                raise each.wrong(f"{name} is a part of the version and a group of the expression; rename the group")
            names.append(name)
        return tuple(names)


def commit_of(part: Part | None, groups: Groups) -> CommitOf:
    """Where the commit is read from: `label NAME`, `group NAME` or `provenance`. Raises PolicyError."""
    if part is None:
        return CommitOf()
    text = part.text(_WAYS)
    if text == "provenance":
        return CommitOf("provenance")
    source, _, name = text.partition(" ")
    if name and " " not in name:
        if source == "label":
            return CommitOf("label", name)
        if source == "group":
            return CommitOf("group", groups.check(name, part))
    raise part.wrong(f"expected {_WAYS}, as in label org.opencontainers.image.revision")
