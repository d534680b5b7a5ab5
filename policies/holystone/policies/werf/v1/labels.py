"""The labels that werf 1.1 puts into image configurations, and what they say."""

from collections.abc import Collection, Mapping
from typing import Final

from holystone.engine.model.references import Commit, Digest, ImageName, InvalidName

PROJECT: Final = "werf"
IS_IMAGE: Final = "werf-image"
IMAGE_NAME: Final = "werf-image-name"
IMAGE_TAG: Final = "werf-image-tag"
TAG_STRATEGY: Final = "werf-tag-strategy"
CONTENT_SIGNATURE: Final = "werf-content-signature"
STAGE_SIGNATURE: Final = "werf-stage-signature"
BUILT_AT: Final = "werf-project-repo-commit"
METADATA_SIGNATURE: Final = "ContentSignature"
IMPORT: Final = "werf-import-"

_LOOKED_AT: Final = (PROJECT, METADATA_SIGNATURE, "holystone.")
"""How the labels begin that somebody asks for."""
_LARGEST: Final = 64 << 10
"""Characters of all these labels of one image: werf writes a dozen short ones, and one for each import."""


def looked_at(labels: Mapping[str, str]) -> Mapping[str, str]:
    """The labels that matter; the others, of which an image may have megabytes, need not be kept. Raises ValueError for
    an image that has megabytes of these."""
    kept = {name: value for name, value in labels.items() if name.startswith(_LOOKED_AT)}
    if (size := sum(len(name) + len(value) for name, value in kept.items())) > _LARGEST:
        raise ValueError(f"its labels of werf's have {size:,} characters, and more than {_LARGEST:,} are not read")
    return kept


def another_project(labels: Mapping[str, str], ours: Collection[str]) -> str:
    """The project that the labels name, if it is none of ours. Where nobody knows ours, labels say nothing."""
    named = labels.get(PROJECT, "")
    return named if ours and named not in ours else ""


def is_werfs(labels: Mapping[str, str]) -> bool:
    """Whether werf made what has these labels, or something that is built on what it made."""
    return PROJECT in labels or METADATA_SIGNATURE in labels


def is_final_image(labels: Mapping[str, str]) -> bool:
    return labels.get(IS_IMAGE) == "true"


def is_named(labels: Mapping[str, str], image: ImageName) -> bool:
    """Exactly, so that `front` does not take the tags of `front-end`."""
    return labels.get(IMAGE_NAME) == image


def is_image_under(labels: Mapping[str, str], tag: str) -> bool:
    """Whether this very tag is a final image. Labels are inherited, so a stage that is built on a final image has
    that one's labels: they speak of another tag then."""
    meta_tag = labels.get(IMAGE_TAG)
    return is_final_image(labels) and (not meta_tag or tag == meta_tag or tag.endswith(f"-{meta_tag}"))


def built_at(labels: Mapping[str, str]) -> Commit | None:
    """HEAD when the last stage was built. None if it is not said, or is no full commit id."""
    try:
        return Commit.parse(labels.get(BUILT_AT, ""))
    except InvalidName:
        return None


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
