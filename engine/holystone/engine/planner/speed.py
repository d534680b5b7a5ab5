"""Step: tombstones for tags whose manifests go anyway, where that spares the server quadratic work."""

from holystone.engine.planner.cost import tombstones_pay
from holystone.engine.planner.draft import Draft


def overwrite_for_speed(draft: Draft) -> Draft:
    """Overwrites doomed tags where that is quicker, only those that are written once: for the others a plain delete by
    digest is the safer way, and it is open. Marks go last, when few tags are left."""
    if not (draft.can_overwrite and draft.can.delete_cost_grows):
        return draft
    facts = draft.facts
    written_once = facts.written_once - facts.marks.keys()
    tags = tuple(tag for tag in draft.undecided if tag in written_once and facts.may_overwrite(tag))
    present = len(draft.snapshot.tags) + len(draft.snapshot.broken.keys() - draft.snapshot.tags.keys())
    there = present - len(draft.untags)
    if not tombstones_pay(there, len(draft.undecided), len(draft.closed.doomed), len(tags)):
        return draft
    return draft.with_untags(tuple(draft.untag(tag, "tombstone") for tag in tags))
