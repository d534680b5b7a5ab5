"""Google: what is listed, by the registry or by the API."""

import json
from pathlib import Path
from typing import Any

import pytest
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from holystone.adapters.http.reply import Reply
from holystone.adapters.registries.gcr.listing import read_rows
from holystone.embedded.faults import Action, Answer, Fault, Truncate
from holystone.embedded.quirks import OCI
from holystone.engine.errors import IncompleteSource, Unauthorized
from holystone.engine.model.outcomes import AlreadyGone
from holystone.engine.model.references import RegistryHost, Repository, RepositoryPath, Tag
from tests.emulators.gcr import ADMIN, FOLDER, STRANGER, GoogleEmulator
from tests.registries.gcr.connected import ABSENT, asked, connected, push

NO_REFERRERS = OCI.__class__(referrers_api=False)


async def test_one_request_tells_tags_digests_push_times_and_what_has_no_tag(tmp_path: Path) -> None:
    async with GoogleEmulator(quirks=NO_REFERRERS, clock=lambda: 1_700_000_000.5) as served:
        shared, other = push(served, "shared", "v1", "latest"), push(served, "other", "v2")
        loose = push(served, "loose")
        signature = push(served, "signature", subject=shared)
        push(served, "below", "v9", path=f"{served.path}/below")
        async with connected(served, tmp_path) as session:
            listing = await session.list_tags()
            again = await session.list_tags()
    assert listing.exists
    assert listing.tags == {Tag("v1"): shared.digest, Tag("latest"): shared.digest, Tag("v2"): other.digest}
    assert listing.pushed == dict.fromkeys((shared.digest, other.digest, loose.digest, signature.digest), 1_700_000_000)
    assert listing.put == {}
    assert listing.untagged == (signature.digest,), "Docker's manifests have no subject"
    assert listing.locked == {}
    assert again == listing
    lists = asked(served, "/v2/team/app/tags/list")
    assert lists == ["GET /v2/team/app/tags/list?n=10000"] * 2
    assert asked(served, "/v1/") == [f"GET /v1/{FOLDER}"], "the repository's record is read once"
    assert len(asked(served, "/v2/team/app/referrers/")) == 2


async def test_what_has_no_tag_is_not_read_where_the_referrers_api_tells(tmp_path: Path) -> None:
    async with GoogleEmulator() as served:
        image = push(served, "one", "v1")
        signature = push(served, "signature", subject=image)
        async with connected(served, tmp_path) as session:
            assert (await session.list_tags()).untagged == ()
            assert await session.referrers(image.digest) == [signature.digest]


async def test_an_image_with_only_images_below_it_is_empty_and_one_that_is_not_there_does_not_exist(
    tmp_path: Path,
) -> None:
    async with GoogleEmulator() as served:
        push(served, "below", "v9", path="team/folder/below")
        async with connected(served, tmp_path, path="team/folder") as session:
            listing = await session.list_tags()
            assert (listing.exists, dict(listing.tags)) == (True, {})
            nobody = session.registry.open(Repository(session.repository.host, RepositoryPath("team/nobody")))
            assert not (await nobody.list_tags()).exists
            assert await nobody.delete_tags([Tag("v1")]) == [AlreadyGone()]


async def test_forbidden_is_not_absent(tmp_path: Path) -> None:
    async with GoogleEmulator() as served:
        push(served, "one", "v1")
        login = served.by_docker("_json_key", json.dumps(served.key(STRANGER)))
        async with connected(served, tmp_path, login) as session:
            with pytest.raises(Unauthorized, match=r"downloadArtifacts"):
                await session.list_tags()


