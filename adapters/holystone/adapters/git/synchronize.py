"""Fetches all that origin has, into references of our own: what a person keeps in the clone is not ours to change."""

import math
from typing import Final

from holystone.adapters.git.program import Clone, run_git
from holystone.adapters.git.references import ORIGIN
from holystone.adapters.git.scrub import scrub
from holystone.adapters.programs import Ended, ProgramFailed, ProgramHung, ProgramMissing
from holystone.engine.errors import IncompleteSource, Unreachable, shell_word

MANUALLY: Final = "git fetch --unshallow --tags --prune origin '+refs/heads/*:refs/remotes/origin/*'"
_NOT_DELETED: Final = "No image was deleted, because git history decides about images."
_REFSPECS: Final = (f"+refs/heads/*:{ORIGIN.branches}*", f"+refs/tags/*:{ORIGIN.tags}*")
_LEAVING_ALONE: Final = ("--no-tags", "--refmap=")
"""By default a fetch also writes tags to refs/tags, and branches to where the configuration has them."""


async def synchronize(clone: Clone, *, unshallow: bool, timeout: float = math.inf) -> None:
    """All branches and tags of `origin`, those that are gone there removed, the whole history. `timeout`: seconds.
    Raises IncompleteSource; cancelling ends git. Never asks for a password."""
    # --unshallow is an error in a whole clone.
    options = ("--quiet", "--prune", "--no-recurse-submodules", *(("--unshallow",) if unshallow else ()))
    try:
        code, _, said = await _fetch(clone, *options, *_LEAVING_ALONE, "origin", *_REFSPECS, timeout=timeout)
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
            f"git fetch failed with exit code {code}:\n{scrub(said.decode(errors='replace')).strip()[-2000:]}",
            not_deleted=_NOT_DELETED,
            what_to_do=f"See that this works in {shell_word(clone.top)} without a question being asked: {MANUALLY}",
        )


async def _fetch(clone: Clone, *words: str, timeout: float) -> Ended:
    """Raises what `run_git` raises. Git that is ended between making a lock file and knowing it leaves that behind, and
    no later fetch gets past it."""
    ended = None
    try:
        ended = await run_git(clone, "fetch", *words, timeout=timeout)
        return ended
    finally:
        if ended is None:
            for lock in (clone.git_dir / "refs" / "holystone").rglob("*.lock"):  # no reference may be called so
                lock.unlink(missing_ok=True)
