"""Why a tag or a manifest stays or goes, as values. Text is made of them only in reports.

A reason is never free text, so a policy cannot hide a decision in prose and a report can count and translate.
"""

from typing import Literal

from holystone.engine.model.in_use import User
from holystone.engine.model.policy_reasons import CannotJudge, KeptByEntry
from holystone.engine.model.references import Commit, Digest, Reference, Tag
from holystone.engine.model.value import Value


class ReachedFromBranch(Value, frozen=True, tag="reached-from-branch"):
    branch: str
    commit: Commit
    policy: int
    """Position of the keep policy, counted from 1."""


class ReachedFromTag(Value, frozen=True, tag="reached-from-tag"):
    git_tag: str
    commit: Commit
    policy: int


class InUse(Value, frozen=True, tag="in-use"):
    """Something runs the image, or may run it again."""

    by: User


class YoungerThan(Value, frozen=True, tag="younger-than"):
    age: int
    """Seconds."""
    grace: int
    """Seconds."""


class ParentOfImage(Value, frozen=True, tag="parent-of-image"):
    image: Reference


class AncestorOfStage(Value, frozen=True, tag="ancestor-of-stage"):
    stage: Tag


class ImportedBy(Value, frozen=True, tag="imported-by"):
    by: Tag


class WithoutMetadata(Value, frozen=True, tag="without-metadata"):
    """No metadata record has this tag's content signature. Kept by the v1.1 flavour, deleted by v1.2."""


class RecordContradicts(Value, frozen=True, tag="record-contradicts"):
    """The image says that it was built at a commit of which a metadata record says another content. One of the two is
    not what the build wrote."""

    record: Tag
    commit: Commit


class ContradictedBy(Value, frozen=True, tag="contradicted-by"):
    """A metadata record: an image that stays says that it was built at this commit, with another content. Without the
    record nothing would show that."""

    image: Tag


class UnknownHistory(Value, frozen=True, tag="unknown-history"):
    """The clone is shallow: this commit may or may not be in the history."""

    commit: Commit


class HistoryNotRead(Value, frozen=True, tag="history-not-read"):
    """There is no git repository, so nothing can be said about images."""


class ImagesAbsent(Value, frozen=True, tag="images-absent"):
    """No image of the project has a tag anywhere, so nothing can be said about stages and records."""


class Foreign(Value, frozen=True, tag="foreign"):
    """Nothing marks it as one of this project's images, nor as a stage or a record of them."""


class NoVerdict(Value, frozen=True, tag="no-verdict"):
    """Nobody gave one, as of a signature whose image is not there."""


class NotJudged(Value, frozen=True, tag="not-judged"):
    """The command that made the plan judges other things, and says nothing of this."""


class OtherProject(Value, frozen=True, tag="other-project"):
    """Its label names another project."""

    project: str


class BesideOtherProject(Value, frozen=True, tag="beside-other-project"):
    """A record in a stages storage that another project uses, too: nothing says which of them it is of."""


class NotAsked(Value, frozen=True, tag="not-asked"):
    """The user named what is to go, and this is not among it."""


class Bookkeeping(Value, frozen=True, tag="bookkeeping"):
    """A record that the policies do not judge: managed images, client ids, marks of rejected stages that stay, and
    metadata of which it cannot be told whose it is."""


class Unreadable(Value, frozen=True, tag="unreadable"):
    """The manifest or configuration is missing or malformed; a person should look."""

    what: str


class SharesDigestWith(Value, frozen=True, tag="shares-digest-with"):
    """The registry cannot delete this tag without the kept tag beside it."""

    kept: Tag


class LockedBy(Value, frozen=True, tag="locked-by"):
    """A rule of the registry's own forbids to delete the tag."""

    rule: str


class LastTagged(Value, frozen=True, tag="last-tagged"):
    """The registry refuses to delete the last manifest that has a tag, so the newest stays."""


