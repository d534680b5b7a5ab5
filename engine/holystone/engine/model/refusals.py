"""Why a plan may not be applied as it is, as values. Text is made of them only in reports."""

from typing import Annotated, ClassVar, Literal, TypeAlias

import msgspec

from holystone.engine.model.reasons import KeepReason
from holystone.engine.model.references import ImageName, Repository, Tag
from holystone.engine.model.sources import Fewer, Number
from holystone.engine.model.value import Value

Promise: TypeAlias = Literal["fuse", "fail-closed", "deletion-disabled", "locked", "confirmation", "cannot-go"]
"""Which promise forbids it. `cannot-go`: something that the user named stays, for a reason that the plan has."""


class ShareExceeded(Value, frozen=True, tag_field="kind", tag="share-exceeded"):
    promise: ClassVar[Promise] = "fuse"
    repository: Repository
    doomed: Number
    """Tags that would go."""
    total: Number
    """Tags that there are."""
    share: Annotated[float, msgspec.Meta(ge=0, le=1)]
    """Part of them that may go at most."""
    from_tags: Number
    """The share counts only from this many tags on."""


class NumberExceeded(Value, frozen=True, tag_field="kind", tag="number-exceeded"):
    promise: ClassVar[Promise] = "fuse"
    repository: Repository
    doomed: Number
    total: Number
    most: Number
    """Tags that may go at most."""


class CannotDelete(Value, frozen=True, tag_field="kind", tag="cannot-delete"):
    """Deletion is switched off on the server, or it is read-only, or has no way to delete."""

    promise: ClassVar[Promise] = "deletion-disabled"
    repository: Repository
    because: str
    """What the server said, and which setting changes it; empty: it has no way."""


class Locked(Value, frozen=True, tag_field="kind", tag="locked"):
    """Another run is at work there."""

    promise: ClassVar[Promise] = "locked"
    repository: Repository
    lock: Tag
    """By which it says so."""


class Unconfirmed(Value, frozen=True, tag_field="kind", tag="unconfirmed"):
    """No policy stands behind the plan, and nobody has confirmed it yet."""

    promise: ClassVar[Promise] = "confirmation"
    repository: ClassVar[None] = None
    phrase: str
    """What a person types to confirm it."""


class RecordStays(Value, frozen=True, tag_field="kind", tag="record-stays"):
    """The user named an image whose record cannot be removed."""

    promise: ClassVar[Promise] = "cannot-go"
    repository: Repository
    image: ImageName
    reason: KeepReason


class SourceShrank(Value, frozen=True, tag_field="kind", tag="source-shrank"):
    """A source has shrunk since the last run: what looks unwanted may only be out of sight."""

    promise: ClassVar[Promise] = "fail-closed"
    fewer: Fewer

    @property
    def repository(self) -> Repository | None:
        """None where more than one depends on the source."""
        return self.fewer.key.repository if self.fewer.key.source == "tags" else None


class OriginWithoutBranches(Value, frozen=True, tag_field="kind", tag="origin-without-branches"):
    promise: ClassVar[Promise] = "fail-closed"
    repository: ClassVar[None] = None
    origin: str
    """Its address, without a password."""


class CloneWithoutBranches(Value, frozen=True, tag_field="kind", tag="clone-without-branches"):
    """The clone has no branch of origin."""

    promise: ClassVar[Promise] = "fail-closed"
    repository: ClassVar[None] = None
    directory: str


class AnotherHistory(Value, frozen=True, tag_field="kind", tag="another-history"):
    """Nothing of origin reaches any commit that images were built from."""

    promise: ClassVar[Promise] = "fail-closed"
    repository: ClassVar[None] = None
    origin: str
    """Its address, without a password."""
    records: Number
    """Metadata records, which name those commits."""


class ImagesMissing(Value, frozen=True, tag_field="kind", tag="images-missing"):
    """No image has a tag where images are said to be, and records name published ones."""

    promise: ClassVar[Promise] = "fail-closed"
    repository: ClassVar[None] = None
    storage: Repository
    images: tuple[Repository, ...]
    """Where they were looked for. Sorted; empty: there is none to look in."""
    records: Number


class RepositoriesSwapped(Value, frozen=True, tag_field="kind", tag="repositories-swapped"):
    """No image has a tag where images are said to be, and stages or records lie there."""

    promise: ClassVar[Promise] = "fail-closed"
    repository: ClassVar[None] = None
    storage: Repository
    images: tuple[Repository, ...]
    stored: Repository
    """One of them, with stages or records in it."""


class StorageForeign(Value, frozen=True, tag_field="kind", tag="storage-foreign"):
    """No image has a tag where images are said to be, and no stage and no record lies in the stages storage."""

    promise: ClassVar[Promise] = "fail-closed"
    repository: ClassVar[None] = None
    storage: Repository
    images: tuple[Repository, ...]


class RecordsMissing(Value, frozen=True, tag_field="kind", tag="records-missing"):
    """No tag of any image has a metadata record."""

    promise: ClassVar[Promise] = "fail-closed"
    repository: Repository
    image: ImageName
    tags: Number
    storage: Repository


class AllOfAnotherProject(Value, frozen=True, tag_field="kind", tag="all-of-another-project"):
    """Nothing is labelled as of the project that is to go."""

    promise: ClassVar[Promise] = "fail-closed"
    repository: ClassVar[None] = None
    project: str | None
    other: str
    """By the label."""
    tags: Number


class EmptiesRepository(Value, frozen=True, tag_field="kind", tag="empties-repository"):
    """The policy keeps no tag of it, and does not say that this is meant."""

    promise: ClassVar[Promise] = "fail-closed"
    repository: Repository
    policy: str
    tags: Number


class OneTime(Value, frozen=True, tag_field="kind", tag="one-time"):
    """Most of what is there was pushed at one moment, as a migration does it: which is newer cannot be told."""

    promise: ClassVar[Promise] = "fuse"
    repository: Repository
    policy: str
    alike: Number
    """Digests with the same time."""
    total: Number
    """Digests of which a time is known."""


class PullsUntold(Value, frozen=True, tag_field="kind", tag="pulls-untold"):
    """An entry asks when tags were pulled, and the registry does not tell it."""

    promise: ClassVar[Promise] = "fail-closed"
    repository: Repository
    policy: str
    entry: Number
    """Position in the policy, counted from 1."""


class EntryMatchesNothing(Value, frozen=True, tag_field="kind", tag="entry-matches-nothing"):
    """No tag of any repository of the policy matches the entry: perhaps it is misspelled, and what it means to keep
    goes."""

    promise: ClassVar[Promise] = "fail-closed"
    repository: ClassVar[None] = None
    policy: str
    entry: Number
    tags: str
    """As the entry has them."""


Refusal: TypeAlias = (
    ShareExceeded
    | NumberExceeded
    | CannotDelete
    | Locked
    | Unconfirmed
    | RecordStays
    | SourceShrank
    | OriginWithoutBranches
    | CloneWithoutBranches
    | AnotherHistory
    | ImagesMissing
    | RepositoriesSwapped
    | StorageForeign
    | RecordsMissing
    | AllOfAnotherProject
    | EmptiesRepository
    | OneTime
    | PullsUntold
    | EntryMatchesNothing
)
