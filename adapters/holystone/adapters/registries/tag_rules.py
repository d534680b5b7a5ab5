"""Rules for tags as vendors tell them: RE2 expressions, which whoever answers as their server may choose."""

from collections.abc import Collection, Iterable
from typing import Any, Final

import re2

from holystone.engine.model.references import Tag

_OPTIONS: Final = re2.Options()
_OPTIONS.log_errors = False  # it would write to standard error
_OPTIONS.max_mem = 1 << 20  # bytes of each; none that is meant for tags takes a tenth
_OPTIONS.never_capture = True  # nobody asks for its groups, of which hundreds take as many megabytes to find
_NAMED: Final = 20
"""Groups with a name, which RE2 finds all the same."""
_STEPS: Final = 5_000_000_000
"""Of expressions, over the letters of the tags that are held against them: a minute or two where RE2 has to take each
for each letter, and nothing else can happen meanwhile."""


def compile_rule(pattern: str) -> Any:
    """The expression; None for what is none."""
    try:
        found = re2.compile(pattern, _OPTIONS)
    except (re2.error, UnicodeEncodeError):
        return None
    return found if found.groups <= _NAMED else None


def take_too_long(expressions: Iterable[Any], tags: Collection[Tag]) -> bool:
    """Whether the tags cannot all be held against the expressions."""
    steps: int = sum(each.programsize for each in expressions)
    return steps * sum(map(len, tags)) > _STEPS
