"""What clients rely on beside what the engine itself asks: headers, ranges, digests, layers that live elsewhere. OCI's
conformance suite (tests/real/test_real_conformance.py) says on which servers each of it holds."""

import hashlib
import json
from typing import Any

import pytest
from multidict import CIMultiDict

from holystone.embedded.quirks import DISTRIBUTION_2_8, DISTRIBUTION_3, DISTRIBUTION_3_1, OCI, ZOT, Quirks
from holystone.embedded.server import EmbeddedRegistry
from holystone.engine.model.manifests import DOCKER_MANIFEST, OCI_CONFIG, OCI_INDEX, OCI_MANIFEST
from tests.support.http import Client, Got, client

BODY = bytes(range(100))
ALL = [OCI, DISTRIBUTION_2_8, DISTRIBUTION_3, DISTRIBUTION_3_1, ZOT]


def sha512(body: bytes) -> str:
    return f"sha512:{hashlib.sha512(body).hexdigest()}"


async def upload(to: Client, body: bytes, digest: str, repository: str = "app") -> Got:
    begun = await to.send("POST", f"/v2/{repository}/blobs/uploads/")
    return await to.send("PUT", f"{begun.headers['Location']}&digest={digest}", body=body)


@pytest.mark.parametrize("quirks", [DISTRIBUTION_2_8, DISTRIBUTION_3_1])
async def test_every_line_of_accept_is_read(quirks: Quirks, push: Any) -> None:
    """As Go's clients send it, and skopeo."""
    async with EmbeddedRegistry(quirks=quirks) as registry, client(registry.url) as to:
        body = await push.image(to, "app", "a", oci=True)
        lines = CIMultiDict(
            [("Accept", DOCKER_MANIFEST), ("Accept", f"{OCI_INDEX}, {OCI_MANIFEST}"), ("Accept", "x/y")]
        )
        for reference in ("a", push.digest(body)):
            got = await to.send("GET", f"/v2/app/manifests/{reference}", headers=lines)
            assert (got.status, got.headers["Content-Type"], got.body) == (200, OCI_MANIFEST, body)


@pytest.mark.parametrize("quirks", ALL)
async def test_the_length_of_nothing_is_told(quirks: Quirks, push: Any) -> None:
    async with EmbeddedRegistry(quirks=quirks) as registry, client(registry.url) as to:
        assert (await push.blob(to, "app", b"")).status == 201
        for method in ("HEAD", "GET"):
            got = await to.send(method, f"/v2/app/blobs/{push.digest(b'')}")
            assert (got.status, got.headers.get("Content-Length"), got.body) == (200, "0", b"")


@pytest.mark.parametrize(
    "media_type",
    [
        "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
        "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
    ],
)
async def test_layers_that_live_elsewhere_need_not_be_here(media_type: str, push: Any) -> None:
    async with EmbeddedRegistry() as registry, client(registry.url) as to:
        config = push.config("a")
        await push.blob(to, "app", config)
        layer = {"mediaType": media_type, "digest": push.digest(BODY), "size": 100, "urls": ["https://example.com/l"]}
        body = push.manifest(config, OCI_MANIFEST, layers=[layer])
        assert (await push.put(to, "app", "a", body, OCI_MANIFEST)).status == 201
        assert (await to.send("GET", "/v2/app/manifests/a")).body == body
        usual = push.manifest(
            config, OCI_MANIFEST, layers=[{**layer, "mediaType": "application/vnd.oci.image.layer.v1.tar"}]
        )
        assert (await push.put(to, "app", "b", usual, OCI_MANIFEST)).code == "MANIFEST_BLOB_UNKNOWN"


@pytest.mark.parametrize("quirks", [DISTRIBUTION_2_8, DISTRIBUTION_3_1])
async def test_distribution_takes_no_layer_that_lives_elsewhere(quirks: Quirks, push: Any) -> None:
    """Unless it is configured to, and breaks on it (storage/ocimanifesthandler.go: an error that nobody translates)."""
    async with EmbeddedRegistry(quirks=quirks) as registry, client(registry.url) as to:
        config = push.config("a")
        await push.blob(to, "app", config)
        layer = {
            "mediaType": "application/vnd.oci.image.layer.nondistributable.v1.tar",
            "digest": push.digest(BODY),
            "size": 100,
            "urls": ["https://example.com/l"],
        }
        body = push.manifest(config, OCI_MANIFEST, layers=[layer])
        got = await push.put(to, "app", "a", body, OCI_MANIFEST)
        assert (got.status, got.code) == (500, "UNKNOWN")


