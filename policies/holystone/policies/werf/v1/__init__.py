"""What is werf 1.1's. Exported here are its names: images and records ⇄ repositories and tags. Pure."""

from holystone.policies.werf.v1.claims import contradicted, is_stored, is_written_once
from holystone.policies.werf.v1.layout import ImagesRepo
from holystone.policies.werf.v1.modes import check_image_names, resolve_mode
from holystone.policies.werf.v1.ownership import (
    Ownership,
    belongings_among_images,
    belongings_in_storage,
    looks_stored,
    readable_enough,
)
from holystone.policies.werf.v1.reading import (
    kind_of,
    managed_images,
    needs_config,
    never_published,
    read_images,
    read_storage,
    unlabelled_images,
    without_rejected,
)
from holystone.policies.werf.v1.records import (
    ClientId,
    MetadataTag,
    image_metadata_tag,
    is_manageable,
    managed_image_tag,
    parse_client_id_tag,
    parse_managed_image_tag,
    parse_metadata_tag,
)
from holystone.policies.werf.v1.slug import docker_tag_slug
from holystone.policies.werf.v1.stages import StageTag, marked_stages, parse_rejected_tag, parse_stage_tag, rejected_tag

__all__ = [
    "ClientId",
    "ImagesRepo",
    "MetadataTag",
    "Ownership",
    "StageTag",
    "belongings_among_images",
    "belongings_in_storage",
    "check_image_names",
    "contradicted",
    "docker_tag_slug",
    "image_metadata_tag",
    "is_manageable",
    "is_stored",
    "is_written_once",
    "kind_of",
    "looks_stored",
    "managed_image_tag",
    "managed_images",
    "marked_stages",
    "needs_config",
    "never_published",
    "parse_client_id_tag",
    "parse_managed_image_tag",
    "parse_metadata_tag",
    "parse_rejected_tag",
    "parse_stage_tag",
    "read_images",
    "read_storage",
    "readable_enough",
    "rejected_tag",
    "resolve_mode",
    "unlabelled_images",
    "without_rejected",
]
