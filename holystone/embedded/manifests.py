"""Manifests as a registry must understand them to store them: what they need, and whom they speak about."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from holystone.engine.model.codec import from_json
from holystone.engine.model.manifests import DOCKER_LIST, DOCKER_MANIFEST, INDEX_TYPES, OCI_INDEX, OCI_MANIFEST
from holystone.engine.model.references import Digest

ACCEPTED: Final = frozenset({OCI_INDEX, OCI_MANIFEST, DOCKER_LIST, DOCKER_MANIFEST})
_FOREIGN: Final = frozenset(
    {
        "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
        "application/vnd.oci.image.layer.nondistributable.v1.tar",
        "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
        "application/vnd.oci.image.layer.nondistributable.v1.tar+zstd",
    }
)
"""Layers that are fetched from elsewhere."""
SIZE_LIMIT: Final = 4 << 20
"""Bytes. The specification's recommendation, and what distribution and zot do."""


class Invalid(ValueError):
    """The bytes are no manifest of the media type they are said to be."""


class Platform(msgspec.Struct, frozen=True):
    os: str = ""
    architecture: str = ""


class Descriptor(msgspec.Struct, frozen=True):
    digest: str
    mediaType: str = ""
    size: int = 0
    platform: Platform | None = None


class StoredManifest(msgspec.Struct, frozen=True):
    digest: Digest
    media_type: str
    body: bytes
    blobs: tuple[str, ...]
    """Digests of the configuration and the layers, without those that live elsewhere."""
    foreign: tuple[str, ...]
    """Digests of those."""
    children: tuple[Descriptor, ...]
    subject: str | None
    artifact_type: str
    """By the specification's rule: `artifactType`, else the media type of the configuration."""
    annotations: Mapping[str, str]


class _Wire(msgspec.Struct):
    schemaVersion: int
    mediaType: str = ""
    artifactType: str = ""
    config: Descriptor | None = None
    layers: list[Descriptor] | None = None
    manifests: list[Descriptor] | None = None
    subject: Descriptor | None = None
    annotations: dict[str, str] | None = None


def read(digest: Digest, media_type: str, body: bytes) -> StoredManifest:
    """Raises Invalid."""
    if media_type not in ACCEPTED:
        raise Invalid(f"unsupported manifest media type: {media_type}")
    try:
        wire = from_json(body, _Wire)
    except msgspec.MsgspecError as error:
        raise Invalid(str(error)) from error
    # OCI may leave mediaType out, Docker may not; neither may contradict the Content-Type.
    if wire.mediaType != media_type and (wire.mediaType or media_type in (DOCKER_LIST, DOCKER_MANIFEST)):
        raise Invalid(f"mediaType in manifest should be {media_type!r}, not {wire.mediaType!r}")
    is_index = media_type in INDEX_TYPES
    layers = (wire.layers or ()) if wire.config else ()
    if (wire.manifests is None) if is_index else (wire.config is None):
        raise Invalid("an index must list manifests, an image must name a configuration")
    return StoredManifest(
        digest=digest,
        media_type=media_type,
        body=body,
        blobs=tuple(each.digest for each in (wire.config, *layers) if each and each.mediaType not in _FOREIGN),
        foreign=tuple(each.digest for each in layers if each.mediaType in _FOREIGN),
        children=tuple(wire.manifests or ()),
        subject=wire.subject.digest if wire.subject else None,
        artifact_type=wire.artifactType or (wire.config.mediaType if wire.config else ""),
        annotations=wire.annotations or {},
    )


def read_anything(digest: Digest, media_type: str, body: bytes) -> StoredManifest:
    """What is no manifest has nothing that it needs. Raises Invalid for an index that is none."""
    try:
        return read(digest, media_type, body)
    except Invalid:
        if media_type in INDEX_TYPES:
            raise
    return StoredManifest(
        digest=digest,
        media_type=media_type,
        body=body,
        blobs=(),
        foreign=(),
        children=(),
        subject=None,
        artifact_type="",
        annotations={},
    )


def referrer_entry(manifest: StoredManifest) -> dict[str, Any]:
    """The manifest's descriptor in a referrers index."""
    entry: dict[str, Any] = {
        "mediaType": manifest.media_type,
        "size": len(manifest.body),
        "digest": manifest.digest,
        "artifactType": manifest.artifact_type,
    }
    return entry | ({"annotations": dict(manifest.annotations)} if manifest.annotations else {})
