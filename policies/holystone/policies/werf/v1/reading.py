"""Reads a werf project out of what its repositories hold. Every tag is classified once; what cannot be read is
never a candidate for anything."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Literal, TypeAlias

import msgspec

from holystone.engine.model.image_config import ImageConfig
from holystone.engine.model.inventory import RepositorySnapshot
from holystone.engine.model.references import Digest, ImageName, Reference, Repository, Tag
from holystone.policies.werf.v1 import labels
from holystone.policies.werf.v1.layout import ImagesRepo
from holystone.policies.werf.v1.project import ImageTag, MetadataRecord, Stage, StagesStorage
from holystone.policies.werf.v1.records import (
    MANAGED_IMAGE,
    MetadataTag,
    is_manageable,
    metadata_name,
    parse_client_id_tag,
    parse_managed_image_tag,
    parse_metadata_tag,
)
from holystone.policies.werf.v1.stages import marked_stages, parse_rejected_tag, parse_stage_tag, rejected_tag

TagKind: TypeAlias = Literal["stage", "metadata", "rejected", "bookkeeping", "foreign"]


def read_images(
    layout: ImagesRepo,
    images: Iterable[ImageName],
    snapshots: Mapping[Repository, RepositorySnapshot],
    ours: Collection[str] = (),
) -> Mapping[ImageName, tuple[ImageTag, ...]]:
    """For each image, the tags in its repository that are its own, by their labels. Sorted. `ours`: what our project is
    called, to tell strangers by."""
    found: dict[ImageName, list[ImageTag]] = {image: [] for image in images}
    there: defaultdict[Repository, set[ImageName]] = defaultdict(set)
    for image in found:
        there[layout.repository(image)].add(image)
    for repository, some in there.items():
        for tag, config in _final_images(snapshots[repository]):
            for image in layout.candidates(tag, some):
                if layout.mode == "multirepo" or labels.is_named(config.labels, image):
                    digest = snapshots[repository].tags[tag]
                    found[image].append(_image_tag(layout, image, Reference(repository, tag), digest, config, ours))
    return {image: tuple(tags) for image, tags in found.items()}


def _final_images(snapshot: RepositorySnapshot) -> Iterator[tuple[Tag, ImageConfig]]:
    for tag in sorted(snapshot.tags):
        config = snapshot.image(tag)
        if config and (config.odd or tag not in snapshot.broken) and labels.is_final_image(config.labels):
            yield tag, config


def _image_tag(
    layout: ImagesRepo,
    image: ImageName,
    reference: Reference,
    digest: Digest,
    config: ImageConfig,
    ours: Collection[str],
) -> ImageTag:
    return ImageTag(
        image=image,
        reference=reference,
        digest=digest,
        image_id=config.digest,
        parent=config.parent,
        signature=config.labels.get(labels.CONTENT_SIGNATURE) or None,
        created=config.created,
        meta_tag=config.labels.get(labels.IMAGE_TAG) or layout.without_image(image, reference.tag) or reference.tag,
        strategy=config.labels.get(labels.TAG_STRATEGY) or None,
        imports=labels.imports(config.labels),
        other_project=labels.another_project(config.labels, ours),
        odd=config.odd,
        built_at=labels.built_at(config.labels),
    )


def unlabelled_images(snapshot: RepositorySnapshot) -> tuple[ImageTag, ...]:
    """Images of which it cannot be told whose they are, since their labels make no sense: what else they say counts.
    Sorted."""
    return tuple(
        ImageTag(
            image=ImageName(""),
            reference=Reference(snapshot.repository, tag),
            digest=digest,
            image_id=config.digest,
            parent=config.parent,
            signature=None,
            created=config.created,
            meta_tag=tag,
            strategy=None,
            imports=labels.imports(config.labels),
            odd=config.odd,
        )
        for tag, digest in sorted(snapshot.tags.items())
        if (config := snapshot.image(tag)) and config.odd and not labels.is_final_image(config.labels)
    )


def kind_of(tag: str) -> TagKind:
    """What a tag in the stages storage is, as far as the tag alone tells."""
    if tag.startswith(MANAGED_IMAGE) or parse_client_id_tag(tag):
        return "bookkeeping"
    if parse_metadata_tag(tag):
        return "metadata"
    if parse_rejected_tag(tag):
        return "rejected"
    return "stage" if parse_stage_tag(tag) else "foreign"


def needs_config(tag: Tag) -> bool:
    """Whether a tag in the stages storage says too little without its configuration."""
    return kind_of(tag) in ("stage", "metadata")


def managed_images(tags: Iterable[Tag]) -> tuple[ImageName, ...]:
    """The names on managed-image records, sorted; those that werf ignores are left out."""
    names = {name for tag in tags if (name := parse_managed_image_tag(tag)) is not None}
    return tuple(sorted(name for name in names if is_manageable(name)))


def read_storage(
    snapshot: RepositorySnapshot, images: Sequence[ImageName], ours: Collection[str] = ()
) -> StagesStorage:
    """`images` are all names that metadata records may belong to. `ours`: what our project is
    called, to tell strangers by."""
    tags = sorted(snapshot.names)
    kinds: Mapping[Tag, TagKind] = {tag: kind_of(tag) for tag in tags}
    found: defaultdict[TagKind | Literal["unreadable", "unclaimed", "ambiguous"], list[Tag]] = defaultdict(list)
    stages: list[Stage] = []
    metadata: list[MetadataRecord] = []
    owners = _Owners(images)
    for tag, kind in kinds.items():
        if kind not in ("stage", "metadata"):
            found[kind].append(tag)
            continue
        config = stored_image(snapshot, tag)
        understood = bool(config and config.odd) or tag not in snapshot.broken
        is_unreadable = not understood or (config is None and _is_image(snapshot, tag))
        mark = Tag(rejected_tag(tag)) if kind == "stage" and rejected_tag(tag) in kinds else None
        if record := parse_metadata_tag(tag):
            names = owners.of(record)
            signature = config.labels.get(labels.METADATA_SIGNATURE) if config and not is_unreadable else None
            # One that cannot be read, could be of two images, or is no image by now, as when somebody pushed an index
            # over it, may still be what keeps an image.
            metadata.extend(MetadataRecord(tag, name, record.commit, signature or None) for name in names)
            if len(names) != 1:
                found["ambiguous" if names else "unclaimed"].append(tag)
        elif config and not is_unreadable:
            stages.append(_stage(tag, config, mark, ours))
        elif mark and tag not in snapshot.broken and (image_id := _image_id(snapshot, tag)):
            stages.append(Stage(tag, image_id, None, 0, (), mark, is_unread=True))
        else:
            found["unreadable" if is_unreadable else "foreign"].append(tag)
    return StagesStorage(
        stages=tuple(stages),
        metadata=tuple(metadata),
        managed_images=managed_images(tags),
        rejected=tuple(found["rejected"]),
        bookkeeping=tuple(found["bookkeeping"]),
        foreign=tuple(found["foreign"]),
        unclaimed_metadata=tuple(found["unclaimed"]),
        ambiguous_metadata=tuple(found["ambiguous"]),
        unreadable=tuple(found["unreadable"]),
    )


class _Owners:
    """Which images a metadata record can belong to: equal spellings of the name make equal tags."""

    def __init__(self, images: Iterable[ImageName]) -> None:
        self._images = sorted(set(images))
        self._by_length: dict[int, dict[str, list[ImageName]]] = {}

    def of(self, record: MetadataTag) -> Sequence[ImageName]:
        length = len(record.commit)
        if length not in self._by_length:
            spelled: defaultdict[str, list[ImageName]] = defaultdict(list)
            for image in self._images:
                spelled[metadata_name(image, length)].append(image)
            self._by_length[length] = dict(spelled)
        return self._by_length[length].get(record.name, ())


def never_published(images: Iterable[ImageName], tags: Iterable[Tag]) -> frozenset[ImageName]:
    """Whether the images were never published, by the records among the tags of the stages storage, one for each
    publication: there are some, and none is of these images. Where there are none at all, publishing leaves none, and
    they say nothing."""
    spelled = {(record.name, len(record.commit)): record for tag in tags if (record := parse_metadata_tag(tag))}
    owners = _Owners(images)
    published = {image for record in spelled.values() for image in owners.of(record)}
    return frozenset(images) - published if spelled else frozenset()


def without_rejected(storage: RepositorySnapshot) -> RepositorySnapshot:
    """werf marks a stage as broken when it finds its configuration or a layer lost, and builds another: what the mark
    says is no news, and the stage goes by its manifest."""
    marks = marked_stages(storage.names)
    expendable = {stage for stage in marks.values() if _image_id(storage, stage)}
    broken = {tag: why for tag, why in storage.broken.items() if tag not in expendable}
    return msgspec.structs.replace(storage, broken=broken)


def _image_id(snapshot: RepositorySnapshot, tag: Tag) -> Digest | None:
    """What the manifest says of an image of which no more than that need be known."""
    manifest = snapshot.manifests.get(snapshot.tags[tag]) if tag in snapshot.tags else None
    return manifest.config if manifest and manifest.says_image else None


def _stage(tag: Tag, config: ImageConfig, rejected_by: Tag | None, ours: Collection[str]) -> Stage:
    return Stage(
        tag,
        config.digest,
        config.parent,
        config.created,
        labels.imports(config.labels),
        rejected_by,
        other_project=labels.another_project(config.labels, ours),
        odd=config.odd,
    )


def stored_image(storage: RepositorySnapshot, tag: Tag) -> ImageConfig | None:
    """The configuration of a stage or record. What does not call itself an image is one if werf's labels are in it."""
    config, manifest = storage.image(tag), storage.manifests.get(storage.tags[tag]) if tag in storage.tags else None
    says_image = manifest is None or manifest.says_image
    return config if config and (says_image or labels.is_werfs(config.labels)) else None


def _is_image(snapshot: RepositorySnapshot, tag: Tag) -> bool:
    """werf's records are images; an index or an artifact under such a tag is somebody else's."""
    manifest = snapshot.manifests.get(snapshot.tags[tag])
    return manifest is None or (manifest.config is not None and (manifest.says_image or not snapshot.image(tag)))
