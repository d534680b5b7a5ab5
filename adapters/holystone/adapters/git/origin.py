"""Asks origin which branches and tags it has, without fetching anything."""

from collections.abc import Callable, Mapping
from io import BytesIO
from typing import Final, Literal, TypeAlias

import msgspec

from holystone.adapters.credentials.redaction import redacted
from holystone.adapters.git.listed import MOST, too_many
from holystone.adapters.git.program import Clone, run_git
from holystone.adapters.git.scrub import scrub
from holystone.adapters.programs import ProgramFailed, ProgramMissing

ReferenceKind: TypeAlias = Literal["branch", "tag"]
Objects: TypeAlias = Mapping[tuple[ReferenceKind, str], str]
"""What each branch and tag points to, unpeeled, in hexadecimal. A byte that is not UTF-8 is a surrogate in the name."""
Wanted: TypeAlias = Callable[[ReferenceKind, str], bool]
"""Whether anything could be judged by a branch or tag of this name."""

ASK_TIMEOUT: Final = 60.0
"""Seconds."""
_LARGEST: Final = 1 << 26
"""Bytes; a line has a hundred or so, and takes four times that while it is read."""
_KINDS: Final[Mapping[str, ReferenceKind]] = {"refs/heads/": "branch", "refs/tags/": "tag"}


class Unasked(msgspec.Struct, frozen=True):
    why: str
    """The end of a sentence."""


async def ask_origin(clone: Clone, *, timeout: float = ASK_TIMEOUT) -> Objects | Unasked:
    """One round trip. Not every job that cleans may reach origin, so a failure is an answer here. Raises
    IncompleteSource for more than there is memory for."""
    try:
        ended = await run_git(
            clone, "ls-remote", "--quiet", "--heads", "--tags", "origin", timeout=timeout, largest=_LARGEST
        )
    except ProgramMissing:
        return Unasked("there is no git program")
    except ProgramFailed as error:
        return Unasked(f"git ls-remote {error}")
    if ended.code:
        said = scrub(redacted(ended.errors.decode(errors="replace"))).strip().splitlines()
        return Unasked(
            said[0].removeprefix("fatal: ")[:300] if said else f"git ls-remote ended with exit code {ended.code}"
        )
    return _objects(ended.output) or Unasked("it says that it has no branches and no tags")


def _objects(output: bytes) -> Objects:
    """The branches and tags that `git ls-remote` lists. Raises IncompleteSource."""
    found: dict[tuple[ReferenceKind, str], str] = {}
    for line in BytesIO(output):  # not all lines at once
        object_id, _, name = line.rstrip(b"\n").decode(errors="surrogateescape").partition("\t")
        for prefix, kind in _KINDS.items():
            # `^{}` lines tell what an annotated tag ends in. A clone has no place for a branch called HEAD.
            if name.startswith(prefix) and not name.endswith("^{}") and name != "refs/heads/HEAD":
                found[kind, name.removeprefix(prefix)] = object_id
        if len(found) > MOST:
            raise too_many("Origin", f"more than {MOST:,} branches and tags")
    return found


def lacking(clone: Objects, origin: Objects, wanted: Wanted) -> tuple[str, ...]:
    """The branches and tags of origin that the clone has not, or has elsewhere, for people; sorted."""
    return tuple(
        f"{kind} {name.encode(errors='surrogateescape').decode(errors='replace')}"
        for (kind, name), at in sorted(origin.items())
        if clone.get((kind, name)) != at and wanted(kind, name)
    )
