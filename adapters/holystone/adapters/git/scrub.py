"""Takes credentials out of what git prints."""

import re
from typing import Final

_WORD: Final = re.compile(r"\S+")


def scrub(text: str) -> str:
    return _WORD.sub(lambda found: _without_userinfo(found[0]), text) if "@" in text else text


def _without_userinfo(word: str) -> str:
    """Up to the last `@`: a password may hold one, or a slash. Too much gone is better than too little."""
    scheme, found, rest = word.partition("://")
    _, at, address = rest.rpartition("@")
    return f"{scheme}{found}…@{address}" if at else word
