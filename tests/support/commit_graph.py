"""A git history as plain values, with reachability by its definition."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from holystone.engine.model.history import History, Reached
from holystone.engine.model.references import Commit


def reached_from(heads: Mapping[Commit, Collection[Commit]]) -> Reached:
    """`heads`: those that reach each commit."""
    bits = {head: bit for bit, head in enumerate(sorted({head for each in heads.values() for head in each}))}
    return Reached(tuple(bits), {commit: sum(1 << bits[head] for head in each) for commit, each in heads.items()})


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
        heads_of = {commit: [head for head in reachable if commit in reachable[head]] for commit in existing}
        return History(
            times={commit: self.times[commit] for commit in existing},
            reached_from=reached_from(heads_of),
            complete=complete,
            reached=met & frozenset(existing),
        )
