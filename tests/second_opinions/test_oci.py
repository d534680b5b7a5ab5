"""Manifests, indexes and configurations with OCI's JSON Schemas (published/README.md): what the demo and the tests put
into registries, what the embedded one makes itself, and what the engine pushes. Docker's are of the same shape.

The schemas leave room for more fields; here each one has to be known.
"""

import json
from pathlib import Path
from typing import Any, Final, Literal

import aiohttp
import pytest
from jsonschema import Draft4Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT4

from holystone.demo.composer import Composer
from holystone.demo.stages import Content
from holystone.embedded.server import EmbeddedRegistry
from holystone.embedded.storage import Storage
from holystone.engine.executor.tombstones import make_tombstone
from holystone.engine.model.layerless import layerless_image
from holystone.engine.model.manifests import DOCKER_CONFIG, INDEX_TYPES, OCI_CONFIG
from holystone.engine.model.references import Commit, ImageName, RegistryHost, Repository, RepositoryPath
from holystone.workflows.managed_images import record_image
from tests.second_opinions.strictness import without
from tests.support import images

PUBLISHED: Final = Path(__file__).parent / "published/oci"
LAYERLESS: Final = r"manifest layers: \[\] should be non-empty"
OLDER: Final = "of OCI 1.1, and these schemas are older"
KNOWN: Final = {
    r"manifest : .*\((?:'artifactType'|'artifactType', 'subject'|'subject') (?:was|were) unexpected\)": OLDER,
    r"index manifests/\d+: .*\('artifactType' was unexpected\)": OLDER,
    r"config config: .*\('Image' was unexpected\)": "Docker's: the id of the parent, which werf's stages have",
    LAYERLESS: "records and marks have no layers; who holds pushes against these schemas lets that pass (zot does)",
}
PATH: Final = RepositoryPath("shop/app")
Kind = Literal["manifest", "index", "config"]


def _closed(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {name: _closed(each) for name, each in schema.items()}
    return {**closed, "additionalProperties": False} if isinstance(closed.get("properties"), dict) else closed


def _published(uri: str) -> Resource[Any]:
    """By its file's name, whatever a schema's own `id` makes of the folder."""
    text = (PUBLISHED / uri.rpartition("/")[2]).read_text("utf-8")
    return DRAFT4.create_resource(_closed(json.loads(text)))


FILES: Final = {
    "manifest": "image-manifest-schema.json",
    "index": "image-index-schema.json",
    "config": "config-schema.json",
}
VALIDATORS: Final = {
    kind: Draft4Validator(_published(name).contents, registry=Registry(retrieve=_published))  # type: ignore[call-arg]
    for kind, name in FILES.items()
}


def misfits(kind: Kind, body: bytes) -> set[str]:
    errors = VALIDATORS[kind].iter_errors(json.loads(body))
    return {f"{kind} {'/'.join(map(str, error.absolute_path))}: {error.message}" for error in errors}


def kind_of(media_type: str) -> Kind:
    return "index" if media_type in INDEX_TYPES else "manifest"


def misfits_in(storage: Storage) -> set[str]:
    """Of everything that is there."""
    found: set[str] = set()
    for path, state in storage.repositories.items():
        for stored in state.manifests.values():
            found |= misfits(kind_of(stored.media_type), stored.body)
            config = json.loads(stored.body).get("config", {})
            if config.get("mediaType") in (OCI_CONFIG, DOCKER_CONFIG):
                blob = storage.find_blob(path, config["digest"])
                assert blob is not None
                found |= misfits("config", blob)
    return found


def test_what_the_demo_publishes(tmp_path: Path) -> None:
    composer = Composer("shop", tmp_path, host="localhost:5000", now=1_700_000_000)
    tag = composer.publish("front", Commit("0" * 40), Content(), at=1_690_000_000)
    composer.manage("front", "back")
    composer.reject(tag.stages[0])
    composer.multi_platform("demo/app", "all", at=1_690_000_000, nested=True)
    composer.sign(tag)
    found: set[str] = set()
    for built in (push.built for push in composer.pushes):
        found |= misfits(kind_of(built.media_type), built.manifest)
        found |= misfits("config", built.blobs[0]) if built.config else set()
    left, used = without(found, KNOWN)
    assert left == set()
    assert LAYERLESS in used
    assert {kind_of(push.built.media_type) for push in composer.pushes} == {"manifest", "index"}


async def test_what_the_embedded_registry_says_of_referrers() -> None:
    async with EmbeddedRegistry() as registry:
        config = images.config("app")
        registry.storage.put_blob(PATH, config)
        signed = images.image(config)
        signature = images.image(config, subject=signed)
        for raw in (signed, signature, images.index(signed)):
            registry.storage.put_manifest(PATH, raw.body, raw.media_type)
        url = f"{registry.url}/v2/{PATH}/referrers/{signed.digest}"
        async with aiohttp.ClientSession() as session, session.get(url) as reply:
            referrers = await reply.read()
        assert len(json.loads(referrers)["manifests"]) == 1
        left, used = without(misfits("index", referrers) | misfits_in(registry.storage), KNOWN)
        assert left == set()
        assert len(used) == 3


def test_what_the_engine_pushes() -> None:
    repository = Repository(RegistryHost("registry.example.com"), PATH)
    tombstone = make_tombstone("20240501-100000-abc", repository)
    made = [
        (tombstone.manifest, tombstone.config),
        layerless_image({"holystone.lock": "holystone-lock-1-abc"}, oci=True),
        *(record_image(ImageName("app"), "shop", oci=oci) for oci in (False, True)),
    ]
    for manifest, config in made:
        left, used = without(misfits("manifest", manifest.body) | misfits("config", config), KNOWN)
        assert left == set()
        assert used == {LAYERLESS}


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("manifest", {"layers": None}),
        ("manifest", {"layer": []}),
        ("manifest", {"schemaVersion": "2"}),
        ("manifest", {"config": {"mediaType": "text/plain", "digest": "sha256:aa", "size": "1"}}),
        ("manifest", {"config": {"mediaType": "text/plain", "digest": "sha256:aa"}}),
        ("manifest", {"annotations": {"one": 1}}),
        ("index", {"manifests": [{"mediaType": "text/plain", "digest": "sha256", "size": 1}]}),
        ("index", {"manifests": [{"mediaType": "text/plain", "digest": "sha256:aa", "size": 1, "plattform": {}}]}),
        ("config", {"rootfs": {"type": "layers"}}),
        ("config", {"os": None}),
        ("config", {"config": {"Labels": {"one": 1}}}),
        ("config", {"config": {"labels": {}}}),
    ],
)
def test_what_the_schemas_do_not_have_is_a_misfit(kind: Kind, change: dict[str, Any]) -> None:
    config = images.config("app")
    child = images.image(config)
    good = {"manifest": child.body, "index": images.index(child).body, "config": config}[kind]
    left, _ = without(misfits(kind, good), KNOWN)
    assert left == set()
    left, _ = without(misfits(kind, json.dumps({**json.loads(good), **change}).encode()), KNOWN)
    assert left
