"""What keep policies select in a clone, and what is known of all commits below it, in some sixty bytes each: there may
be half a million, and each of a file's policies may select in its own way."""

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from holystone.engine.model.history import History, Reached
from holystone.engine.model.references import Commit
from holystone.policies.git_references import SelectedReference
from holystone.policies.retention.commits import CommitPrefix

_LONG: Final = 40
"""Letters of a commit: libgit2 opens SHA-1 repositories only."""


class SelectedCommits:
    def __init__(self, selected: tuple[SelectedReference, ...], history: History, commits: Sequence[Commit]) -> None:
        """`commits`: sorted. `history` knows each of them."""
        self.selected = selected
        self._complete, self._references_complete = history.complete, history.references_complete
        self._heads = history.reached_from.heads
        self._commits = "".join(commits)
        self._times = array("q", map(history.times.__getitem__, commits))
        masks: dict[int, int] = {}
        self._which = array("L", (masks.setdefault(each, len(masks)) for each in history.reached_from.masks(commits)))
        self._masks = (*masks,)

    def __repr__(self) -> str:
        return f"<SelectedCommits {len(self._times)} below {len(self.selected)} references>"

    def history(self, asked: Iterable[CommitPrefix]) -> History:
        """What is known of all commits that begin as one of these does."""
        places = {place for prefix in asked for place in self._beginning(prefix)}
        return History(
            times={self._commit(place): self._times[place] for place in places},
            reached_from=Reached(
                self._heads, {self._commit(place): self._masks[self._which[place]] for place in places}
            ),
            complete=self._complete,
            references_complete=self._references_complete,
        )

    def _beginning(self, prefix: CommitPrefix) -> Iterator[int]:
        place = bisect_left(range(len(self._times)), prefix, key=self._commit)
        while place < len(self._times) and self._commit(place).startswith(prefix):
            yield place
            place += 1

    def _commit(self, place: int) -> Commit:
        return Commit(self._commits[place * _LONG : (place + 1) * _LONG])
