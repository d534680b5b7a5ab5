"""The labels that werf 1.1 puts into image configurations, and what they say."""

from collections.abc import Mapping
from typing import Final

from holystone.engine.model.references import Digest, ImageName, InvalidName

IS_IMAGE: Final = "werf-image"
IMAGE_NAME: Final = "werf-image-name"
IMAGE_TAG: Final = "werf-image-tag"
TAG_STRATEGY: Final = "werf-tag-strategy"
CONTENT_SIGNATURE: Final = "werf-content-signature"
METADATA_SIGNATURE: Final = "ContentSignature"
IMPORT: Final = "werf-import-"


def is_final_image(labels: Mapping[str, str]) -> bool:
    return labels.get(IS_IMAGE) == "true"


def is_named(labels: Mapping[str, str], image: ImageName) -> bool:
    """Exactly, so that `front` does not take the tags of `front-end`."""
    return labels.get(IMAGE_NAME) == image


def imports(labels: Mapping[str, str]) -> tuple[Digest, ...]:
    """Image ids that files were imported from. A value that is no image id cannot name a stage and is left out."""
    found: set[Digest] = set()
    for label, value in labels.items():
        if label.startswith(IMPORT):
            try:
                found.add(Digest.parse(value))
            except InvalidName:
                continue
    return tuple(sorted(found))
