"""Opens the project's clone for a cleanup, and stops where it may lack commits, branches or tags."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Final

import anyio.to_thread
import msgspec

from holystone.adapters.git.origin import ASK_TIMEOUT, Objects, ReferenceKind, Unasked, Wanted, ask_origin, lacking
from holystone.adapters.git.references import References
from holystone.adapters.git.repository import GitRepository, open_history
from holystone.adapters.git.synchronize import MANUALLY, synchronize
from holystone.engine.errors import IncompleteSource, shell_word

FETCH_TIMEOUT: Final = 900.0
"""Seconds."""
_FETCH: Final = "git fetch --tags --force --prune origin '+refs/heads/*:refs/remotes/origin/*'"
_SHOWN: Final = 5
_TRIES: Final = 3
"""Fetches in a row in each of which somebody moves what it does not bring."""
_WIDEN: Final = "git remote set-branches origin '*' && git config remote.origin.tagOpt --tags && "


async def prepare_history(
    directory: Path, *, allow_shallow: bool, synchronize_first: bool, timeout: float = FETCH_TIMEOUT
) -> GitRepository | None:
    """The repository whose history decides; None if there is no git repository. With `allow_shallow`, what a clone
    lacks is unknown instead of absent. Raises IncompleteSource."""
    repository = await anyio.to_thread.run_sync(open_history, directory)
    if repository is None:
        return None
    if synchronize_first:
        await anyio.to_thread.run_sync(_require_origin, repository)
        await synchronize(repository.clone, unshallow=repository.is_shallow, timeout=timeout)
        repository = await anyio.to_thread.run_sync(lambda: open_history(directory, synchronized=True))
    if repository is not None and not allow_shallow:
        await anyio.to_thread.run_sync(require_whole, repository)
    return repository


def _require_origin(repository: GitRepository) -> None:
    """To git a word that names no remote is the path of a repository, and whoever may commit can put one into the
    project's folder. Raises IncompleteSource. Blocks."""
    remotes = repository.remotes
    if "origin" not in remotes:
        only = f", only {', '.join(remotes)}" if remotes else ""
        raise IncompleteSource(
            f"The clone in {repository.directory} has no remote called origin{only}, so that nothing can be fetched.",
            not_deleted="No image was deleted, because git history decides about images.",
            what_to_do="Run `git remote add origin URL` in it, with the address of the project.",
        )


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


class CheckedClone(msgspec.Struct, frozen=True):
    """What is known of the clone once origin was asked."""

    repository: GitRepository
    references: References
    """That were compared with origin. Read once more they might be others: somebody else may work in the clone."""
    unasked: str = ""
    """Why origin was not asked, as the end of a sentence; empty if it was."""
    gone: Collection[tuple[ReferenceKind, str]] = ()
    """Branches and tags, named as in `objects`, that origin was seen not to have: deleted there, as most branches are
    one day, or never pushed."""


async def catch_up(
    repository: GitRepository, wanted: Wanted, *, allow_shallow: bool, timeout: float = ASK_TIMEOUT
) -> CheckedClone:
    """Compares the clone with origin. To be called once the registries have been read: what is built meanwhile has its
    commit on origin before its image is in a list. A synchronized clone fetches again. Both are compared with origin,
    and refused if they lack what is `wanted`. With `allow_shallow` all they lack is unknown instead. Raises
    IncompleteSource."""
    if repository.is_synchronized:
        return await _fetched_again(repository, wanted, allow_shallow=allow_shallow, timeout=timeout)
    remotes = await anyio.to_thread.run_sync(lambda: repository.remotes)
    origin = await ask_origin(repository.clone, timeout=timeout) if "origin" in remotes else _no_origin(remotes)
    references = await anyio.to_thread.run_sync(repository.references)
    if isinstance(origin, Unasked):
        _refuse_hollow(repository, references)
        if left := await anyio.to_thread.run_sync(repository.left_out):
            if not allow_shallow:
                raise _set_up_to_leave_out(repository, left, origin)
            repository.lacks_references = True
        return CheckedClone(repository, references, origin.why)
    if lacks := lacking(references.objects, origin, wanted):
        if not allow_shallow:
            raise _behind(repository, lacks)
        repository.lacks_references = True
    return CheckedClone(repository, references, gone=references.objects.keys() - origin.keys())


async def _fetched_again(
    repository: GitRepository, wanted: Wanted, *, allow_shallow: bool, timeout: float
) -> CheckedClone:
    """A fetch may leave references out and end well, with a warning: from an origin that is itself shallow git takes
    none whose history ends there and not here (git-fetch(1), `--update-shallow`). So it is compared with what origin
    had before it, and has after it: what was deleted in between is no lack, and what was moved is fetched once more,
    as it may have been left out as well."""
    return await _fetched_since(
        await ask_origin(repository.clone, timeout=timeout),
        repository,
        wanted,
        allow_shallow=allow_shallow,
        timeout=timeout,
    )


