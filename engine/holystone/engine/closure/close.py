"""Closes the graph of one repository over the verdicts on its tags."""

from collections.abc import Container, Iterable, Mapping

import msgspec

from holystone.engine.closure.graph import Graph, graph_of, reach
from holystone.engine.closure.order import deletion_order
from holystone.engine.model.capabilities import GENTLE, Capabilities
from holystone.engine.model.delete_reasons import LooseReason
from holystone.engine.model.inventory import RepositorySnapshot
from holystone.engine.model.policy_reasons import Orphaned
from holystone.engine.model.reasons import (
    ChildOf,
    KeepReason,
    LockedBy,
    ManifestReason,
    MayBeNeededBy,
    NotJudged,
    NoVerdict,
    ReferrerOf,
    ReferrersUnknown,
    Unreadable,
)
from holystone.engine.model.references import Digest, Tag
from holystone.engine.model.verdicts import NO_LOOSE, Delete, Keep, LooseVerdicts, Verdict, Verdicts


class Closed(msgspec.Struct, frozen=True):
    """What closing a repository's graph gives."""

    verdicts: Mapping[Tag, Verdict]
    """The final verdict on every tag, broken ones too. A doomed tag may point to a kept manifest: then the tag
    goes without it."""
    kept: Mapping[Digest, ManifestReason]
    """Everything that kept tags need, and why; also digests that an index lists and the snapshot lacks."""
    doomed: Mapping[Digest, ManifestReason | LooseReason]
    """Manifests that only doomed tags held, or that had none and were named. Disjoint from `kept`; each is in the
    snapshot."""
    levels: tuple[tuple[Digest, ...], ...]
    """The doomed manifests in the order of deletion: an index before its children, a subject before its referrers
    and before the fallback index that lists them."""


def close(
    snapshot: RepositorySnapshot, verdicts: Verdicts, can: Capabilities = GENTLE, loose: LooseVerdicts = NO_LOOSE
) -> Closed:
    """Turns verdicts on tags into what stays and what goes. `can`: what the registry deletes along with other things,
    and what it refuses to delete; `loose`: manifests without a tag that are to go, too.

    Two fixpoints, both monotone, so the result is unique and hostile cycles end:

    1. what the doomed tags and the named manifests hold could go. An attached tag of a manifest outside of it is
       nobody's candidate, unless its verdict knows that its subject is gone;
    2. what kept tags and those attached tags hold stays. What could go and does not stay is doomed.

    What is neither (untagged, and held by nothing doomed) is not touched, nor is what it lists or what refers to it, as
    far as untagged manifests are known.
    """
    takes_referrers = can.cascade.referrers
    graph = graph_of(snapshot)
    orphans = {tag for tag, subject in graph.subjects.items() if subject is None and _knows_it_is_gone(verdicts, tag)}
    attached = graph.subjects.keys() - orphans
    final = {tag: _judge(snapshot, verdicts, tag) for tag in snapshot.names if tag not in attached}
    named = {digest: loose[digest] for digest in snapshot.loose or () if digest in loose}
    named = named if snapshot.knows_what_is_listed else {}
    candidates = reach(graph, (tag for tag, verdict in final.items() if isinstance(verdict, Delete)), named)
    safe = [tag for tag in attached if graph.subjects[tag] not in candidates]
    safe += [tag for tag in attached if tag in snapshot.locked]
    safe += [tag for tag, verdict in final.items() if isinstance(verdict, Keep) and tag in snapshot.tags]
    safe = sorted(set(safe))
    protected = _children(graph, graph.children.keys() - candidates.keys()) if can.protects_children else {}
    for digest in sorted(set(snapshot.loose or ()) - candidates.keys()):
        protected |= dict(graph.holds(digest, subject=takes_referrers))
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
        for tag in attached
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


def _judge(snapshot: RepositorySnapshot, verdicts: Verdicts, tag: Tag) -> Verdict:
    """The first look at a tag: what its policy says, if the tag could be read. One without a verdict is kept, and so is
    one of which nothing could be concluded."""
    if tag in snapshot.broken:
        return Keep((Unreadable(snapshot.broken[tag]),))
    verdict = verdicts.get(tag)
    if isinstance(verdict, Delete) and tag in snapshot.locked:
        return Keep((LockedBy(snapshot.locked[tag]),))
    if isinstance(verdict, Delete) and (doubt := _may_be_needed(snapshot, snapshot.tags[tag])):
        # For which the manifest stays; and without its tag no later run would find it again.
        return Keep((doubt,))
    if isinstance(verdict, Delete):
        # What an unread manifest lists is unknown, and there are no bytes to put into the journal.
        return verdict if snapshot.tags[tag] in snapshot.manifests else Keep((Unreadable("the manifest was not read"),))
    return verdict if verdict and verdict.reasons else Keep((NotJudged(),))


def _may_be_needed(snapshot: RepositorySnapshot, digest: Digest) -> KeepReason | None:
    """By what could not be read: an index may list any manifest, what refers to one needs that one."""
    if snapshot.unread:
        return MayBeNeededBy(min(snapshot.unread))
    return ReferrersUnknown() if digest in snapshot.held else None


def _knows_it_is_gone(verdicts: Verdicts, tag: Tag) -> bool:
    verdict = verdicts.get(tag)
    return isinstance(verdict, Delete) and any(isinstance(reason, Orphaned) for reason in verdict.reasons)


def _children(graph: Graph, indexes: Iterable[Digest]) -> dict[Digest, ManifestReason]:
    """What these indexes list: a registry that protects it would refuse to delete it."""
    return {child: ChildOf(index) for index in sorted(indexes, reverse=True) for child in graph.children[index]}


def _attached(
    graph: Graph,
    tag: Tag,
    verdicts: Verdicts,
    kept: Container[Digest],
    doomed: Container[Digest],
) -> Verdict:
    """An attached tag shares the fate of its subject, whatever a policy thought of its name."""
    subject = graph.subjects[tag]
    if subject is not None and subject in doomed:
        return Delete((ReferrerOf(subject),))
    if subject is not None and subject in kept:
        return Keep((ReferrerOf(subject),))
    verdict = verdicts.get(tag, Keep((NotJudged(),)))
    return verdict if isinstance(verdict, Keep) and verdict.reasons else Keep((NoVerdict(),))
