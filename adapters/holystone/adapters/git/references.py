"""Branches of `origin` and tags, as the policies want them."""

from collections.abc import Iterator
from typing import Literal

import msgspec
import pygit2

from holystone.engine.model.history import GitReference
from holystone.engine.model.references import Commit

_BRANCHES = b"refs/remotes/origin/"
_TAGS = b"refs/tags/"


class References(msgspec.Struct, frozen=True):
    found: tuple[GitReference, ...]
    """Sorted."""
    warnings: tuple[str, ...]
    """References that were left out because they do not end in a commit."""
    branch_names: tuple[str, ...] = ()
    """Of all branches of origin, sorted. A byte that is not UTF-8 is a surrogate here, since slugs hash the bytes."""
    tag_names: tuple[str, ...] = ()
    """Of all tags likewise, whatever they end in."""

    @property
    def has_branches(self) -> bool:
        """False: nothing was ever fetched from a remote named `origin`, or it has no branches."""
        return any(each.kind == "branch" for each in self.found)


def read_references(repository: pygit2.Repository) -> References:
    """Raises what pygit2 raises."""
    found: list[GitReference] = []
    warnings: list[str] = []
    names: dict[Literal["branch", "tag"], list[str]] = {"branch": [], "tag": []}
    for kind, raw_name, reference in _listed(repository):
        names[kind].append(raw_name.decode(errors="surrogateescape"))
        # In Go's regular expressions, as here, a stray byte is U+FFFD.
        name = raw_name.decode(errors="replace")
        target = repository[reference.resolve().target]
        commit = _peeled(target)
        if commit is None:
            warnings.append(f"git {kind} {name} does not end in a commit; ignored")
            continue
        # A git that is older than 2005 wrote annotated tags without a tagger.
        tagger = target.tagger if isinstance(target, pygit2.Tag) else None
        date = tagger.time if tagger else commit.commit_time
        found.append(GitReference(kind, name, Commit.parse(str(commit.id)), date))
    return References(
        tuple(sorted(found)), tuple(sorted(warnings)), tuple(sorted(names["branch"])), tuple(sorted(names["tag"]))
    )


def _listed(repository: pygit2.Repository) -> Iterator[tuple[Literal["branch", "tag"], bytes, pygit2.Reference]]:
    """Names need not be UTF-8."""
    for reference in repository.listall_reference_objects():
        path = reference.raw_name
        if path.startswith(_TAGS):
            yield "tag", path[len(_TAGS) :], reference
        elif path.startswith(_BRANCHES) and path != _BRANCHES + b"HEAD":
            yield "branch", path[len(_BRANCHES) :], reference


def _peeled(target: pygit2.Object) -> pygit2.Commit | None:
    end: object = target
    while isinstance(end, pygit2.Tag):
        end = end.get_object()
    return end if isinstance(end, pygit2.Commit) else None
