import json
import urllib.error
import urllib.request
from pathlib import Path

import anyio.to_thread
import pytest

from holystone.engine.executor.tombstones import make_tombstone
from holystone.engine.model.image_config import parse_config
from holystone.engine.model.manifests import parse_manifest
from holystone.engine.model.plan import Pass
from holystone.engine.model.references import Tag
from tests.support.docker_registry import docker_registry
from tests.support.execution import Execute, once
from tests.support.memory_registry import MemoryRegistry, digest_of, repository
from tests.support.small_plans import level, remove, repository_plan, tombstone

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
    made = make_tombstone("20261123-161200-ab12", APP)
    manifest = parse_manifest(made.manifest)
    assert digest_of(made.manifest.body) == made.manifest.digest
    assert manifest.config == digest_of(made.config)
    assert parse_config(manifest.config, made.config).labels["holystone.run"] == "20261123-161200-ab12"
    assert "holystone undo 20261123-161200-ab12" in str(json.loads(made.manifest.body)["annotations"])


def test_the_parts_of_a_tombstone_differ_in_nothing_but_their_digests() -> None:
    made = make_tombstone("20261123-161200-ab12", APP)
    assert made.parts[0] == made.manifest
    assert all(digest_of(part.body) == part.digest for part in made.parts)
    assert len({part.digest for part in made.parts}) == len(made.parts)
    assert {str(json.loads(part.body)) for part in made.parts} == {str(json.loads(made.manifest.body))}


async def test_many_tags_share_out_the_parts_and_a_copy_of_one_part_holds_no_other(execute: Execute) -> None:
    registry = MemoryRegistry()
    tags = [f"tag-{number:04}" for number in range(900)]
    digests = {tag: registry.image(APP, tag, tag) for tag in tags}
    steps = tuple(tombstone(tag, digests[tag]) for tag in tags)
    plan = repository_plan(APP, Pass("tombstone", steps), level(*(remove(digests[tag]) for tag in tags)))

    def copy() -> None:
        there = registry.contents[APP].tags
        there[Tag("copy")] = there[Tag("tag-0001")]

    pushed = len(tags)
    registry.hook = once(lambda point: registry.count("push_manifest") == pushed and point.verb == "list_tags", copy)
    result = await execute(registry, plan)
    left, _ = registry.contents[APP].state()
    assert set(left) == {Tag("copy"), *(Tag(tag) for tag in tags[1::4])}
    assert result.counts == {"needed": 225, "deleted": 900 - 225 + 900}


@pytest.mark.slow
async def test_a_real_registry_takes_a_tombstone_and_deletes_all_its_tags_at_once(tmp_path: Path) -> None:
    made = make_tombstone("20261123-161200-ab12", APP)
    raw = made.manifest
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
        config = digest_of(made.config)
        status, _ = await send("PUT", f"{location}&digest={config}", made.config, "application/octet-stream")
        assert status == 201
        for tag in ("one", "two"):
            assert (await send("PUT", f"{base}/manifests/{tag}", raw.body, raw.media_type))[0] == 201
        assert (await send("DELETE", f"{base}/manifests/{raw.digest}"))[0] == 202
        other = made.parts[-1]
        assert (await send("PUT", f"{base}/manifests/three", other.body, other.media_type))[0] == 201
        assert (await send("DELETE", f"{base}/manifests/{other.digest}"))[0] == 202
        for tag in ("one", "two", "three"):
            assert (await send("HEAD", f"{base}/manifests/{tag}"))[0] == 404
