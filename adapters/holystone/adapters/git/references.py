"""Branches of `origin` and tags, as the policies want them."""

import os
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

import msgspec
import pygit2

from holystone.adapters.git.listed import listed, too_many
from holystone.adapters.git.loose import Loose, check_packed, look_at_loose, packed_stamp
from holystone.adapters.git.objects import read_object
from holystone.adapters.git.origin import Objects, ReferenceKind
from holystone.engine.model.history import GitReference
from holystone.engine.model.references import Commit
from holystone.engine.model.source_notices import ReferenceIgnored


class Namespace(NamedTuple):
    """Where in the clone what origin has is noted down, each with a slash at the end."""

    branches: str
    tags: str


CLONE: Final = Namespace("refs/remotes/origin/", "refs/tags/")
ORIGIN: Final = Namespace("refs/holystone/origin/heads/", "refs/holystone/origin/tags/")
"""What a synchronization has written, and nobody else writes."""
_NESTED: Final = 16
"""Tags of tags. Whoever may push can make thousands, each of the one before, and each is followed from each of its
names."""
_TRIES: Final = 5


class References(msgspec.Struct, frozen=True):
    found: tuple[GitReference, ...]
    """Sorted."""
    ignored: tuple[ReferenceIgnored, ...]
    """References that were left out. Sorted."""
    branch_names: tuple[str, ...] = ()
    """Of all branches of origin, sorted. A byte that is not UTF-8 is a surrogate here, since slugs hash the bytes."""
    tag_names: tuple[str, ...] = ()
    """Of all tags likewise, whatever they end in."""
    objects: Objects = {}
    """Of all these branches and tags."""
    local_tags: tuple[str, ...] = ()
    """After a synchronization: tags of the clone that origin has not, or has elsewhere; sorted, for people."""
    hollow: tuple[str, ...] = ()
    """Empty folders where references may have been; sorted."""

    @property
    def has_branches(self) -> bool:
        """False: nothing was ever fetched from a remote named `origin`, or it has no branches."""
        return any(each.kind == "branch" for each in self.found)


def read_references(repository: pygit2.Repository, namespace: Namespace = CLONE) -> References:
    """Raises what pygit2 raises, ValueError or OSError for a damaged one, and IncompleteSource for too many."""
    found: list[GitReference] = []
    folder = Path(repository.path)
    every, loose = _all(repository, folder, namespace)
    ignored: list[ReferenceIgnored] = []
    objects: dict[tuple[ReferenceKind, str], str] = {}
    _check_all_are_listed(folder, loose.names, every)
    for kind, raw_name, reference in _within(namespace, every):
        # In Go's regular expressions, as here, a stray byte is U+FFFD.
        name = raw_name.decode(errors="replace")
        end = _end(reference)
        if end is None:
            ignored.append(ReferenceIgnored(kind, name, dangling=True))
            objects[kind, raw_name.decode(errors="surrogateescape")] = ""
            continue
        objects[kind, raw_name.decode(errors="surrogateescape")] = str(end)
        target = read_object(repository, end)
        commit = _peeled(repository, target, name)
        if commit is None:
            ignored.append(ReferenceIgnored(kind, name, dangling=False))
            continue
        # A git that is older than 2005 wrote annotated tags without a tagger.
        tagger = target.tagger if isinstance(target, pygit2.Tag) else None
        date = tagger.time if tagger else commit.commit_time
        found.append(GitReference(kind, name, Commit.parse(str(commit.id)), date))
    return References(
        tuple(sorted(found)),
        tuple(sorted(ignored)),
        branch_names=_names(objects, "branch"),
        tag_names=_names(objects, "tag"),
        objects=objects,
        local_tags=_local_tags(every, objects) if namespace == ORIGIN else (),
        hollow=loose.hollow,
    )


def _all(repository: pygit2.Repository, folder: Path, namespace: Namespace) -> tuple[list[pygit2.Reference], Loose]:
    """libgit2 1.9 reads packed-refs first and the loose ones then. What `git pack-refs` moves in between is in neither,
    and git's own gc does that beside whatever follows a fetch (seen with 200 branches: some missing in 22 of 2,010
    readings). While the file stays as it is nothing was moved."""
    for _ in range(_TRIES):
        stamp = packed_stamp(folder)
        check_packed(folder)
        found = list(listed(repository)), look_at_loose(folder, namespace)
        if packed_stamp(folder) == stamp:
            return found
    raise ValueError("packed-refs is written again and again while it is read")


def _names(objects: Objects, kind: ReferenceKind) -> tuple[str, ...]:
    return tuple(sorted(name for of, name in objects if of == kind))


def _local_tags(every: Iterable[pygit2.Reference], origin: Objects) -> tuple[str, ...]:
    tags = ((raw, tag) for kind, raw, tag in _within(CLONE, every) if kind == "tag")
    return tuple(
        sorted(
            raw.decode(errors="replace")
            for raw, tag in tags
            if origin.get(("tag", raw.decode(errors="surrogateescape"))) != str(tag.target)
        )
    )


def _check_all_are_listed(folder: Path, names: Collection[bytes], every: Iterable[pygit2.Reference]) -> None:
    for name in sorted(set(names) - {each.raw_name for each in every}):
        if (folder / os.fsdecode(name)).exists():  # not one that was deleted meanwhile
            raise ValueError(f"the reference {name.decode(errors='replace')} is passed over")


def _within(
    namespace: Namespace, every: Iterable[pygit2.Reference]
) -> Iterator[tuple[ReferenceKind, bytes, pygit2.Reference]]:
    """The branches and tags below a namespace, with their names, which need not be UTF-8."""
    branches, tags = (prefix.encode() for prefix in namespace)
    for reference in every:
        path = reference.raw_name
        if path.startswith(tags):
            yield "tag", path[len(tags) :], reference
        elif path.startswith(branches) and path != b"refs/remotes/origin/HEAD":
            yield "branch", path[len(branches) :], reference


def _end(reference: pygit2.Reference) -> pygit2.Oid | None:
    """The object where a reference ends; None for a symbolic one whose target does not exist: whoever renames a branch
    leaves such behind. Raises GitError if the target is there and damaged."""
    try:
        end = reference.resolve().target
    except KeyError:
        return None
    return end if isinstance(end, pygit2.Oid) else None


def _peeled(repository: pygit2.Repository, end: pygit2.Commit | pygit2.Tag | None, name: str) -> pygit2.Commit | None:
    """Raises IncompleteSource for more tags of tags than anybody has."""
    for _ in range(_NESTED):
        if not isinstance(end, pygit2.Tag):
            return end
        end = read_object(repository, end.target)
    raise too_many(f"The clone in {repository.path}", f"tags of tags of tags, {_NESTED} deep and more (in {name})")
