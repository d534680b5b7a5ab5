"""A git history as plain values, with reachability by its definition."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from holystone.engine.model.history import History
from holystone.engine.model.references import Commit


@dataclass(frozen=True)
class CommitGraph:
    parents: Mapping[Commit, Sequence[Commit]]
    times: Mapping[Commit, int]

    def reachable(self, head: Commit) -> frozenset[Commit]:
        met: set[Commit] = set()
        waiting = [head]
        while waiting:
            commit = waiting.pop()
            if commit not in met:
                met.add(commit)
                waiting.extend(self.parents[commit])
        return frozenset(met)

    def history(
        self,
        heads: Iterable[Commit],
        commits: Iterable[Commit],
        others: Iterable[Commit] = (),
        *,
        complete: bool = True,
    ) -> History:
        reachable = {head: self.reachable(head) for head in heads}
        met = frozenset[Commit]().union(*reachable.values(), *map(self.reachable, others))
        existing = [commit for commit in commits if commit in self.times]
        return History(
            times={commit: self.times[commit] for commit in existing},
            reached_from={commit: frozenset(h for h in reachable if commit in reachable[h]) for commit in existing},
            complete=complete,
            reached=met & frozenset(existing),
        )
