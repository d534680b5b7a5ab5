"""Documents from the wire that are no documents: named as malformed, whatever the decoder raises."""

import msgspec
import pytest

from holystone.adapters.state.sqlite.digest_cache import SqliteDigestCache
from holystone.engine.inventory.contents import Contents
from holystone.engine.inventory.snapshot import read_repository
from holystone.engine.model.image_config import parse_config
from holystone.engine.model.manifests import OCI_CONFIG, OCI_MANIFEST, Malformed, RawManifest, parse_manifest
from holystone.engine.model.references import Digest, Tag
from holystone.policies.werf.v1.labels import looked_at
from tests.support.memory_registry import MemoryRegistry, digest_of, repository

ANY = Digest("sha256:" + "0" * 64)
HOSTILE = {
    "no text": b'{"mediaType":"\xff\xfe"}',
    "nested without end": b'{"config":' + b'{"config":' * 100_000,
    "cut short": b'{"config":{"dig',
    "another shape": b'[{"config":1}]',
}


@pytest.mark.parametrize("kind", sorted(HOSTILE))
def test_a_hostile_manifest_is_malformed(kind: str) -> None:
    with pytest.raises(Malformed, match="cannot be understood"):
        parse_manifest(RawManifest(ANY, OCI_MANIFEST, HOSTILE[kind]))


@pytest.mark.parametrize("kind", sorted(HOSTILE))
def test_a_hostile_configuration_is_malformed(kind: str) -> None:
    body = HOSTILE[kind].replace(b"mediaType", b"created")
    with pytest.raises(Malformed, match="cannot be understood"):
        parse_config(ANY, body)


async def test_labels_that_nobody_asks_for_are_not_kept_and_too_many_that_somebody_does_are_a_fact() -> None:
    registry, at = MemoryRegistry(), repository()
    labels = {
        "many": {"werf": "shop", "werf-image": "true", "comment": "x" * 1_000_000},
        "much": {"werf": "shop", "werf-import-a": "x" * 70_000},
    }
    for tag, said in labels.items():
        body = msgspec.json.encode({"config": {"Labels": said}})
        registry.contents[at].blobs[digest_of(body)] = body
        config = {"mediaType": OCI_CONFIG, "digest": str(digest_of(body)), "size": len(body)}
        manifest = msgspec.json.encode({"schemaVersion": 2, "config": config, "layers": []})
        registry.put(at, RawManifest(digest_of(manifest), OCI_MANIFEST, manifest), tag)
    snapshot = await read_repository(
        registry.open(at), SqliteDigestCache(None), needs_config=lambda _: True, contents=Contents(looked_at)
    )
    (config_of_many,) = snapshot.configs.values()
    assert config_of_many.labels == {"werf": "shop", "werf-image": "true"}
    assert snapshot.broken.keys() == {"much"}
    assert "65,536" in snapshot.broken[Tag("much")]
