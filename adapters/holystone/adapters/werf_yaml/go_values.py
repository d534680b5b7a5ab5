"""Scalars as werf's YAML library puts them into its types: into text as written, into a number as Go reads it.

gopkg.in/yaml.v2, `decode.scalar` and `resolve`. Two numbers it takes are left to be refused: `010`, which is 8 there,
and `1.7`, which is 1, since both keep less than their writer can have meant.
"""

import re
from typing import Any, Final

from holystone.adapters.yaml.nodes import Node

_GO_INTEGER: Final = re.compile(r"[-+]?(?:0[xX][0-9a-fA-F]+|0[bB][01]+|0[oO][0-7]+|0|[1-9][0-9]*)")
_GO_FLOAT: Final = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]{1,3})?")
_LARGEST: Final = 2**63 - 1
_LONGEST: Final = 100
"""Characters of a number: Python makes none of thousands of digits."""


def as_text(node: Node) -> Any:
    """A value as text: `1.10`, `2024` and `true` as they are written."""
    return node.plain() if node.value is None or node.written is None else node.written


def as_whole_number(node: Node) -> Any:
    """An int if it is one without quotes, also as `1.0` or `1e3`; else what YAML makes of it."""
    digits = (node.written or "").replace("_", "")
    if len(digits) > _LONGEST:
        return node.plain()
    if _GO_INTEGER.fullmatch(digits):
        number = int(digits, 0)
    elif ("." in digits or "e" in digits.lower()) and _GO_FLOAT.fullmatch(digits) and float(digits).is_integer():
        number = int(float(digits))
    else:
        return node.plain()
    return number if abs(number) <= _LARGEST else node.written