async def _fetched_since(
    before: Objects | Unasked,
    repository: GitRepository,
    wanted: Wanted,
    *,
    allow_shallow: bool,
    timeout: float,
    behind: Mapping[tuple[ReferenceKind, str], str | None] = MappingProxyType({}),
    tries: int = _TRIES,
) -> CheckedClone:
    """`behind`: what the clone had elsewhere than origin at the time of `before`, and where."""
    await synchronize(repository.clone, unshallow=False, timeout=FETCH_TIMEOUT)
    fetched = await anyio.to_thread.run_sync(lambda: open_history(repository.directory, synchronized=True))
    fetched = fetched or repository
    references = await anyio.to_thread.run_sync(fetched.references)
    if isinstance(before, Unasked):
        if references.objects:
            raise _not_compared(before)
        return CheckedClone(fetched, references)
    if not lacking(references.objects, before, wanted):
        return CheckedClone(fetched, references)
    after = await ask_origin(repository.clone, timeout=timeout)
    if isinstance(after, Unasked):
        raise _not_compared(after)
    # What this fetch did not touch, though origin had it elsewhere, was left out, however often it is moved.
    left = {key for key, at in behind.items() if key in after and references.objects.get(key) == at}
    steady = {key: at for key, at in before.items() if after.get(key) == at or key in left}
    if lacks := lacking(references.objects, steady, wanted):
        if not allow_shallow:
            raise _left_out(fetched, lacks)
        fetched.lacks_references = True
    if lacks or tries == 1:
        return CheckedClone(fetched, references)
    behind = {key: here for key, at in after.items() if (here := references.objects.get(key)) != at}
    del before, references, steady  # there may be as many as there is memory for
    return await _fetched_since(
        after, fetched, wanted, allow_shallow=allow_shallow, timeout=timeout, behind=behind, tries=tries - 1
    )


def refuse_without_tags(repository: GitRepository, references: References) -> None:
    """Refuses a clone without tags that could not be compared with origin, where policies select tags and images may go
    for want of one. Raises IncompleteSource where the clone has no tag and nothing says that it would have. Blocks."""
    if references.tag_names or repository.is_synchronized or repository.fetches_tags():
        return
    raise IncompleteSource(
        f"The clone in {repository.directory} has no tags, as after `git fetch --no-tags`, and origin could not be "
        "asked whether it has any: images of git tags could look unused.",
        not_deleted="No image was deleted.",
        what_to_do=f"Run `git config remote.origin.tagOpt --tags && {_FETCH}` in it, which also tells that there are "
        "none if there are none, or add --git-history-synchronization.",
    )


def _no_origin(remotes: Sequence[str]) -> Unasked:
    return Unasked(f"the clone has no remote called origin, only {', '.join(remotes)}" if remotes else "it has none")


def _shown(lacks: Sequence[str]) -> str:
    return ", ".join(lacks[:_SHOWN]) + (f" and {len(lacks) - _SHOWN:,} more" if len(lacks) > _SHOWN else "")


def _not_compared(origin: Unasked) -> IncompleteSource:
    return IncompleteSource(
        f"What git fetch brought could not be compared with what origin has: {origin.why}.",
        not_deleted="No image was deleted, because git history decides about images.",
        what_to_do="Run again when `git ls-remote origin` works.",
    )


def _left_out(repository: GitRepository, lacks: Sequence[str]) -> IncompleteSource:
    return IncompleteSource(
        f"git fetch left out what {repository.origin} has: {_shown(lacks)}. Images built there could look unused.",
        not_deleted="No image was deleted.",
        what_to_do=f"Run `{_FETCH}` in {shell_word(repository.directory)} and see what it warns of. If origin is a "
        "shallow clone itself, make it whole there: git fetch --unshallow.",
    )


def _set_up_to_leave_out(repository: GitRepository, left: Sequence[str], origin: Unasked) -> IncompleteSource:
    return IncompleteSource(
        f"The clone in {repository.directory} is set up to leave some of origin's branches or tags out "
        f"(remote.origin.fetch: {_shown(left)}), and origin could not be asked what they are: {origin.why}. Images "
        "built there could look unused.",
        not_deleted="No image was deleted.",
        what_to_do=f"Run `{_FETCH}` in it, or add --git-history-synchronization.",
    )


def _behind(repository: GitRepository, lacks: Sequence[str]) -> IncompleteSource:
    return IncompleteSource(
        f"The clone in {repository.directory} lacks what origin has, or has it elsewhere: {_shown(lacks)}. "
        "Images built there could look unused.",
        not_deleted="No image was deleted.",
        what_to_do=f"Run `{_FETCH}` in it right before, or add --git-history-synchronization, which fetches "
        "once more when the registries have been read.",
    )


def _refuse_hollow(repository: GitRepository, references: References) -> None:
    if not references.hollow:
        return
    first = references.hollow[0]
    raise IncompleteSource(
        f"In the clone in {repository.directory}, {first} is an empty folder: a reference that a crash has "
        "damaged may have been there, and origin could not be asked.",
        not_deleted="No image was deleted, because git history decides about images.",
        what_to_do=f"Run `{_FETCH}` in it; if there was none, `rmdir` that folder in .git.",
    )
