"""Steps: doomed tags on manifests that stay, which a delete by digest would take away from the tags that stay."""

from collections.abc import Mapping
from dataclasses import replace

from holystone.engine.model.plan import Kept
from holystone.engine.model.reasons import KeepReason, SharesDigestWith, Tagged
from holystone.engine.model.references import Digest, Tag
from holystone.engine.planner.draft import Draft


def overwrite_shared(draft: Draft) -> Draft:
    """A tombstone is the only way here, so tags that people move get one too if they have rested for the grace. One tag
    stays on a manifest that might go with the last."""
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
    """What is left on a manifest that stays, stays."""
    shared = tuple(tag for tag in draft.undecided if not draft.goes_whole(tag))
    owners = draft.kept_tags_by_digest() if shared else {}
    return replace(
        draft,
        spared=tuple(Kept(tag, draft.digest(tag), _why(draft, tag, owners)) for tag in shared),
        undecided=tuple(tag for tag in draft.undecided if draft.goes_whole(tag)),
    )


def _why(draft: Draft, tag: Tag, owners: Mapping[Digest, Tag]) -> tuple[KeepReason, ...]:
    digest = draft.digest(tag)
    because = draft.closed.kept[digest]
    if digest in owners:
        shares: KeepReason = SharesDigestWith(owners[digest])
    else:
        shares = SharesDigestWith(because.tag) if isinstance(because, Tagged) else because
    young = draft.facts.young(tag) if draft.tombstones else None
    return (shares, young) if young else (shares,)
