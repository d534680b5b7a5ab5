"""What werf 1.1 put into the repositories, as policies see it: values that `reading` makes of the inventory."""

from typing import TypeAlias

import msgspec

from holystone.engine.model.references import Commit, Digest, ImageName, Reference, Tag

Signature: TypeAlias = str
"""werf's content signature: equal signatures mean equal content of an image."""


class ImageTag(msgspec.Struct, frozen=True):
    """A tag of a final image that belongs to the project."""

    image: ImageName
    reference: Reference
    digest: Digest
    """Of the manifest."""
    image_id: Digest
    parent: Digest | None
    """Image id of the last stage."""
    signature: Signature | None
    created: int
    """Unix seconds."""
    meta_tag: str
    """What `werf-image-tag` says, else the docker tag without what a monorepo puts before it: the name of a git tag,
    branch or commit, as it is in a tag."""
    strategy: str | None = None
    """What `werf-tag-strategy` says, e.g. `git-branch`."""
    imports: tuple[Digest, ...] = ()
    """Image ids that its `werf-import-*` labels name."""
    other_project: str = ""
    """The project that its label names, if it is another one than ours."""
    odd: str = ""
    """What of its configuration makes no sense."""
    built_at: Commit | None = None
    """What `werf-project-repo-commit` says: HEAD when its last stage was built."""

    @property
    def is_written_once(self) -> bool:
        """werf names the tag after the content, so nobody moves it; any other tag may be moved by people."""
        return bool(self.signature) and self.reference.tag.endswith(self.signature or "")


class Stage(msgspec.Struct, frozen=True):
    tag: Tag
    image_id: Digest
    parent: Digest | None
    created: int
    """Unix seconds."""
    imports: tuple[Digest, ...] = ()
    rejected_by: Tag | None = None
    """The record that marks this stage as broken."""
    is_unread: bool = False
    """Its configuration cannot be read, so that only its image id is known. Only of stages that a record marks."""
    odd: str = ""
    """What of its configuration makes no sense."""
    other_project: str = ""
    """The project that its label names, if it is another one than ours."""


class MetadataRecord(msgspec.Struct, frozen=True):
    """werf's note that `image` had content `signature` at `commit`."""

    tag: Tag
    image: ImageName
    commit: Commit
    signature: Signature | None
    """None if the record does not say, or cannot be read."""


class StagesStorage(msgspec.Struct, frozen=True):
    stages: tuple[Stage, ...]
    metadata: tuple[MetadataRecord, ...]
    managed_images: tuple[ImageName, ...]
    rejected: tuple[Tag, ...]
    """Every `…-rejected` record."""
    bookkeeping: tuple[Tag, ...]
    """Managed-image and client-id records: never judged by cleanup."""
    foreign: tuple[Tag, ...]
    """Tags that are no record of werf's."""
    unclaimed_metadata: tuple[Tag, ...]
    """Metadata records of images that are not in the list of image names."""
    ambiguous_metadata: tuple[Tag, ...]
    """Records whose cut name fits more than one image: `metadata` has one of each for every such image."""
    unreadable: tuple[Tag, ...] = ()
    """Stages whose manifest or configuration cannot be read: nothing is known of them. Those that a mark rejects are
    not among them if their manifest was read."""
