"""The steps of the planner: ways for doomed tags to go, or to stay after all, and what the steps hand to each other."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from holystone.engine.closure.close import Closed
from holystone.engine.closure.graph import Graph, graph_of
from holystone.engine.model.capabilities import Capabilities, LastTag
from holystone.engine.model.delete_reasons import DeleteReason
from holystone.engine.model.inventory import RepositorySnapshot
from holystone.engine.model.plan import MOST_BYTES, How, Kept, Remove, Untag
from holystone.engine.model.policy_reasons import Orphaned, Untagged
from holystone.engine.model.reasons import ChildOf, KeepReason, ReferrerOf, SharesDigestWith, Tagged
from holystone.engine.model.references import Digest, Tag
from holystone.engine.model.verdicts import Delete, Keep
from holystone.engine.planner.cost import tombstones_pay
from holystone.engine.planner.facts import TagFacts


@dataclass(frozen=True, slots=True)
class Draft:
    snapshot: RepositorySnapshot
    closed: Closed
    can: Capabilities
    facts: TagFacts
    graph: Graph
    undecided: tuple[Tag, ...]
    """Doomed tags for which no step has found a way yet, sorted."""
    untags: tuple[Untag, ...] = ()
    levels: tuple[tuple[Remove, ...], ...] = ()
    spared: tuple[Kept, ...] = ()
    """Doomed tags that cannot go without harm."""

    def digest(self, tag: Tag) -> Digest:
        return self.snapshot.tags[tag]

    def reasons(self, tag: Tag) -> tuple[DeleteReason, ...]:
        verdict = self.closed.verdicts[tag]
        assert isinstance(verdict, Delete)  # noqa: S101 - only doomed tags are asked about
        return verdict.reasons

    def goes_whole(self, tag: Tag) -> bool:
        """The manifest goes too, and with it all its tags."""
        return self.digest(tag) in self.closed.doomed

    def outlives_tags(self, digest: Digest, last: LastTag, *, anchored: bool = False) -> bool:
        """A manifest that stays is surely left alone when its last tag is taken away, and so is all that belongs to it.
        `anchored`: it is pushed by its digest before."""
        if last.takes_attached and self.graph.attached.get(digest):
            return False
        match last.manifest:
            case "stays":
                return True
            case "goes-unlisted":
                return any(index in self.closed.kept for index in self.graph.indexes.get(digest, ()) if index != digest)
            case "goes-unanchored":
                return anchored
            case "may-go":
                return False

    def staying(self) -> Mapping[Digest, Tag]:
        """For each manifest with doomed tags that are undecided, the tag that stays, if one has to."""
        return {self.digest(tag): tag for tag in reversed(self.undecided)} | dict(self.kept_tags_by_digest())

    def kept_tags_by_digest(self) -> Mapping[Digest, Tag]:
        """For each manifest the first tag that stays."""
        found: dict[Digest, Tag] = {}
        for tag, verdict in sorted(self.closed.verdicts.items()):
            if isinstance(verdict, Keep) and tag in self.snapshot.tags:
                found.setdefault(self.digest(tag), tag)
        return found

    @property
    def tombstones(self) -> LastTag | None:
        """None: none can be pushed, or it could not be deleted by its own digest afterwards."""
        return self.can.digests.tombstones if self.can.digests else None

    def with_untags(self, untags: tuple[Untag, ...]) -> "Draft":
        gone = {untag.tag for untag in untags}
        left = tuple(tag for tag in self.undecided if tag not in gone)
        return replace(self, untags=self.untags + untags, undecided=left)

    def untag(self, tag: Tag, how: How) -> Untag:
        return Untag(tag=tag, digest=self.digest(tag), how=how, reasons=self.reasons(tag))


def first_draft(snapshot: RepositorySnapshot, closed: Closed, can: Capabilities, facts: TagFacts) -> Draft:
    doomed = (tag for tag, verdict in closed.verdicts.items() if isinstance(verdict, Delete))
    return Draft(snapshot, closed, can, facts, graph_of(snapshot), undecided=tuple(sorted(doomed)))


def delete_by_name(draft: Draft) -> Draft:
    """Deletes doomed tags by name, the cheapest and gentlest way. Where one request for the digest takes all its tags,
    only what stays without some of them is left for this. Of doomed tags alone on a manifest that would go with the
    last of them, one stays, unless the manifest can be made to outlive them."""
    if draft.can.tags is None:
        return draft
    last, digests = draft.can.tags.last_tag, draft.can.digests
    kept, staying = draft.kept_tags_by_digest(), draft.staying()

    def way(tag: Tag) -> How | None:
        digest = draft.digest(tag)
        if draft.goes_whole(tag):
            return "delete" if digests is None or digests.tags_first else None
        if last is None:
            return None
        if digest in kept or draft.outlives_tags(digest, last):
            return "delete"
        if draft.outlives_tags(digest, last, anchored=True):
            return "anchor"
        return "delete" if staying[digest] != tag else None

    return draft.with_untags(tuple(draft.untag(tag, how) for tag in draft.undecided if (how := way(tag))))


def overwrite_shared(draft: Draft) -> Draft:
    """Overwrites doomed tags on manifests that stay: a delete by digest would take the tags that stay as well. It is
    the only way there, so tags that people move get a tombstone too if they have rested for the grace. One tag stays on
    a manifest that might go with the last."""
    last = draft.tombstones
    if last is None:
        return draft
    staying = draft.staying()
    return draft.with_untags(
        tuple(
            draft.untag(tag, "tombstone")
            for tag in draft.undecided
            if not draft.goes_whole(tag)
            if staying[draft.digest(tag)] != tag or draft.outlives_tags(draft.digest(tag), last)
            if draft.facts.may_overwrite(tag)
        )
    )


def spare_shared(draft: Draft) -> Draft:
    """A doomed tag that is left on a manifest that stays, stays."""
    shared = tuple(tag for tag in draft.undecided if not draft.goes_whole(tag))
    owners = draft.kept_tags_by_digest() if shared else {}
    return replace(
        draft,
        spared=tuple(Kept(tag, draft.digest(tag), _why(draft, tag, owners)) for tag in shared),
        undecided=tuple(tag for tag in draft.undecided if draft.goes_whole(tag)),
    )


def overwrite_for_speed(draft: Draft) -> Draft:
    """Overwrites doomed tags on manifests that go anyway, where that is quicker, and only those that are written once:
    for the others a plain delete by digest is the safer way, and it is open. Marks go last, when few tags are left."""
    if not (draft.tombstones and draft.can.digests and draft.can.digests.cost_grows):
        return draft
    facts = draft.facts
    written_once = facts.written_once - facts.marks.keys()
    tags = tuple(tag for tag in draft.undecided if tag in written_once and facts.may_overwrite(tag))
    present = len(draft.snapshot.tags) + len(draft.snapshot.broken.keys() - draft.snapshot.tags.keys())
    there = present - len(draft.untags)
    if not tombstones_pay(there, len(draft.undecided), len(draft.closed.doomed), len(tags)):
        return draft
    return draft.with_untags(tuple(draft.untag(tag, "tombstone") for tag in tags))


def remove_manifests(draft: Draft) -> Draft:
    """Deletes the doomed manifests by digest, level by level. A registry without such deletes collects untagged
    manifests itself. One without any way to delete gets the list all the same: the plan is then refused, and shows what
    would go."""
    if draft.can.tags and not draft.can.digests:
        return draft
    doomed: dict[Digest, list[Tag]] = defaultdict(list)
    for tag, verdict in sorted(draft.closed.verdicts.items()):
        if isinstance(verdict, Delete):
            doomed[draft.digest(tag)].append(tag)
    left = frozenset(draft.undecided)
    levels = tuple(
        tuple(_remove(draft, digest, doomed.get(digest, ()), left) for digest in level) for level in draft.closed.levels
    )
    return replace(draft, levels=levels, undecided=())


STEPS: Final[tuple[Callable[[Draft], Draft], ...]] = (
    delete_by_name,
    overwrite_shared,
    spare_shared,
    overwrite_for_speed,
    remove_manifests,
)
"""Each takes the doomed tags that the ones before it left undecided."""


def _why(draft: Draft, tag: Tag, owners: Mapping[Digest, Tag]) -> tuple[KeepReason, ...]:
    digest = draft.digest(tag)
    because = draft.closed.kept[digest]
    if digest in owners:
        shares: KeepReason = SharesDigestWith(owners[digest])
    else:
        shares = SharesDigestWith(because.tag) if isinstance(because, Tagged) else because
    young = draft.facts.young(tag) if draft.tombstones else None
    return (shares, young) if young else (shares,)


def _remove(draft: Draft, digest: Digest, tags: Sequence[Tag], left: frozenset[Tag]) -> Remove:
    manifest = draft.snapshot.manifests[digest]
    because = draft.closed.doomed[digest]
    reasons: tuple[DeleteReason, ...]
    if isinstance(because, Tagged):
        reasons = tuple(dict.fromkeys(reason for tag in tags for reason in draft.reasons(tag)))
    else:
        # The others only ever keep.
        assert isinstance(because, ChildOf | ReferrerOf | Untagged | Orphaned)  # noqa: S101
        reasons = (because,)
    return Remove(
        digest=digest,
        media_type=manifest.media_type,
        size=min(max(0, manifest.size + manifest.layers_size), MOST_BYTES),
        tags=tuple(tag for tag in tags if tag in left),
        reasons=reasons,
    )
