"""The `git` program, for what has to be asked of origin: it knows the user's ssh and credential set-up."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple

from holystone.adapters.programs import LARGEST, Ended, run_program

REDIRECTING: Final = (
    # What `git rev-parse --local-env-vars` prints (git 2.39; environment.c, `local_repo_env`): where a repository and
    # its parts are. Whatever is called from a hook or an alias inherits them.
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_CONFIG",
    "GIT_DIR",
    "GIT_GRAFT_FILE",
    "GIT_IMPLICIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_INTERNAL_SUPER_PREFIX",
    "GIT_NO_REPLACE_OBJECTS",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_REPLACE_REF_BASE",
    "GIT_SHALLOW_FILE",
    "GIT_WORK_TREE",
    # And what else has git see another repository, or a part of one.
    "GIT_CEILING_DIRECTORIES",
    "GIT_DISCOVERY_ACROSS_FILESYSTEM",
    "GIT_NAMESPACE",
)
"""Not handed to git: they would send it to another repository than libgit2 reads."""
KEPT: Final = frozenset({"GIT_CONFIG_COUNT", "GIT_CONFIG_PARAMETERS"})
"""Of that list, what git itself hands on to a child in another repository (submodule.c, `prepare_submodule_repo_env`):
settings that somebody gave for this call, such as a header to log in with."""
_PRINTING: Final = "GIT_CURL_VERBOSE"
"""Prints headers, which hold credentials, as all that begins with GIT_TRACE may."""


class Clone(NamedTuple):
    """A repository that libgit2 has opened, which includes that it belongs to us: git, told which one to take, does not
    look at that again."""

    git_dir: Path
    top: Path
    """Where the address of a remote begins if it is relative: its work tree, or itself where it has none."""


async def run_git(clone: Clone, *words: str, timeout: float, largest: int = LARGEST) -> Ended:
    """Runs git in the clone. `timeout`: seconds. It never asks for a password; cancelling ends it. Raises what
    `run_program` raises."""
    # By itself git takes a folder for a repository that merely looks like one, with all that its configuration says to
    # run: whoever may commit can make one of the project's. Git before 2.38 knows no such setting, and minds none.
    one = (f"--git-dir={clone.git_dir}", "-c", "safe.bareRepository=explicit")
    command = ("git", "-C", str(clone.top), *one, *words)
    return await run_program(command, environ=_environment(os.environ), timeout=timeout, largest=largest)


def _environment(current: Mapping[str, str]) -> Mapping[str, str]:
    dropped = {*REDIRECTING, _PRINTING}
    kept = {key: value for key, value in current.items() if key not in dropped and not key.startswith("GIT_TRACE")}
    return kept | {
        "GIT_TERMINAL_PROMPT": "0",
        "SSH_ASKPASS_REQUIRE": "never",
        "LC_ALL": "C",
        # What stands in for a commit here says nothing about what origin has.
        "GIT_GRAFT_FILE": os.devnull,
        "GIT_NO_REPLACE_OBJECTS": "1",
    }