@pytest.mark.parametrize("count", [0, 9, 10, 11, 57])
@pytest.mark.parametrize("links", [False, True])
async def test_a_list_that_may_be_cut_is_read_by_the_api(
    tmp_path: Path, count: int, links: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both limits are made small, so that their edges are cheap."""
    monkeypatch.setattr("tests.emulators.gcr.API_PAGE", 5)
    if not links:
        monkeypatch.setattr("holystone.adapters.registries.gcr.listing.LONGEST", 10)
        monkeypatch.setattr("holystone.adapters.registries.gcr.listing.read_rows.__defaults__", (10,))
    async with GoogleEmulator(longest=10, links=links) as served:
        served.storage.repository(served.path)
        expected = {Tag(f"v{number}"): push(served, f"{number}", f"v{number}").digest for number in range(count)}
        async with connected(served, tmp_path) as session:
            listing = await session.list_tags()
    assert listing.tags == expected
    assert set(listing.pushed) == set(expected.values())
    by_api = count > 10 or (count == 10 and not links)
    pages = [each for each in asked(served, "/v1/") if "/packages/" in each]
    assert len(pages) == (2 * -(-count // 5) if by_api else 0)


async def test_ten_thousand_tags(tmp_path: Path) -> None:
    async with GoogleEmulator() as served:
        one = push(served, "one", *(f"v{number}" for number in range(10_000)))
        served.storage.put_manifest(served.path, one.body, one.media_type, "zzz")
        async with connected(served, tmp_path) as session:
            listing = await session.list_tags()
    assert len(listing.tags) == 10_001
    assert set(listing.tags.values()) == {one.digest}


async def test_names_with_slashes_are_one_part_of_the_apis_path(tmp_path: Path) -> None:
    async with GoogleEmulator(longest=1, links=True) as served:
        path = "team/shop/front-end/app"
        digests = {push(served, text, text, path=path).digest for text in ("one", "two")}
        async with connected(served, tmp_path, path=path) as session:
            assert set((await session.list_tags()).tags.values()) == digests
    assert any("/packages/shop%2Ffront-end%2Fapp/tags?" in each for each in asked(served, "/v1/"))


async def test_a_long_list_without_the_api_is_refused_and_says_what_to_do(tmp_path: Path) -> None:
    async with GoogleEmulator(longest=1, links=True, api_enabled=False) as served:
        push(served, "one", "v1"), push(served, "two", "v2")
        async with connected(served, tmp_path) as session:
            with pytest.raises(IncompleteSource) as raised:
                await session.list_tags()
        assert "SERVICE_DISABLED" in raised.value.message
        assert "gcloud services enable artifactregistry.googleapis.com --project=team" in raised.value.what_to_do
        login = served.by_docker("oauth2accesstoken", served.issue(ADMIN))
        async with connected(served, tmp_path, login, api=False) as session:
            with pytest.raises(IncompleteSource, match="Artifact Registry API, which lists all") as raised:
                await session.list_tags()
        assert "roles" in raised.value.what_to_do or "role" in raised.value.what_to_do


LONG = "sha256:" + "a" * 64
API_PAGES = {
    "not json": b"<html>sign in</html>",
    "an array": b"[]",
    "a bad digest": b'{"versions":[{"name":"projects/p/versions/latest"}]}',
    "a bad time": json.dumps({"versions": [{"name": f"x/versions/{LONG}", "createTime": "yesterday"}]}).encode(),
    "less than the registry shows": b'{"versions":[]}',
    "a circle": b'{"nextPageToken":"again"}',
}


@pytest.mark.parametrize("kind", sorted(API_PAGES))
async def test_broken_pages_of_the_api_are_never_a_list(tmp_path: Path, kind: str) -> None:
    async with GoogleEmulator(longest=1, links=True) as served:
        served.faults.add(Fault("GET", r"/versions\?", Answer(200, API_PAGES[kind]), times=None))
        push(served, "one", "v1"), push(served, "two", "v2")
        async with connected(served, tmp_path) as session:
            with pytest.raises(IncompleteSource):
                await session.list_tags()
        assert len(asked(served, "/v1/")) <= 3


@pytest.mark.parametrize(
    "pages",
    [
        [{"tags": [{"name": "x/tags/v1", "version": f"x/versions/{LONG}"}], "nextPageToken": "2"}, 404],
        [{"tags": [{"name": "x/tags/v1", "version": f"x/versions/{LONG}"}], "nextPageToken": "2"}, 403],
        [
            {"tags": [{"name": "x/tags/v1", "version": f"x/versions/{LONG}"}], "nextPageToken": "2"},
            {"tags": [{"name": "x/tags/v1", "version": f"x/versions/{ABSENT}"}]},
        ],
    ],
    ids=["gone on page 2", "forbidden on page 2", "moved while read"],
)
async def test_the_api_breaks_off(tmp_path: Path, pages: list[Any]) -> None:
    async with GoogleEmulator(longest=1, links=True) as served:
        for number, page in enumerate(pages, 1):
            answer = Answer(page, b"{}") if isinstance(page, int) else Answer(200, json.dumps(page).encode())
            served.faults.add(Fault("GET", r"/tags\?pageSize", answer, nth=number))
        push(served, "one", "v1"), push(served, "two", "v2")
        async with connected(served, tmp_path) as session:
            with pytest.raises(IncompleteSource):
                await session.list_tags()


ROW = {"tag": ["v1"], "mediaType": "", "timeUploadedMs": "1"}
BROKEN: dict[str, Action] = {
    "cut short": Answer(200, b'{"manifest":{},"tags":["v1","v'),
    "a page of a proxy": Answer(200, b"<html>Welcome</html>"),
    "an array": Answer(200, b"[]"),
    "another registry's list": Answer(200, b'{"name":"team/app","tags":["v1"]}'),
    "a digest that is none": Answer(200, json.dumps({"manifest": {"latest": ROW}}).encode()),
    "a time that is none": Answer(200, json.dumps({"manifest": {LONG: ROW | {"timeUploadedMs": "now"}}}).encode()),
    "a tag on two manifests": Answer(200, json.dumps({"manifest": {LONG: ROW, ABSENT: ROW}}).encode()),
    "a bare 404": Answer(404, b"not found"),
    "a manifest that is unknown": Answer(404, b'{"errors":[{"code":"MANIFEST_UNKNOWN"}]}'),
    "a teapot": Answer(418, b"teapot"),
    "broken off": Truncate(20),
}


@pytest.mark.parametrize("kind", sorted(BROKEN))
async def test_a_listing_that_is_not_one_is_never_read_as_empty(tmp_path: Path, kind: str) -> None:
    async with GoogleEmulator() as served:
        served.faults.add(Fault("GET", r"/tags/list", BROKEN[kind], times=None))
        push(served, "one", "v1")
        async with connected(served, tmp_path) as session:
            with pytest.raises(IncompleteSource, match=r"127\.0\.0\.1"):
                await session.list_tags()


async def test_times_that_are_not_known_are_left_out(tmp_path: Path) -> None:
    rows = {LONG: ROW | {"timeUploadedMs": "-62135596800000"}, ABSENT: {"tag": [], "mediaType": ""}}
    async with GoogleEmulator() as served:
        served.faults.add(Fault("GET", r"/tags/list", Answer(200, json.dumps({"manifest": rows}).encode())))
        async with connected(served, tmp_path) as session:
            listing = await session.list_tags()
    assert listing.tags == {Tag("v1"): LONG}
    assert listing.pushed == {}


@pytest.mark.parametrize(
    ("tags", "link", "cut_short"),
    [
        (["v1"], "", False),
        (["v1"], '</v2/team/app/tags/list?last=v1>; rel="next"', True),
        (["v1", "of-a-manifest-that-is-not-shown"], "", True),
    ],
)
def test_signs_of_a_list_that_was_cut(tags: list[str], link: str, cut_short: bool) -> None:
    url = URL("https://eu.gcr.io/v2/")
    headers = CIMultiDictProxy(CIMultiDict({"Link": link} if link else {}))
    body = json.dumps({"manifest": {LONG: ROW}, "tags": tags}).encode()
    repository = Repository(RegistryHost("eu.gcr.io"), RepositoryPath("team/app"))
    assert read_rows(repository, Reply(200, headers, body, url, url)).cut_short == cut_short
