"""The digest of a signed manifest of Docker's schema 1 is that of what was signed."""

import base64
import hashlib
import json
import tracemalloc

import pytest
from aiohttp import web

from holystone.adapters.registries.schema1 import signed_payload
from holystone.engine.errors import IncompleteSource
from holystone.engine.model.manifests import DOCKER_SCHEMA1, DOCKER_SCHEMA1_UNSIGNED, parse_manifest
from holystone.engine.model.references import Digest, Tag
from tests.registries.test_named_replies import registry

PAYLOAD = (
    b'{\n   "schemaVersion": 1,\n   "name": "old",\n   "tag": "1",\n   "fsLayers": [\n      {}\n   ],\n'
    b'   "history": []\n}'
)
DIGEST = Digest(f"sha256:{hashlib.sha256(PAYLOAD).hexdigest()}")


def encoded(text: bytes) -> str:
    return base64.urlsafe_b64encode(text).decode().rstrip("=")


def signed(*, length: int = len(PAYLOAD) - 2, tail: bytes = PAYLOAD[-2:], signatures: int = 1) -> bytes:
    """As libtrust writes it (jsonsign.go, `PrettySignature`)."""
    protected = json.dumps({"formatLength": length, "formatTail": encoded(tail), "time": "2015-01-01T00:00:00Z"})
    one = json.dumps({"header": {"alg": "ES256"}, "signature": "x", "protected": encoded(protected.encode())})
    return PAYLOAD[:-2] + f',\n   "signatures": [{", ".join([one] * signatures)}]\n}}'.encode()


def serving(body: bytes, said: Digest | None = DIGEST) -> object:
    def say(_: int, request: web.Request) -> web.Response:
        headers = {"Content-Type": DOCKER_SCHEMA1, **({"Docker-Content-Digest": said} if said else {})}
        return web.Response(body=body, headers=headers)

    return say


@pytest.mark.parametrize("signatures", [1, 2])
async def test_it_is_read_as_what_was_signed(signatures: int) -> None:
    async with registry(serving(signed(signatures=signatures))) as (asked, _):  # type: ignore[arg-type]
        found = (await asked.read_manifests([DIGEST]))[DIGEST]
    assert (found.body, found.media_type) == (PAYLOAD, DOCKER_SCHEMA1_UNSIGNED)
    manifest = parse_manifest(found)
    assert (manifest.config, manifest.children) == (None, ())


def test_signatures_that_do_not_agree_take_no_memory() -> None:
    """Whoever may push an image may put them into its manifest."""
    protected = (f'{{"formatLength":900000,"formatTail":"{encoded(str(number).encode())}"}}' for number in range(100))
    said = ",".join(f'{{"protected":"{encoded(each.encode())}"}}' for each in protected)
    body = f'{{"signatures":[{said}],"annotations":{{"x":"{"x" * 900_000}"}}}}'.encode()
    tracemalloc.start()
    try:
        assert signed_payload(body) is None
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()


async def test_a_registry_that_does_not_say_its_digest() -> None:
    async with registry(serving(signed(), said=None)) as (asked, _):  # type: ignore[arg-type]
        assert await asked.resolve(Tag("1")) == DIGEST


@pytest.mark.parametrize(
    "body",
    [signed(length=5), signed(tail=b"x"), signed(length=-1), PAYLOAD + b" ", b"{}", b'{"signatures": []}', b"[" * 9000],
    ids=range(7),
)
async def test_other_bytes_are_damaged(body: bytes) -> None:
    async with registry(serving(body)) as (asked, _):  # type: ignore[arg-type]
        with pytest.raises(IncompleteSource, match="does not match its digest"):
            await asked.read_manifests([DIGEST])


@pytest.mark.parametrize("protected", ["", "!", encoded(b"{"), encoded(b'{"formatLength": 1}'), encoded(b"null"), "a"])
def test_nonsense_is_not_signed(protected: str) -> None:
    assert signed_payload(json.dumps({"signatures": [{"protected": protected}]}).encode()) is None
