"""Opens the project's clone for a cleanup, and stops where it may lack commits, branches or tags."""

from pathlib import Path
from typing import Final

import anyio.to_thread

from holystone.adapters.git.repository import GitRepository, open_history
from holystone.adapters.git.synchronize import MANUALLY, synchronize
from holystone.engine.errors import IncompleteSource

FETCH_TIMEOUT: Final = 900.0
"""Seconds."""
_WIDEN: Final = "git remote set-branches origin '*' && git config remote.origin.tagOpt --tags && "


async def prepare_history(
    directory: Path, *, allow_shallow: bool, synchronize_first: bool, timeout: float = FETCH_TIMEOUT
) -> GitRepository | None:
    """None if there is no git repository. With `allow_shallow`, what a clone lacks is unknown instead of absent.
    Raises IncompleteSource."""
    repository = await anyio.to_thread.run_sync(open_history, directory)
    if repository is None:
        return None
    if synchronize_first:
        await synchronize(directory, unshallow=repository.is_shallow, timeout=timeout)
        repository = await anyio.to_thread.run_sync(lambda: open_history(directory, just_fetched=True))
    if repository is not None and not allow_shallow:
        await anyio.to_thread.run_sync(require_whole, repository)
    return repository


def require_whole(repository: GitRepository) -> None:
    """Raises IncompleteSource for a shallow clone, and for one that holds only some branches or no tags. Blocks."""
    shallow, narrow = repository.is_shallow, repository.is_narrow()
    if not shallow and not narrow:
        return
    lacks = "is shallow: older commits are missing" if shallow else "fetches only a part of origin's branches and tags"
    fetch = MANUALLY if shallow else MANUALLY.replace(" --unshallow", "")
    raise IncompleteSource(
        f"The clone in {repository.directory} {lacks}, so images in use could look unused.",
        not_deleted="No image was deleted.",
        what_to_do=f"Run `{_WIDEN if narrow else ''}{fetch}` in it, or add --git-history-synchronization, "
        "which does that.",
    )
