"""Which tags have to be known to have rested: those that would be pushed over, since there is no gentler way."""

from collections.abc import Container

from holystone.engine.closure.graph import graph_of, reach
from holystone.engine.model.capabilities import Capabilities
from holystone.engine.model.inventory import RepositorySnapshot
from holystone.engine.model.references import Tag
from holystone.engine.model.verdicts import Delete, Verdicts


def tags_to_date(
    snapshot: RepositorySnapshot, verdicts: Verdicts, dated: Container[Tag], can: Capabilities
) -> tuple[Tag, ...]:
    """Tags that go, on manifests that may stay, where neither deletes the registry one tag alone nor is it known when
    the tag was put there. `dated`: those of which that is known."""
    deletes_one = can.tags is not None and can.tags.last_tag is not None
    if deletes_one or can.digests is None or can.digests.tombstones is None:
        return ()
    doomed = {tag for tag in snapshot.tags if isinstance(verdicts.get(tag), Delete)}
    undated = [tag for tag in sorted(doomed) if tag not in dated]
    held = reach(graph_of(snapshot), snapshot.tags.keys() - doomed) if undated else {}
    return tuple(tag for tag in undated if snapshot.tags[tag] in held)
