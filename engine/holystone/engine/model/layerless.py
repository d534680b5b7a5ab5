"""Images without layers: what records and marks in a registry are made of. Some servers check that the blobs of a
manifest are there, and the configuration is the least that every client can read."""

import json
from collections.abc import Mapping

from holystone.engine.model.manifests import DOCKER_CONFIG, DOCKER_MANIFEST, OCI_CONFIG, OCI_MANIFEST, RawManifest
from holystone.engine.model.references import Digest


def layerless_image(
    labels: Mapping[str, str], *, oci: bool, annotations: Mapping[str, str] | None = None
) -> tuple[RawManifest, bytes]:
    """The manifest, and the configuration that has to be there before it. The same arguments give the same bytes.
    Annotations are for OCI alone."""
    media_type, config_type = (OCI_MANIFEST, OCI_CONFIG) if oci else (DOCKER_MANIFEST, DOCKER_CONFIG)
    config = _json(
        {
            "architecture": "amd64",
            "os": "linux",
            "config": {"Labels": dict(labels)},
            "rootfs": {"type": "layers", "diff_ids": []},
        }
    )
    body = _json(
        {
            "schemaVersion": 2,
            "mediaType": media_type,
            "config": {"mediaType": config_type, "digest": Digest.of(config), "size": len(config)},
            "layers": [],
            **({"annotations": dict(annotations)} if annotations else {}),
        }
    )
    return RawManifest(Digest.of(body), media_type, body), config


def _json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":"), sort_keys=True).encode()
