"""Names in natural order: numbers as numbers, so that `1.10` comes after `1.9`."""

import re
from typing import Final

_NUMBER: Final = re.compile("[0-9]+")
_END: Final = "\0\0"
"""Before all that may follow in a longer name."""


def natural_key(name: str) -> str:
    """By which names are sorted. Two names never have one key: `1` comes before `01`, where nothing else differs."""
    return f"{_NUMBER.sub(_by_value, name)}{_END}{len(name):04}{name}"


def _by_value(number: re.Match[str]) -> str:
    digits = number[0].lstrip("0")
    return f"\0{chr(1 + len(digits))}{digits}"
