"""Which images werf's keep policies keep: those of commits that the references reach which they select, within the
limits that they set for each reference."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from holystone.engine.model.history import History
from holystone.engine.model.references import Commit, Digest, InvalidName
from holystone.policies.retention.answers import Standing
from holystone.policies.retention.candidates import SelectedHistory
from holystone.policies.retention.commits import CommitIndex, CommitPrefix
from holystone.policies.retention.conditions import said_commits
from holystone.policies.retention.rules import CommitOf
from holystone.policies.retention.sight import Matching
from holystone.policies.werf.v1.ranking import Standing as Reaching
from holystone.policies.werf.v1.ranking import rank_signatures

_NAMED = 3
"""References that a reason names."""


def count_commits(by: CommitOf, pool: Sequence[Matching], known: SelectedHistory, now: int) -> Mapping[int, Standing]:
    """What is to be said of each of the pool, by its position. An image is a digest, of all commits that any of its
    tags says. `now`: Unix seconds."""
    found: dict[int, Standing] = {}
    said: defaultdict[Digest, set[CommitPrefix]] = defaultdict(set)
    last: dict[Digest, int] = {}
    for each in pool:
        commits = said_commits(each, by)
        digest = each.seen.candidate.digest
        if isinstance(commits, str):
            found[each.order] = Standing(commits, "commits-of")
        elif each.seen.candidate.archived:
            found[each.order] = Standing(False, "commits-of")
        else:
            said[digest] |= commits
            last[digest] = max(each.order, last.get(digest, 0))
    index = CommitIndex(known.history.times)
    # Of equal times the first of these names counts as the newer: so the last in natural order must come first.
    names = {digest: f"{len(last) - place:08}" for place, digest in enumerate(sorted(last, key=last.__getitem__))}
    whole = {names[digest]: _whole(commits, index) for digest, commits in said.items()}
    # What cannot be reached is not looked for: that is most of it, where a history is rewritten.
    may_be = {
        name: commits
        for name, commits in whole.items()
        if not known.history.times.keys().isdisjoint(commits) or (commits and not known.history.complete)
    }
    ranked = rank_signatures(may_be, known.history, known.selected, now)
    standings = {digest: _standing(ranked.get(name), known.history) for digest, name in names.items()}
    return {each.order: found.get(each.order) or standings[each.seen.candidate.digest] for each in pool}


def _whole(said: set[CommitPrefix], index: CommitIndex) -> frozenset[Commit]:
    """All that may be meant, also those that do not exist, where they are said as a whole."""
    found: set[Commit] = set()
    for each in said:
        found.update(map(Commit, index.beginning_with(each)))
        try:
            found.add(Commit.parse(each))
        except InvalidName:
            continue
    return frozenset(found)


def _standing(reaching: Reaching | None, history: History) -> Standing:
    if reaching is not None and reaching.kept_by:
        return Standing(True, "commits-of", because=tuple(reaching.kept_by[:_NAMED]))
    if not history.complete and (reaching is None or reaching.unknown):
        return Standing("history", "commits-of")
    return Standing(False, "commits-of")
