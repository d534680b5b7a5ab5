"""Step: delete tags by their names, the cheapest and gentlest way where a registry has it."""

from collections.abc import Mapping

from holystone.engine.model.plan import Untag
from holystone.engine.model.references import Digest, Tag
from holystone.engine.planner.draft import Draft


def delete_by_name(draft: Draft) -> Draft:
    """Where one request for the digest takes all its tags, only what stays without some of them is left for this."""
    if not draft.can.tag_delete:
        return draft
    # Of doomed tags alone on a manifest that stays, one has to stay with it where the last tag takes its manifest.
    staying = {draft.digest(tag): tag for tag in reversed(draft.undecided)} | dict(draft.kept_tags_by_digest())
    return draft.with_untags(
        tuple(
            Untag(tag=tag, digest=draft.digest(tag), how="delete", reasons=draft.reasons(tag))
            for tag in draft.undecided
            if (_first(draft) if draft.goes_whole(tag) else _spares(draft, tag, staying))
        )
    )


def _first(draft: Draft) -> bool:
    return draft.can.tags_first or not draft.can.digest_delete


def _spares(draft: Draft, tag: Tag, staying: Mapping[Digest, Tag]) -> bool:
    """The manifest that stays is surely left alone, and so are its other tags."""
    another_stays = staying[draft.digest(tag)] != tag
    return draft.can.tag_delete_spares_siblings and (another_stays or not draft.can.last_tag_takes_manifest)
