"""One sequence of requests, on a profile of the embedded registry and on the server the profile is named after:
every status, error code and telling header must be the same."""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from multidict import CIMultiDict

from holystone.embedded.quirks import DISTRIBUTION_2_8, DISTRIBUTION_3, DISTRIBUTION_3_1, Quirks
from holystone.embedded.server import EmbeddedRegistry
from holystone.engine.model.manifests import DOCKER_LIST, DOCKER_MANIFEST, DOCKER_SCHEMA1, OCI_INDEX, OCI_MANIFEST
from tests.real.servers import built
from tests.support.docker_registry import docker_registry
from tests.support.http import ALL_TYPES, Client, Got, client
from tests.support.programs import require

Story = list[tuple[Any, ...]]
NOWHERE = "sha256:" + "0" * 64


class Teller:
    """Sends requests and writes down what came of each."""

    def __init__(self, to: Client) -> None:
        self.to = to
        self.story: Story = []

    async def __call__(self, method: str, path: str, **options: Any) -> Got:
        got = await self.to.send(method, path, **options)
        telling = {name: got.headers.get(name) for name in ("Docker-Content-Digest", "Link", "OCI-Subject", "Allow")}
        kind = got.headers.get("Content-Type", "").partition(";")[0]
        if kind == DOCKER_SCHEMA1:
            telling["Docker-Content-Digest"] = "random"  # the real server signs it anew each time
        is_list = path.startswith("/v2/") and ("/tags/list" in path or "_catalog" in path)
        body = _unordered(got) if is_list and got.status == 200 else None
        self.story.append((method, path[:90].replace(self.to.url, ""), got.status, got.code, kind, telling, body))
        return got


def _unordered(got: Got) -> Any:
    found = got.json
    return {key: sorted(value) if isinstance(value, list) else value for key, value in found.items()}


async def reading(tell: Teller, push: Any) -> None:
    for path in (
        "/v2/",
        "/v2",
        "/v2/none/tags/list",
        "/v2/none/manifests/x",
        f"/v2/none/manifests/{NOWHERE}",
        "/v2/none/manifests/sha256:abc",
        f"/v2/none/blobs/{NOWHERE}",
        "/v2/none/blobs/sha256:aaaa",
        f"/v2/none/referrers/{NOWHERE}",
        "/v2/UPPER/tags/list",
        "/v2/_catalog",
        "/v2/_catalog?n=1",
        "/v2/_catalog?n=5000",
        "/v2/_catalog?n=-1",
        "/v2/_catalog?n=0",
        "/v2/_catalog?n=1000",
        "/v2/_catalog?n=1001",
        "/v2/_catalog?n=1&last=app",
        "/v2/_catalog?n=1&last=apa",
        "/v2/_catalog?n=7&last=zzz",
        "/foo",
    ):
        await tell("GET", path)
    for n in ("2", "0", "-1", "x", "500000", "2&last=a", "2&last=b1", "3&last=zzz", "7&foo=1"):
        await tell("GET", f"/v2/app/tags/list?n={n}")
    await tell("GET", "/v2/app/tags/list?last=a")
    await tell("POST", "/v2/app/tags/list")
    await tell("HEAD", "/v2/app/tags/list")
    await tell("POST", "/v2/app/manifests/a")


async def negotiating(tell: Teller, push: Any) -> None:
    for accept in ("", "*/*", DOCKER_MANIFEST, OCI_MANIFEST, OCI_INDEX, DOCKER_LIST, ALL_TYPES):
        for reference in ("a", "oci", "index", "list"):
            headers = {"Accept": accept} if accept else {}
            await tell("GET", f"/v2/app/manifests/{reference}", headers=headers)
            got = await tell("HEAD", f"/v2/app/manifests/{reference}", headers=headers)
            digest = got.headers.get("Docker-Content-Digest")
            if digest and got.headers["Content-Type"] != DOCKER_SCHEMA1:
                await tell("GET", f"/v2/app/manifests/{digest}", headers={**headers, "If-None-Match": f'"{digest}"'})
                await tell("GET", f"/v2/app/manifests/{digest}", headers=headers)


