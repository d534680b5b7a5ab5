"""Bookkeeping records of the stages storage: managed images, image metadata and client ids.

A record is an image without layers; its tag says almost everything. Escaping a name is not always reversible, as
werf's is not: a name that contains `__slash__` reads back with a `/`.
"""

from typing import Final

import msgspec

from holystone.engine.model.references import Commit, ImageName, InvalidName
from holystone.policies.werf.v1.slug import TAG_LIMIT, cut_slug

MANAGED_IMAGE: Final = "managed-image-"
IMAGE_METADATA: Final = "image-metadata-by-commit-"
CLIENT_ID: Final = "client-id-"
NAMELESS: Final = "__nameless__"


class MetadataTag(msgspec.Struct, frozen=True, order=True):
    name: str
    """The image's name, escaped, and cut if it was long: compare it with `metadata_name`."""
    commit: Commit


class ClientId(msgspec.Struct, frozen=True, order=True):
    client: str
    created: int
    """Milliseconds since 1970."""


def escape_image_name(image: str) -> str:
    return image.replace("/", "__slash__").replace("+", "__plus__") if image else NAMELESS


def unescape_image_name(escaped: str) -> str:
    return "" if escaped == NAMELESS else escaped.replace("__slash__", "/").replace("__plus__", "+")


def managed_image_tag(image: str) -> str:
    """The record that makes an image managed; "" is the nameless image. Not a valid tag if the name is too long."""
    return MANAGED_IMAGE + escape_image_name(image)


def parse_managed_image_tag(tag: str) -> ImageName | None:
    """The name on the record; None if it is no such record."""
    escaped = tag.removeprefix(MANAGED_IMAGE)
    if not escaped or escaped == tag:
        return None
    try:
        return ImageName.parse(unescape_image_name(escaped))
    except InvalidName:
        return None


def is_manageable(image: str) -> bool:
    """werf ignores the records of names with upper-case letters."""
    return image == image.lower()


def image_metadata_tag(image: str, commit: str) -> str:
    """The record of what an image contained at a commit; "" is the nameless image."""
    return f"{IMAGE_METADATA}{metadata_name(image, len(commit))}-{commit}"


def metadata_name(image: str, commit_length: int) -> str:
    """How a metadata record of the image spells its name, for commits of this many characters."""
    name = escape_image_name(image)
    room = TAG_LIMIT - len(IMAGE_METADATA) - len("-") - commit_length
    return name if len(name) <= room else cut_slug(name, room).replace("-", "_")


def parse_metadata_tag(tag: str) -> MetadataTag | None:
    """What the record's tag says; None if it is no such record, or none of a full commit id."""
    record = tag.removeprefix(IMAGE_METADATA)
    name, dash, commit = record.rpartition("-")
    if record == tag or not dash or not name:
        return None
    try:
        return MetadataTag(name, Commit.parse(commit))
    except InvalidName:
        return None


def parse_client_id_tag(tag: str) -> ClientId | None:
    """The client that the record is of; None if it is no such record."""
    record = tag.removeprefix(CLIENT_ID)
    client, _, created = record.rpartition("-")
    if record == tag or not client or not (created.isascii() and created.isdigit()) or len(created) > TAG_LIMIT:
        return None
    return ClientId(client, int(created))
