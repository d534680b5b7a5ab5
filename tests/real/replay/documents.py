"""What the replayed requests push, by name. All of it is the same in every run, and so are its digests."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from holystone.engine.model.manifests import (
    DOCKER_CONFIG,
    DOCKER_LIST,
    DOCKER_MANIFEST,
    OCI_CONFIG,
    OCI_INDEX,
    OCI_MANIFEST,
)

BLOB: Final = "application/octet-stream"
LAYER: Final = "application/vnd.oci.image.layer.v1.tar+gzip"
DOCKER_LAYER: Final = "application/vnd.docker.image.rootfs.diff.tar.gzip"
ELSEWHERE: Final = "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip"
SIMPLE_SIGNING: Final = "application/vnd.dev.cosign.simplesigning.v1+json"
EMPTY_JSON: Final = "application/vnd.oci.empty.v1+json"
SBOM: Final = "application/vnd.dev.cosign.artifact.sbom.v1+json"
SIGNED: Final = "application/vnd.dev.cosign.artifact.sig.v1+json"
UNHEARD_OF: Final = "application/vnd.holystone.test.thing"


@dataclass(frozen=True, slots=True)
class Document:
    body: bytes
    media_type: str = BLOB
    algorithm: str = "sha256"

    @property
    def digest(self) -> str:
        return f"{self.algorithm}:{hashlib.new(self.algorithm, self.body).hexdigest()}"

    def descriptor(self, media_type: str = "", **more: Any) -> dict[str, Any]:
        return {"mediaType": media_type or self.media_type, "size": len(self.body), "digest": self.digest, **more}


def _config(text: str) -> Document:
    return Document(
        json.dumps(
            {
                "created": "2024-05-01T10:00:00Z",
                "architecture": "amd64",
                "os": "linux",
                "config": {"Labels": {"text": text}},
                "rootfs": {"type": "layers", "diff_ids": []},
                "history": [{"created": "2024-05-01T10:00:00Z", "empty_layer": True}],
            }
        ).encode()
    )


def _manifest(media_type: str, **fields: Any) -> Document:
    return Document(json.dumps({"schemaVersion": 2, "mediaType": media_type, **fields}).encode(), media_type)


def _docker(config: Document, *layers: Document) -> Document:
    return _manifest(
        DOCKER_MANIFEST,
        config=config.descriptor(DOCKER_CONFIG),
        layers=[each.descriptor(DOCKER_LAYER) for each in layers],
    )


def _oci(config: Document, *layers: Document, config_type: str = OCI_CONFIG, **more: Any) -> Document:
    shown = [each.descriptor(LAYER) for each in layers]
    return _manifest(OCI_MANIFEST, config=config.descriptor(config_type), layers=shown, **more)


def _index(*children: Document, media_type: str = OCI_INDEX, **more: Any) -> Document:
    platform = {"os": "linux", "architecture": "amd64"}
    return _manifest(media_type, manifests=[each.descriptor(platform=platform) for each in children], **more)


def _restoring(manifest: Document) -> Document:
    return Document(json.dumps({"manifest_digest": manifest.digest}).encode(), "application/json")


_digits = Document(b"0123456789")
_empty = Document(b"")
_braces = Document(b"{}")
_absent = Document(b"never pushed")
_configs = {name: _config(name) for name in "abcde"}
_docker_a, _docker_b = (_docker(_configs[name], _digits) for name in "ab")
_oci_a, _oci_b, _oci_c, _oci_d = (_oci(_configs[name], _digits) for name in "abcd")
_index_a = _index(_oci_a)
_two = _index(_oci_a, _oci_b)
_absent_image = _oci(_absent)
_about_a: dict[str, Any] = {"subject": _oci_a.descriptor()}

DOCUMENTS: Final[Mapping[str, Document]] = {
    # Blobs
    "digits": _digits,
    "digits_512": Document(_digits.body, algorithm="sha512"),
    "empty": _empty,
    "braces": _braces,
    "absent": _absent,
    **{f"config_{name}": each for name, each in _configs.items()},
    # Images
    "docker_a": _docker_a,
    "docker_b": _docker_b,
    "oci_a": _oci_a,
    "oci_b": _oci_b,
    "oci_c": _oci_c,
    "oci_d": _oci_d,
    "oci_a_512": Document(_oci_a.body, OCI_MANIFEST, "sha512"),
    "layerless": _manifest(DOCKER_MANIFEST, config=_configs["e"].descriptor(DOCKER_CONFIG), layers=[]),
    "layerless_oci": _oci(_configs["e"]),
    "untyped": Document(_oci_b.body.replace(f'"mediaType": "{OCI_MANIFEST}", '.encode(), b""), OCI_MANIFEST),
    "elsewhere": _manifest(
        OCI_MANIFEST,
        config=_configs["a"].descriptor(OCI_CONFIG),
        layers=[{**_absent.descriptor(ELSEWHERE), "urls": ["https://example.com/layer"]}],
    ),
    "stranger": _oci(_braces, _digits, config_type=EMPTY_JSON, artifactType=SBOM),
    "unheard_of": _oci(_configs["d"], _digits, config_type=UNHEARD_OF),
    # Indexes
    "list": _index(_docker_a, media_type=DOCKER_LIST),
    "index": _index_a,
    "two": _two,
    "nested": _index(_index_a),
    "mixed": _index(_docker_a),
    "index_of_none": _index(),
    "index_of_absent": _index(_absent_image),
    # Referrers
    "sbom": _oci(_braces, _digits, config_type=EMPTY_JSON, artifactType=SBOM, **_about_a, annotations={"made": "once"}),
    "signature": _oci(_configs["c"], _digits, config_type=SIGNED, **_about_a),
    "index_about": _index(_oci_b, artifactType=SBOM, **_about_a),
    "about_absent": _oci(_configs["d"], _digits, config_type=SIGNED, subject=_absent_image.descriptor()),
    "about_signature": _oci(
        _configs["d"],
        _digits,
        config_type=SIGNED,
        subject=_oci(_configs["c"], _digits, config_type=SIGNED, **_about_a).descriptor(),
    ),
    "about_index": _oci(_configs["d"], _digits, config_type=SIGNED, subject=_index_a.descriptor()),
    "cosign": _manifest(
        OCI_MANIFEST, config=_configs["c"].descriptor(OCI_CONFIG), layers=[_digits.descriptor(SIMPLE_SIGNING)]
    ),
    # What is none
    "absent_image": _absent_image,
    "without_config": _docker(_absent, _digits),
    "without_layer": _docker(_configs["a"], _absent),
    "no_json": Document(b"{", OCI_MANIFEST),
    "array": Document(b"[]", OCI_MANIFEST),
    "nothing": Document(b"", OCI_MANIFEST),
    "fieldless": Document(b"{}", OCI_MANIFEST),
    "typed_otherwise": Document(_docker_a.body, OCI_MANIFEST),
    "plain": Document(_oci_a.body, "text/plain"),
    "typeless": Document(_oci_a.body, ""),
    "old": Document(
        json.dumps({"schemaVersion": 1, "name": "app", "tag": "v1", "fsLayers": [], "history": []}).encode(),
        "application/vnd.docker.distribution.manifest.v1+json",
    ),
    "bad_digest": _manifest(
        OCI_MANIFEST,
        config={"mediaType": OCI_CONFIG, "size": 2, "digest": "sha256:abc"},
        layers=[_digits.descriptor(LAYER)],
    ),
    "huge": _oci(_configs["a"], _digits, annotations={"x": "y" * (4 << 20)}),
    # What Quay's API is sent
    "restoring_a": _restoring(_oci_a),
    "restoring_b": _restoring(_oci_b),
    "restoring_two": _restoring(_two),
    "restoring_docker_a": _restoring(_docker_a),
    "restoring_absent": _restoring(_absent_image),
}
NOWHERE: Final = "sha256:" + "0" * 64
