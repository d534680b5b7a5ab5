"""Real git repositories for tests, written without a work tree."""

from collections.abc import Sequence
from pathlib import Path

import pygit2

from holystone.adapters.git.repository import GitRepository, open_history
from holystone.engine.model.references import Commit


class GitBuilder:
    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.repository = pygit2.init_repository(str(directory), initial_head="master")
        self._tree = self.repository.TreeBuilder().write()

    def commit(self, message: str, *, time: int, parents: Sequence[Commit] = ()) -> Commit:
        """`time`: committer time, Unix seconds. The author's is another, to tell them apart."""
        author = pygit2.Signature("author", "author@example.com", time - 86_400, 0)
        committer = pygit2.Signature("committer", "committer@example.com", time, 120)
        made = self.repository.create_commit(None, author, committer, message, self._tree, list(parents))
        return Commit.parse(str(made))

    def reference(self, path: str, target: Commit | pygit2.Oid) -> None:
        self.repository.references.create(path, str(target), force=True)

    def branch_of_origin(self, name: str, commit: Commit) -> None:
        self.reference(f"refs/remotes/origin/{name}", commit)

    def annotated_tag(self, name: str, target: Commit | pygit2.Oid, *, time: int) -> pygit2.Oid:
        kind = self.repository[str(target)].type
        tagger = pygit2.Signature("tagger", "tagger@example.com", time, 0)
        return self.repository.create_tag(name, pygit2.Oid(hex=str(target)), kind, tagger, "annotated")


def opened(builder: GitBuilder) -> GitRepository:
    repository = open_history(builder.directory)
    assert repository is not None
    return repository
