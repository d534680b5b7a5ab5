"""Short ways to write tags and records of one image."""

import hashlib
from collections.abc import Iterable

from holystone.engine.model.references import (
    Commit,
    Digest,
    ImageName,
    Reference,
    RegistryHost,
    Repository,
    RepositoryPath,
    Tag,
)
from holystone.policies.werf.v1.project import ImageTag, MetadataRecord

IMAGES_REPO = Repository(RegistryHost.parse("registry.example"), RepositoryPath.parse("project/image"))
IMAGE = ImageName.parse("image")


def commit_id(name: str) -> Commit:
    return Commit.parse(hashlib.sha1(name.encode()).hexdigest())


def digest_of(name: str) -> Digest:
    return Digest.parse("sha256:" + hashlib.sha256(name.encode()).hexdigest())


def image_tag(
    tag: str,
    signature: str | None = None,
    *,
    parent: str | None = None,
    imports: Iterable[str] = (),
    created: int = 0,
    strategy: str | None = None,
    meta_tag: str = "",
    built_at: Commit | None = None,
) -> ImageTag:
    return ImageTag(
        image=IMAGE,
        reference=Reference(IMAGES_REPO, Tag.parse(tag)),
        digest=digest_of(tag),
        image_id=digest_of(f"image {tag}"),
        parent=digest_of(parent) if parent else None,
        signature=signature,
        created=created,
        meta_tag=meta_tag or tag,
        strategy=strategy,
        imports=tuple(map(digest_of, imports)),
        built_at=built_at,
    )


def metadata_record(commit: Commit, signature: str | None) -> MetadataRecord:
    return MetadataRecord(Tag.parse(f"image-metadata-by-commit-image-{commit}"), IMAGE, commit, signature)
