"""What a person should know of a plan: things skipped, broken or ambiguous, as values. Text is made of them only in
reports.

A number says of how many things a notice is, and an example is the first of them."""

from typing import Literal, TypeAlias

from holystone.engine.model.references import Commit, Digest, ImageName, Reference, Repository, Tag
from holystone.engine.model.sources import Fewer, Number
from holystone.engine.model.value import Value


class RegistryWarns(Value, frozen=True, tag_field="kind", tag="registry-warns"):
    repository: Repository
    warning: str


class ReferrersUnread(Value, frozen=True, tag_field="kind", tag="referrers-unread"):
    """Of manifests that stay for it."""

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
    """That are listed, and that no tag can have."""

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
    """Its repository shows no tag, though records name images in it."""

    repository: Repository
    image: ImageName
    number: Number
    """Records."""
    storage: Repository


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
    """Its shortened name fits more than one image."""

    record: Tag


class RecordsUnclaimed(Value, frozen=True, tag_field="kind", tag="records-unclaimed"):
    """Of images that nobody names."""

    number: Number


class RecordAbsent(Value, frozen=True, tag_field="kind", tag="record-absent"):
    """Of an image whose record was to go."""

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


class ReferenceIgnored(Value, frozen=True, order=True, tag_field="kind", tag="reference-ignored"):
    """A branch or tag of git that leads to no commit."""

    reference: Literal["branch", "tag"]
    name: str
    dangling: bool
    """It is a symbolic one whose target does not exist."""


class OriginUnasked(Value, frozen=True, tag_field="kind", tag="origin-unasked"):
    """Whether the clone has all its branches and tags."""

    why: str


class LocalTags(Value, frozen=True, tag_field="kind", tag="local-tags"):
    """Git tags of the clone that did not count, since origin does not have them there."""

    number: Number
    example: str


class HistoryAccepted(Value, frozen=True, tag_field="kind", tag="history-accepted"):
    """A person says that another history than the images' is meant."""

    origin: str
    """Its address, without a password."""
    records: Number
    """Metadata records, which name the commits that nothing of origin reaches."""


class BaselineAbsent(Value, frozen=True, tag_field="kind", tag="baseline-absent"):
    """Nothing is remembered of an earlier run."""

    state_dir: str


class FewerInUse(Value, frozen=True, tag_field="kind", tag="fewer-in-use"):
    fewer: Fewer


class FewerAccepted(Value, frozen=True, tag_field="kind", tag="fewer-accepted"):
    """A person says that it is meant."""

    fewer: Fewer


class ClockApart(Value, frozen=True, tag_field="kind", tag="clock-apart"):
    """From a registry's, and a person says that it is meant."""

    host: str
    theirs: int
    """Unix seconds."""
    ours: int


class CommitAhead(Value, frozen=True, tag_field="kind", tag="commit-ahead"):
    """The newest branch or tag is dated after our clock."""

    reference: Literal["branch", "tag"]
    name: str
    date: int
    """Unix seconds."""
    now: int
    registry_agrees: bool
    """With our clock; else no registry tells the time, and a person says that it is meant."""


class ClockUnwitnessed(Value, frozen=True, tag_field="kind", tag="clock-unwitnessed"):
    """No registry told the time."""


class UsedInClusters(Value, frozen=True, tag_field="kind", tag="used-in-clusters"):
    number: Number
    """Images."""
    contexts: Number


class UsedByLists(Value, frozen=True, tag_field="kind", tag="used-by-lists"):
    number: Number
    """Images."""


class WordsSkipped(Value, frozen=True, tag_field="kind", tag="words-skipped"):
    """In Kubernetes, that name no image."""

    number: Number
    example: str
    """Cut."""


class ProjectRenamed(Value, frozen=True, tag_field="kind", tag="project-renamed"):
    """By an option or a variable."""

    name: str
    configured: str
    source: str
    """The file that calls it so."""


class ConfigNotRead(Value, frozen=True, tag_field="kind", tag="config-not-read"):
    """Options stand in for it."""

    config: str


class PolicyMisnamed(Value, frozen=True, tag_field="kind", tag="policy-misnamed"):
    """A keep policy that begins as no name does."""

    reference: Literal["branch", "tag"]
    pattern: str


Notice: TypeAlias = (
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
    | ProjectRenamed
    | ConfigNotRead
    | PolicyMisnamed
)
