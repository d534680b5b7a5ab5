"""Step: delete tags by their names, the cheapest and gentlest way where a registry has it."""

from holystone.engine.model.plan import How
from holystone.engine.model.references import Tag
from holystone.engine.planner.draft import Draft


def delete_by_name(draft: Draft) -> Draft:
    """Deletes doomed tags by name. Where one request for the digest takes all its tags, only what stays without some of
    them is left for this. Of doomed tags alone on a manifest that would go with the last of them, one stays, unless the
    manifest can be made to outlive them."""
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
