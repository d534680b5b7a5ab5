"""Image bytes: tiny, but valid for every registry and client. No I/O; the same arguments give the same digests."""

import datetime as dt
import functools
import gzip
import io
import tarfile
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from holystone.engine.model.manifests import (
    DOCKER_CONFIG,
    DOCKER_MANIFEST,
    OCI_CONFIG,
    OCI_INDEX,
    OCI_MANIFEST,
)
from holystone.engine.model.references import Digest

DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"
OCI_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
EMPTY_CONFIG = "application/vnd.oci.empty.v1+json"


class Layer(msgspec.Struct, frozen=True):
    blob: bytes
    diff_id: Digest
    """Digest of the uncompressed archive."""


class Built(msgspec.Struct, frozen=True):
    """A manifest and the blobs that must be there before it."""

    manifest: bytes
    media_type: str
    digest: Digest
    config: Digest | None = None
    """The image id."""
    blobs: tuple[bytes, ...] = ()


@functools.cache
def layer(text: str) -> Layer:
    """An archive with one small file."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as archive:
        entry = tarfile.TarInfo("app/content.txt")
        entry.size = len(text.encode())
        archive.addfile(entry, io.BytesIO(text.encode()))
    return Layer(gzip.compress(raw.getvalue(), mtime=0), Digest.of(raw.getvalue()))


def image(
    *,
    created: int | None,
    labels: Mapping[str, str],
    parent: Digest | None = None,
    layers: Sequence[Layer] = (),
    architecture: str = "amd64",
    oci: bool = False,
) -> Built:
    """`created` is in Unix seconds; `parent` the image id it was built from. Docker's schema 2 unless `oci`."""
    config: dict[str, Any] = {
        "architecture": architecture,
        "os": "linux",
        "config": {"Image": parent or "", "Labels": dict(labels)},
        "rootfs": {"type": "layers", "diff_ids": [str(each.diff_id) for each in layers]},
        "history": [{"created_by": "werf"} for _ in layers] or [{"created_by": "werf", "empty_layer": True}],
    }
    if created is not None:
        config["created"] = dt.datetime.fromtimestamp(created, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    blob = _json(config)
    media_type, config_type, layer_type = (
        (OCI_MANIFEST, OCI_CONFIG, OCI_LAYER) if oci else (DOCKER_MANIFEST, DOCKER_CONFIG, DOCKER_LAYER)
    )
    manifest = _json(
        {
            "schemaVersion": 2,
            "mediaType": media_type,
            "config": _descriptor(config_type, blob),
            "layers": [_descriptor(layer_type, each.blob) for each in layers],
        }
    )
    blobs = (blob, *(each.blob for each in layers))
    return Built(manifest, media_type, Digest.of(manifest), Digest.of(blob), blobs)


def index(children: Sequence[Built], architectures: Sequence[str] = ()) -> Built:
    """An OCI index; with architectures, a multi-platform image."""
    entries = [_descriptor(child.media_type, child.manifest) for child in children]
    for entry, architecture in zip(entries, architectures, strict=False):
        entry["platform"] = {"os": "linux", "architecture": architecture}
    manifest = _json({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries})
    return Built(manifest, OCI_INDEX, Digest.of(manifest))


def artifact(kind: str, payload: str, subject: Built | None = None) -> Built:
    """A signature, an SBOM, …: with a subject it is a referrer, without one it is what older cosign pushes."""
    config, body = b"{}", payload.encode()
    whole: dict[str, Any] = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        **({"artifactType": kind} if kind else {}),  # an empty one is against the schema, and zot refuses it
        "config": _descriptor(EMPTY_CONFIG, config),
        "layers": [_descriptor("application/octet-stream", body)],
    }
    if subject is not None:
        whole["subject"] = _descriptor(subject.media_type, subject.manifest)
    manifest = _json(whole)
    return Built(manifest, OCI_MANIFEST, Digest.of(manifest), None, (config, body))


def _descriptor(media_type: str, body: bytes) -> dict[str, Any]:
    return {"mediaType": media_type, "size": len(body), "digest": str(Digest.of(body))}


def _json(value: object) -> bytes:
    return msgspec.json.encode(value, enc_hook=str)
