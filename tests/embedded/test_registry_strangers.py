"""The embedded registry on a port that every user of the machine can reach, and requests that no client makes."""

import hashlib
from typing import Any, Final

import anyio
import pytest

from holystone.embedded.access import Basic, TokenService, User
from holystone.embedded.quirks import DISTRIBUTION_2_8, OCI, Quirks
from holystone.embedded.server import EmbeddedRegistry
from holystone.engine.model.manifests import DOCKER_MANIFEST, OCI_MANIFEST
from tests.support.http import client

AUTH: Final = Basic({"a": User("all")})
EMPTY: Final = f"sha256:{hashlib.sha256(b'{}').hexdigest()}"
QUIRKS: Final = pytest.mark.parametrize("quirks", [OCI, DISTRIBUTION_2_8], ids=["oci", "2.8"])
HUGE: Final = "9" * 5000


async def answer(registry: EmbeddedRegistry, head: bytes, body: bytes) -> bytes:
    """The first line of it. `head` and `body` are what goes over the wire, whatever they say."""
    async with await anyio.connect_tcp("127.0.0.1", registry.port) as stream:
        await stream.send(head + b"\r\nHost: x\r\n\r\n" + body)
        with anyio.fail_after(5):
            return (await stream.receive()).partition(b"\r\n")[0]


@pytest.mark.parametrize(
    "request_line",
    ["PUT /v2/app/manifests/x", "PATCH /v2/app/blobs/uploads/x", "POST /v2/app/blobs/uploads/", "GET /v2/"],
)
async def test_who_has_no_login_is_told_so_before_the_body(request_line: str) -> None:
    for auth in (AUTH, TokenService({"a": User("all")})):
        async with EmbeddedRegistry(auth=auth) as registry:
            head = f"{request_line} HTTP/1.1\r\nContent-Length: {64 << 20}".encode()
            assert b" 401 " in await answer(registry, head, b"")


@pytest.mark.parametrize("path", ["/token", "/elsewhere"])
async def test_no_stranger_has_megabytes_to_say(path: str) -> None:
    async with EmbeddedRegistry(auth=AUTH) as registry:
        head = f"POST {path} HTTP/1.1\r\nContent-Length: {64 << 20}".encode()
        assert b" 404 " in await answer(registry, head, b"x" * (128 << 10))


async def test_a_registry_that_records_nothing_remembers_nobody() -> None:
    async with EmbeddedRegistry(auth=AUTH, records=False) as registry, client(registry.url) as to:
        for _ in range(3):
            assert (await to.send("GET", "/v2/")).status == 401
        assert registry.requests == []


@QUIRKS
@pytest.mark.parametrize("path", ["/v2/_catalog", "/v2/app/tags/list"])
async def test_a_number_beyond_all_numbers(quirks: Quirks, path: str, push: Any) -> None:
    async with EmbeddedRegistry(quirks=quirks) as registry, client(registry.url) as to:
        await push.image(to, "app", "a")
        status = 200 if quirks is DISTRIBUTION_2_8 else 400
        assert (await to.send("GET", f"{path}?n={HUGE}")).status == status


@pytest.mark.parametrize("part", [f"{HUGE}-", f"-{HUGE}", f"0-{HUGE}", "\u0663-"], ids=["from", "last", "to", "odd"])
async def test_a_part_that_no_blob_can_have(part: str, push: Any) -> None:
    async with EmbeddedRegistry() as registry, client(registry.url) as to:
        await push.blob(to, "app", b"{}")
        assert (await to.send("GET", f"/v2/app/blobs/{EMPTY}", headers={"Range": f"bytes={part}"})).status == 416


@QUIRKS
@pytest.mark.parametrize(
    ("media_type", "body"),
    [
        (OCI_MANIFEST.encode(), b'{"schemaVersion":2,"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}"),
        (OCI_MANIFEST.encode(), b'{"schemaVersion":2,"artifactType":"\xff"}'),
        (OCI_MANIFEST.encode(), b'{"schemaVersion":2,"config":{"digest":"x","size":%s}}' % HUGE.encode()),
        (b"\xff", b"{}"),
    ],
    ids=["deep", "no UTF-8", "huge size", "type without UTF-8"],
)
async def test_what_is_no_manifest(quirks: Quirks, media_type: bytes, body: bytes) -> None:
    async with EmbeddedRegistry(quirks=quirks) as registry:
        head = b"PUT /v2/app/manifests/x HTTP/1.1\r\nContent-Length: %d\r\nContent-Type: %s" % (len(body), media_type)
        assert b" 400 " in await answer(registry, head, body)


@QUIRKS
async def test_a_repository_with_too_long_a_name(quirks: Quirks, push: Any) -> None:
    async with EmbeddedRegistry(quirks=quirks) as registry, client(registry.url) as to:
        name = "a" * 256
        got = await push.put(to, name, "x", b"{}")
        assert (got.status, got.code) == (400, "NAME_INVALID")
        assert (await to.send("POST", f"/v2/{name}/blobs/uploads/?digest={EMPTY}", body=b"{}")).code == "NAME_INVALID"


async def test_a_tag_beside_a_digest_that_is_none(push: Any) -> None:
    async with EmbeddedRegistry() as registry, client(registry.url) as to:
        config = push.config()
        await push.blob(to, "app", config)
        body = push.manifest(config)
        got = await push.put(to, "app", f"{push.digest(body)}?tag=%2e%2e", body)
        assert (got.status, got.code) == (400, "TAG_INVALID")


async def test_a_form_and_a_body_that_cannot_be_read() -> None:
    async with EmbeddedRegistry(auth=TokenService({})) as registry, client(registry.url) as to:
        assert (await to.send("POST", "/token", body=b"username=\xff")).status == 401
    async with EmbeddedRegistry() as registry, await anyio.connect_tcp("127.0.0.1", registry.port) as stream:
        head = "PUT /v2/app/manifests/x HTTP/1.1\r\nHost: x\r\nContent-Encoding: gzip\r\nContent-Length: 5"
        await stream.send(f"{head}\r\n\r\nno-gz".encode())
        with anyio.fail_after(5):
            assert b" 400 " in await stream.receive()


@pytest.mark.parametrize("config", ["[]", '{"history":[1]}', '{"history":5}'])
async def test_a_configuration_that_2_8_cannot_rewrite(config: str, push: Any) -> None:
    async with EmbeddedRegistry(quirks=DISTRIBUTION_2_8) as registry, client(registry.url) as to:
        await push.blob(to, "app", config.encode())
        assert (await push.put(to, "app", "a", push.manifest(config.encode()), DOCKER_MANIFEST)).status == 201
        got = await to.send("GET", "/v2/app/manifests/a")
        assert (got.status, got.code) == (400, "MANIFEST_INVALID")
