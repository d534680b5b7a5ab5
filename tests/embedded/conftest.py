"""Manifests and pushes that the tests of the embedded registry share."""

import hashlib
import json
from typing import Any

import pytest

from holystone.engine.model.manifests import DOCKER_CONFIG, DOCKER_MANIFEST, OCI_CONFIG, OCI_INDEX, OCI_MANIFEST
from tests.support.http import Client, Got


class Pusher:
    """Builds small manifests and pushes them."""

    @staticmethod
    def digest(body: bytes) -> str:
        return f"sha256:{hashlib.sha256(body).hexdigest()}"

    def config(self, text: str = "") -> bytes:
        config = {
            "created": "2020-01-01T00:00:00Z",
            "architecture": "amd64",
            "os": "linux",
            "config": {"Labels": {"text": text}},
            "rootfs": {"type": "layers", "diff_ids": []},
            "history": [{"created": "2020-01-01T00:00:00Z", "empty_layer": True}],
        }
        return json.dumps(config).encode()

    def manifest(self, config: bytes, media_type: str = DOCKER_MANIFEST, **more: Any) -> bytes:
        kind = DOCKER_CONFIG if media_type == DOCKER_MANIFEST else OCI_CONFIG
        descriptor = {"mediaType": kind, "size": len(config), "digest": self.digest(config)}
        whole = {"schemaVersion": 2, "mediaType": media_type, "config": descriptor, "layers": [], **more}
        return json.dumps(whole).encode()

    def index(self, *children: bytes, media_type: str = OCI_INDEX, child_type: str = DOCKER_MANIFEST) -> bytes:
        entries = [
            {
                "mediaType": child_type,
                "size": len(child),
                "digest": self.digest(child),
                "platform": {"os": "linux", "architecture": "amd64"},
            }
            for child in children
        ]
        return json.dumps({"schemaVersion": 2, "mediaType": media_type, "manifests": entries}).encode()

    async def blob(self, client: Client, repository: str, body: bytes) -> Got:
        begun = await client.send("POST", f"/v2/{repository}/blobs/uploads/")
        location = begun.headers["Location"]
        return await client.send("PUT", f"{location}&digest={self.digest(body)}", body=body)

    async def put(
        self, client: Client, repository: str, reference: str, body: bytes, media_type: str = DOCKER_MANIFEST
    ) -> Got:
        headers = {"Content-Type": media_type}
        return await client.send("PUT", f"/v2/{repository}/manifests/{reference}", body=body, headers=headers)

    async def image(self, client: Client, repository: str, *tags: str, text: str = "", oci: bool = False) -> bytes:
        """Pushes one image under every tag; returns its manifest."""
        media_type = OCI_MANIFEST if oci else DOCKER_MANIFEST
        config = self.config(text)
        body = self.manifest(config, media_type)
        assert (await self.blob(client, repository, config)).status == 201
        for tag in tags:
            assert (await self.put(client, repository, tag, body, media_type)).status == 201
        return body


@pytest.fixture
def push() -> Pusher:
    return Pusher()
