"""What is remembered of manifests and configurations: what somebody asked for, and nothing else."""

import json
from collections.abc import Mapping

import pytest

from holystone.adapters.state.sqlite.digest_cache import SqliteDigestCache
from holystone.engine.inventory.contents import Contents
from holystone.engine.inventory.snapshot import read_repository
from holystone.engine.model.descriptors import IN_TOTO
from holystone.engine.model.inventory import RepositorySnapshot
from holystone.engine.model.manifests import (
    OCI_CONFIG,
    OCI_INDEX,
    OCI_MANIFEST,
    Malformed,
    RawManifest,
    every_label,
    parse_manifest,
)
from holystone.engine.model.references import Digest, Tag
from tests.support.memory_registry import MemoryRegistry, digest_of, repository

APP = repository()


def manifest(config: bytes, annotations: object = None, *, layer: str = "", name: str = "annotations") -> RawManifest:
    document = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": {"mediaType": OCI_CONFIG, "digest": digest_of(config), "size": len(config)},
        "layers": [{"mediaType": layer, "digest": digest_of(b"layer"), "size": 5}] if layer else [],
        name: annotations,
    }
    body = json.dumps(document).encode()
    return RawManifest(digest_of(body), OCI_MANIFEST, body)


def only(name: str) -> Contents:
    def asked(labels: Mapping[str, str]) -> Mapping[str, str]:
        return {key: value for key, value in labels.items() if key == name}

    return Contents(labels=asked, annotations=asked)


def config(**labels: str) -> bytes:
    return json.dumps({"created": "2026-01-02T03:04:05Z", "config": {"Labels": labels}}).encode()


async def read(registry: MemoryRegistry, contents: Contents, *looked_at: str) -> RepositorySnapshot:
    return await read_repository(
        registry.open(APP),
        SqliteDigestCache(None),
        needs_config=lambda tag: tag in looked_at,
        contents=contents,
    )


def store(registry: MemoryRegistry, raw: RawManifest, body: bytes, *tags: str) -> Digest:
    registry.contents[APP].blobs[digest_of(body)] = body
    return registry.put(APP, raw, *tags)


async def test_of_annotations_and_labels_only_what_was_asked_for_is_remembered() -> None:
    registry = MemoryRegistry()
    body = config(wanted="label", other="x" * 1000)
    digest = store(registry, manifest(body, {"wanted": "annotation", "other": "y" * 1000}), body, "v1")
    snapshot = await read(registry, only("wanted"), "v1")
    assert snapshot.manifests[digest].annotations == {"wanted": "annotation"}
    image = snapshot.image(Tag("v1"))
    assert image
    assert image.labels == {"wanted": "label"}
    assert (await read(registry, Contents(), "v1")).manifests[digest].annotations == {}


@pytest.mark.parametrize("said", [None, [], "x", {"a": 1, "b": None, "c": "text"}])
def test_annotations_that_are_no_texts_spoil_nothing_else(said: object) -> None:
    found = parse_manifest(manifest(config(), said), every_label)
    assert found.annotations == ({"c": "text"} if isinstance(said, dict) else {})
    assert found.config == digest_of(config())


def test_what_others_read_as_annotations_is_refused_where_annotations_count() -> None:
    raw = manifest(config(), {"keep": "true"}, name="Annotations")
    assert parse_manifest(raw).annotations == {}
    with pytest.raises(Malformed, match="annotations"):
        parse_manifest(raw, every_label)


async def test_the_configurations_of_the_images_of_an_index_are_read_where_they_are_asked_for() -> None:
    registry = MemoryRegistry()
    bodies = [config(platform=each) for each in ("amd64", "arm64", "attested")]
    raws = [manifest(body, layer=IN_TOTO if body is bodies[2] else "") for body in bodies]
    for raw, body in zip(raws, bodies, strict=True):
        store(registry, raw, body)
    nested = registry.index(APP, [raws[1].digest])
    registry.index(APP, [raws[0].digest, nested, raws[2].digest], "multi", "same")
    images = {digest_of(body) for body in bodies[:2]}
    assert (await read(registry, Contents(parts=True), "multi")).configs.keys() == images
    assert (await read(registry, Contents(), "multi")).configs == {}
    assert (await read(registry, Contents(parts=True), "none")).configs == {}


def test_an_attestation_is_no_image() -> None:
    assert parse_manifest(manifest(config(), layer=IN_TOTO)).config is None
    assert parse_manifest(manifest(config())).config == digest_of(config())


def test_an_index_has_annotations_too() -> None:
    index = RawManifest(digest_of(b"{}"), OCI_INDEX, b'{"schemaVersion":2,"manifests":[],"annotations":{"a":"b"}}')
    assert parse_manifest(index, every_label).annotations == {"a": "b"}
