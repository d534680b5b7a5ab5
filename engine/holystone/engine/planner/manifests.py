"""Step: delete the doomed manifests by digest, level by level."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from holystone.engine.model.delete_reasons import DeleteReason
from holystone.engine.model.plan import MOST_BYTES, Remove
from holystone.engine.model.reasons import ChildOf, ReferrerOf, Tagged
from holystone.engine.model.references import Digest, Tag
from holystone.engine.model.verdicts import Delete
from holystone.engine.planner.draft import Draft


def remove_manifests(draft: Draft) -> Draft:
    """A registry without deletes by digest collects untagged manifests itself. One without any way to delete gets
    the list all the same: the plan is then refused, and shows what would go."""
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


def _remove(draft: Draft, digest: Digest, tags: Sequence[Tag], left: frozenset[Tag]) -> Remove:
    manifest = draft.snapshot.manifests[digest]
    because = draft.closed.doomed[digest]
    reasons: tuple[DeleteReason, ...]
    if isinstance(because, Tagged):
        reasons = tuple(dict.fromkeys(reason for tag in tags for reason in draft.reasons(tag)))
    else:
        assert isinstance(because, ChildOf | ReferrerOf)  # noqa: S101 - the others only ever keep
        reasons = (because,)
    return Remove(
        digest=digest,
        media_type=manifest.media_type,
        size=min(max(0, manifest.size + manifest.layers_size), MOST_BYTES),
        tags=tuple(tag for tag in tags if tag in left),
        reasons=reasons,
    )
