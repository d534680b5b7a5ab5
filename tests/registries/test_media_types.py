"""What a manifest is called: by its own word, else by its shape; the server's Content-Type, which a proxy may have
written, only where neither says it. So it is read, kept and pushed as what it is."""

import json
from pathlib import Path

import pytest

from holystone.adapters.state.sqlite.digest_cache import SqliteDigestCache
from holystone.embedded.exchange import Incoming, Reply
from holystone.embedded.quirks import DISTRIBUTION_2_8, DISTRIBUTION_3_1
from holystone.embedded.server import EmbeddedRegistry
from holystone.engine.model.manifests import (
    DOCKER_LIST,
    DOCKER_MANIFEST,
    DOCKER_SCHEMA1,
    OCI_INDEX,
    OCI_MANIFEST,
    RawManifest,
    parse_manifest,
)
from holystone.engine.model.references import Digest, Tag
from tests.registries.default.connected import connected
from tests.support import images

ARTIFACT = "application/vnd.oci.artifact.manifest.v1+json"
CARELESS = ["", "text/plain", "text/plain; charset=utf-8", "application/octet-stream", "application/json", DOCKER_LIST]
CONFIG = {"digest": Digest.of(b"config"), "mediaType": "application/vnd.oci.image.config.v1+json", "size": 1}
IMAGE, INDEX = {"schemaVersion": 2, "config": CONFIG, "layers": []}, {"schemaVersion": 2, "manifests": []}
SCHEMA1 = {"schemaVersion": 1, "fsLayers": [], "signatures": []}


def called(document: object, said: str) -> str:
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return RawManifest(Digest.of(body), said, body).media_type


@pytest.mark.parametrize("said", [*CARELESS, OCI_MANIFEST, f"{OCI_MANIFEST}; charset=utf-8", "text/html, \x00"])
@pytest.mark.parametrize("own", [OCI_MANIFEST, DOCKER_MANIFEST, ARTIFACT, "application/vnd.example.thing+json"])
def test_its_own_word_wins(own: str, said: str) -> None:
    assert called({**IMAGE, "mediaType": own}, said) == own
    assert called({**INDEX, "mediaType": own}, said) == own


@pytest.mark.parametrize("said", CARELESS)
def test_without_a_word_of_its_own_its_shape_tells(said: str) -> None:
    assert called(IMAGE, said) == OCI_MANIFEST
    assert called(INDEX, said) == (DOCKER_LIST if said == DOCKER_LIST else OCI_INDEX)
    assert called(SCHEMA1, said) == DOCKER_SCHEMA1


@pytest.mark.parametrize("parameters", ["", "; charset=utf-8", " ;q=1"])
def test_a_server_that_knows_which_of_two_it_is_is_believed(parameters: str) -> None:
    assert called(IMAGE, DOCKER_MANIFEST + parameters) == DOCKER_MANIFEST
    assert called(IMAGE, DOCKER_MANIFEST.upper() + parameters) == DOCKER_MANIFEST
    assert called(INDEX, DOCKER_LIST + parameters) == DOCKER_LIST
    assert called(SCHEMA1, "application/vnd.docker.distribution.manifest.v1+json" + parameters).endswith("v1+json")


@pytest.mark.parametrize("own", ["", None, 7, [], "no type", "a/b\r\nHost: elsewhere", "a/" + "b" * 300])
def test_a_word_that_is_no_type_is_none(own: object) -> None:
    assert called({**IMAGE, "mediaType": own}, "text/plain") == OCI_MANIFEST


@pytest.mark.parametrize("body", [b"", b"no JSON", b"[]", b"{}", b'"x"', b"[" * 100_000, b'{"mediaType": "\xff"}'])
def test_of_bytes_that_say_nothing_the_servers_word_is_kept(body: bytes) -> None:
    assert called(body, f"{OCI_MANIFEST}; charset=utf-8") == OCI_MANIFEST
    assert called(body, "") == ""


@pytest.mark.parametrize("said", ["application/x\udcff", "no type", "a/b\r\nHost: elsewhere", "a/" + "b" * 300, "/"])
async def test_a_servers_word_that_is_no_type_is_none(said: str) -> None:
    """A byte that is not UTF-8 is a surrogate in a header, which no database takes: a traceback, night after night."""
    assert called(b"no JSON", said) == ""
    with SqliteDigestCache(None) as cache:
        await cache.learn_manifests([RawManifest(Digest.of(b"no JSON"), said, b"no JSON")])


class CarelessProxy(EmbeddedRegistry):
    said = ""

    def answer(self, request: Incoming) -> Reply:
        reply = super().answer(request)
        if request.method in ("GET", "HEAD") and "/manifests/" in request.path:
            return Reply(reply.status, reply.body, {**reply.headers, "Content-Type": self.said or "application/x"})
        return reply


@pytest.mark.parametrize("said", CARELESS)
@pytest.mark.parametrize("quirks", [DISTRIBUTION_2_8, DISTRIBUTION_3_1], ids=["2.8", "3.1"])
async def test_behind_a_careless_proxy_all_that_was_read_can_be_pushed_again(
    said: str, quirks: object, tmp_path: Path
) -> None:
    docker, oci = images.image(images.config("a")), images.image(images.config("a"), oci=True)
    index = images.index(docker, oci)
    async with CarelessProxy(quirks=quirks) as proxy, connected(proxy.host) as session:  # type: ignore[arg-type]
        proxy.said = said
        proxy.storage.put_blob(session.repository.path, images.config("a"))
        for raw in (docker, oci, index):
            proxy.storage.put_manifest(session.repository.path, raw.body, raw.media_type)
            read = (await session.read_manifests([raw.digest]))[raw.digest]
            with SqliteDigestCache(tmp_path / "cache") as cache:
                await cache.learn_manifests([read])
            with SqliteDigestCache(tmp_path / "cache") as cache:
                assert await cache.manifest(raw.digest) == raw
            assert parse_manifest(read).media_type == raw.media_type
            await session.push_manifest(Tag("back"), read)
