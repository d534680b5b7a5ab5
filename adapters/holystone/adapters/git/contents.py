"""The words and digests that stand in files of a clone: what its branches name now, or have named lately."""

import re
from collections.abc import Collection, Iterator, Set
from pathlib import Path
from typing import Final

import msgspec
import pygit2
from pygit2.enums import ObjectType, SortMode

from holystone.adapters.git.cut_off import check_object, object_folders
from holystone.adapters.git.listed import too_many
from holystone.engine.model.references import Commit

_RUN: Final = re.compile(rb"[A-Za-z0-9_.-]{1,4096}")
_DIGEST: Final = re.compile(rb"(?:sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})(?![0-9a-f])")
_LONGEST_TAG: Final = 128
_LARGEST: Final = 64 << 20
"""Bytes of one file."""
_LARGEST_FOLDER: Final = 16 << 20
"""Bytes of one folder, without those in it. What is in it takes four times that, and a few megabytes of a push make
gigabytes."""
_MOST_WORDS: Final = 2_000_000
_MOST_LOOKED_AT: Final = 500_000_000
"""Words, each as often as it stands there: some minutes, in which no signal is heeded. Eight gigabytes of words of a
letter took half an hour, and a few kilobytes of a push make them."""
_MOST_BYTES: Final = 8 << 30
"""Of all files, each version once."""


class Contents(msgspec.Struct, frozen=True):
    words: Set[int]
    """The hash of each word, and of each digest: there may be millions. Two with one hash are taken for each other,
    which can only keep."""

    def has(self, word: str) -> bool:
        """`word`: of the characters of tags, or a digest."""
        return hash(word.encode()) in self.words


def contents(repository: pygit2.Repository, folder: Path, tips: Collection[Commit], since: int) -> Contents:
    """All that stands in a file of a tip, of a commit since then (Unix seconds, committer's), or of one that such a
    commit follows, which may have been the tip until then. `folder`: what the worktrees of the clone share. Raises what
    pygit2 raises, also where a file is missing, and IncompleteSource for more than there is memory or time for."""
    found = _Found(repository, folder)
    wanted = {pygit2.Oid(hex=tip) for tip in tips}
    walker = repository.walk(None, SortMode.TOPOLOGICAL)
    for tip in wanted:
        walker.push(tip)
    for commit in walker:
        if commit.commit_time >= since:
            wanted.update(commit.parent_ids)
        elif commit.id not in wanted:
            continue
        found.read(commit.tree_id)
    return Contents(found.words)


class _Found:
    def __init__(self, repository: pygit2.Repository, folder: Path) -> None:
        self._repository = repository
        self._folders = tuple(object_folders(folder))
        self._seen: set[bytes] = set()
        self._bytes = 0
        self._looked_at = 0
        self.words: set[int] = set()

    def read(self, tree: pygit2.Oid) -> None:
        for blob in self._blobs(tree):
            body = blob.data
            self._bytes += len(body)
            self.words.update(hash(match[0]) for match in _DIGEST.finditer(body))
            for match in _RUN.finditer(body):
                for word in {match[0], match[0].strip(b".-")}:
                    if 0 < len(word) <= _LONGEST_TAG:
                        self.words.add(hash(word))
                self._looked_at += 1
                if len(self.words) > _MOST_WORDS:
                    break
            too_many = len(self.words) > _MOST_WORDS or self._looked_at > _MOST_LOOKED_AT
            if too_many or self._bytes > _MOST_BYTES:
                raise self._too_much("more words than are looked through")

    def _blobs(self, tree: pygit2.Oid) -> Iterator[pygit2.Blob]:
        """The files below a folder that were not read yet."""
        level = [tree]
        while level:
            oid = level.pop()
            if oid.raw in self._seen:
                continue
            self._seen.add(oid.raw)
            check_object(self._folders, str(oid), _LARGEST)
            kind, size = self._repository.odb.read_header(oid)
            if kind == ObjectType.BLOB:
                if size > _LARGEST:
                    raise self._too_much(f"a file of more than {_LARGEST >> 20} MiB")
                blob = self._repository[oid]
                assert isinstance(blob, pygit2.Blob)  # noqa: S101 -- by its header
                yield blob
            elif kind == ObjectType.TREE:
                if size > _LARGEST_FOLDER:
                    raise self._too_much(f"a folder of more than {_LARGEST_FOLDER >> 20} MiB")
                folder = self._repository[oid]
                assert isinstance(folder, pygit2.Tree)  # noqa: S101 -- by its header
                level.extend(each.id for each in folder if each.type_str != "commit")  # a submodule is elsewhere

    def _too_much(self, what: str) -> Exception:
        return too_many(f"The clone in {self._repository.path}", what)
