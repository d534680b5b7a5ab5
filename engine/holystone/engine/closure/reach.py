"""Everything that some tags hold: the one fixpoint behind both what is kept and what may be doomed."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from holystone.engine.closure.graph import Graph
from holystone.engine.model.reasons import ManifestReason, Tagged
from holystone.engine.model.references import Digest, Tag


def reach(
    graph: Graph,
    roots: Iterable[Tag],
    more: Mapping[Digest, ManifestReason] = MappingProxyType({}),
    *,
    subjects: bool = False,
) -> dict[Digest, ManifestReason]:
    """What the roots hold, each manifest with the reason. `more`: manifests that are held for another reason than a
    tag; `subjects`: a manifest holds its subject too.

    Goes round by round in sorted order, so that each manifest gets the same reason (one of the nearest) however the
    snapshot is ordered. Visits every manifest once, so that cycles end."""
    found: dict[Digest, ManifestReason] = {}
    for tag in sorted(roots):
        found.setdefault(graph.tags[tag], Tagged(tag))
    for digest in sorted(more):
        found.setdefault(digest, more[digest])
    frontier = sorted(found)
    while frontier:
        new: dict[Digest, ManifestReason] = {}
        for digest in frontier:
            for held, because in graph.holds(digest, subject=subjects):
                if held not in found:
                    new.setdefault(held, because)
        found |= new
        frontier = sorted(new)
    return found
