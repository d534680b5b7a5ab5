"""Which heads reach which commits, by one walk over the history."""

from collections.abc import Collection
from typing import Final

import pygit2
from pygit2.enums import SortMode

from holystone.adapters.git.listed import too_many
from holystone.engine.model.history import Reached
from holystone.engine.model.references import Commit

_LARGEST: Final = 1 << 28
"""Bytes of all sets of heads that wait for a commit's turn. Branches that each begin at another commit make as many,
and whoever may push can make any number: 100,000 took 180 MB, and it grows by the square."""
_KEPT: Final = 1 << 27
"""Bytes of the different sets of heads that are the answer, which lasts while images are judged: 200,000 branches that
lie apart, and 20,000 commits that images were built at, would have half a gigabyte."""


def reach(
    repository: pygit2.Repository,
    heads: Collection[Commit],
    commits: Collection[Commit],
    others: Collection[Commit] = (),
) -> Reached:
    """Which heads reach which commits. `commits` exist. Of `others` only `Reached.by_any` tells. Raises what pygit2
    raises, also if a head or anything below it is missing, and IncompleteSource where there is no memory for so many
    beside each other."""
    ordered = sorted(set(heads))
    masks = dict.fromkeys(commits, 0)
    wanted = {pygit2.Oid(hex=commit): commit for commit in commits}
    # A head's own bit, and not yet its mask: those of thousands would take memory by the square of their number.
    bits = {pygit2.Oid(hex=other): len(ordered) for other in others}
    bits |= {pygit2.Oid(hex=head): bit for bit, head in enumerate(ordered)}
    walker = repository.walk(None, SortMode.TOPOLOGICAL)
    for head in bits:
        walker.push(head)
    if not wanted:
        return Reached(ordered, masks)
    # Nothing above reaches a commit any more when its turn comes, so its mask is final and can be let go.
    pending: dict[pygit2.Oid, int] = {}
    answers: dict[int, int] = {}
    waiting = kept = 0
    for commit in walker:
        mask = pending.pop(commit.id, 0)
        waiting -= mask.bit_length() // 8
        if (bit := bits.get(commit.id)) is not None:
            mask |= 1 << bit
        for parent in commit.parent_ids:
            before = pending.get(parent, 0)
            pending[parent] = before | mask
            waiting += pending[parent].bit_length() // 8 - before.bit_length() // 8
        if waiting > _LARGEST:
            raise too_many(
                f"The clone in {repository.path}", f"{len(ordered):,} branches that begin at different commits"
            )
        if name := wanted.pop(commit.id, None):
            if mask not in answers:
                kept += mask.bit_length() // 8
            masks[name] = answers.setdefault(mask, mask)
            if kept > _KEPT:
                raise too_many(
                    f"The clone in {repository.path}",
                    f"{len(ordered):,} branches, of which different ones reach each of {len(answers):,} commits that "
                    "images were built at",
                )
            if not wanted:
                break
    return Reached(ordered, masks)
