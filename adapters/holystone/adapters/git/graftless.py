"""The history as it was written. libgit2 reads `info/grafts` and has no switch against it."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pygit2


@contextmanager
def without_grafts(repository: pygit2.Repository) -> Iterator[pygit2.Repository]:
    """The repository with the same objects and the same shallow boundary, and no grafts. A graft cuts commits off from
    their descendants, and a clone's owner who made one to see less did not mean to throw the images away."""
    folder = Path(repository.path)
    if not (folder / "info" / "grafts").exists():
        yield repository
        return
    with tempfile.TemporaryDirectory(prefix="holystone-history-") as made:
        pygit2.init_repository(made, bare=True)
        if (folder / "shallow").exists():
            shutil.copyfile(folder / "shallow", Path(made) / "shallow")
        bare = pygit2.Repository(made)
        bare.set_odb(repository.odb)
        yield bare
