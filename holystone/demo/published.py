"""What was published, in full: enough to work out by other means than Holystone's own what must survive a cleanup."""

from pathlib import Path

import msgspec

from holystone.engine.model.addresses import ImagesRepoMode
from holystone.engine.model.references import Commit, Digest, ImageName, RepositoryPath, Tag


class PublishedStage(msgspec.Struct, frozen=True):
    tag: Tag
    digest: Digest
    image_id: Digest
    parent: Digest | None
    """Image id."""
    imports: tuple[Digest, ...]
    """Image ids that its labels name, inherited ones too."""
    created: int
    """Unix seconds."""


class PublishedTag(msgspec.Struct, frozen=True):
    image: ImageName
    repository: RepositoryPath
    tag: Tag
    meta_tag: str
    strategy: str
    digest: Digest
    image_id: Digest
    signature: str
    commits: tuple[Commit, ...]
    """At which it was published, oldest first."""
    stages: tuple[Tag, ...]
    """Its own chain, from the base to the last."""
    imported: tuple[Tag, ...]
    """Stages of the artifacts it imports from, their ancestors too."""
    created: int
    """Unix seconds."""


class PublishedMetadata(msgspec.Struct, frozen=True):
    tag: Tag
    digest: Digest
    image: ImageName
    commit: Commit
    signature: str


class PublishedExtra(msgspec.Struct, frozen=True):
    """A tag that is no image or record of the project: other people's, an index, a signature, a second name."""

    repository: RepositoryPath
    tag: Tag
    digest: Digest
    needs: tuple[Digest, ...] = ()
    """Manifests that must be there as long as the tag is: children of the index at any depth."""
    subject: Digest | None = None
    """The manifest that the signature is about."""


class PublishedProject(msgspec.Struct, frozen=True):
    project: str
    path: Path
    """The git repository, with a werf.yaml in its working tree."""
    now: int
    """Unix seconds: the moment in which the story ends."""
    images_repo: RepositoryPath
    stages_storage: RepositoryPath
    mode: ImagesRepoMode
    images: tuple[ImageName, ...]
    tags: tuple[PublishedTag, ...]
    stages: tuple[PublishedStage, ...]
    metadata: tuple[PublishedMetadata, ...]
    managed: tuple[Tag, ...]
    rejected: tuple[Tag, ...]
    """The `…-rejected` records."""
    extras: tuple[PublishedExtra, ...]
    referrers: tuple[tuple[RepositoryPath, Digest, Digest], ...]
    """Repository, untagged manifest, and its subject."""

    def tags_of(self, image: str) -> tuple[PublishedTag, ...]:
        return tuple(tag for tag in self.tags if tag.image == image)
