"""Images with attestations, in the bytes that BuildKit writes.

moby/buildkit at 73ed6825c: docs/attestations/attestation-storage.md and slsa-definitions.md,
exporter/containerimage/writer.go.
"""

import json
from collections.abc import Iterable
from typing import Any, Final, Literal

from holystone.embedded.storage import Storage
from holystone.engine.model.descriptors import IN_TOTO
from holystone.engine.model.manifests import OCI_CONFIG, OCI_INDEX, OCI_MANIFEST, RawManifest
from holystone.engine.model.references import Digest, RepositoryPath
from tests.support import images

Version = Literal["v0.2", "v1"]
SOURCE: Final = "https://git.example.com/shop.git"
EMPTY: Final = b"{}"


def statement(predicate: Any, predicate_type: str) -> bytes:
    """As encoding/json writes it: without blanks."""
    whole = {
        "_type": "https://in-toto.io/Statement/v0.1",
        "predicateType": predicate_type,
        "subject": [{"name": "pkg:docker/shop/app@1?platform=linux%2Famd64", "digest": {"sha256": "0" * 64}}],
        "predicate": predicate,
    }
    return json.dumps(whole, separators=(",", ":")).encode()


def provenance(
    version: Version = "v1",
    *,
    revision: str = "",
    context: dict[str, str] | None = None,
    fetched: Iterable[str] = (),
    source: str = SOURCE,
) -> bytes:
    """`revision`: of a local context, as buildx says it; `context`: the digest of one that BuildKit fetched; `fetched`:
    commits that a Dockerfile adds from git."""
    config: dict[str, Any] = {"uri": f"{source}#refs/heads/main", "digest": context} if context else {}
    materials = [
        {"uri": "pkg:docker/alpine@3.23?platform=linux%2Famd64", "digest": {"sha256": "1" * 64}},
        *({"uri": "https://git.example.com/tools.git", "digest": {"sha1": each}} for each in fetched),
        *([{"uri": config["uri"], "digest": context}] if context else []),
    ]
    vcs = {"vcs": {"localdir:context": ".", "revision": revision, "source": source}} if revision else {}
    parameters = {"frontend": "dockerfile.v0", "locals": [{"name": "context"}, {"name": "dockerfile"}]}
    if version == "v0.2":
        return statement(
            {
                "builder": {"id": ""},
                "buildType": "https://mobyproject.org/buildkit@v1",
                "materials": materials,
                "invocation": {
                    "configSource": {**config, "entryPoint": "Dockerfile"},
                    "parameters": parameters,
                    "environment": {"platform": "linux/amd64"},
                },
                "metadata": {
                    "buildInvocationID": "q0cn0ihwzvxmvxhr5ujthpqgh",
                    "buildStartedOn": "2026-11-29T05:06:41.123456789Z",
                    "completeness": {"parameters": True, "environment": True, "materials": False},
                    "reproducible": False,
                    "https://mobyproject.org/buildkit@v1#metadata": vcs,
                },
            },
            "https://slsa.dev/provenance/v0.2",
        )
    return statement(
        {
            "buildDefinition": {
                "buildType": "https://github.com/moby/buildkit/blob/master/docs/attestations/slsa-definitions.md",
                "externalParameters": {"configSource": {**config, "path": "Dockerfile"}, "request": parameters},
                "internalParameters": {"builderPlatform": "linux/amd64"},
                "resolvedDependencies": materials,
            },
            "runDetails": {
                "builder": {"id": ""},
                "metadata": {
                    "invocationId": "q0cn0ihwzvxmvxhr5ujthpqgh",
                    "startedOn": "2026-11-29T05:06:41.123456789Z",
                    "buildkit_metadata": vcs,
                    "buildkit_completeness": {"request": True, "resolvedDependencies": False},
                },
            },
        },
        "https://slsa.dev/provenance/v1",
    )


def attestation(image: RawManifest, *bodies: bytes, size: int | None = None) -> RawManifest:
    """The manifest of these statements about an image. `size`: said of each in place of its own."""
    body = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "artifactType": "application/vnd.docker.attestation.manifest.v1+json",
        "config": {
            "mediaType": "application/vnd.oci.empty.v1+json",
            "digest": Digest.of(EMPTY),
            "size": len(EMPTY),
            "data": "e30=",
        },
        "layers": [_layer(each, len(each) if size is None else size) for each in bodies],
        "subject": _descriptor(image),
    }
    return _raw(body, OCI_MANIFEST)


def legacy_attestation(image: RawManifest, config: bytes, *bodies: bytes) -> RawManifest:
    """The same with `oci-artifact=false`, as it was written until BuildKit 0.27: with a configuration of an image."""
    body = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": {"mediaType": OCI_CONFIG, "digest": Digest.of(config), "size": len(config)},
        "layers": [_layer(each, len(each)) for each in bodies],
    }
    return _raw(body, OCI_MANIFEST)


def index(*parts: tuple[RawManifest, RawManifest]) -> RawManifest:
    """Images, then what is attested of each."""
    listed: list[dict[str, Any]] = [
        {**_descriptor(image), "platform": {"architecture": "amd64", "os": "linux"}} for image, _ in parts
    ]
    for image, attested in parts:
        annotations = {
            "vnd.docker.reference.digest": image.digest,
            "vnd.docker.reference.type": "attestation-manifest",
        }
        platform = {"architecture": "unknown", "os": "unknown"}
        listed.append({**_descriptor(attested), "annotations": annotations, "platform": platform})
    return _raw({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": listed}, OCI_INDEX)


def push(
    storage: Storage, at: RepositoryPath, tag: str, *bodies: bytes, built: str = "", size: int | None = None
) -> None:
    """An image with these attestations under a tag."""
    config = images.config(f"{at}:{tag}", created=built)
    image = images.image(config, oci=True)
    attested = attestation(image, *bodies, size=size)
    for blob in (config, EMPTY, *bodies):
        storage.put_blob(at, blob)
    for raw in (image, attested):
        storage.put_manifest(at, raw.body, raw.media_type)
    whole = index((image, attested))
    storage.put_manifest(at, whole.body, whole.media_type, tag)


def _layer(body: bytes, size: int) -> dict[str, Any]:
    predicate_type = (
        json.loads(body)["predicateType"] if body.startswith(b'{"_type"') else "https://slsa.dev/provenance/v1"
    )
    return {
        "mediaType": IN_TOTO,
        "digest": Digest.of(body),
        "size": size,
        "annotations": {"in-toto.io/predicate-type": predicate_type},
    }


def _descriptor(manifest: RawManifest) -> dict[str, Any]:
    return {"mediaType": manifest.media_type, "digest": manifest.digest, "size": len(manifest.body)}


def _raw(body: dict[str, Any], media_type: str) -> RawManifest:
    """As json.MarshalIndent writes it."""
    encoded = json.dumps(body, indent=2).encode()
    return RawManifest(Digest.of(encoded), media_type, encoded)
