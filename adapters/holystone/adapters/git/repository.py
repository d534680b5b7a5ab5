"""The project's clone, read through libgit2. Everything here blocks: call it in a thread."""

from collections.abc import Collection
from pathlib import Path

import pygit2

from holystone.adapters.git.discover import CORRUPT, discover, unreadable
from holystone.adapters.git.graftless import without_grafts
from holystone.adapters.git.narrow import is_narrow
from holystone.adapters.git.reach import reach
from holystone.adapters.git.references import References, read_references
from holystone.engine.model.history import History
from holystone.engine.model.references import Commit


class GitRepository:
    """Every method raises IncompleteSource for a repository that is corrupt or lacks objects."""

    def __init__(self, directory: Path, repository: pygit2.Repository, *, just_fetched: bool = False) -> None:
        """`just_fetched`: all branches and tags were fetched a moment ago, whatever the configuration says."""
        self.directory = directory
        self._repository = repository
        self._just_fetched = just_fetched

    def __repr__(self) -> str:
        return f"<GitRepository {self.directory}{' shallow' if self.is_shallow else ''}>"

    @property
    def is_shallow(self) -> bool:
        return self._repository.is_shallow

    def is_narrow(self) -> bool:
        """Whether the clone seems to hold only some of origin's branches, or none of its tags."""
        try:
            return not self._just_fetched and is_narrow(self._repository)
        except CORRUPT as error:
            raise unreadable(self.directory, error) from error

    def references(self) -> References:
        """`refs/remotes/origin/*` but HEAD, and `refs/tags/*`."""
        try:
            return read_references(self._repository)
        except CORRUPT as error:
            raise unreadable(self.directory, error) from error

    def history(self, heads: Collection[Commit], commits: Collection[Commit]) -> History:
        """What is known of `commits`. One walk, whatever their number: seconds for 100,000 commits below `heads`."""
        try:
            times = {commit: time for commit in commits if (time := self._time(commit)) is not None}
            with without_grafts(self._repository) as repository:
                reached_from = reach(repository, heads, times)
        except CORRUPT as error:
            raise unreadable(self.directory, error) from error
        return History(times=times, reached_from=reached_from, complete=not (self.is_shallow or self.is_narrow()))

    def _time(self, commit: Commit) -> int | None:
        """Committer time, or None if there is no such commit."""
        if len(commit) != 40:  # libgit2 opens SHA-1 repositories only
            return None
        found = self._repository.get(pygit2.Oid(hex=commit))
        return found.commit_time if isinstance(found, pygit2.Commit) else None


def open_history(directory: Path, *, just_fetched: bool = False) -> GitRepository | None:
    """None if the directory is in no git repository. Raises IncompleteSource if it is in one that cannot be read."""
    found = discover(directory)
    return GitRepository(directory, found, just_fetched=just_fetched) if found else None
