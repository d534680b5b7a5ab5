"""Which form was asked for, also where the command line cannot be understood any further. Loads nothing."""

import itertools
import os
import sys
from typing import Literal


def wants_json(option: Literal["output", "log-format"]) -> bool:
    """Whether this option, or its variable, says `json`."""
    flag, words = f"--{option}", sys.argv[1:]
    given = [after for word, after in itertools.pairwise(words) if word == flag]
    given += [word.partition("=")[2] for word in words if word.startswith(f"{flag}=")]
    variable = f"HOLYSTONE_{option.upper().replace('-', '_')}"
    return (given[-1] if given else os.environ.get(variable)) == "json"
