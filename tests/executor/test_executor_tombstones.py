import json
import urllib.error
import urllib.request
from pathlib import Path

import anyio.to_thread
import pytest

from holystone.engine.executor.tombstones import make_tombstone
from holystone.engine.model.manifests import parse_config, parse_manifest
from tests.support.docker_registry import docker_registry
from tests.support.memory_registry import digest_of, repository

APP = repository()


def test_a_tombstone_is_one_of_its_run_and_repository_alone() -> None:
    first = make_tombstone("20261123-161200-ab12", APP)
    assert first == make_tombstone("20261123-161200-ab12", APP)
    others = {
        first,
        make_tombstone("20261123-161200-ab13", APP),
        make_tombstone("20261123-161200-ab12", repository("b")),
    }
    assert len({each.manifest.digest for each in others}) == 3


def test_a_tombstone_says_what_it_is() -> None:
    tombstone = make_tombstone("20261123-161200-ab12", APP)
    manifest = parse_manifest(tombstone.manifest)
    assert digest_of(tombstone.manifest.body) == tombstone.manifest.digest
    assert manifest.config == digest_of(tombstone.config)
    assert parse_config(manifest.config, tombstone.config).labels["holystone.run"] == "20261123-161200-ab12"
    assert "holystone undo 20261123-161200-ab12" in str(json.loads(tombstone.manifest.body)["annotations"])


@pytest.mark.slow
async def test_a_real_registry_takes_a_tombstone_and_deletes_all_its_tags_at_once(tmp_path: Path) -> None:
    tombstone = make_tombstone("20261123-161200-ab12", APP)
    raw = tombstone.manifest
    async with docker_registry(tmp_path) as server:
        base = f"{server.url}/v2/{APP.path}"

        async def send(method: str, url: str, body: bytes | None = None, kind: str = "") -> tuple[int, str]:
            def go() -> tuple[int, str]:
                headers = {"Content-Type": kind} if kind else {"Accept": raw.media_type}
                request = urllib.request.Request(url, body, headers, method=method)
                try:
                    with urllib.request.urlopen(request) as reply:
                        return reply.status, reply.headers.get("Location", "")
                except urllib.error.HTTPError as error:
                    with error:
                        return error.code, ""

            return await anyio.to_thread.run_sync(go)

        _, location = await send("POST", f"{base}/blobs/uploads/", b"")
        config = digest_of(tombstone.config)
        status, _ = await send("PUT", f"{location}&digest={config}", tombstone.config, "application/octet-stream")
        assert status == 201
        for tag in ("one", "two"):
            assert (await send("PUT", f"{base}/manifests/{tag}", raw.body, raw.media_type))[0] == 201
        assert (await send("DELETE", f"{base}/manifests/{raw.digest}"))[0] == 202
        for tag in ("one", "two"):
            assert (await send("HEAD", f"{base}/manifests/{tag}"))[0] == 404
