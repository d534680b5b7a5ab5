"""The `git` program, for what has to be asked of origin: it knows the user's ssh and credential set-up."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from holystone.adapters.programs import LARGEST, Ended, run_program

# They would send the command to another repository, or print headers that hold credentials.
_UNSET: Final = ("GIT_DIR", "GIT_WORK_TREE", "GIT_COMMON_DIR", "GIT_CURL_VERBOSE")


async def run_git(directory: Path, *words: str, timeout: float, largest: int = LARGEST) -> Ended:
    """`timeout`: seconds. It never asks for a password; cancelling ends it. Raises what `run_program` raises."""
    command = ("git", "-C", str(directory), *words)
    return await run_program(command, environ=_environment(os.environ), timeout=timeout, largest=largest)


def _environment(current: Mapping[str, str]) -> Mapping[str, str]:
    kept = {key: value for key, value in current.items() if key not in _UNSET and not key.startswith("GIT_TRACE")}
    return kept | {
        "GIT_TERMINAL_PROMPT": "0",
        "SSH_ASKPASS_REQUIRE": "never",
        "LC_ALL": "C",
        # What stands in for a commit here says nothing about what origin has.
        "GIT_GRAFT_FILE": os.devnull,
        "GIT_NO_REPLACE_OBJECTS": "1",
    }
