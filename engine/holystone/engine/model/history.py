"""Git history as policies see it: references, and which commits of interest they reach."""

from collections.abc import Mapping
from typing import Literal

import msgspec

from holystone.engine.model.references import Commit


class GitReference(msgspec.Struct, frozen=True, order=True):
    kind: Literal["branch", "tag"]
    name: str
    """Without `origin/` or `refs/tags/`."""
    commit: Commit
    date: int
    """Unix seconds: tagger time of an annotated tag, else committer time of the commit."""

    @property
    def shown(self) -> str:
        return f"origin/{self.name}" if self.kind == "branch" else self.name


class History(msgspec.Struct, frozen=True):
    """The commits that were asked about. A commit that is missing from `times` does not exist in the clone."""

    times: Mapping[Commit, int]
    """Committer time, Unix seconds, of each commit asked about that exists."""
    reached_from: Mapping[Commit, frozenset[Commit]]
    """For each existing commit: the heads (of those asked about) whose history contains it. A head reaches itself."""
    complete: bool = True
    """False for a shallow or narrow clone that was allowed: then a missing commit is unknown, not absent."""
    references_complete: bool = True
    """False for a narrow clone that was allowed: then what no reference keeps may be kept by one that is missing."""
    reached: frozenset[Commit] = frozenset()
    """Those that any branch or tag of origin reaches, whether or not it was asked about."""


class GitNames(msgspec.Struct, frozen=True):
    """What of git an image can be named after, as werf writes it into a tag."""

    branches: Mapping[str, str]
    """Branches of origin: the name as it is in a tag → the name in git, for people."""
    tags: Mapping[str, str]
    commits: frozenset[Commit]
    """Of the commits that were asked about, those that exist."""
    complete: bool = True
    """False for a shallow or narrow clone that was allowed: then what is missing is unknown, not absent."""
