"""What was made of another tool's policy, and how it is written down as a file of ours."""

import json
import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from holystone.policies.retention.rules import Entry, Seconds
from holystone.policies.retention_data.parts import Part
from holystone.policies.retention_data.written import entry_data, shown_duration

PLACEHOLDER: Final = "<registry>/<repository>"
"""For a name that nobody has said; whoever reads the file is told to fill it in."""
_WIDTH: Final = 110
_DURATION: Final = re.compile("[0-9]+[hdw]")
_HEAD: Final = (
    "Look at `holystone prune --config FILE --dry-run` before anything is deleted by it.",
    "Each entry with tags is `optional`: a rule elsewhere may match nothing. Here a mistyped name deletes, so take "
    "`optional` away where such tags are sure to be there. A repository of which nothing would stay is refused, unless "
    "its policy says `may-empty: true`.",
)


class ConvertedEntry(msgspec.Struct, frozen=True):
    entry: Entry | None
    """None: only something to say, of what has no entry."""
    comments: tuple[str, ...]
    """What it is made of, and what cannot be said the same way."""


class ConvertedPolicy(msgspec.Struct, frozen=True):
    name: str
    repositories: tuple[str, ...]
    keep: tuple[ConvertedEntry, ...]
    except_: tuple[str, ...] = ()
    untagged_after: Seconds | None = None
    untagged_comments: tuple[str, ...] = ()
    comments: tuple[str, ...] = ()


class ConvertedFile(msgspec.Struct, frozen=True):
    origin: str
    """What it is made of, for people."""
    policies: tuple[ConvertedPolicy, ...]
    comments: tuple[str, ...] = ()


def checked_file(part: Part, converted: ConvertedFile) -> ConvertedFile:
    """The same file. Raises PolicyError where a policy keeps nothing: that nobody means, and no file of ours says it by
    leaving something out."""
    for policy in converted.policies:
        if not any(each.entry for each in policy.keep):
            raise part.wrong(
                "none of its rules keeps anything of a tagged image; that is `keep: nothing`, if it is meant"
            )
    return converted


def file_lines(file: ConvertedFile) -> Iterator[str]:
    """The lines of a file of policies, which `policy check` reads."""
    yield from _comment(f"Made by `holystone policy from` of {file.origin}.")
    for each in (*file.comments, *_HEAD):
        yield from _comment(each)
    yield "format: 1"
    yield "in-use:  # images in use stay, whatever a rule says"
    yield "  kubernetes: all  # or none, or a list of contexts"
    yield "policies:"
    for policy in file.policies:
        yield from _policy_lines(policy)


def _policy_lines(policy: ConvertedPolicy) -> Iterator[str]:
    for comment in policy.comments:
        yield from _comment(comment, 2)
    yield f"  - name: {_scalar(policy.name)}"
    yield f"    repositories: {_flow(policy.repositories)}"
    if policy.except_:
        yield f"    except: {_flow(policy.except_)}"
    yield "    keep:"
    for each in policy.keep:
        for comment in each.comments:
            yield from _comment(comment, 6)
        if each.entry is not None:
            yield from _entry_lines(each.entry)
    for comment in policy.untagged_comments:
        yield from _comment(comment, 4)
    if policy.untagged_after is not None:
        yield f"    untagged: {{after: {shown_duration(policy.untagged_after)}}}"


def _entry_lines(entry: Entry) -> Iterator[str]:
    before = "- "
    for key, value in entry_data(entry).items():
        yield f"      {before}{key}: {_flow(value) if isinstance(value, list) else _scalar(value)}"
        before = "  "


def _flow(values: Sequence[str]) -> str:
    return f"[{', '.join(map(_quoted, values))}]"


def _scalar(value: Any) -> str:
    match value:
        case True:
            return "true"
        case int():
            return str(value)
        case str() if _DURATION.fullmatch(value):
            return value
        case str():
            return _quoted(value)
        case Mapping():
            raise TypeError(f"{value} is a mapping, which no converted policy has")
    raise TypeError(f"{value} is not written")


def _quoted(text: str) -> str:
    """In single quotes, where a backslash is one, or as JSON what those cannot hold."""
    if text.isascii() and text.isprintable():
        return "'" + text.replace("'", "''") + "'"
    return json.dumps(text)


def _comment(text: str, indent: int = 0) -> Iterator[str]:
    """Lines of a comment, which nothing in a stranger's text ends: all of it is characters that print."""
    safe = "".join(each if each.isprintable() else " " for each in text)
    for line in textwrap.wrap(safe, _WIDTH - indent, break_on_hyphens=False):
        yield f"{' ' * indent}# {line}"
