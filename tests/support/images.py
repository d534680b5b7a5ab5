"""Images small enough to read in a test: manifests, configurations and indexes as bytes with their digests."""

import json
from typing import Any

from holystone.engine.model.manifests import (
    DOCKER_CONFIG,
    DOCKER_MANIFEST,
    OCI_CONFIG,
    OCI_INDEX,
    OCI_MANIFEST,
    RawManifest,
)
from holystone.engine.model.references import Digest


def config(text: str, *, labels: dict[str, str] | None = None, parent: str = "", created: str = "") -> bytes:
    inner: dict[str, Any] = {"Labels": {"text": text, **(labels or {})}}
    if parent:
        inner["Image"] = parent
    return json.dumps(
        {
            "created": created or "2024-05-01T10:00:00.123456789Z",
            "architecture": "amd64",
            "os": "linux",
            "config": inner,
            "rootfs": {"type": "layers", "diff_ids": []},
            "history": [],
        }
    ).encode()


def image(
    config_body: bytes, *, subject: RawManifest | None = None, layer_type: str = "", oci: bool = False
) -> RawManifest:
    """Without layers, or with the configuration's bytes as one of that type. With that, a subject or `oci` it is an
    OCI manifest, else a Docker one."""
    media_type = OCI_MANIFEST if subject or layer_type or oci else DOCKER_MANIFEST
    body: dict[str, Any] = {
        "schemaVersion": 2,
        "mediaType": media_type,
        "config": {
            "mediaType": OCI_CONFIG if oci else DOCKER_CONFIG,
            "size": len(config_body),
            "digest": Digest.of(config_body),
        },
        "layers": [],
    }
    if layer_type:
        body["layers"] = [{"mediaType": layer_type, "size": len(config_body), "digest": Digest.of(config_body)}]
    if subject:
        body["subject"] = _descriptor(subject)
    encoded = json.dumps(body).encode()
    return RawManifest(Digest.of(encoded), media_type, encoded)


def signature(config_body: bytes) -> RawManifest:
    """As cosign pushes it under `sha256-HEX.sig`."""
    return image(config_body, layer_type="application/vnd.dev.cosign.simplesigning.v1+json")


def index(*children: RawManifest) -> RawManifest:
    body = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [_descriptor(child) for child in children]}
    encoded = json.dumps(body).encode()
    return RawManifest(Digest.of(encoded), OCI_INDEX, encoded)


def _descriptor(manifest: RawManifest) -> dict[str, Any]:
    return {"mediaType": manifest.media_type, "size": len(manifest.body), "digest": manifest.digest}
