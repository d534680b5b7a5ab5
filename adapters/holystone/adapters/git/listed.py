"""All references of a clone, one by one, and not more than there is memory for: whoever may push can make as many as he
likes, of one commit."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pygit2

from holystone.engine.errors import IncompleteSource

MOST: Final = 200_000
"""Branches, tags and all others. What is made of each takes about a kilobyte."""
_NAMES: Final = 1 << 24
"""Bytes of all their names, each of which is kept several times."""
_LARGEST: Final = 1 << 26
"""Bytes of a file of packed references, which libgit2 reads as a whole."""


def listed(repository: pygit2.Repository) -> Iterator[pygit2.Reference]:
    """Raises IncompleteSource for too many, and what pygit2 raises."""
    size = 0
    for number, reference in enumerate(repository.references.iterator()):
        size += len(reference.raw_name)
        if number >= MOST or size > _NAMES:
            what = f"more than {MOST:,} references" if number >= MOST else f"more than {_NAMES >> 20} MiB of names"
            raise too_many(f"The clone in {repository.path}", what)
        yield reference


def check_packed_size(folder: Path) -> None:
    """Looks how large packed-refs is, before anything of it is looked up. `folder`: with the file, if there is one.
    Raises IncompleteSource."""
    packed = folder / "packed-refs"
    if packed.exists() and packed.stat().st_size > _LARGEST:
        raise too_many(f"The clone in {folder}", f"more than {_LARGEST >> 20} MiB of references")


def too_many(whose: str, what: str) -> IncompleteSource:
    return IncompleteSource(
        f"{whose} has {what}, and no more are read.",
        not_deleted="No image was deleted, because git history decides about images.",
        what_to_do="Find out who made so many branches or tags (`git ls-remote origin`) and delete those that nobody "
        "needs, there and in the clone (git fetch --prune).",
    )
