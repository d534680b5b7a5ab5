"""Docker's grammar of references and addresses. Pure."""

from holystone.engine.names.addresses import (
    ImageReference,
    has_user_info,
    parse_address,
    parse_reference,
    repository_of,
)
from holystone.engine.names.used_images import image_id_names, may_name, parse_image_id, parse_used_image, unlisted

__all__ = [
    "ImageReference",
    "has_user_info",
    "image_id_names",
    "may_name",
    "parse_address",
    "parse_image_id",
    "parse_reference",
    "parse_used_image",
    "repository_of",
    "unlisted",
]
