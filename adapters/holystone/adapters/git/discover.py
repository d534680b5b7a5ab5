"""Finds the clone a project directory belongs to."""

import os
from pathlib import Path

import pygit2
from pygit2.enums import RepositoryOpenFlag

from holystone.adapters.git.cut_off import check_objects
from holystone.adapters.git.listed import check_packed_size
from holystone.adapters.git.scrub import scrub
from holystone.engine.errors import IncompleteSource, shell_word

# Partial clones (`--filter=…`) have every commit. libgit2 fetches nothing by itself, so opening one is safe.
pygit2.settings.set_extensions(["partialclone"])
# It would keep each commit that it has read, a kilobyte each, and counts a half of that.
pygit2.settings.enable_caching(False)

CORRUPT = (pygit2.GitError, KeyError, ValueError, OSError)
"""What pygit2 raises for a repository that it cannot read."""


def unreadable(directory: Path, error: Exception) -> IncompleteSource:
    reason = f"object {error.args[0]} is missing" if isinstance(error, KeyError) else scrub(str(error))
    return IncompleteSource(
        f"The git repository of {directory} cannot be read: {reason}",
        not_deleted="No image was deleted, because git history decides about images.",
        what_to_do=_way_out(directory, reason),
    )


def _way_out(directory: Path, reason: str) -> str:
    """What to do about a repository that libgit2 refuses, by its words."""
    folder = shell_word(directory)
    if "not owned by current user" in reason:
        return (
            f"If you trust its owner: `git config --global --add safe.directory {folder}`. From then on git runs, as "
            "you, what the configuration and the hooks in that folder name. Otherwise clone it yourself."
        )
    if "extensions.refstorage" in reason:
        return f"Run `git -C {folder} refs migrate --ref-format=files`, or clone with --ref-format=files."
    if "unknown object format" in reason:
        return (
            "Another clone would be the same: libgit2 reads no repositories with SHA-256, so that images cannot be "
            "judged by git history here. `holystone stages cleanup` needs none."
        )
    if "failed to parse config file" in reason:
        return f"Mend the file that is named; `git -C {folder} config --list` says so, too, until it is."
    if "unsupported extension" in reason:
        return f"Clone it without that extension; `git -C {folder} config --list` shows which ones it has."
    return f"Run `git -C {folder} fsck`, or clone it again."


def discover(directory: Path) -> pygit2.Repository | None:
    """The repository whose `.git` (a folder; a file in worktrees and submodules) is in the directory or in a parent,
    as git itself looks for it. One found in a parent counts only if its current commit contains the directory:
    an unrelated repository around it would say that no commit of the project exists. Raises IncompleteSource."""
    directory = Path(os.path.realpath(directory))  # `resolve` raises where links go round in circles (Python 3.12)
    try:
        candidate = next((each for each in (directory, *directory.parents) if (each / ".git").exists()), None)
    except OSError as error:
        raise unreadable(directory, error) from error
    if candidate is None:
        return None
    try:
        found = _open(candidate / ".git")
        if candidate != directory and not _tracks(found, directory.relative_to(candidate)):
            return None
        # A worktree shares everything but its HEAD with the main clone, and only there libgit2 sees a shallow boundary.
        shared = _shared(found)
        return _open(shared) if shared != Path(found.path) else found
    except CORRUPT as error:
        raise unreadable(candidate, error) from error


def _open(path: Path) -> pygit2.Repository:
    """This one or none: by itself libgit2 goes on from a broken one to the folder it is in, where somebody may have
    committed what looks like a bare repository, and to those above."""
    found = pygit2.Repository(str(path), RepositoryOpenFlag.NO_SEARCH | RepositoryOpenFlag.NO_DOTGIT)
    check_packed_size(Path(found.path))
    check_objects(_shared(found))
    return found


def _shared(repository: pygit2.Repository) -> Path:
    """What its worktrees share."""
    folder = Path(repository.path)
    pointer = folder / "commondir"
    return folder / pointer.read_text().strip() if pointer.exists() else folder


def _tracks(repository: pygit2.Repository, folder: Path) -> bool:
    if repository.head_is_unborn:
        return False
    return folder.as_posix() in repository.head.peel(pygit2.Commit).tree
