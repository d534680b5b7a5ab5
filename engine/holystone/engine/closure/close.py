"""Closes the graph of one repository over the verdicts on its tags."""

from collections.abc import Container, Iterable, Mapping

from holystone.engine.closure.closed import Closed
from holystone.engine.closure.graph import Graph, graph_of
from holystone.engine.closure.judge import judge
from holystone.engine.closure.levels import deletion_order
from holystone.engine.closure.reach import reach
from holystone.engine.model.capabilities import GENTLE, Capabilities
from holystone.engine.model.inventory import RepositorySnapshot
from holystone.engine.model.reasons import (
    ChildOf,
    LockedBy,
    ManifestReason,
    MayBeNeededBy,
    NotJudged,
    NoVerdict,
    ReferrerOf,
    ReferrersUnknown,
)
from holystone.engine.model.references import Digest, Tag
from holystone.engine.model.verdicts import Delete, Keep, Verdict, Verdicts


def close(snapshot: RepositorySnapshot, verdicts: Verdicts, can: Capabilities = GENTLE) -> Closed:
    """Turns verdicts on tags into what stays and what goes. `can`: what the registry deletes along with other things,
    and what it refuses to delete.

    Two fixpoints, both monotone, so the result is unique and hostile cycles end:

    1. what the doomed tags hold could go. An attached tag of a manifest outside of it is nobody's candidate;
    2. what kept tags and those attached tags hold stays. What could go and does not stay is doomed.

    What is neither (untagged, and held by nothing doomed) is not touched.
    """
    takes_referrers = can.cascade.referrers
    graph = graph_of(snapshot)
    final = {tag: judge(snapshot, verdicts, tag) for tag in snapshot.names if tag not in graph.subjects}
    candidates = reach(graph, (tag for tag, verdict in final.items() if isinstance(verdict, Delete)))
    safe = [tag for tag, subject in graph.subjects.items() if subject not in candidates]
    safe += [tag for tag in graph.subjects if tag in snapshot.locked]
    safe += [tag for tag, verdict in final.items() if isinstance(verdict, Keep) and tag in snapshot.tags]
    safe = sorted(set(safe))
    protected = _children(graph, graph.children.keys() - candidates.keys()) if can.protects_children else {}
    # Nobody judges what cannot be understood: it stays, with all that it may need.
    protected |= {needed: ChildOf(digest) for digest, needs in sorted(snapshot.unclear.items()) for needed in needs}
    protected |= {digest: MayBeNeededBy(name) for name, digest in sorted(snapshot.odd.items()) if digest}
    protected |= dict.fromkeys(sorted(snapshot.held), ReferrersUnknown())
    if unread := sorted(snapshot.unread):
        protected |= dict.fromkeys(sorted(snapshot.manifests), MayBeNeededBy(unread[0]))
    kept = reach(graph, safe, protected, subjects=takes_referrers)
    tagged = {graph.tags[tag] for tag in safe}
    while can.collects_unlisted and (more := graph.takers(kept, tagged, candidates.keys() - kept.keys())):
        protected |= more
        kept = reach(graph, safe, protected, subjects=takes_referrers)
    doomed = {
        digest: because for digest, because in candidates.items() if digest not in kept and digest in snapshot.manifests
    }
    final |= {
        tag: Keep((LockedBy(snapshot.locked[tag]),))
        if tag in snapshot.locked
        else _attached(graph, tag, verdicts, kept, doomed)
        for tag in graph.subjects
    }
    return Closed(
        verdicts=dict(sorted(final.items())),
        kept=dict(sorted(kept.items())),
        doomed=dict(sorted(doomed.items())),
        levels=deletion_order(graph, doomed, can),
    )


def needed_to_decide(closed: Closed, asked: Container[Digest]) -> tuple[Digest, ...]:
    """Doomed manifests whose referrers nobody has asked for yet. Ask, add the answers (and what they list) to the
    snapshot, close again; the plan is complete when nothing is needed any more."""
    return tuple(digest for digest in sorted(closed.doomed) if digest not in asked)


def _children(graph: Graph, indexes: Iterable[Digest]) -> dict[Digest, ManifestReason]:
    """What these indexes list: a registry that protects it would refuse to delete it."""
    return {child: ChildOf(index) for index in sorted(indexes, reverse=True) for child in graph.children[index]}


def _attached(
    graph: Graph,
    tag: Tag,
    verdicts: Verdicts,
    kept: Mapping[Digest, ManifestReason],
    doomed: Mapping[Digest, ManifestReason],
) -> Verdict:
    """An attached tag shares the fate of its subject, whatever a policy thought of its name."""
    subject = graph.subjects[tag]
    if subject is not None and subject in doomed:
        return Delete((ReferrerOf(subject),))
    if subject is not None and subject in kept:
        return Keep((ReferrerOf(subject),))
    verdict = verdicts.get(tag, Keep((NotJudged(),)))
    return verdict if isinstance(verdict, Keep) and verdict.reasons else Keep((NoVerdict(),))
