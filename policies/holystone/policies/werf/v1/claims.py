"""What a tag says of its image, held against what the image says of itself.

werf writes a stage, or an image named after its content, once and under one name: where the two differ, somebody gave
the image a second name, or another question's answer was taken for this one's."""

import re
from typing import Final

from holystone.engine.model.inventory import RepositorySnapshot
from holystone.engine.model.references import Tag
from holystone.policies.werf.v1 import labels
from holystone.policies.werf.v1.reading import kind_of
from holystone.policies.werf.v1.stages import parse_stage_tag

_SIGNATURE: Final = r"[0-9a-f]{56}"
_CONTENT: Final = re.compile(f"(?:.*-)?{_SIGNATURE}")
"""A tag of strategy `stages-signature`, in monorepo mode behind the image's name."""


def names_its_content(meta_tag: str) -> bool:
    """Whether a tag, without what a monorepo puts before it, is a content signature as werf writes it."""
    return bool(re.fullmatch(_SIGNATURE, meta_tag))


def is_stored(tag: str) -> bool:
    """Whether a tag surely is of a stages storage, where images are in the same repository: image `app` with tag 5 is
    `app-5`, which reads like a stage, too."""
    kind = kind_of(tag)
    return kind in ("metadata", "bookkeeping") or (kind != "foreign" and names_its_content(tag.partition("-")[0]))


def is_written_once(tag: str) -> bool:
    """Whether the name alone says that werf never writes it again: a stage or its mark, a record, an image named after
    its content. An image that is listed under such a name is not published again, and of another content at a commit
    that has a record the publication fails (werf/werf, pkg/build/publish_images_phase.go of 1.1)."""
    return is_stored(tag) or bool(_CONTENT.fullmatch(tag))


def contradicted(snapshot: RepositorySnapshot) -> tuple[Tag, ...]:
    """Tags whose images' labels name another one; sorted. An image that says nothing contradicts nothing."""
    return tuple(tag for tag in sorted(snapshot.tags) if _contradicted(snapshot, tag))


def _contradicted(snapshot: RepositorySnapshot, tag: Tag) -> bool:
    config = snapshot.image(tag)
    if config is None:
        return False
    if stage := parse_stage_tag(tag):
        said = config.labels.get(labels.STAGE_SIGNATURE)
        return bool(said) and said != stage.signature
    said = config.labels.get(labels.IMAGE_TAG)
    if not said or not _CONTENT.fullmatch(tag) or not _CONTENT.fullmatch(said):
        return False
    return labels.is_final_image(config.labels) and not labels.is_image_under(config.labels, tag)
