"""The first look at each tag: what its policy says, unless the tag could not be read."""

from holystone.engine.model.inventory import RepositorySnapshot
from holystone.engine.model.reasons import KeepReason, LockedBy, MayBeNeededBy, NotJudged, ReferrersUnknown, Unreadable
from holystone.engine.model.references import Digest, Tag
from holystone.engine.model.verdicts import Delete, Keep, Verdict, Verdicts


def judge(snapshot: RepositorySnapshot, verdicts: Verdicts, tag: Tag) -> Verdict:
    """A tag without a verdict is kept, and so is one of which nothing could be concluded."""
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
