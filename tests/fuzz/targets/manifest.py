"""Manifests and indexes."""

from holystone.engine.model.manifests import Malformed, RawManifest, blobs_of, parse_manifest
from holystone.engine.model.references import Digest

_D = b"sha256:" + b"0" * 64
_IMAGE = b"application/vnd.oci.image.manifest.v1+json"
SEEDS = (
    b'{"schemaVersion":2,"mediaType":"'
    + _IMAGE
    + b'","config":{"mediaType":"application/vnd.oci.image.config.v1+json",'
    b'"digest":"'
    + _D
    + b'","size":2},"layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","digest":"'
    + _D
    + b'","size":3}],"subject":{"mediaType":"'
    + _IMAGE
    + b'","digest":"'
    + _D
    + b'","size":4}}',
    b'{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[{"mediaType":"'
    + _IMAGE
    + b'","digest":"'
    + _D
    + b'","size":5,"platform":{"os":"linux","architecture":"amd64"}}]}',
    b'{"schemaVersion":1,"fsLayers":[{"blobSum":"' + _D + b'"}],"history":[{"v1Compatibility":"{}"}]}',
)


def parse(data: bytes) -> None:
    for said in ("", "application/json", "application/vnd.oci.image.index.v1+json"):
        raw = RawManifest(Digest.of(data), said, data)
        blobs_of(raw)
        try:
            parse_manifest(raw)
        except Malformed as error:
            str(error)