@pytest.mark.parametrize("quirks", [OCI, DISTRIBUTION_3_1])
@pytest.mark.parametrize("digest", ["sha256:short", f"sha256:{'A' * 64}", "md5:d41d8cd98f00b204e9800998ecf8427e"])
async def test_a_digest_of_another_form_is_refused(quirks: Quirks, digest: str, push: Any) -> None:
    async with EmbeddedRegistry(quirks=quirks) as registry, client(registry.url) as to:
        body = await push.image(to, "app", "a")
        for got in (
            await push.put(to, "app", digest, body),
            await to.send("GET", f"/v2/app/manifests/{digest}"),
            await to.send("DELETE", f"/v2/app/manifests/{digest}"),
        ):
            assert (got.status, got.code) == (400, "DIGEST_INVALID")


async def test_2_8_keeps_what_was_pushed_by_a_digest_of_another_form(push: Any) -> None:
    """It takes it for a tag, which breaks its storage driver once the manifest is there."""
    async with EmbeddedRegistry(quirks=DISTRIBUTION_2_8) as registry, client(registry.url) as to:
        config = push.config("a")
        await push.blob(to, "app", config)
        body = push.manifest(config)
        got = await push.put(to, "app", "sha256:short", body)
        assert (got.status, got.code) == (500, "UNKNOWN")
        assert (await to.send("GET", f"/v2/app/manifests/{push.digest(body)}")).status == 200
        assert (await to.send("GET", "/v2/app/tags/list")).status == 404


@pytest.mark.parametrize("quirks", ALL)
@pytest.mark.parametrize(
    ("asked", "part"),
    [
        ("10-19", BODY[10:20]),
        ("10-", BODY[10:]),
        ("-10", BODY[-10:]),
        ("90-200", BODY[90:]),
        ("-200", BODY),
        ("0-0", BODY[:1]),
    ],
)
async def test_a_part_of_a_blob(quirks: Quirks, asked: str, part: bytes, push: Any) -> None:
    async with EmbeddedRegistry(quirks=quirks) as registry, client(registry.url) as to:
        await push.blob(to, "app", BODY)
        got = await to.send("GET", f"/v2/app/blobs/{push.digest(BODY)}", headers={"Range": f"bytes={asked}"})
        first = BODY.index(part)
        assert (got.status, got.body) == (206, part)
        assert got.headers["Content-Range"] == f"bytes {first}-{first + len(part) - 1}/100"
        assert got.headers["Docker-Content-Digest"] == push.digest(BODY)


@pytest.mark.parametrize("asked", ["50-10", "100-", "200-300", "x-y", "-", "-0"])
async def test_a_part_that_a_blob_does_not_have(asked: str, push: Any) -> None:
    async with EmbeddedRegistry() as registry, client(registry.url) as to:
        await push.blob(to, "app", BODY)
        got = await to.send("GET", f"/v2/app/blobs/{push.digest(BODY)}", headers={"Range": f"bytes={asked}"})
        assert got.status == 416


async def test_several_parts_and_other_units_are_the_whole(push: Any) -> None:
    async with EmbeddedRegistry() as registry, client(registry.url) as to:
        await push.blob(to, "app", BODY)
        for asked in ("bytes=0-1,5-6", "lines=0-1"):
            got = await to.send("GET", f"/v2/app/blobs/{push.digest(BODY)}", headers={"Range": asked})
            assert (got.status, got.body, got.headers["Accept-Ranges"]) == (200, BODY, "bytes")


