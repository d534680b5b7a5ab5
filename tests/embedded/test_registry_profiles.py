"""What each profile of the embedded registry does, seen from outside."""

from typing import Any

import msgspec
import pytest

from holystone.embedded.quirks import (
    DISTRIBUTION_2_8,
    DISTRIBUTION_3,
    DISTRIBUTION_3_1,
    GGCR,
    GITEA,
    OCI,
    ZOT,
    Quirks,
)
from holystone.embedded.server import EmbeddedRegistry
from holystone.engine.model.manifests import DOCKER_MANIFEST, DOCKER_SCHEMA1, OCI_INDEX, OCI_MANIFEST
from tests.support.http import ALL_TYPES, Client, client

NOWHERE = "sha256:" + "0" * 64
ALL = (OCI, DISTRIBUTION_2_8, DISTRIBUTION_3, DISTRIBUTION_3_1, ZOT)


async def _tags(to: Client, repository: str = "app") -> Any:
    return (await to.send("GET", f"/v2/{repository}/tags/list")).json["tags"]


async def _walk(to: Client, path: str) -> list[list[str]]:
    """Every page, following `Link`."""
    pages = []
    while path:
        got = await to.send("GET", path)
        pages.append(got.json["tags"] or [])
        path = got.headers.get("Link", "").partition("<")[2].partition(">")[0]
    return pages


@pytest.mark.parametrize("quirks", [*ALL, GITEA, GGCR])
async def test_what_was_pushed_is_read_back(quirks: Quirks, push: Any) -> None:
    async with EmbeddedRegistry(quirks=quirks) as registry, client(registry.url) as to:
        body = await push.image(to, "team/app", "v1")
        for reference in ("v1", push.digest(body)):
            got = await to.send("GET", f"/v2/team/app/manifests/{reference}", headers={"Accept": ALL_TYPES})
            assert (got.status, got.body, got.headers["Docker-Content-Digest"]) == (200, body, push.digest(body))
        head = await to.send("HEAD", "/v2/team/app/manifests/v1", headers={"Accept": ALL_TYPES})
        assert (head.status, head.body, head.headers["Content-Length"]) == (200, b"", str(len(body)))
        assert await _tags(to, "team/app") == ["v1"]
        assert (await to.send("GET", "/v2/_catalog")).json == {"repositories": ["team/app"]}


@pytest.mark.parametrize("quirks", [OCI, DISTRIBUTION_3, ZOT])
async def test_pages_are_sorted_and_linked_relatively(quirks: Quirks, push: Any) -> None:
    async with EmbeddedRegistry(quirks=quirks) as registry, client(registry.url) as to:
        await push.image(to, "app", "c", "a", "B", "d", "e")
        got = await to.send("GET", "/v2/app/tags/list?n=2")
        assert got.headers["Link"] == '</v2/app/tags/list?last=a&n=2>; rel="next"'
        assert await _walk(to, "/v2/app/tags/list?n=2") == [["B", "a"], ["c", "d"], ["e"]]


async def test_2_8_ignores_paging_and_order(push: Any) -> None:
    async with EmbeddedRegistry(quirks=DISTRIBUTION_2_8) as registry, client(registry.url) as to:
        tags = [f"v{number}" for number in range(20)]
        await push.image(to, "app", *tags)
        listed = (await _walk(to, "/v2/app/tags/list?n=2&last=v3"))[0]
        assert sorted(listed) == sorted(tags)
        assert listed != sorted(tags)


async def test_3_1_cuts_a_larger_n_and_links_after_a_full_last_page(push: Any) -> None:
    quirks = msgspec.structs.replace(DISTRIBUTION_3_1, page_size_max=2)
    async with EmbeddedRegistry(quirks=quirks) as registry, client(registry.url) as to:
        await push.image(to, "app", "a", "b", "c", "d")
        assert await _walk(to, "/v2/app/tags/list") == [["a", "b", "c", "d"]]
        assert (await to.send("GET", "/v2/app/tags/list?n=0")).json["tags"] == []
        assert await _walk(to, "/v2/app/tags/list?n=1000") == [["a", "b"], ["c", "d"], []]


@pytest.mark.parametrize(
    ("quirks", "status", "rest"), [(DISTRIBUTION_3, 200, ["d"]), (DISTRIBUTION_3_1, 200, ["c", "d"]), (ZOT, 404, None)]
)
async def test_a_last_that_is_gone(quirks: Quirks, status: int, rest: Any, push: Any) -> None:
    async with EmbeddedRegistry(quirks=quirks) as registry, client(registry.url) as to:
        await push.image(to, "app", "a", "c", "d")
        got = await to.send("GET", "/v2/app/tags/list?n=5&last=b")
        assert (got.status, got.json["tags"] if got.body else None) == (status, rest)


