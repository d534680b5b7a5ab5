"""Patterns of tags: names, globs and expressions. One that cannot mean what was meant raises ValueError when it is
made."""

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Final, TypeAlias

import msgspec
import re2

Groups: TypeAlias = Mapping[str, str]
"""What the named groups of an expression have matched; one that took no part is not among them."""

NO_GROUPS: Final[Groups] = MappingProxyType({})


class NamePattern(msgspec.Struct, frozen=True, tag="name"):
    """A tag of exactly this name."""

    name: str

    def __post_init__(self) -> None:
        """Raises ValueError where no tag can have the name."""
        _check_characters(self.name, also="")


class GlobPattern(msgspec.Struct, frozen=True, tag="glob"):
    """`*` is any run of characters, `?` any one."""

    glob: str

    def __post_init__(self) -> None:
        """Raises ValueError where no tag can match."""
        _check_characters(self.glob, also="*?")


class ExpressionPattern(msgspec.Struct, frozen=True, tag="expression"):
    """RE2, matched against the whole tag, from its `^` to its `$`. Its named groups are what `per`, branches, commits
    and versions are read from."""

    expression: str

    def __post_init__(self) -> None:
        """Raises ValueError if the expression is not RE2, or is not anchored at both ends."""
        _check_anchors(self.expression)
        _compiled(self.expression)


TagPattern: TypeAlias = NamePattern | GlobPattern | ExpressionPattern

Matcher: TypeAlias = Callable[[str], Groups | None]
"""None: the tag does not match."""


def parse_tag_pattern(text: str) -> TagPattern:
    """`/…/` is an expression, what has `*` or `?` a glob, all else a name. Raises ValueError."""
    if len(text) > 1 and text[0] == text[-1] == "/":
        return ExpressionPattern(text[1:-1])
    return GlobPattern(text) if {"*", "?"} & set(text) else NamePattern(text)


def shown_pattern(pattern: TagPattern) -> str:
    """The pattern in the spelling of files."""
    match pattern:
        case NamePattern(text) | GlobPattern(text):
            return text
        case ExpressionPattern(text):
            return f"/{text}/"


def named_groups(pattern: TagPattern) -> frozenset[str]:
    if not isinstance(pattern, ExpressionPattern):
        return frozenset()
    return frozenset(name.decode() for name in _compiled(pattern.expression).groupindex)


def matcher(patterns: tuple[TagPattern, ...] | None) -> Matcher:
    """Whether a tag matches any of them; the groups are those of the first that it matches. None: every tag does."""
    if patterns is None:
        return lambda _: NO_GROUPS
    tests: list[Matcher] = []
    names: set[str] = set()
    for each in patterns:
        if not isinstance(each, NamePattern):
            _add_names(tests, names)
            names = set()
            tests.append(_glob(each.glob) if isinstance(each, GlobPattern) else _expression(each.expression))
        else:
            names.add(each.name)
    _add_names(tests, names)
    if len(tests) == 1:
        return tests[0]

    def first(tag: str) -> Groups | None:
        return next((found for test in tests if (found := test(tag)) is not None), None)

    return first


def steps(patterns: tuple[TagPattern, ...] | None) -> int:
    """For each byte of a tag that is held against them, at most. Names are found at once, however many they are."""
    return sum(_steps_of(each) for each in patterns or () if not isinstance(each, NamePattern))


def _steps_of(pattern: GlobPattern | ExpressionPattern) -> int:
    expression = pattern.expression if isinstance(pattern, ExpressionPattern) else _as_expression(pattern.glob)
    return 1 if expression is None else int(_compiled(expression).programsize)


def _add_names(tests: list[Matcher], names: set[str]) -> None:
    if names:
        tests.append(lambda tag: NO_GROUPS if tag in names else None)


