"""Reasons and outcomes in words. The only place where either becomes text."""

from typing import Literal, assert_never

from holystone.engine.model import outcomes, reasons
from holystone.engine.model.in_use import Listed, User, Workload
from holystone.engine.model.outcomes import Outcome
from holystone.engine.model.reasons import DeleteReason, KeepReason
from holystone.engine.undo import outcomes as undone
from holystone.engine.undo.outcomes import UndoOutcome

_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_LONG = 40


def reason_text(reason: KeepReason | DeleteReason) -> str:
    match reason:
        case reasons.ReachedFromBranch(branch, commit, policy):
            return f"branch {branch} reaches its commit {commit[:10]} (keep policy {policy})"
        case reasons.ReachedFromTag(git_tag, commit, policy):
            return f"git tag {git_tag} is its commit {commit[:10]} (keep policy {policy})"
        case reasons.InUse(by):
            return f"in use: {user_text(by)}"
        case reasons.YoungerThan(age, grace):
            return f"only {duration(age)} old, the grace is {duration(grace)}"
        case reasons.ParentOfImage(image):
            return f"image {image.repository.path}:{_short(image.tag)} is built on it"
        case reasons.AncestorOfStage(stage):
            return f"needed stage {_short(stage)} is built on it"
        case reasons.ImportedBy(by):
            return f"{_short(by)} imports files from it"
        case reasons.WithoutMetadata():
            return "no metadata record says which commit it was built from"
        case reasons.RecordContradicts(record, commit):
            return f"it says that it was built at {commit[:10]}, and record {record} says otherwise"
        case reasons.ContradictedBy(image):
            return f"{_short(image)}, which stays, says that it was built at this commit, with another content"
        case reasons.UnknownHistory(commit):
            return f"the clone is shallow and may hide its commit {commit[:10]}"
        case reasons.HistoryNotRead():
            return "there is no git history to judge it by"
        case reasons.ImagesAbsent():
            return "no image has a tag anywhere, so nothing says who needs it"
        case reasons.Foreign():
            return "not an image that werf made for this project"
        case reasons.NotJudged():
            return "not judged by this command"
        case reasons.OtherProject(project):
            return f"its label says that it is of the project {shown(project)}"
        case reasons.BesideOtherProject():
            return "another project uses this stages storage, too, and nothing says whose record it is"
        case reasons.NotAsked():
            return "not among what is to go"
        case reasons.Bookkeeping():
            return "a record that no policy judges: of a managed image, a client, a rejected stage or an unknown image"
        case reasons.Unreadable(what):
            return f"broken, a person should look: {what}"
        case reasons.SharesDigestWith(kept):
            return f"the registry cannot delete it without {kept}, which has the same manifest"
        case reasons.LockedBy(rule):
            return f"the registry does not delete it: {rule}"
        case reasons.LastTagged():
            return "the registry refuses to delete its last tagged manifest, and this is the newest"
        case reasons.MarkOf(marked):
            return f"the mark that {_short(marked)}, which stays, is not to be used"
        case reasons.SubjectOf(referrer):
            return f"the registry would delete {referrer.short}, which refers to it, along with it"
        case reasons.IndexOf(child):
            return f"the registry would delete {child.short}, which is part of it, along with it"
        case reasons.ChildOf(index):
            return f"part of index {index.short}"
        case reasons.MayBeNeededBy(by):
            return f"{shown(by)}, which cannot be read or understood, may need its manifest"
        case reasons.ReferrerOf(subject):
            return f"attached to manifest {subject.short}"
        case reasons.MetadataHead(reference):
            return f"newest commit of its content on {reference}"
        case reasons.MetadataNeeded():
            return "an image tag with its content remains"
        case reasons.NamedAfter(kind, name):
            return f"{reference_text(kind)} {name} exists"
        case reasons.CommitExists(commit):
            return f"commit {commit[:10]} exists"
        case reasons.WithinStrategy(strategy):
            return f"no limit of strategy {strategy} concerns it"
        case reasons.AmongNewest(rank, limit):
            return f"number {rank} of the {limit} newest that its strategy keeps"
        case reasons.CreationUnknown():
            return "it does not say when it was created, and may be the newest"
        case reasons.OtherStrategy(strategy):
            return f"tags of strategy {shown(strategy)} are never judged" if strategy else "it has no tag strategy"
        case reasons.UnknownReference(kind, named):
            return f"the clone is shallow or narrow and may lack {reference_text(kind)} {shown(named)}"
        case reasons.RecordNotJudged():
            return "tag strategies decide, which use no metadata records"
        case reasons.ReferenceGone(kind, named):
            return f"no {reference_text(kind)} {shown(named)} exists"
        case reasons.CommitGone(named):
            return f"no commit {shown(named)} exists"
        case reasons.Expired(age, days):
            return f"{duration(age)} old, its strategy keeps tags for {count(days, 'day')}"
        case reasons.BeyondNewest(rank, limit):
            return f"number {rank} by age, and its strategy keeps {limit}"
        case reasons.NotReached():
            return "no branch or tag that a keep policy selects reaches it"
        case reasons.BeyondLimit(reference):
            return f"beyond what imagesPerReference keeps on {reference}"
        case reasons.CommitsGone():
            return "the commits it was built from are gone"
        case reasons.NotNeeded():
            return "no remaining image is built on it or imports from it"
        case reasons.Rejected():
            return "werf marked the stage as broken"
        case reasons.MetadataSuperseded(commit):
            return f"commit {commit[:10]} is not the newest one with this content any more"
        case reasons.MetadataUnused(image):
            return f"no tag of image {image.shown} has its content any more"
        case reasons.Purged():
            return "everything of the project goes"
        case reasons.Asked():
            return "you asked for it"
        case _:
            assert_never(reason)


