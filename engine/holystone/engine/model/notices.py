"""What a person should know of a plan: things skipped, broken or ambiguous, as values. Text is made of them only in
reports.

A number says of how many things a notice is, and an example is the first of them."""

from typing import Literal, TypeAlias

from holystone.engine.model.references import Commit, Digest, ImageName, Reference, Repository, Tag
from holystone.engine.model.selection_notices import SelectionNotice
from holystone.engine.model.source_notices import (
    BaselineAbsent,
    ClockApart,
    ClockUnwitnessed,
    CommitAhead,
    ConfigNotRead,
    FewerAccepted,
    FewerInUse,
    HistoryAccepted,
    LocalTags,
    LoginsNotGiven,
    OriginUnasked,
    PolicyMisnamed,
    ProjectRenamed,
    ReferenceIgnored,
    TagsBelieved,
    UsedByLists,
    UsedInClusters,
    WordsSkipped,
)
from holystone.engine.model.sources import Number
from holystone.engine.model.value import Value


class RegistryWarns(Value, frozen=True, tag_field="kind", tag="registry-warns"):
    repository: Repository
    warning: str


class ReferrersUnread(Value, frozen=True, tag_field="kind", tag="referrers-unread"):
    """What refers to manifests was not read, and they stay for it."""

    repository: Repository
    number: Number
    example: Digest
    why: str


class FalseLocks(Value, frozen=True, tag_field="kind", tag="false-locks"):
    """Tags that are named like locks and are none. Sorted."""

    repository: Repository
    tags: tuple[Tag, ...]


class RepositoryAbsent(Value, frozen=True, tag_field="kind", tag="repository-absent"):
    repository: Repository


class RepositoryUnseen(Value, frozen=True, tag_field="kind", tag="repository-unseen"):
    """It is not there, or may not be read: the registry does not tell which."""

    repository: Repository


class OddNames(Value, frozen=True, tag_field="kind", tag="odd-names"):
    """Names are listed that no tag can have."""

    repository: Repository
    number: Number
    example: str
    """Cut, without what a terminal would obey."""


class Tombstones(Value, frozen=True, tag_field="kind", tag="tombstones"):
    """Tags that a run pushed over and did not come to delete."""

    repository: Repository
    run: str
    number: Number
    example: Tag


class RecordContradicted(Value, frozen=True, tag_field="kind", tag="record-contradicted"):
    """Images that stay, since their own labels say otherwise than the record that would doom them."""

    repository: Repository
    number: Number
    example: Tag
    commit: Commit
    record: Tag


HoldsUp: TypeAlias = Literal["manifests", "stages", "records", "images"]
"""What stays for something broken. `manifests`: all of the repository; `stages`: those that nothing else needs;
`records`: of its content; `images`: while a selected branch or tag reaches its commit."""


class Broken(Value, frozen=True, tag_field="kind", tag="broken"):
    """Tags or manifests that cannot be read or understood, and hold up the same."""

    repository: Repository
    number: Number
    example: str
    """A tag or a digest."""
    why: str | None
    """None: it can be read, and does not say which content it is of."""
    holds_up: tuple[HoldsUp, ...]


class TagsOfOtherProject(Value, frozen=True, tag_field="kind", tag="tags-of-other-project"):
    """Tags whose label says that they are another project's."""

    number: Number
    example: Reference
    project: str
    """As the label has it, or the beginning of that."""
    ours: str | None


class RecordsOfAnyProject(Value, frozen=True, tag_field="kind", tag="records-of-any-project"):
    """Records of a storage that several projects use, left alone."""

    repository: Repository


class ImageWithoutRecords(Value, frozen=True, tag_field="kind", tag="image-without-records"):
    """It stays: other images have theirs."""

    repository: Repository
    image: ImageName
    number: Number
    """Tags."""
    storage: Repository


class ImageUnseen(Value, frozen=True, tag_field="kind", tag="image-unseen"):
    """The image's repository shows no tag, though records name images in it."""

    repository: Repository
    image: ImageName
    number: Number
    """Records."""
    storage: Repository
    config: str = "the project's configuration"
    """Where people name the project's images, for people: the name of a file, where one is known."""


class StagesElsewhere(Value, frozen=True, tag_field="kind", tag="stages-elsewhere"):
    """Images that stay, built from stages that the storage does not have."""

    repository: Repository
    """The storage."""
    number: Number
    example: Reference


class NoImageRepository(Value, frozen=True, tag_field="kind", tag="no-image-repository"):
    """None of their repositories exists, so that stages and records were left alone."""


class NoGitRepository(Value, frozen=True, tag_field="kind", tag="no-git-repository"):
    """There is no git repository, so that images were left alone."""


class ImageHomeless(Value, frozen=True, tag_field="kind", tag="image-homeless"):
    """A managed image that can have no repository."""

    image: ImageName
    why: str


class RecordAmbiguous(Value, frozen=True, tag_field="kind", tag="record-ambiguous"):
    """The record's shortened name fits more than one image."""

    record: Tag


class RecordsUnclaimed(Value, frozen=True, tag_field="kind", tag="records-unclaimed"):
    """Records are of images that nobody names."""

    number: Number


class RecordAbsent(Value, frozen=True, tag_field="kind", tag="record-absent"):
    """An image whose record was to go has none."""

    image: ImageName


class ImagesNotFound(Value, frozen=True, tag_field="kind", tag="images-not-found"):
    """Where everything goes, stages and records too."""

    lacks: Literal["repository", "tag"]
    """What there is none of at all."""


class ImagesNotLookedUp(Value, frozen=True, tag_field="kind", tag="images-not-looked-up"):
    """Nobody said where they are, and stages go."""

    repository: Repository
    """The storage."""


class BuiltOnDoomed(Value, frozen=True, tag_field="kind", tag="built-on-doomed"):
    """Image tags that stay, of stages that go."""

    number: Number
    example: Reference


class FamiliarTagsGo(Value, frozen=True, tag_field="kind", tag="familiar-tags-go"):
    """Tags go whose names people deploy by, e.g. `latest`. Sorted."""

    repository: Repository
    tags: tuple[Tag, ...]


PlainNotice: TypeAlias = (
    RegistryWarns
    | ReferrersUnread
    | FalseLocks
    | RepositoryAbsent
    | RepositoryUnseen
    | OddNames
    | Tombstones
    | RecordContradicted
    | Broken
    | TagsOfOtherProject
    | RecordsOfAnyProject
    | ImageWithoutRecords
    | ImageUnseen
    | StagesElsewhere
    | NoImageRepository
    | NoGitRepository
    | ImageHomeless
    | RecordAmbiguous
    | RecordsUnclaimed
    | RecordAbsent
    | ImagesNotFound
    | ImagesNotLookedUp
    | BuiltOnDoomed
    | ReferenceIgnored
    | OriginUnasked
    | LocalTags
    | HistoryAccepted
    | BaselineAbsent
    | FewerInUse
    | FewerAccepted
    | ClockApart
    | CommitAhead
    | ClockUnwitnessed
    | UsedInClusters
    | UsedByLists
    | WordsSkipped
    | LoginsNotGiven
    | ProjectRenamed
    | ConfigNotRead
    | PolicyMisnamed
    | TagsBelieved
    | SelectionNotice
    | FamiliarTagsGo
)


class InProject(Value, frozen=True, tag_field="kind", tag="in-project"):
    """What a person should know of one project, where a plan is of several."""

    project: str
    """As people call it."""
    notice: PlainNotice


Notice: TypeAlias = PlainNotice | InProject