class MarkOf(Value, frozen=True, tag="mark-of"):
    """It says of a tag that stays not to use it."""

    marked: Tag


class SubjectOf(Value, frozen=True, tag="subject-of"):
    """The registry would delete what refers to it along with it, and that stays."""

    referrer: Digest


class IndexOf(Value, frozen=True, tag="index-of"):
    """The registry would delete what it lists along with it, and that stays."""

    child: Digest


class Tagged(Value, frozen=True, tag="tagged", gc=False):
    """A tag that stays (or goes) points to the manifest; of several, the first in the order of their names."""

    tag: Tag


class ChildOf(Value, frozen=True, tag="child-of", gc=False):
    index: Digest


class MayBeNeededBy(Value, frozen=True, tag="may-be-needed-by"):
    """Something that cannot be understood or read may be this manifest's name, or list it."""

    by: str


class ReferrersUnknown(Value, frozen=True, tag="referrers-unknown"):
    """What refers to the manifest cannot be read, and needs it."""


class ReferrerOf(Value, frozen=True, tag="referrer-of", gc=False):
    subject: Digest


class MetadataHead(Value, frozen=True, tag="metadata-head"):
    """The newest commit of its content signature on a reference that keeps it."""

    branch_or_tag: str


class MetadataNeeded(Value, frozen=True, tag="metadata-needed"):
    """A tag with this record's content signature remains."""


class NamedAfter(Value, frozen=True, tag="named-after"):
    """The branch of origin or git tag that the image is named after exists."""

    kind: Literal["branch", "tag"]
    name: str


class CommitExists(Value, frozen=True, tag="commit-exists"):
    """The commit that the image is named after."""

    commit: Commit


class WithinStrategy(Value, frozen=True, tag="within-strategy"):
    """No limit and no expiry of the tag's strategy concerns it."""

    strategy: str


class AmongNewest(Value, frozen=True, tag="among-newest"):
    rank: int
    """Counted from 1: so many tags of the strategy, with it, are surely wanted and not older."""
    limit: int


class CreationUnknown(Value, frozen=True, tag="creation-unknown"):
    """The image does not say when it was created, so it may be the newest."""


class OtherStrategy(Value, frozen=True, tag="other-strategy"):
    """Tags of this strategy, or without one, are people's own."""

    strategy: str | None


class UnknownReference(Value, frozen=True, tag="unknown-reference"):
    """The clone is shallow or narrow: the branch or git tag that the image is named after may exist."""

    kind: Literal["branch", "tag"]
    named: str
    """As it is in the tag."""


class RecordNotJudged(Value, frozen=True, tag="record-not-judged"):
    """Tag strategies decide, and they use no metadata records."""


KeepReason = (
    ReachedFromBranch
    | ReachedFromTag
    | InUse
    | YoungerThan
    | ParentOfImage
    | AncestorOfStage
    | ImportedBy
    | WithoutMetadata
    | RecordContradicts
    | ContradictedBy
    | UnknownHistory
    | HistoryNotRead
    | ImagesAbsent
    | Foreign
    | NoVerdict
    | NotJudged
    | OtherProject
    | BesideOtherProject
    | NotAsked
    | Bookkeeping
    | Unreadable
    | SharesDigestWith
    | LockedBy
    | LastTagged
    | MarkOf
    | SubjectOf
    | IndexOf
    | ChildOf
    | MayBeNeededBy
    | ReferrersUnknown
    | ReferrerOf
    | MetadataHead
    | MetadataNeeded
    | NamedAfter
    | CommitExists
    | WithinStrategy
    | AmongNewest
    | CreationUnknown
    | OtherStrategy
    | UnknownReference
    | RecordNotJudged
    | KeptByEntry
    | CannotJudge
)
ManifestReason = Tagged | ChildOf | ReferrerOf | SubjectOf | IndexOf | MayBeNeededBy | ReferrersUnknown
"""What holds a manifest: as long as that stays, the manifest does."""