async def uploading(tell: Teller, push: Any) -> None:
    body = b"0123456789"
    digest = push.digest(body)
    begun = await tell("POST", "/v2/up/blobs/uploads/")
    first = await tell.to.send("PATCH", begun.headers["Location"], body=body[:4])
    assert (first.status, first.headers["Range"]) == (202, "0-3")
    last = await tell.to.send("PUT", f"{first.headers['Location']}&digest={digest}", body=body[4:])
    assert last.status == 201
    await tell("HEAD", f"/v2/up/blobs/{digest}")
    await tell("POST", f"/v2/app/blobs/uploads/?mount={digest}&from=up")
    await tell("POST", f"/v2/app/blobs/uploads/?mount={NOWHERE}&from=up")
    await tell("POST", f"/v2/app/blobs/uploads/?digest={digest}", body=body)
    await tell("GET", f"/v2/app/blobs/{digest}")
    for bad in (f"&digest={NOWHERE}", "", "&digest=nonsense"):
        begun = await tell.to.send("POST", "/v2/up/blobs/uploads/")
        got = await tell.to.send("PUT", f"{begun.headers['Location']}{bad}", body=body)
        tell.story.append(("PUT", bad, got.status, got.code))
    begun = await tell.to.send("POST", "/v2/up/blobs/uploads/")
    for method in ("GET", "DELETE", "GET"):
        got = await tell.to.send(method, begun.headers["Location"])
        tell.story.append((method, "upload", got.status, got.code))
    await tell("GET", "/v2/up/tags/list")
    await tell("GET", "/v2/_catalog")
    await tell("DELETE", f"/v2/app/blobs/{digest}")
    await tell("DELETE", f"/v2/app/blobs/{digest}")
    await tell("GET", f"/v2/app/blobs/{digest}")
    await tell("GET", f"/v2/up/blobs/{digest}")


async def asking_oddly(tell: Teller, push: Any) -> None:
    """Parts of blobs, sha512, digests of another form, layers that live elsewhere, several lines of Accept."""
    body = b"0123456789"
    kept, digest = push.digest(body), f"sha512:{hashlib.sha512(body).hexdigest()}"
    begun = await tell.to.send("POST", "/v2/odd/blobs/uploads/")
    got = await tell.to.send("PUT", f"{begun.headers['Location']}&digest={digest}", body=body)
    tell.story.append(("PUT", got.status, got.headers.get("Docker-Content-Digest")))
    for asked in ("2-4", "2-", "-3", "8-20", "-20", "0-0"):
        got = await tell("GET", f"/v2/odd/blobs/{kept}", headers={"Range": f"bytes={asked}"})
        tell.story.append((asked, got.body, got.headers.get("Content-Range"), got.headers.get("Accept-Ranges")))
    await tell("GET", f"/v2/odd/blobs/{digest}")
    await tell("POST", f"/v2/even/blobs/uploads/?mount={digest}&from=odd")
    for repository, name in (("even", digest), ("even", kept), ("odd", digest)):
        await tell("GET", f"/v2/{repository}/blobs/{name}")
    await tell("DELETE", f"/v2/odd/blobs/{digest}")
    await tell("GET", f"/v2/odd/blobs/{digest}")
    await tell("GET", f"/v2/odd/blobs/{kept}")
    await push.blob(tell.to, "odd", b"")
    got = await tell("HEAD", f"/v2/odd/blobs/{push.digest(b'')}")
    tell.story.append(("empty", got.headers.get("Content-Length")))
    other = push.manifest(push.config("a"), OCI_MANIFEST)
    for bad in ("sha256:short", "md5:d41d8cd98f00b204e9800998ecf8427e"):
        await tell("PUT", f"/v2/app/manifests/{bad}", body=other, headers={"Content-Type": OCI_MANIFEST})
        await tell("GET", f"/v2/app/manifests/{bad}")
        await tell("DELETE", f"/v2/app/manifests/{bad}")
    await tell("GET", f"/v2/app/manifests/{push.digest(other)}", headers={"Accept": OCI_MANIFEST})
    layer = {
        "mediaType": "application/vnd.oci.image.layer.nondistributable.v1.tar",
        "digest": NOWHERE,
        "size": 1,
        "urls": ["https://example.com/layer"],
    }
    foreign = push.manifest(push.config("a"), OCI_MANIFEST, layers=[layer])
    await tell("PUT", "/v2/app/manifests/f", body=foreign, headers={"Content-Type": OCI_MANIFEST})
    for lines in ([DOCKER_MANIFEST, OCI_MANIFEST], [OCI_INDEX, DOCKER_LIST]):
        for reference in ("a", "oci", "index"):
            accept = CIMultiDict([("Accept", line) for line in lines])
            await tell("GET", f"/v2/app/manifests/{reference}", headers=accept)


async def refusing(tell: Teller, push: Any) -> None:
    good = push.manifest(push.config("a"))
    huge = good[:-1] + b', "x": "' + b"y" * (4 << 20) + b'"}'
    missing = push.manifest(b"not there")
    for reference, body, media_type in (
        (NOWHERE, good, DOCKER_MANIFEST),
        ("t", good, "text/plain"),
        ("t", good, OCI_MANIFEST),
        ("t", b"{}", DOCKER_MANIFEST),
        ("t", b"no json", DOCKER_MANIFEST),
        (".bad", good, DOCKER_MANIFEST),
        ("t", missing, DOCKER_MANIFEST),
        ("t", push.index(missing), OCI_INDEX),
        ("t", huge, DOCKER_MANIFEST),
    ):
        await tell("PUT", f"/v2/app/manifests/{reference}", body=body, headers={"Content-Type": media_type})
    await tell("GET", "/v2/app/tags/list")


