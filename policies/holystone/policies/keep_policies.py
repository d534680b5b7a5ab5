"""werf's keep policies (`cleanup.keepPolicies`) as values: which references count, and how many images each keeps."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final, Literal

import msgspec
import re2

from holystone.engine.model.history import GitReference
from holystone.policies.go_duration import HOUR, SECOND


class Limit(msgspec.Struct, frozen=True):
    """The newest of something. Without `last` and `within` it limits nothing."""

    last: int | None = None
    """How many; 0 is none, -1 is no limit."""
    within: int | None = None
    """Nanoseconds before now."""
    operator: Literal["And", "Or"] = "And"
    """How the two are joined when both are given."""

    def count(self, dates: Sequence[int], now: int) -> int:
        """How many of these stay, counted from the first. `dates`: Unix seconds, newest first; `now`: Unix seconds."""
        counts: list[int] = []
        if self.last is not None:
            counts.append(len(dates) if self.last < 0 else min(self.last, len(dates)))
        if self.within is not None:
            oldest = now * SECOND - self.within
            counts.append(sum(date * SECOND > oldest for date in dates))
        if not counts:
            return len(dates)
        # Both take from the newest on, so the smaller is what they share and the larger what either has.
        return min(counts) if self.operator == "And" else max(counts)


class ReferencesRule(msgspec.Struct, frozen=True):
    kind: Literal["branch", "tag"]
    pattern: str
    """`/…/` is an RE2 expression that may match anywhere in the name; anything else is the exact name.
    Branches are named without `origin/`."""
    limit: Limit | None = None

    def __post_init__(self) -> None:
        """Raises ValueError if the expression is not RE2."""
        if (expression := _expression(self.pattern)) is not None:
            _compiled(expression)

    def matches(self, reference: GitReference) -> bool:
        if reference.kind != self.kind:
            return False
        expression = _expression(self.pattern)
        if expression is None:
            return reference.name == self.pattern
        return _compiled(expression).search(reference.name) is not None

    @property
    def steps(self) -> int:
        """For each byte of a name that is held against it, at most."""
        expression = _expression(self.pattern)
        return 1 if expression is None else int(_compiled(expression).programsize)


class KeepPolicy(msgspec.Struct, frozen=True):
    references: ReferencesRule
    images_per_reference: Limit | None = None
    """None: every image that a reference reaches."""


def default_keep_policies(*, main: bool = False) -> tuple[KeepPolicy, ...]:
    """What werf 1.1 does without `keepPolicies`. It does not know a branch `main`; `main=True` adds it to the third."""
    week = Limit(last=10, within=168 * HOUR)
    lasting = "/^(main|master|staging|production)$/" if main else "/^(master|staging|production)$/"
    return (
        KeepPolicy(ReferencesRule("tag", "/.*/", Limit(last=10))),
        KeepPolicy(ReferencesRule("branch", "/.*/", week), Limit(last=2, within=168 * HOUR)),
        KeepPolicy(ReferencesRule("branch", lasting), Limit(last=10)),
    )


def _expression(pattern: str) -> str | None:
    """The expression of a pattern in slashes, without one of them at either end, as werf takes them off one after the
    other: a lone `/` matches everything."""
    return pattern[1:-1] if pattern[:1] == pattern[-1:] == "/" else None


_OPTIONS: Final = re2.Options()
_OPTIONS.log_errors = False  # it would write to standard error
_OPTIONS.max_mem = 1 << 20  # bytes of one expression; by itself eight times as much, and there may be a hundred
_OPTIONS.never_capture = True  # nobody asks for its groups, of which thousands take gigabytes to find
_NAMED: Final = 20
"""Groups with a name, which RE2 finds all the same."""


@lru_cache(maxsize=256)
def _compiled(expression: str) -> Any:
    try:
        compiled = re2.compile(expression, _OPTIONS)
    except (re2.error, UnicodeEncodeError) as error:
        why = error.args[0] if error.args else ""
        text = why.decode(errors="replace") if isinstance(why, bytes) else str(error)
        raise ValueError(f"/{expression}/ is not an RE2 regular expression: {text}") from error
    if compiled.groups > _NAMED:
        raise ValueError(f"/{expression}/ has more than {_NAMED} named groups")
    return compiled