@pytest.mark.parametrize("quirks", [OCI, ZOT])
async def test_blobs_of_sha512(quirks: Quirks, push: Any) -> None:
    async with EmbeddedRegistry(quirks=quirks) as registry, client(registry.url) as to:
        digest = sha512(BODY)
        got = await upload(to, BODY, digest)
        assert (got.status, got.headers["Docker-Content-Digest"]) == (201, digest)
        assert got.headers["Location"].endswith(f"/v2/app/blobs/{digest}")
        assert (await to.send("GET", f"/v2/app/blobs/{digest}")).body == BODY
        assert (await to.send("GET", f"/v2/app/blobs/{push.digest(BODY)}")).status == 404
        assert (await upload(to, b"another", digest)).code == "DIGEST_INVALID"
        got = await to.send("POST", f"/v2/other/blobs/uploads/?mount={digest}&from=app")
        assert (got.status, got.headers["Docker-Content-Digest"]) == (201, digest)
        assert (await to.send("DELETE", f"/v2/app/blobs/{digest}")).status == 202
        assert (await to.send("GET", f"/v2/app/blobs/{digest}")).status == 404
        assert (await to.send("GET", f"/v2/other/blobs/{digest}")).body == BODY


async def test_a_manifest_of_sha512_blobs(push: Any) -> None:
    async with EmbeddedRegistry() as registry, client(registry.url) as to:
        config = push.config("a")
        await upload(to, config, sha512(config))
        whole = json.loads(push.manifest(config, OCI_MANIFEST))
        whole["config"] = {"mediaType": OCI_CONFIG, "digest": sha512(config), "size": len(config)}
        body = json.dumps(whole).encode()
        assert (await push.put(to, "app", sha512(body), body, OCI_MANIFEST)).status == 201
        assert (await to.send("GET", f"/v2/app/manifests/{sha512(body)}")).body == body


@pytest.mark.parametrize("quirks", [DISTRIBUTION_2_8, DISTRIBUTION_3_1])
async def test_distribution_keeps_a_sha512_blob_as_sha256(quirks: Quirks, push: Any) -> None:
    """A link from the one digest to the other (storage/linkedblobstore.go); a mount links the one that
    it names to itself, where there is nothing."""
    async with EmbeddedRegistry(quirks=quirks) as registry, client(registry.url) as to:
        digest, kept = sha512(BODY), push.digest(BODY)
        got = await upload(to, BODY, digest)
        assert (got.status, got.headers["Docker-Content-Digest"]) == (201, kept)
        for name in (digest, kept):
            got = await to.send("GET", f"/v2/app/blobs/{name}")
            assert (got.body, got.headers["Docker-Content-Digest"]) == (BODY, kept)
        got = await to.send("POST", f"/v2/other/blobs/uploads/?mount={digest}&from=app")
        assert (got.status, got.headers["Docker-Content-Digest"]) == (201, digest)
        assert (await to.send("GET", f"/v2/other/blobs/{digest}")).status == 404
        assert (await to.send("GET", f"/v2/other/blobs/{kept}")).status == 404
        assert (await to.send("DELETE", f"/v2/app/blobs/{digest}")).status == 202
        assert (await to.send("GET", f"/v2/app/blobs/{digest}")).status == 404
        assert (await to.send("GET", f"/v2/app/blobs/{kept}")).body == BODY
        assert (await upload(to, b"another", digest)).code == "DIGEST_INVALID"


async def test_zot_finds_blobs_of_other_repositories(push: Any) -> None:
    """By HEAD, which makes them this one's, and by a mount that names no source, while the first one has it
    (pkg/storage/imagestore, CheckBlob)."""
    async with EmbeddedRegistry(quirks=ZOT) as registry, client(registry.url) as to:
        await push.blob(to, "app", BODY)
        digest = push.digest(BODY)
        assert (await to.send("GET", f"/v2/other/blobs/{digest}")).status == 404
        assert (await to.send("HEAD", f"/v2/other/blobs/{digest}")).status == 200
        assert (await to.send("GET", f"/v2/other/blobs/{digest}")).body == BODY
        assert (await to.send("POST", f"/v2/third/blobs/uploads/?mount={digest}")).status == 201
        assert (await to.send("DELETE", f"/v2/other/blobs/{digest}")).status == 202
        assert (await to.send("HEAD", f"/v2/other/blobs/{digest}")).status == 200
        assert (await to.send("DELETE", f"/v2/app/blobs/{digest}")).status == 202
        assert (await to.send("HEAD", f"/v2/app/blobs/{digest}")).status == 404
        assert (await to.send("GET", f"/v2/third/blobs/{digest}")).body == BODY
        assert (await to.send("DELETE", f"/v2/third/blobs/{digest}")).status == 202
        assert (await to.send("POST", f"/v2/third/blobs/uploads/?mount={digest}")).status == 202
