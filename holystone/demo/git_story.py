"""Writes a git repository as a clone of a project looks: branches under refs/remotes/origin, tags, merges.
The same calls give the same commit ids."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pygit2
from pygit2.enums import FileMode, ObjectType

from holystone.engine.model.references import Commit

_NAME: Final = "Bosun"
_MAIL: Final = "bosun@example.com"


class GitStory:
    """Times are Unix seconds. Blocks: run it in a thread."""

    def __init__(self, path: Path, *, default_branch: str = "master") -> None:
        self.path = path
        self.default_branch = default_branch
        self._repository = pygit2.init_repository(path, initial_head=default_branch)

    def head(self, branch: str) -> Commit:
        """Raises KeyError if there is no such branch."""
        return Commit(str(self._repository.references[_ref(branch)].target))

    def branches(self) -> tuple[str, ...]:
        prefix = _ref("")
        names = (ref.removeprefix(prefix) for ref in self._repository.references if ref.startswith(prefix))
        return tuple(sorted(name for name in names if name != "HEAD"))

    def commit(
        self, branch: str, message: str, *, at: int, files: Mapping[str, str] | None = None, amend: bool = False
    ) -> Commit:
        """Makes a commit on top of the branch, which begins here if it is new. `amend` replaces the head, as a forced
        push does. `files` are at the root of the tree."""
        head = self._read(self.head(branch)) if _ref(branch) in self._repository.references else None
        builder = self._repository.TreeBuilder(head.tree) if head else self._repository.TreeBuilder()
        for name, text in (files or {}).items():
            builder.insert(name, self._repository.create_blob(text.encode()), FileMode.BLOB)
        parents = [] if head is None else list(head.parent_ids) if amend else [head.id]
        return self._write(branch, message, at, builder.write(), parents)

    def branch(self, name: str, *, start: str | Commit) -> None:
        """Begins a branch at the head of another one, or at a commit."""
        self._point(name, start if isinstance(start, Commit) else self.head(start))

    def merge(self, source: str, into: str, *, at: int) -> Commit:
        """A merge commit; both sides' files, the source's where they differ."""
        ours, theirs = self._read(self.head(into)), self._read(self.head(source))
        builder = self._repository.TreeBuilder(ours.tree)
        for entry in theirs.tree:
            builder.insert(entry.name or "", entry.id, entry.filemode)
        return self._write(into, f"Merge {source} into {into}", at, builder.write(), [ours.id, theirs.id])

    def tag(self, name: str, target: Commit, *, at: int | None = None) -> None:
        """Annotated if it has a time of its own, else lightweight."""
        if at is None:
            self._repository.references.create(f"refs/tags/{name}", target)
        else:
            self._repository.create_tag(name, target, ObjectType.COMMIT, _signature(at), f"Release {name}")

    def delete_branch(self, name: str) -> None:
        """Deletes the branch; its commits stay in the clone, as after `git fetch --prune`."""
        self._repository.references.delete(_ref(name))

    def delete_tag(self, name: str) -> None:
        self._repository.references.delete(f"refs/tags/{name}")

    def _read(self, commit: Commit) -> pygit2.Commit:
        return self._repository[commit].peel(pygit2.Commit)

    def _write(self, branch: str, message: str, at: int, tree: pygit2.Oid, parents: list[pygit2.Oid]) -> Commit:
        author = _signature(at)
        commit = Commit(str(self._repository.create_commit(None, author, author, message, tree, parents)))
        self._point(branch, commit)
        return commit

    def _point(self, branch: str, commit: Commit) -> None:
        references = self._repository.references
        references.create(_ref(branch), commit, force=True)
        if branch == self.default_branch:  # what is checked out, and what `git clone` makes of the remote's HEAD
            references.create(f"refs/heads/{branch}", commit, force=True)
            references.create(_ref("HEAD"), _ref(branch), force=True)


def _ref(branch: str) -> str:
    return f"refs/remotes/origin/{branch}"


def _signature(at: int) -> pygit2.Signature:
    return pygit2.Signature(_NAME, _MAIL, at, 0)
