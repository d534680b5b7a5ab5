"""Keep entries as they stand on a command line: keys of an entry with their values, joined by commas.

`tags=v*,newest=3` is what `{tags: "v*", newest: 3}` is in a file. A dot goes one level down (`semver.newest=5`), `|`
stands between several names (`tags=latest|v*`), and in an expression between slashes neither it nor a comma means
anything but itself.
"""

import re
from typing import Any, Final

from holystone.policies.keep_policies_data import PolicyError
from holystone.policies.retention.rules import Entry
from holystone.policies.retention_data.entries import Beside, parse_entry
from holystone.policies.retention_data.parts import Data, Part, Word

_KEY: Final = r"[a-z][a-z-]*"
_PIECE: Final = r"(?:/[^/]*/(?=[,|]|\Z)|[^,|]+)"
_ITEM: Final = re.compile(rf"({_KEY}(?:\.{_KEY})*)=({_PIECE}(?:\|{_PIECE})*)(?:,(?=.)|\Z)", re.DOTALL)
_PIECES: Final = re.compile(_PIECE, re.DOTALL)
_LISTS: Final = ("tags", "except", "per")
_LONGEST: Final = 10_000
"""Characters of an entry."""


def parse_keep_option(text: str, beside: Beside) -> Entry:
    """Raises PolicyError, whose path leads to the key."""
    if len(text) > _LONGEST:
        raise PolicyError((), f"more than {_LONGEST:,} characters; write a file")
    return parse_entry(Part(_data(text)), beside)


def _data(text: str) -> dict[str, Data]:
    data: dict[str, Any] = {}
    at = 0
    while at < len(text) or not data:
        item = _ITEM.match(text, at)
        if item is None:
            raise PolicyError(
                (),
                f"{text[at:]!r} does not begin with KEY=VALUE; several are joined by commas, and names of tags by |, "
                "as in tags=v*|latest,newest=3",
            )
        at = item.end()
        path = item[1].split(".")
        into = data
        for step in path[:-1]:
            into = into.setdefault(step, {})
            if not isinstance(into, dict):
                raise PolicyError(tuple(path), "stands here twice")
        if path[-1] in into:
            raise PolicyError(tuple(path), "stands here twice")
        into[path[-1]] = _value(path[-1], item[2])
    return data


def _value(key: str, text: str) -> Word | list[Word]:
    words = [Word(each) for each in _PIECES.findall(text)] if key in _LISTS else []
    return words if len(words) > 1 else Word(text)
