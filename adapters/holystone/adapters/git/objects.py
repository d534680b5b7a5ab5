"""Commits and annotated tags of a clone. Files and folders are never read: whoever may push to the stages storage can
name one in a record, and it may have gigabytes."""

import pygit2
from pygit2.enums import ObjectType


def read_object(repository: pygit2.Repository, oid: pygit2.Oid) -> pygit2.Commit | pygit2.Tag | None:
    """The commit or tag with this id; None for a file or a folder. Raises KeyError if there is no such object, and what
    else pygit2 raises."""
    kind, _ = repository.odb.read_header(oid)
    if kind not in (ObjectType.COMMIT, ObjectType.TAG):
        return None
    found = repository[oid]
    return found if isinstance(found, (pygit2.Commit, pygit2.Tag)) else None
