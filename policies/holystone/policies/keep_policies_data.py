"""Keep policies from plain YAML data, strictly: a mistyped key must not silently widen what is deleted."""

from collections.abc import Mapping
from typing import Any, Final, Literal, TypeAlias, TypeGuard

from holystone.policies.git_names import can_be_a_name
from holystone.policies.go_duration import parse_go_duration
from holystone.policies.keep_policies import KeepPolicy, Limit, ReferencesRule

Path: TypeAlias = tuple[str | int, ...]
_MOST: Final = 100
"""Policies. Each is held against each branch and tag, of which whoever may push makes as many as he likes, and its
expression is kept compiled."""


class PolicyError(ValueError):
    """`path` leads from the list of policies to the offending value, e.g. `(0, "references", "limit", "in")`."""

    def __init__(self, path: Path, message: str) -> None:
        super().__init__(message)
        self.path = path
        self.message = message


def parse_keep_policies(data: object) -> tuple[KeepPolicy, ...]:
    """An empty list, or None, gives no policies: then the default ones apply. Raises PolicyError."""
    if data is None:
        return ()
    if not isinstance(data, list):
        raise PolicyError((), f"expected a list of policies, found {_kind(data)}")
    if len(data) > _MOST:
        raise PolicyError((_MOST,), f"more than {_MOST} policies, each of which is held against each branch and tag")
    return tuple(_policy(item, (index,)) for index, item in enumerate(data))


def _policy(data: object, path: Path) -> KeepPolicy:
    keys = _mapping(data, path, ("references", "imagesPerReference"))
    if keys.get("references") is None:
        raise PolicyError(path, "references: is missing; it says which branches or tags the policy is about")
    return KeepPolicy(
        _references(keys["references"], (*path, "references")),
        _limit(keys.get("imagesPerReference"), (*path, "imagesPerReference")),
    )


def _references(data: object, path: Path) -> ReferencesRule:
    keys = _mapping(data, path, ("branch", "tag", "limit"))
    empty = [kind for kind in _KINDS if keys.get(kind) == ""]
    kinds = [kind for kind in _KINDS if keys.get(kind) not in (None, "")] or empty[:1]
    if len(kinds) != 1:
        raise PolicyError(path, f"exactly one of branch: and tag: is needed, found {' and '.join(kinds) or 'neither'}")
    kind = kinds[0]
    pattern = keys[kind]
    at = (*path, kind)
    if not isinstance(pattern, str):
        raise PolicyError(at, f"expected a name or a /regular expression/, found {_kind(pattern)}; put it in quotes")
    if not pattern:
        raise PolicyError(at, "a name or a /regular expression/ may not be empty")
    if not (pattern[0] == pattern[-1] == "/" or can_be_a_name(pattern)):
        raise PolicyError(
            at,
            f"no {kind} can have the name {pattern!r} in git, so that nothing would be kept; an RE2 expression "
            f"stands between slashes, as in /^{kind}-.*/",
        )
    limit = _limit(keys.get("limit"), (*path, "limit"))
    try:
        return ReferencesRule(kind, pattern, limit)
    except ValueError as error:
        raise PolicyError(at, str(error)) from error


_KINDS: tuple[Literal["branch", "tag"], ...] = ("branch", "tag")


def _limit(data: object, path: Path) -> Limit | None:
    if data is None:
        return None
    keys = _mapping(data, path, ("last", "in", "operator"))
    last = keys.get("last")
    if last is not None and (not _is_integer(last) or last < -1):
        raise PolicyError((*path, "last"), f"expected a number of -1 (no limit) or more, found {last!r}")
    operator = keys.get("operator")
    if operator not in ("And", "Or", None):
        raise PolicyError((*path, "operator"), f"expected And or Or, found {operator!r}")
    return Limit(last, _within(keys.get("in"), (*path, "in")), operator or "And")


def _within(data: object, path: Path) -> int | None:
    """A bare integer is nanoseconds, as in Go."""
    if data is None:
        return None
    if _is_integer(data):
        nanoseconds = data
    elif isinstance(data, str):
        try:
            nanoseconds = parse_go_duration(data)
        except ValueError as error:
            raise PolicyError(path, str(error)) from error
    else:
        raise PolicyError(path, f"expected a duration such as 168h, found {_kind(data)}")
    if nanoseconds < 0:
        raise PolicyError(path, f"{data} is negative: the policy would keep nothing")
    return nanoseconds


def _mapping(data: object, path: Path, known: tuple[str, ...]) -> Mapping[str, Any]:
    if not isinstance(data, dict):
        raise PolicyError(path, f"expected {', '.join(f'{key}:' for key in known)}, found {_kind(data)}")
    for key in data:
        if key not in known:
            at = (*path, key) if isinstance(key, str | int) else path
            raise PolicyError(at, f"unknown key {key!r}; known are {', '.join(known)}")
    return data


def _is_integer(data: object) -> TypeGuard[int]:
    return isinstance(data, int) and not isinstance(data, bool)


def _kind(data: object) -> str:
    names = {dict: "a mapping", list: "a list", str: "text", bool: "a boolean", int: "a number", float: "a number"}
    return "nothing" if data is None else names.get(type(data), type(data).__name__)