def _glob(glob: str) -> Matcher:
    if (expression := _as_expression(glob)) is not None:
        return _expression(expression)
    start, _, end = glob.partition("*")
    shortest = len(start) + len(end)
    return lambda tag: NO_GROUPS if len(tag) >= shortest and tag.startswith(start) and tag.endswith(end) else None


def _as_expression(glob: str) -> str | None:
    """None where none is needed, which most are."""
    start, star, end = glob.partition("*")
    return None if star and not {"*", "?"} & {*start, *end} else f"^{''.join(map(_of_glob, glob))}$"


def _of_glob(character: str) -> str:
    return {"*": ".*", "?": "."}.get(character) or re.escape(character)


def _expression(expression: str) -> Matcher:
    compiled = _compiled(expression)
    groups = tuple((name.decode(), index) for name, index in compiled.groupindex.items())

    def match(tag: str) -> Groups | None:
        found = compiled.fullmatch(tag.encode())  # of bytes, which is twice as fast
        if found is None or not groups:
            return None if found is None else NO_GROUPS
        return {name: text.decode() for name, index in groups if (text := found[index]) is not None}

    return match


_ODD: Final = re.compile(r"[^A-Za-z0-9_.\-]")
_LONGEST: Final = 128


def _check_characters(text: str, also: str) -> None:
    if not text:
        raise ValueError("an empty pattern matches no tag")
    for odd in _ODD.finditer(text):
        if odd[0] in also:
            continue
        if odd[0] in "{[!":
            raise ValueError(
                f"{text!r}: {odd[0]!r} has no meaning in a pattern, and no tag has it in its name; write one "
                "pattern for each alternative, or an expression between slashes, such as /^(alpha|beta)-.*$/"
            )
        several = f"; several are a list: [{text}]" if odd[0] == "," else ""
        raise ValueError(f"{text!r} matches no tag: no tag has {odd[0]!r} in its name{several}")
    if text[0] in ".-" or len(text.replace("*", "")) > _LONGEST:
        raise ValueError(f"{text!r} matches no tag: a tag begins with neither . nor -, and has 128 characters at most")


_FLAGS: Final = re.compile(r"\(\?[imsU-]+\)")
_LAST_BACKSLASHES: Final = re.compile(r"(\\*)\$\Z")


def _check_anchors(expression: str) -> None:
    flags = _FLAGS.match(expression)
    start = flags.end() if flags else 0
    begins = expression.startswith("^", start)
    end = _LAST_BACKSLASHES.search(expression)
    ends = end is not None and len(end[1]) % 2 == 0 and end.start() >= start
    if not (begins and ends):
        inner = expression[start + begins : len(expression) - ends]
        flag = flags[0] if flags else ""
        whole = f"(?:{inner})" if "|" in inner else inner
        raise ValueError(
            f"/{expression}/ does not say whether it is the whole tag: begin it with ^ and end it with $, as in "
            f"/{flag}^{whole}$/ for tags that are this as a whole, or /{flag}^.*{whole}.*$/ for tags that have it "
            "anywhere"
        )


_OPTIONS: Final = re2.Options()
_OPTIONS.log_errors = False  # it would write to standard error
_OPTIONS.max_mem = 1 << 20  # bytes of one expression; by itself eight times as much, and there may be hundreds
_OPTIONS.never_capture = True  # nobody asks for groups without a name, of which thousands take gigabytes to find
_NAMED: Final = 20
"""Groups with a name, which RE2 finds all the same."""


@lru_cache(maxsize=1024)
def _compiled(expression: str) -> Any:
    try:
        compiled = re2.compile(expression.encode(), _OPTIONS)
    except (re2.error, UnicodeEncodeError) as error:
        why = error.args[0] if error.args else ""
        text = why.decode(errors="replace") if isinstance(why, bytes) else str(error)
        raise ValueError(f"/{expression}/ is not an RE2 regular expression: {text}") from error
    if compiled.groups > _NAMED:
        raise ValueError(f"/{expression}/ has more than {_NAMED} named groups")
    return compiled