@pytest.mark.parametrize(
    ("quirks", "status", "code", "left"),
    [
        (OCI, 202, "", ["sibling"]),
        (DISTRIBUTION_2_8, 400, "DIGEST_INVALID", ["a", "sibling"]),
        (DISTRIBUTION_3, 202, "", ["sibling"]),
        (ZOT, 202, "", ["sibling"]),
        (OCI.without_deletion(), 405, "UNSUPPORTED", ["a", "sibling"]),
        (DISTRIBUTION_3.without_deletion(), 202, "", ["sibling"]),
    ],
)
async def test_deleting_a_tag(quirks: Quirks, status: int, code: str, left: list[str], push: Any) -> None:
    async with EmbeddedRegistry(quirks=quirks) as registry, client(registry.url) as to:
        body = await push.image(to, "app", "a", "sibling")
        got = await to.send("DELETE", "/v2/app/manifests/a")
        assert (got.status, got.code) == (status, code)
        assert sorted(await _tags(to)) == left
        assert push.digest(body) in registry.storage.repositories["app"].manifests


@pytest.mark.parametrize("quirks", ALL)
async def test_deleting_a_digest_takes_every_tag_on_it(quirks: Quirks, push: Any) -> None:
    async with EmbeddedRegistry(quirks=quirks) as registry, client(registry.url) as to:
        body = await push.image(to, "app", "a", "sibling")
        await push.image(to, "app", "other", text="other")
        assert (await to.send("DELETE", f"/v2/app/manifests/{push.digest(body)}")).status == 202
        assert await _tags(to) == ["other"]
        again = await to.send("DELETE", f"/v2/app/manifests/{push.digest(body)}")
        assert (again.status, again.code) == (404, "MANIFEST_UNKNOWN")


async def test_gitea_loses_blobs_with_the_last_manifest_that_names_them(push: Any) -> None:
    """But not those that came since: they are an upload's until a manifest names them."""
    async with EmbeddedRegistry(quirks=GITEA) as registry, client(registry.url) as to:
        body = await push.image(to, "app", "a")
        await push.blob(to, "app", b"of a push that goes on")
        assert (await to.send("DELETE", f"/v2/app/manifests/{push.digest(body)}")).status == 202
        assert (await to.send("HEAD", f"/v2/app/blobs/{push.digest(b'of a push that goes on')}")).status == 200
        assert (await to.send("HEAD", f"/v2/app/blobs/{push.digest(push.config())}")).status == 404
        got = await push.put(to, "app", "a", body, DOCKER_MANIFEST)
        assert (got.status, got.code, got.json["errors"][0]["message"]) == (404, "BLOB_UNKNOWN", "")


@pytest.mark.parametrize(("quirks", "status"), [(GGCR, 200), (Quirks(digest_delete_leaves="dangling-tags"), 404)])
async def test_tags_that_stay_when_their_digest_is_deleted_go_by_name(quirks: Quirks, status: int, push: Any) -> None:
    async with EmbeddedRegistry(quirks=quirks) as registry, client(registry.url) as to:
        body = await push.image(to, "app", "a", "sibling")
        assert (await to.send("DELETE", f"/v2/app/manifests/{push.digest(body)}")).status == 202
        assert (await to.send("GET", f"/v2/app/manifests/{push.digest(body)}")).status == 404
        assert sorted(await _tags(to)) == ["a", "sibling"]
        assert (await to.send("GET", "/v2/app/manifests/a")).status == status
        assert (await to.send("DELETE", "/v2/app/manifests/a")).status == 202
        assert await _tags(to) == ["sibling"]


@pytest.mark.parametrize(
    ("quirks", "tags"), [(OCI, []), (DISTRIBUTION_2_8, None), (DISTRIBUTION_3, []), (DISTRIBUTION_3_1, [])]
)
async def test_an_emptied_repository_stays_listed(quirks: Quirks, tags: Any, push: Any) -> None:
    async with EmbeddedRegistry(quirks=quirks) as registry, client(registry.url) as to:
        body = await push.image(to, "app", "a")
        await to.send("DELETE", f"/v2/app/manifests/{push.digest(body)}")
        assert await _tags(to) == tags
        assert (await to.send("GET", "/v2/_catalog")).json == {"repositories": ["app"]}


async def test_zot_protects_children_and_names_unknown_repositories(push: Any) -> None:
    async with EmbeddedRegistry(quirks=ZOT) as registry, client(registry.url) as to:
        child = await push.image(to, "app", "child")
        index = push.index(child)
        await push.put(to, "app", "index", index, OCI_INDEX)
        got = await to.send("DELETE", f"/v2/app/manifests/{push.digest(child)}")
        assert (got.status, got.code) == (405, "DENIED")
        assert (await to.send("DELETE", f"/v2/app/manifests/{push.digest(index)}")).status == 202
        assert (await to.send("DELETE", f"/v2/app/manifests/{push.digest(child)}")).status == 202
        got = await to.send("DELETE", f"/v2/none/manifests/{NOWHERE}")
        assert (got.status, got.code) == (400, "NAME_UNKNOWN")