def user_text(by: User) -> str:
    match by:
        case Workload(context, namespace, kind, name):
            return f"{kind} {namespace}/{name} in context {context}"
        case Listed(source):
            return f"listed in {source}"
        case _:
            assert_never(by)


def outcome_text(outcome: Outcome) -> str:
    match outcome:
        case outcomes.Deleted():
            return "deleted"
        case outcomes.WouldDrop(seen):
            return (
                f"left alone: the registry dropped {seen.short} together with its last tag, and this is the last tag "
                "of another manifest that stays"
            )
        case outcomes.AlreadyGone():
            return "was already gone"
        case outcomes.MovedMeanwhile(now):
            return f"left alone: the tag moved to {now.short} after it was planned"
        case outcomes.Needed(by):
            return f"left alone: {by} needs it by now"
        case outcomes.Referenced(by):
            return f"refused by the registry, because something refers to it: {by}"
        case outcomes.StillReferenced(by):
            return f"left alone, because something that is not to go refers to it: {by}"
        case outcomes.StillServed():
            return "the registry said that it is gone, and still serves it"
        case outcomes.Locked(rule):
            return f"locked by the registry: {rule}"
        case outcomes.Forbidden(what):
            return f"forbidden: {what}"
        case outcomes.Failed(error):
            return f"failed: {error}"
        case _:
            assert_never(outcome)


def undo_text(outcome: UndoOutcome) -> str:
    match outcome:
        case undone.Restored():
            return "put back"
        case undone.AlreadyThere():
            return "is there"
        case undone.TakenMeanwhile(now):
            return f"left alone: somebody has put {now.short} there since"
        case undone.BlobsGone(why):
            return f"cannot come back, the registry has not kept what it needs: {why}"
        case undone.Unread():
            return "cannot come back: the registry took it along by itself, and its bytes were never read"
        case undone.BytesDamaged():
            return "cannot come back: its bytes in the journal are not what its digest says any more"
        case undone.OtherDigest(now):
            return f"is there under {now}: the registry did not take the digest that it had"
        case outcomes.Failed(error):
            return f"failed: {error}"
        case _:
            assert_never(outcome)


def reference_text(kind: Literal["branch", "tag"]) -> str:
    return "branch of origin" if kind == "branch" else "git tag"


def shown(label: str) -> str:
    """Labels may hold anything, also what a terminal would obey."""
    return _short("".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in label))


def _short(tag: str) -> str:
    """A signature is long, and its beginning finds it."""
    return tag if len(tag) <= _LONG else f"{tag[:12]}…"


def duration(seconds: int) -> str:
    for size, unit in ((_DAY, "d"), (_HOUR, "h"), (_MINUTE, "min")):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def size_text(size: int) -> str:
    amount = float(size)
    for unit in ("B", "kB", "MB", "GB"):
        if amount < 1000:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} TB"


def count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
