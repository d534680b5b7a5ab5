"""Git history as policies see it: references, and which commits of interest they reach."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
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


class Reached(Mapping[Commit, frozenset[Commit]]):
    """From each commit to those of the heads whose history contains it. Whoever may push can make thousands of heads,
    so that it is one bit a head and commit: sets of them would need gigabytes."""

    def __init__(self, heads: Sequence[Commit] = (), masks: Mapping[Commit, int] = MappingProxyType({})) -> None:
        """In the mask of a commit the lowest bit is the first head's. A bit beyond those of the heads stands for all
        other references together."""
        self.heads = heads
        self._masks = masks
        self._all = (1 << len(heads)) - 1

    def __getitem__(self, commit: Commit) -> frozenset[Commit]:
        return frozenset(self._of(self._masks[commit]))

    def masks(self, commits: Iterable[Commit]) -> Iterator[int]:
        """What is known of each of the commits, as numbers with which another one of these heads can be made."""
        return map(self._masks.__getitem__, commits)

    def newly(self, commits: Iterable[Commit]) -> Iterator[Sequence[Commit]]:
        """For each of the commits, the heads that reach it and none before it. One that is not known is not reached."""
        met = 0
        for commit in commits:
            found = self._masks.get(commit, 0) & ~met
            met |= found
            yield self._of(found)

    @property
    def by_heads(self) -> frozenset[Commit]:
        """The commits that some head reaches."""
        return frozenset(commit for commit, mask in self._masks.items() if mask & self._all)

    @property
    def by_any(self) -> frozenset[Commit]:
        """The commits that anything reaches."""
        return frozenset(commit for commit, mask in self._masks.items() if mask)

    def __iter__(self) -> Iterator[Commit]:
        return iter(self._masks)

    def __len__(self) -> int:
        return len(self._masks)

    def __repr__(self) -> str:
        return f"<Reached {len(self._masks)} commits from {len(self.heads)} heads>"

    def _of(self, mask: int) -> Sequence[Commit]:
        found: list[Commit] = []
        if mask := mask & self._all:
            bits = bin(mask)[:1:-1]
            at = bits.find("1")
            while at >= 0:
                found.append(self.heads[at])
                at = bits.find("1", at + 1)
        return found


class History(msgspec.Struct, frozen=True):
    """The commits that were asked about. A commit that is missing from `times` does not exist in the clone."""

    times: Mapping[Commit, int]
    """Committer time, Unix seconds, of each commit asked about that exists."""
    reached_from: Reached
    """For each existing commit: the heads (of those asked about) whose history contains it. A head reaches itself."""
    complete: bool = True
    """False for a shallow or narrow clone that was allowed: then a missing commit is unknown, not absent."""
    references_complete: bool = True
    """False for a narrow clone that was allowed: then what no reference keeps may be kept by one that is missing."""
    reached: frozenset[Commit] = frozenset()
    """Those that any branch or tag of origin reaches, whether or not it was asked about."""


class GitNames(msgspec.Struct, frozen=True):
    """What of git an image can be named after, as it is written into a tag."""

    branches: Mapping[str, str]
    """Branches of origin: the name as it is in a tag → the name in git, for people."""
    tags: Mapping[str, str]
    commits: frozenset[Commit]
    """Of the commits that were asked about, those that exist."""
    complete: bool = True
    """False for a shallow or narrow clone that was allowed: then what is missing is unknown, not absent."""
    gone_tags: Collection[str] = ()
    """Of `tags`, as they are in a tag, those that origin has no more, or never had."""
