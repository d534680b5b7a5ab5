"""Which names a branch or a tag can have at all. Source: git-check-ref-format(1), for what follows `refs/heads/`."""

import re
from typing import Final

_FORBIDDEN: Final = re.compile(
    r"[\x00-\x20\x7f~^:?*\[\\]"  # controls, blanks and what has a meaning in revisions and globs
    r"|\.\.|@\{|//"
    r"|^/|/$|\.$"
    r"|(?:^|/)\."
    r"|\.lock(?:/|$)"
)


def can_be_a_name(text: str) -> bool:
    return bool(text) and _FORBIDDEN.search(text) is None