async def test_a_dangling_tag_is_listed_and_not_found(push: Any) -> None:
    async with EmbeddedRegistry(quirks=DISTRIBUTION_2_8) as registry, client(registry.url) as to:
        body = await push.image(to, "app", "a", "b")
        registry.storage.lose_manifest("app", push.digest(body))
        assert sorted(await _tags(to)) == ["a", "b"]
        assert (await to.send("HEAD", "/v2/app/manifests/a", headers={"Accept": ALL_TYPES})).status == 404


async def test_2_8_hides_oci_from_careless_clients_and_rewrites_docker(push: Any) -> None:
    async with EmbeddedRegistry(quirks=DISTRIBUTION_2_8) as registry, client(registry.url) as to:
        stored = await push.image(to, "app", "docker")
        await push.image(to, "app", "oci", text="o", oci=True)
        assert (await to.send("HEAD", "/v2/app/manifests/oci", headers={"Accept": "*/*"})).status == 404
        got = await to.send("GET", "/v2/app/manifests/docker")
        assert got.headers["Content-Type"] == DOCKER_SCHEMA1
        assert got.headers["Docker-Content-Digest"] not in (push.digest(stored), None)


async def test_referrers_are_found_and_filtered(push: Any) -> None:
    async with EmbeddedRegistry() as registry, client(registry.url) as to:
        subject = push.digest(await push.image(to, "app", "a"))
        config = push.config("s")
        await push.blob(to, "app", config)
        about = {"mediaType": OCI_MANIFEST, "size": 1, "digest": subject}
        signature, sbom = (
            push.manifest(config, OCI_MANIFEST, artifactType=kind, subject=about, annotations={"kind": kind})
            for kind in ("example/signature", "example/sbom")
        )
        for body in (signature, sbom):
            got = await push.put(to, "app", push.digest(body), body, OCI_MANIFEST)
            assert got.headers["OCI-Subject"] == subject
        got = await to.send("GET", f"/v2/app/referrers/{subject}")
        assert {each["digest"] for each in got.json["manifests"]} == {push.digest(signature), push.digest(sbom)}
        assert "OCI-Filters-Applied" not in got.headers
        got = await to.send("GET", f"/v2/app/referrers/{subject}?artifactType=example/sbom")
        assert [each["digest"] for each in got.json["manifests"]] == [push.digest(sbom)]
        assert got.json["manifests"][0]["annotations"] == {"kind": "example/sbom"}
        assert got.headers["OCI-Filters-Applied"] == "artifactType"
        got = await to.send("GET", f"/v2/none/referrers/{NOWHERE}")
        assert (got.status, got.json["manifests"]) == (200, [])


async def test_there_is_no_referrers_api_in_distribution(push: Any) -> None:
    async with EmbeddedRegistry(quirks=DISTRIBUTION_2_8) as registry, client(registry.url) as to:
        got = await to.send("GET", f"/v2/app/referrers/{NOWHERE}")
        assert (got.status, got.headers["Content-Type"]) == (404, "text/plain; charset=utf-8")


async def test_maintenance_mode_answers_in_plain_text(push: Any) -> None:
    async with EmbeddedRegistry(quirks=Quirks(read_only=True)) as registry, client(registry.url) as to:
        got = await to.send("DELETE", f"/v2/app/manifests/{NOWHERE}")
        assert (got.status, got.code, got.headers["Allow"]) == (405, "", "GET, HEAD")


async def test_a_manifest_over_four_mebibytes_is_refused(push: Any) -> None:
    async with EmbeddedRegistry() as registry, client(registry.url) as to:
        body = push.manifest(push.config(), OCI_MANIFEST, annotations={"x": "y" * (4 << 20)})
        got = await push.put(to, "app", "huge", body, OCI_MANIFEST)
        assert (got.status, got.code) == (413, "MANIFEST_INVALID")


async def test_uploads_in_one_post_and_with_a_wrong_range(push: Any) -> None:
    async with EmbeddedRegistry() as registry, client(registry.url) as to:
        digest = push.digest(b"body")
        assert (await to.send("POST", f"/v2/app/blobs/uploads/?digest={digest}", body=b"body")).status == 201
        assert (await to.send("GET", f"/v2/app/blobs/{digest}")).body == b"body"
        begun = await to.send("POST", "/v2/app/blobs/uploads/")
        got = await to.send("PATCH", begun.headers["Location"], body=b"dy", headers={"Content-Range": "2-3"})
        assert (got.status, got.code) == (416, "RANGE_INVALID")
