"""Fetches what the clone lacks, with the `git` program, because it knows the user's ssh and credential set-up."""

import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from holystone.adapters.git.scrub import scrub
from holystone.adapters.programs import ProgramFailed, ProgramHung, ProgramMissing, run_program
from holystone.engine.errors import IncompleteSource, Unreachable

MANUALLY: Final = "git fetch --unshallow --tags --prune origin '+refs/heads/*:refs/remotes/origin/*'"
_NOT_DELETED: Final = "No image was deleted, because git history decides about images."
_REFSPECS: Final = ("+refs/heads/*:refs/remotes/origin/*", "+refs/tags/*:refs/tags/*")
# They would send the command to another repository, or print headers that hold credentials.
_UNSET: Final = ("GIT_DIR", "GIT_WORK_TREE", "GIT_COMMON_DIR", "GIT_CURL_VERBOSE")


async def synchronize(directory: Path, *, unshallow: bool, timeout: float = math.inf) -> None:
    """All branches and tags of `origin`, those that are gone there removed, the whole history. `timeout`: seconds.
    Raises IncompleteSource; cancelling ends git. Never asks for a password."""
    # Prune takes tags only when their refspec is spelled out, and --unshallow is an error in a whole clone.
    options = ("--quiet", "--prune", "--no-recurse-submodules", *(("--unshallow",) if unshallow else ()))
    command = ("git", "-C", str(directory), "fetch", *options, "origin", *_REFSPECS)
    try:
        code, _, said = await run_program(command, environ=_environment(os.environ), timeout=timeout)
    except ProgramHung as error:
        raise Unreachable(
            f"git fetch did not end within {timeout:g} s.", not_deleted=_NOT_DELETED, what_to_do=f"Run it: {MANUALLY}"
        ) from error
    except ProgramMissing as error:
        raise IncompleteSource(
            "There is no git program.",
            not_deleted=_NOT_DELETED,
            what_to_do="Install git, or fetch before this program runs and leave out --git-history-synchronization.",
        ) from error
    except ProgramFailed as error:
        raise IncompleteSource(
            f"git fetch {error}.", not_deleted=_NOT_DELETED, what_to_do=f"Run it: {MANUALLY}"
        ) from error
    if code:
        raise IncompleteSource(
            f"git fetch failed with exit code {code}: {scrub(said.decode(errors='replace')).strip()[-2000:]}",
            not_deleted=_NOT_DELETED,
            what_to_do=f"See that this works in {directory} without a question being asked: {MANUALLY}",
        )


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
