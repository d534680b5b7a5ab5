"""Refuses a file whose sections werf and YAML tell apart differently: werf would read less of it than stands there.

werf 1.1 (`config.splitContent`) cuts the text at lines of three dashes, blanks and a comment without a dash, and reads
the first YAML document of each piece. To YAML `--- {image: app}` and `--- # a-b` begin a document as well.
"""

import re
from typing import Final

from holystone.adapters.yaml.nodes import Position, problem

_LINE: Final = re.compile(r"([^\n\r\x85\u2028\u2029]*)(\r\n|[\n\r\x85\u2028\u2029]|\Z)")
_CUT: Final = re.compile(r"---[ \t]*(?:#[^-]*)?")
_BEGIN: Final = re.compile(r"---(?:[ \t]|\Z)")


def check_separators(text: str, source: str) -> None:
    """Raises UsageError."""
    begun = False
    for number, (line, end) in enumerate(map(re.Match.groups, _LINE.finditer(text)), start=1):
        if _CUT.fullmatch(line) and end in ("\n", "\r\n", ""):
            begun = False
        elif _BEGIN.match(line) and begun:
            raise problem(
                source,
                Position(number, 1),
                "---: werf takes this line for no separator and reads nothing of what follows; write --- and nothing "
                "else (a comment without a dash may stand there)",
            )
        elif line.strip() and not line.lstrip().startswith("#"):
            begun = True
