"""The project's clone, read through libgit2. Everything here blocks: call it in a thread."""

from collections.abc import Collection
from pathlib import Path
from typing import Final

import pygit2

from holystone.adapters.git.contents import Contents, contents
from holystone.adapters.git.discover import CORRUPT, discover, unreadable
from holystone.adapters.git.graftless import without_grafts
from holystone.adapters.git.listed import too_many
from holystone.adapters.git.narrow import fetches_tags, is_narrow, left_out
from holystone.adapters.git.objects import read_object
from holystone.adapters.git.program import Clone
from holystone.adapters.git.reach import reach
from holystone.adapters.git.references import CLONE, ORIGIN, References, read_references
from holystone.adapters.git.scrub import scrub
from holystone.engine.model.history import History
from holystone.engine.model.references import Commit

_MOST_COMMITS: Final = 500_000


class GitRepository:
    """Every method raises IncompleteSource for a repository that is corrupt or lacks objects."""

    def __init__(self, directory: Path, repository: pygit2.Repository, *, synchronized: bool = False) -> None:
        """`synchronized`: all branches and tags of origin were fetched into references of our own a moment ago."""
        self.directory = directory
        self.is_synchronized = synchronized
        self.lacks_references = False
        """Set once origin was seen to have more than the clone."""
        self._repository = repository

    def __repr__(self) -> str:
        return f"<GitRepository {self.directory}{' shallow' if self.is_shallow else ''}>"

    @property
    def clone(self) -> Clone:
        """Where the git program works, so that it works in this repository and in no other."""
        git_dir = Path(self._repository.path)
        top = Path(self._repository.workdir) if self._repository.workdir else git_dir
        return Clone(git_dir, top if top.is_dir() else git_dir)

    @property
    def remotes(self) -> tuple[str, ...]:
        """The names of the remotes, sorted; `origin` only if it has an address, since it is a path to git else."""
        try:
            found = self._repository.remotes
            return tuple(sorted(name for name in found.names() if name and (name != "origin" or found[name].url)))
        except CORRUPT as error:
            raise unreadable(self.directory, error) from error

    @property
    def is_shallow(self) -> bool:
        return self._repository.is_shallow

    def is_narrow(self) -> bool:
        """Whether the clone seems to hold only some of origin's branches, or none of its tags."""
        try:
            return not self.is_synchronized and is_narrow(self._repository)
        except CORRUPT as error:
            raise unreadable(self.directory, error) from error

    def left_out(self) -> tuple[str, ...]:
        """What the clone is set up to leave out of a fetch, and does not hold."""
        try:
            return left_out(self._repository)
        except CORRUPT as error:
            raise unreadable(self.directory, error) from error

    def fetches_tags(self) -> bool:
        """Whether the clone is set up to have all tags, so that none means that there is none."""
        try:
            return fetches_tags(self._repository)
        except CORRUPT as error:
            raise unreadable(self.directory, error) from error

    def references(self) -> References:
        """Origin's branches and tags: as they were just fetched, else `refs/remotes/origin/*` but HEAD, and
        `refs/tags/*`."""
        try:
            return read_references(self._repository, ORIGIN if self.is_synchronized else CLONE)
        except CORRUPT as error:
            raise unreadable(self.directory, error) from error

    @property
    def origin(self) -> str:
        """What origin is called for people: its address, without a password, if it has one."""
        try:
            address = self._repository.remotes["origin"].url if "origin" in self.remotes else None
            return f"origin ({scrub(address)})" if address else "origin"
        except CORRUPT as error:
            raise unreadable(self.directory, error) from error

    def history(
        self, heads: Collection[Commit], commits: Collection[Commit], others: Collection[Commit] = ()
    ) -> History:
        """What is known of `commits`; whatever reaches one, `others` included, is in `reached`. One walk, whatever
        their number: seconds for 100,000 commits below `heads`."""
        try:
            times = {commit: time for commit in commits if (time := self._time(commit)) is not None}
            with without_grafts(self._repository) as repository:
                reached_from = reach(repository, heads, times, others)
        except CORRUPT as error:
            raise unreadable(self.directory, error) from error
        lacks_references = self.lacks_references or self.is_narrow()
        return History(
            times=times,
            reached_from=reached_from,
            complete=not (self.is_shallow or lacks_references),
            references_complete=not lacks_references,
            reached=reached_from.by_any,
        )

    def commits_below(self, heads: Collection[Commit]) -> tuple[Commit, ...]:
        """All that the heads reach, sorted. Raises IncompleteSource also for more than there is memory for."""
        found: set[Commit] = set()
        try:
            with without_grafts(self._repository) as repository:
                walker = repository.walk(None)
                for head in heads:
                    walker.push(pygit2.Oid(hex=head))
                for commit in walker:
                    found.add(Commit(str(commit.id)))
                    if len(found) > _MOST_COMMITS:
                        raise too_many(f"The clone in {self.directory}", f"more than {_MOST_COMMITS:,} commits")
        except CORRUPT as error:
            raise unreadable(self.directory, error) from error
        return tuple(sorted(found))

    def contents(self, tips: Collection[Commit], since: int) -> Contents:
        """What stands in files of the tips, or stood there since then (Unix seconds)."""
        try:
            with without_grafts(self._repository) as repository:
                return contents(repository, Path(self._repository.path), tips, since)
        except CORRUPT as error:
            raise unreadable(self.directory, error) from error

    def _time(self, commit: Commit) -> int | None:
        """Committer time, or None if there is no such commit."""
        if len(commit) != 40:  # libgit2 opens SHA-1 repositories only
            return None
        try:
            found = read_object(self._repository, pygit2.Oid(hex=commit))
        except KeyError:
            return None
        return found.commit_time if isinstance(found, pygit2.Commit) else None


def open_history(directory: Path, *, synchronized: bool = False) -> GitRepository | None:
    """The repository that the directory is in; None if the directory is in no git repository. Raises IncompleteSource
    if it is in one that cannot be read."""
    found = discover(directory)
    return GitRepository(directory, found, synchronized=synchronized) if found else None
