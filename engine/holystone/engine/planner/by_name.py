"""Step: delete tags by their names, the cheapest and gentlest way where a registry has it."""

from holystone.engine.model.plan import Untag
from holystone.engine.planner.draft import Draft


def delete_by_name(draft: Draft) -> Draft:
    """Not a tag of a manifest that stays, unless its siblings are surely spared."""
    if not draft.can.tag_delete:
        return draft
    return draft.with_untags(
        tuple(
            Untag(tag=tag, digest=draft.digest(tag), how="delete", reasons=draft.reasons(tag))
            for tag in draft.undecided
            if draft.goes_whole(tag) or draft.can.tag_delete_spares_siblings
        )
    )
