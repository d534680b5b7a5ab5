"""Tags of build stages, and of the marks that werf puts beside a broken one."""

import re
from collections.abc import Collection, Mapping
from typing import Final

import msgspec

from holystone.engine.model.references import Tag
from holystone.policies.werf.v1.records import IMAGE_METADATA, MANAGED_IMAGE

REJECTED: Final = "-rejected"
_STAGE: Final = re.compile(r"([^-]+)-([+-]?[0-9]{1,127})")


class StageTag(msgspec.Struct, frozen=True, order=True):
    signature: str
    unique_id: int
    """Milliseconds since 1970, as a signed 64-bit number."""


def parse_stage_tag(tag: str) -> StageTag | None:
    """Signature and time that a stage's tag is made of; None if the tag is not one of a stage."""
    found = _STAGE.fullmatch(tag)
    if not found or tag.startswith((MANAGED_IMAGE, IMAGE_METADATA)):
        return None
    unique_id = int(found[2])
    return StageTag(found[1], unique_id) if -(1 << 63) <= unique_id < 1 << 63 else None


def rejected_tag(stage: str) -> str:
    """The mark that says that the stage with this tag is broken."""
    return stage + REJECTED


def parse_rejected_tag(tag: str) -> str | None:
    """The tag of the stage that this mark is about; None if it is no such mark."""
    stage = tag.removesuffix(REJECTED)
    return stage if stage != tag and parse_stage_tag(stage) else None


def marked_stages(tags: Collection[Tag]) -> Mapping[Tag, Tag]:
    """The marks among the tags, each with its stage, if that is there too; sorted."""
    found = ((mark, parse_rejected_tag(mark)) for mark in sorted(tags))
    return {mark: Tag(stage) for mark, stage in found if stage in tags}
