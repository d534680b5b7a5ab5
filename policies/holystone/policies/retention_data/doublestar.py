"""Patterns of bmatcuk/doublestar, which Harbor has for tags and repositories (its go.mod: v1.3.4), in ours.

`*`, `?`, `[a-z]`, `[^a-z]`, `{one,two}` without braces inside, and as a whole segment `**` for none, one or more of
them (doublestar.go). An empty pattern matches everything (Harbor, src/lib/selector/selectors/doublestar/selector.go).
"""

import re
from typing import Final

from holystone.policies.retention.patterns import ExpressionPattern, TagPattern, parse_tag_pattern
from holystone.policies.retention.repository_patterns import RepositoryPattern

_CLASS: Final = re.compile(r"\[\^?(?:[A-Za-z0-9_.](?:-[A-Za-z0-9_.])?)+\]")
_BRACES: Final = re.compile(r"\{([^{}]*)\}")
_MOST: Final = 1_000
"""Of what the braces of one pattern come to."""
_ANY: Final = "**"
_SOME: Final = "registry.example.com/project"
_MOST_STARS: Final = 5
_ODD: Final = "a pattern with {0} is not understood here; write one for each alternative"


def tag_patterns_of(text: str) -> tuple[TagPattern, ...]:
    """Any of these matches what the pattern matches. Raises ValueError."""
    return tuple(dict.fromkeys(_tag_pattern(each) for each in _without_braces(text or "*")))


def repository_patterns_of(text: str, *, wide: bool) -> tuple[str, ...]:
    """The pattern of repositories of one project. Versions of doublestar do not agree whether `a/**` is `a`, too: with
    `wide` it is. Raises ValueError."""
    if "[" in text:
        raise ValueError(_ODD.format("["))
    found: list[str] = []
    for each in _without_braces(text or "**"):
        segments = [part if part == _ANY else re.sub(r"\*+", "*", part) for part in each.split("/")]
        if segments.count(_ANY) > _MOST_STARS:
            raise ValueError(f"{text!r}: {_ANY} stands there more than {_MOST_STARS} times")
        found += map("/".join, _spelled_out(segments, wide=wide))
    patterns = tuple(dict.fromkeys(each for each in found if each))
    for each in patterns:
        RepositoryPattern(f"{_SOME}/{each}")
    return patterns


def _spelled_out(segments: list[str], *, wide: bool) -> list[list[str]]:
    """The pattern with each `**` and without it: ours is one segment or more."""
    if not segments:
        return [[]]
    first, *others = segments
    rest = _spelled_out(others, wide=wide)
    with_it = [[first, *each] for each in rest]
    return with_it + rest if first == _ANY and (others or wide) else with_it


def _tag_pattern(text: str) -> TagPattern:
    if "[" not in text:
        return parse_tag_pattern(re.sub(r"\*+", "*", text))
    pieces = re.split(rf"({_CLASS.pattern})", text)
    if any("[" in each or "]" in each for each in pieces[::2]):
        raise ValueError(_ODD.format(repr(text)))
    of_class = {"*": ".*", "?": "."}
    said = ["".join(of_class.get(one) or ("\\." if one == "." else one) for one in each) for each in pieces[::2]]
    whole = "".join(each for pair in zip(said, [*pieces[1::2], ""], strict=True) for each in pair)
    return ExpressionPattern(f"^{re.sub(r'(?:[.][*])+', '.*', whole)}$")


def _without_braces(text: str) -> list[str]:
    if "\\" in text:
        raise ValueError(_ODD.format("a backslash"))
    found = [""]
    at = 0
    for braces in _BRACES.finditer(text):
        options = braces[1].split(",")
        if len(found) * len(options) > _MOST or "/" in braces[1]:
            raise ValueError(_ODD.format(repr(braces[0][:80])))
        found = [f"{each}{text[at : braces.start()]}{one}" for each in found for one in options]
        at = braces.end()
    found = [f"{each}{text[at:]}" for each in found]
    if any({"{", "}"} & set(each) for each in found):
        raise ValueError(_ODD.format("braces within braces"))
    return found
