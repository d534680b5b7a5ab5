"""Names of a werf 1.1 project: images and records ⇄ repositories and tags. Pure, and stable for other programs.

What is exported here is the public face; images are named by plain strings, "" being the nameless image.
"""

from holystone.engine.naming.addresses import (
    ImageReference,
    has_user_info,
    parse_address,
    parse_reference,
    repository_of,
)
from holystone.engine.naming.belongings import (
    Belongings,
    belongings_among_images,
    belongings_in_storage,
    looks_stored,
    readable_enough,
)
from holystone.engine.naming.claims import contradicted
from holystone.engine.naming.layout import ImagesRepo
from holystone.engine.naming.modes import check_image_names, resolve_mode
from holystone.engine.naming.project import (
    kind_of,
    managed_images,
    needs_config,
    read_images,
    read_storage,
    unlabelled_images,
    without_rejected,
)
from holystone.engine.naming.records import (
    ClientId,
    MetadataTag,
    image_metadata_tag,
    is_manageable,
    managed_image_tag,
    metadata_belongs_to,
    parse_client_id_tag,
    parse_managed_image_tag,
    parse_metadata_tag,
)
from holystone.engine.naming.slug import docker_tag_slug
from holystone.engine.naming.stages import StageTag, marked_stages, parse_rejected_tag, parse_stage_tag, rejected_tag
from holystone.engine.naming.used_images import image_id_names, may_name, parse_image_id, parse_used_image, unlisted

__all__ = [
    "Belongings",
    "ClientId",
    "ImageReference",
    "ImagesRepo",
    "MetadataTag",
    "StageTag",
    "belongings_among_images",
    "belongings_in_storage",
    "check_image_names",
    "contradicted",
    "docker_tag_slug",
    "has_user_info",
    "image_id_names",
    "image_metadata_tag",
    "is_manageable",
    "kind_of",
    "looks_stored",
    "managed_image_tag",
    "managed_images",
    "marked_stages",
    "may_name",
    "metadata_belongs_to",
    "needs_config",
    "parse_address",
    "parse_client_id_tag",
    "parse_image_id",
    "parse_managed_image_tag",
    "parse_metadata_tag",
    "parse_reference",
    "parse_rejected_tag",
    "parse_stage_tag",
    "parse_used_image",
    "read_images",
    "read_storage",
    "readable_enough",
    "rejected_tag",
    "repository_of",
    "resolve_mode",
    "unlabelled_images",
    "unlisted",
    "without_rejected",
]
