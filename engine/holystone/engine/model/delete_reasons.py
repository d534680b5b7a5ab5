"""Why a tag goes, as values; why others stay is in `reasons`."""

from typing import Literal

from holystone.engine.model.policy_reasons import NothingKeeps, NotKeptBy, Orphaned, Untagged
from holystone.engine.model.reasons import ChildOf, ReferrerOf, WithoutMetadata
from holystone.engine.model.references import Commit, ImageName
from holystone.engine.model.value import Value


class NotReached(Value, frozen=True, tag="not-reached"):
    """No reference that a keep policy selected reaches a commit of this content signature."""


class BeyondLimit(Value, frozen=True, tag="beyond-limit"):
    """Reached, but not among those that `imagesPerReference` keeps on any reference."""

    reference: str


class CommitsGone(Value, frozen=True, tag="commits-gone"):
    """All metadata records of the content signature name commits that do not exist."""


class NotNeeded(Value, frozen=True, tag="not-needed"):
    """A stage that no remaining image descends from or imports from."""


class Rejected(Value, frozen=True, tag="rejected"):
    """The stage was marked as broken, or this is the mark itself."""


class MetadataSuperseded(Value, frozen=True, tag="metadata-superseded"):
    commit: Commit


class MetadataUnused(Value, frozen=True, tag="metadata-unused"):
    """No remaining tag of the image has this record's content signature."""

    image: ImageName


class Purged(Value, frozen=True, tag="purged"):
    """All that the project has there goes, and no policy is asked."""


class Asked(Value, frozen=True, tag="asked"):
    """The user named it."""


class ReferenceGone(Value, frozen=True, tag="reference-gone"):
    """The branch of origin or git tag that the image is named after does not exist."""

    kind: Literal["branch", "tag"]
    named: str
    """As it is in the tag."""


class CommitGone(Value, frozen=True, tag="commit-gone"):
    """The image is named after a commit that does not exist, or after what is no commit id at all."""

    named: str


class Expired(Value, frozen=True, tag="expired"):
    age: int
    """Seconds."""
    days: int
    """After which tags of the strategy go."""


class BeyondNewest(Value, frozen=True, tag="beyond-newest"):
    rank: int
    limit: int


DeleteReason = (
    NotReached
    | BeyondLimit
    | CommitsGone
    | WithoutMetadata
    | NotNeeded
    | Rejected
    | MetadataSuperseded
    | MetadataUnused
    | Purged
    | Asked
    | ReferenceGone
    | CommitGone
    | Expired
    | BeyondNewest
    | ChildOf
    | ReferrerOf
    | NothingKeeps
    | NotKeptBy
    | Orphaned
    | Untagged
)
LooseReason = Untagged | Orphaned
"""Why a manifest without a tag goes for its own sake."""