async def deleting(tell: Teller, push: Any) -> None:
    a, oci = push.manifest(push.config("a")), push.manifest(push.config("o"), OCI_MANIFEST)
    nested = push.index(push.index(a), child_type=OCI_INDEX)
    for path in ("none/manifests/t", f"none/manifests/{NOWHERE}", f"app/manifests/{NOWHERE}", "app/manifests/md5:abc"):
        await tell("DELETE", f"/v2/{path}")
    await tell("DELETE", "/v2/app/manifests/nosuch")
    await tell("DELETE", "/v2/app/manifests/b1")
    await tell("GET", "/v2/app/tags/list")
    for body in (a, a, oci):
        await tell("DELETE", f"/v2/app/manifests/{push.digest(body)}")
        await tell("GET", "/v2/app/tags/list")
    await tell("HEAD", "/v2/app/manifests/index", headers={"Accept": ALL_TYPES})
    await tell("PUT", "/v2/app/manifests/again", body=push.index(a), headers={"Content-Type": OCI_INDEX})
    for body in (push.index(a), nested, push.index(a, media_type=DOCKER_LIST)):
        await tell("DELETE", f"/v2/app/manifests/{push.digest(body)}")
    await tell("GET", "/v2/app/tags/list")
    await tell("GET", "/v2/_catalog")


async def _seed(to: Client, push: Any) -> None:
    a = await push.image(to, "app", "a", "a-too", "b1", text="a")
    oci = push.manifest(
        push.config("o"), OCI_MANIFEST, subject={"mediaType": OCI_MANIFEST, "size": 1, "digest": NOWHERE}
    )
    await push.blob(to, "app", push.config("o"))
    index = push.index(a)
    for tag, body, media_type in (
        ("oci", oci, OCI_MANIFEST),
        ("index", index, OCI_INDEX),
        ("nested", push.index(index, child_type=OCI_INDEX), OCI_INDEX),
        ("list", push.index(a, media_type=DOCKER_LIST), DOCKER_LIST),
    ):
        assert (await push.put(to, "app", tag, body, media_type)).status == 201


CHAPTERS = (reading, negotiating, uploading, asking_oddly, refusing, deleting)


async def _story(url: str, push: Any, chapter: Callable[..., Any]) -> Story:
    async with client(url) as to:
        await _seed(to, push)
        teller = Teller(to)
        await chapter(teller, push)
        return teller.story


async def _compare(
    folder: Path, push: Any, chapter: Callable[..., Any], quirks: Quirks, program: str, *, delete: bool
) -> None:
    async with docker_registry(folder, program=program, delete=delete) as real:
        expected = await _story(real.url, push, chapter)
    async with EmbeddedRegistry(quirks=quirks) as embedded:
        told = await _story(embedded.url, push, chapter)
    for mine, theirs in zip(told, expected, strict=False):
        assert mine == theirs
    assert len(told) == len(expected)


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda chapter: chapter.__name__)
async def test_profile_2_8_answers_as_the_real_docker_registry(tmp_path: Path, push: Any, chapter: Any) -> None:
    await _compare(tmp_path, push, chapter, DISTRIBUTION_2_8, require("docker-registry"), delete=True)


async def test_profile_2_8_without_deletion_answers_as_the_real_docker_registry(tmp_path: Path, push: Any) -> None:
    quirks = DISTRIBUTION_2_8.without_deletion()
    await _compare(tmp_path, push, deleting, quirks, require("docker-registry"), delete=False)


@pytest.mark.skipif(built("distribution") is None, reason="`make servers` installs distribution where there is Go")
@pytest.mark.parametrize("delete", [True, False])
@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda chapter: chapter.__name__)
async def test_profile_3_1_answers_as_the_real_server(tmp_path: Path, push: Any, chapter: Any, delete: bool) -> None:
    quirks = DISTRIBUTION_3_1 if delete else DISTRIBUTION_3_1.without_deletion()
    await _compare(tmp_path, push, chapter, quirks, str(built("distribution")), delete=delete)


@pytest.mark.skipif("HOLYSTONE_DISTRIBUTION_3" not in os.environ, reason="names a binary of distribution 3.0.0")
@pytest.mark.parametrize("delete", [True, False])
@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda chapter: chapter.__name__)
async def test_profile_3_answers_as_the_real_server(tmp_path: Path, push: Any, chapter: Any, delete: bool) -> None:
    quirks = DISTRIBUTION_3 if delete else DISTRIBUTION_3.without_deletion()
    await _compare(tmp_path, push, chapter, quirks, os.environ["HOLYSTONE_DISTRIBUTION_3"], delete=delete)
