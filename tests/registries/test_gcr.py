"""The adapter for Google's registries against the emulator, through the program's own wiring."""

import base64
import json
import os
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from holystone.adapters import files
from holystone.adapters.http.reply import Reply
from holystone.adapters.http.wire import Wire
from holystone.adapters.registries.connections import Connections
from holystone.adapters.registries.gcr import access_tokens as access_tokens_module
from holystone.adapters.registries.gcr.access_tokens import AccessToken, MetadataServer
from holystone.adapters.registries.gcr.listing import read_rows
from holystone.adapters.registries.gcr.places import Image, is_google, locate
from holystone.adapters.registries.gcr.profile import PROFILE
from holystone.adapters.registries.gcr.registry import GoogleSession
from holystone.adapters.registries.gcr.replies import classify
from holystone.embedded.faults import Action, Answer, Fault, Hang, Truncate
from holystone.embedded.quirks import OCI
from holystone.engine.errors import IncompleteSource, RegistryFailure, Unauthorized, UsageError
from holystone.engine.model.capabilities import SPARES_ALL, DigestDeletion, TagDeletion
from holystone.engine.model.manifests import RawManifest
from holystone.engine.model.outcomes import AlreadyGone, Deleted, Failed, Forbidden, Locked, Referenced
from holystone.engine.model.references import Digest, RegistryHost, Repository, RepositoryPath, Tag
from holystone.engine.scheduler import Limits, RateLimited, Transient
from holystone.settings.access import resolve_access
from holystone.settings.given import Given
from tests.emulators.gcr import (
    ADMIN,
    CLIENT_SECRET,
    FOLDER,
    READER,
    REFRESH_TOKEN,
    STRANGER,
    GoogleEmulator,
)
from tests.emulators.vendor import Login
from tests.support import images
from tests.support.command_line import hasty

ABSENT = Digest("sha256:" + "0" * 64)
NO_REFERRERS = OCI.__class__(referrers_api=False)


@pytest.fixture(autouse=True)
def _no_waits() -> Iterator[None]:
    with hasty():
        yield


def write(file: Path, document: object) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(document))
    return file


@asynccontextmanager
async def connected(
    served: GoogleEmulator, folder: Path, login: Login | None = None, *, api: bool = True, path: str | None = None
) -> AsyncIterator[GoogleSession]:
    log_in = login or served.login()
    write(folder / "config.json", log_in.docker_config)
    environ = {"HOME": str(folder), "NO_GCE_CHECK": "true", **served.environ, **log_in.environ}
    if not api:
        del environ["HOLYSTONE_REPO_API_URL"]
    connections = Connections(
        folder,
        access=resolve_access(Given({}, environ)),
        environ=environ,
        limits=Limits(attempts=4, host_patience=0.2),
    )
    async with connections:
        repository = Repository(RegistryHost.parse(served.host), RepositoryPath(path or served.path))
        session = await connections.session(repository, "gcr")
        assert isinstance(session, GoogleSession)
        yield session


def push(
    served: GoogleEmulator, text: str, *tags: str, subject: RawManifest | None = None, path: str | None = None
) -> RawManifest:
    config = images.config(text)
    served.storage.put_blob(path or served.path, config)
    return store(served, images.image(config, subject=subject), *tags, path=path)


def store(served: GoogleEmulator, raw: RawManifest, *tags: str, path: str | None = None) -> RawManifest:
    for tag in tags or (None,):
        served.storage.put_manifest(path or served.path, raw.body, raw.media_type, tag)
    return raw


def asked(served: GoogleEmulator, prefix: str) -> list[str]:
    return [f"{each.method} {each.path}" for each in served.requests if each.path.startswith(prefix)]


# Listing


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
    assert len(asked(served, "/v2/team/app/referrers/")) == 1


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


# Immutable tags


async def test_immutable_tags_are_known_before_planning(tmp_path: Path) -> None:
    async with GoogleEmulator(immutable=True) as served:
        push(served, "one", "v1"), push(served, "two", "v2")
        loose = push(served, "loose")
        async with connected(served, tmp_path) as session:
            can = await session.probe()
            assert not can.forbidden
            assert can == PROFILE.can.without_tombstones()
            locked = (await session.list_tags()).locked
            assert locked.keys() == {"v1", "v2"}
            assert "gcloud artifacts repositories update gcr.io --project=team --location=us" in locked[Tag("v1")]
            (outcome,) = await session.delete_tags([Tag("v1")])
            assert isinstance(outcome, Locked)
            assert await session.delete_manifests([loose.digest]) == [Deleted()]


@pytest.mark.parametrize(
    "answer",
    [
        Answer(403, b'{"name":"x","dockerConfig":{"immutableTags":true}}'),
        Answer(404, b"{}"),
        Answer(200, b"<html>"),
        Answer(503, b""),
        Answer(401, b""),
    ],
)
async def test_without_the_api_a_lock_is_met_when_deleting(tmp_path: Path, answer: Answer) -> None:
    async with GoogleEmulator(immutable=True) as served:
        served.faults.add(Fault("GET", r"^/v1/", answer, times=None))
        push(served, "one", "v1")
        async with connected(served, tmp_path) as session:
            assert (await session.list_tags()).locked == {}
            (outcome,) = await session.delete_tags([Tag("v1")])
    assert isinstance(outcome, Locked)


# Deleting


async def test_a_tag_goes_alone_and_a_manifest_goes_when_nothing_needs_it(tmp_path: Path) -> None:
    async with GoogleEmulator() as served:
        image, child = push(served, "one", "v1", "v2"), push(served, "child")
        index = store(served, images.index(child), "multi")
        async with connected(served, tmp_path) as session:
            can = await session.probe()
            assert not can.forbidden
            assert can.tags == TagDeletion(SPARES_ALL)
            assert can.digests == DigestDeletion(tags_first=True, tombstones=SPARES_ALL)
            assert await session.delete_tags([Tag("v1"), Tag("v1")]) == [Deleted(), AlreadyGone()]
            assert await session.resolve(Tag("v2")) == image.digest
            outcomes = await session.delete_manifests([image.digest, child.digest, ABSENT])
            assert [type(outcome) for outcome in outcomes] == [Referenced, Referenced, AlreadyGone]
            assert "a tag is on it" in str(outcomes[0])
            assert "an index lists it" in str(outcomes[1])
            await session.delete_tags([Tag("v2"), Tag("multi")])
            every = [image.digest, index.digest, child.digest]
            assert await session.delete_manifests(every) == [Deleted()] * 3
        assert not served.storage.repositories[served.path].manifests


async def test_a_late_index_of_tags_refuses_what_may_go_a_moment_later(tmp_path: Path) -> None:
    async with GoogleEmulator(lag=1) as served:
        loose = push(served, "loose")
        async with connected(served, tmp_path) as session:
            (first,) = await session.delete_manifests([loose.digest])
            assert isinstance(first, Referenced)
            assert await session.delete_manifests([loose.digest]) == [Deleted()]


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (Answer(404, b"<html>"), Failed),
        (Answer(404, b'{"errors":[{"code":"NAME_UNKNOWN"}]}'), AlreadyGone),
        (Answer(404, b'{"errors":[{"code":"MANIFEST_UNKNOWN"}]}'), AlreadyGone),
        (Answer(400, b'{"errors":[{"code":"DIGEST_INVALID"}]}'), Failed),
        (Answer(400, b'{"errors":[{"code":"UNKNOWN","message":"The repository has immutable tags"}]}'), Locked),
        (Answer(403, b'{"errors":[{"code":"DENIED","message":"Tag is immutable"}]}'), Locked),
        (Answer(403, b'{"errors":[{"code":"DENIED"}]}'), Forbidden),
        (Answer(401, b'{"errors":[{"code":"UNAUTHORIZED"}]}'), Forbidden),
        (Answer(200), Deleted),
        (Answer(503, b"busy"), Failed),
        (Answer(499, b""), Failed),
    ],
)
async def test_odd_replies_to_a_deletion(tmp_path: Path, answer: Answer, expected: type) -> None:
    async with GoogleEmulator() as served:
        served.faults.add(Fault("DELETE", r"/manifests/", answer, times=None))
        push(served, "one", "v1")
        async with connected(served, tmp_path) as session:
            (outcome,) = await session.delete_tags([Tag("v1")])
            assert isinstance(outcome, expected), outcome


async def test_what_was_deleted_is_pushed_again_and_google_has_no_undelete(tmp_path: Path) -> None:
    async with GoogleEmulator() as served:
        image = push(served, "one", "v1")
        async with connected(served, tmp_path) as session:
            await session.delete_tags([Tag("v1")])
            await session.delete_manifests([image.digest])
            assert not await session.restore(image.digest, [Tag("v1")])
            await session.push_manifest(Tag("v1"), image)
            assert await session.resolve(Tag("v1")) == image.digest


# Throttling


async def test_throttling_is_waited_out(tmp_path: Path) -> None:
    async with GoogleEmulator() as served:
        push(served, "one", "v1")
        async with connected(served, tmp_path) as session:
            served.throttle(2)
            assert (await session.list_tags()).tags.keys() == {"v1"}
            served.throttle(2)
            assert await session.delete_tags([Tag("v1")]) == [Deleted()]
            assert served.throttled == 0


def test_every_way_to_say_later() -> None:
    def said(status: int, body: object, **headers: str) -> RateLimited | Transient | None:
        url = URL("https://eu.gcr.io/v2/")
        named = CIMultiDictProxy(CIMultiDict({name.replace("_", "-"): value for name, value in headers.items()}))
        return classify(Reply(status, named, json.dumps(body).encode(), url, url))

    wait = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "2.5s"}
    exhausted = {"error": {"code": 429, "status": "RESOURCE_EXHAUSTED", "message": "Quota exceeded", "details": [wait]}}
    later = said(429, exhausted)
    assert isinstance(later, RateLimited)
    assert later.after == 2.5
    assert "Quota exceeded" in later.reason
    later = said(429, {"errors": [{"code": "TOOMANYREQUESTS"}]}, Retry_After="7")
    assert isinstance(later, RateLimited)
    assert later.after == 7
    assert isinstance(said(403, {"errors": [{"code": "TOOMANYREQUESTS"}]}), RateLimited)
    assert isinstance(said(403, exhausted), RateLimited)
    assert isinstance(said(429, None), RateLimited)
    assert isinstance(said(499, {}), Transient)
    assert isinstance(said(522, {}), Transient)
    odd: object
    for odd in ([], {"error": "text"}, {"error": {"details": [1]}}, {"error": {"details": [{"retryDelay": "soon"}]}}):
        assert said(403, odd) is None
    assert said(200, exhausted) is None


# Signing in


def key_file(served: GoogleEmulator, folder: Path, **changed: str) -> Login:
    return by_file(write(folder / "key.json", served.key(ADMIN) | changed))


def by_file(file: Path) -> Login:
    return Login(environ={"GOOGLE_APPLICATION_CREDENTIALS": str(file)})


OWN_LOGIN = {
    "type": "authorized_user",
    "client_id": "gcloud",
    "client_secret": CLIENT_SECRET,
    "refresh_token": REFRESH_TOKEN,
}


def to_emulator(served: GoogleEmulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """google-auth asks Google's own server for a person's tokens, whatever the file says."""
    monkeypatch.setattr("google.oauth2.credentials._GOOGLE_OAUTH2_TOKEN_ENDPOINT", f"{served.url}/oauth2/token")


async def works(session: GoogleSession) -> None:
    assert (await session.list_tags()).tags.keys() == {"v1"}
    assert not (await session.probe()).forbidden


async def test_a_service_accounts_key_file(tmp_path: Path) -> None:
    async with GoogleEmulator(immutable=True) as served:
        push(served, "one", "v1")
        async with connected(served, tmp_path, key_file(served, tmp_path)) as session:
            await works(session)
            assert (await session.list_tags()).locked
    assert served.seen.grants == ["urn:ietf:params:oauth:grant-type:jwt-bearer"], "one token for /v2 and the API"


async def test_the_login_of_gcloud_in_its_usual_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with GoogleEmulator() as served:
        to_emulator(served, monkeypatch)
        push(served, "one", "v1")
        for folder, environ in (
            (tmp_path / ".config" / "gcloud", {}),
            (tmp_path / "else", {"CLOUDSDK_CONFIG": str(tmp_path / "else")}),
        ):
            write(folder / "application_default_credentials.json", OWN_LOGIN)
            async with connected(served, tmp_path, Login(environ=environ)) as session:
                await works(session)
    assert served.seen.grants == ["refresh_token"] * 2


async def test_the_metadata_server_is_found_without_being_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with GoogleEmulator() as served:
        push(served, "one", "v1")
        monkeypatch.setattr(access_tokens_module, "_METADATA_HOST", served.host)
        async with connected(served, tmp_path, Login(environ={"NO_GCE_CHECK": "false"})) as session:
            await works(session)
        served.faults.add(Fault("GET", r"^/$", Answer(200, b"Welcome to our network"), times=None))
        for elsewhere in (served.host, "127.0.0.1:1"):
            monkeypatch.setattr(access_tokens_module, "_METADATA_HOST", elsewhere)
            async with connected(served, tmp_path, Login(environ={"NO_GCE_CHECK": "false"})) as session:
                with pytest.raises(Unauthorized, match="no Application Default Credentials"):
                    await session.list_tags()
    assert served.seen.grants == ["metadata"]


async def test_a_machine_without_a_service_account(tmp_path: Path) -> None:
    async with GoogleEmulator() as served:
        served.attached = None
        async with connected(served, tmp_path) as session:
            with pytest.raises(Unauthorized, match="metadata server") as raised:
                await session.list_tags()
            assert "Attach a service account" in raised.value.what_to_do


@pytest.mark.parametrize("encoded", [False, True])
async def test_a_key_in_dockers_configuration(tmp_path: Path, encoded: bool) -> None:
    async with GoogleEmulator(immutable=True) as served:
        push(served, "one", "v1")
        key = json.dumps(served.key(ADMIN))
        user, secret = ("_json_key_base64", base64.b64encode(key.encode()).decode()) if encoded else ("_json_key", key)
        async with connected(served, tmp_path, served.by_docker(user, secret)) as session:
            await works(session)
            assert (await session.list_tags()).locked, "a token for the API was got with the key"


async def test_a_damaged_key_in_dockers_configuration_leaves_only_the_api_out(tmp_path: Path) -> None:
    async with GoogleEmulator() as served:
        async with connected(served, tmp_path, served.by_docker("_json_key", "not json")) as session:
            with pytest.raises(Unauthorized, match="_json_key"):
                await session.list_tags()
        assert asked(served, "/v1/") == []


@pytest.mark.parametrize("user", ["oauth2accesstoken", "_dcgcloud_token"])
async def test_an_access_token_in_dockers_configuration_serves_the_api_too(tmp_path: Path, user: str) -> None:
    async with GoogleEmulator(immutable=True) as served:
        push(served, "one", "v1")
        async with connected(served, tmp_path, served.by_docker(user, served.issue(ADMIN))) as session:
            await works(session)
            assert (await session.list_tags()).locked
        assert served.seen.grants == [], "Docker's configuration comes first"


async def test_docker_comes_before_the_default_credentials(tmp_path: Path) -> None:
    async with GoogleEmulator() as served:
        push(served, "one", "v1")
        docker = served.by_docker("oauth2accesstoken", served.issue(READER))
        both = Login(environ=served.login().environ, docker_config=docker.docker_config)
        async with connected(served, tmp_path, both) as session:
            assert (await session.probe()).forbidden


async def test_nobody_may_read_what_is_public(tmp_path: Path) -> None:
    async with GoogleEmulator(public=True) as served:
        push(served, "one", "v1")
        async with connected(served, tmp_path, Login()) as session:
            assert (await session.list_tags()).tags.keys() == {"v1"}
            can = await session.probe()
    assert can.forbidden
    assert "anonymous access" in can.forbidden
    assert "deleteArtifacts" in can.forbidden


async def test_default_credentials_are_shown_to_google_and_to_nobody_else(tmp_path: Path) -> None:
    async with GoogleEmulator(public=True) as served:
        push(served, "one", "v1")
        async with connected(served, tmp_path, api=False) as session:
            await session.list_tags()
        assert served.seen.grants == []
        assert not [each for each in served.requests if each.authorization.startswith("Basic")]
    assert is_google(RegistryHost("eu.gcr.io"))
    assert is_google(RegistryHost("europe-west1-docker.pkg.dev"))
    for stranger in ("gcr.io.example.com", "xgcr.io", "pkg.dev.example.com", "localhost:5000"):
        assert not is_google(RegistryHost(stranger))


async def test_a_right_that_lacks_is_named_before_the_first_deletion(tmp_path: Path) -> None:
    async with GoogleEmulator() as served:
        image = push(served, "one", "v1")
        async with connected(served, tmp_path, served.weak_login()) as session:
            can = await session.probe()
            assert (await session.list_tags()).tags.keys() == {"v1"}
            (outcome,) = await session.delete_manifests([image.digest])
        assert isinstance(outcome, Forbidden)
        assert can.forbidden
        for part in ("'_json_key'", "config.json", "deleteArtifacts", "roles/artifactregistry.repoAdmin"):
            assert part in can.forbidden
        assert served.storage.repositories[served.path].tags == {"v1": image.digest}


async def test_probing_asks_for_what_cannot_exist(tmp_path: Path) -> None:
    async with GoogleEmulator() as served:
        push(served, "one", "v1")
        before = dict(served.storage.repositories[served.path].tags)
        async with connected(served, tmp_path) as session:
            await session.probe()
        assert served.storage.repositories[served.path].tags == before
        deletions = [each for each in served.requests if each.method == "DELETE"]
        assert [each.status for each in deletions] == [404, 404]


async def test_wrong_credentials(tmp_path: Path) -> None:
    async with GoogleEmulator() as served:
        push(served, "one", "v1")
        logins = {
            "oauth2accesstoken": served.bad_login(),
            "Invalid JWT Signature": key_file(served, tmp_path, private_key=_another_key()),
        }
        for words, login in logins.items():
            async with connected(served, tmp_path / words.split()[0], login) as session:
                with pytest.raises(Unauthorized, match=words):
                    await session.list_tags()
                can = await session.probe()
                assert can.forbidden
                assert words in can.forbidden


def _another_key() -> str:
    from cryptography.hazmat.primitives import serialization as form
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, form.NoEncryption()).decode()


async def test_a_token_server_that_repeats_the_secret_is_not_quoted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with GoogleEmulator() as served:
        to_emulator(served, monkeypatch)
        file = write(tmp_path / "mine.json", OWN_LOGIN | {"refresh_token": "1//long-revoked-refresh-token"})
        async with connected(served, tmp_path, by_file(file)) as session:
            with pytest.raises(Unauthorized, match="expired or revoked") as raised:
                await session.list_tags()
            assert "long-revoked" not in str(raised.value)
            assert "your own Google login" in raised.value.message
            assert "GOOGLE_APPLICATION_CREDENTIALS" in raised.value.message


async def test_a_credential_file_that_is_a_pipe_holds_nobody_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "PATIENCE", 0.1)
    os.mkfifo(tmp_path / "pipe")
    async with GoogleEmulator() as served:
        with pytest.raises(UsageError, match="it is a pipe"):
            async with connected(served, tmp_path, by_file(tmp_path / "pipe")):
                raise AssertionError


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "cannot be read"),
        (b"\xff\xfe\x00secret", "UTF-8"),
        (b"secret but no json", "not a JSON object"),
        (b'["secret"]', "not a JSON object"),
    ],
)
async def test_files_that_are_no_credentials_are_wrong_usage(tmp_path: Path, content: bytes | None, words: str) -> None:
    file = tmp_path / "key.json"
    if content is not None:
        file.write_bytes(content)
    async with GoogleEmulator() as served:
        with pytest.raises(UsageError, match=words) as raised:
            async with connected(served, tmp_path, by_file(file)):
                pass
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize("changed", [{"type": "magic"}, {"private_key": "secret"}, {"client_email": ""}])
async def test_keys_that_google_auth_does_not_take_are_wrong_usage(tmp_path: Path, changed: dict[str, str]) -> None:
    async with GoogleEmulator() as served:
        login = key_file(served, tmp_path, **changed)
        async with connected(served, tmp_path, login) as session:
            with pytest.raises((UsageError, Unauthorized)) as raised:
                await session.list_tags()
    assert "secret" not in str(raised.value)


async def test_the_package_that_lacks_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> object:
        raise ImportError(name)

    monkeypatch.setattr("holystone.adapters.registries.gcr.key_file.import_module", missing)
    async with GoogleEmulator() as served:
        with pytest.raises(UsageError, match="google-auth") as raised:
            async with connected(served, tmp_path, key_file(served, tmp_path)):
                pass
        assert "holystone[gcr]" in raised.value.what_to_do
        push(served, "one", "v1")
        async with connected(served, tmp_path) as session:
            await works(session)


# Tokens end


async def test_tokens_that_end_in_the_middle_are_renewed_once_for_all(tmp_path: Path) -> None:
    async with GoogleEmulator() as served:
        digests = [push(served, f"{number}", f"v{number}").digest for number in range(12)]
        async with connected(served, tmp_path) as session:
            await session.list_tags()
            served.expire_tokens()
            assert await session.delete_tags([Tag("v0"), Tag("v1")]) == [Deleted(), Deleted()]
            served.expire_tokens()
            assert len(await session.read_manifests(digests)) == 12
    assert served.seen.grants == ["metadata"] * 3


async def test_a_token_is_renewed_before_it_ends(tmp_path: Path) -> None:
    """Its lifetime is over by our clock at once, and not by the server's: no request of ours is ever refused."""
    async with GoogleEmulator(lifetime=0) as served:
        push(served, "one", "v1")
        async with connected(served, tmp_path) as session:
            await works(session)
    assert served.seen.refused == 0
    assert len(served.seen.grants) > 2


def test_when_a_token_is_renewed() -> None:
    assert AccessToken.of("x", 3599, 1000.0).renew_at == 1000.0 + 3599 - 60
    assert AccessToken.of("x", 100, 1000.0).renew_at == 1000.0 + 75
    assert AccessToken.of("x", -5, 1000.0).renew_at == 1000.0
    for nothing in (None, "", 5):
        with pytest.raises(RegistryFailure):
            AccessToken.of(nothing, 100, 0.0)


async def test_a_token_server_that_is_unwell_for_a_moment(tmp_path: Path) -> None:
    for fault_at, login_of in ((r"^/computeMetadata", None), (r"^/oauth2/token", key_file)):
        async with GoogleEmulator() as served:
            push(served, "one", "v1")
            for status in (503, 429):
                served.faults.add(Fault("GET|POST", fault_at, Answer(status, b"{}", {"Retry-After": "0"})))
            login = login_of(served, tmp_path) if login_of else None
            async with connected(served, tmp_path, login) as session:
                await works(session)


@pytest.mark.parametrize("where", ["/oauth2/token", "/v2/"])
async def test_cancelled_while_a_server_is_silent(tmp_path: Path, where: str) -> None:
    async with GoogleEmulator() as served:
        push(served, "one", "v1")
        async with connected(served, tmp_path, key_file(served, tmp_path)) as session:
            served.faults.add(Fault("GET|POST", f"^{where}", Hang()))
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(session.list_tags)
                while not asked(served, where):  # noqa: ASYNC110 - the server rings no bell
                    await anyio.sleep(0.001)
                tasks.cancel_scope.cancel()
                begun = anyio.current_time()
            assert anyio.current_time() - begun < 1
            await works(session)


# Places


@pytest.mark.parametrize(
    ("host", "path", "expected"),
    [
        ("gcr.io", "proj/app", Image("proj", "us", "gcr.io", "app")),
        ("eu.gcr.io", "proj/a/b", Image("proj", "europe", "eu.gcr.io", "a/b")),
        ("asia.gcr.io", "example.com/proj/a", Image("example.com:proj", "asia", "asia.gcr.io", "a")),
        ("us-docker.pkg.dev", "proj/repo/a/b", Image("proj", "us", "repo", "a/b")),
        ("us-west1-docker.pkg.dev", "example.com/p/r/a", Image("example.com:p", "us-west1", "r", "a")),
        ("docker.us-west1.rep.pkg.dev", "p/r/a", Image("p", "us-west1", "r", "a")),
        ("127.0.0.1:5000", "team/app", Image("team", "us", "gcr.io", "app")),
        ("us-docker.pkg.dev", "proj/repo", None),
        ("us-docker.pkg.dev", "proj", None),
        ("gcr.io", "proj", None),
        ("us-python.pkg.dev", "proj/repo/a", None),
        ("launcher.gcr.io", "proj/app", None),
    ],
)
def test_where_an_image_belongs(host: str, path: str, expected: Image | None) -> None:
    assert locate(RegistryHost(host), RepositoryPath(path)) == expected


def test_resource_names() -> None:
    image = Image("example.com:proj", "us", "repo", "a/b")
    assert image.resource == "projects/example.com%3Aproj/locations/us/repositories/repo/packages/a%2Fb"
    expected: Mapping[str, str] = {"project": "example.com:proj", "location": "us"}
    assert all(f"--{name}={value}" in image.update_command for name, value in expected.items())


@pytest.mark.parametrize("host", ["[broken", "[::1]x@", "a:b"])
def test_a_metadata_server_that_is_no_host_is_told(host: str) -> None:
    with pytest.raises(UsageError, match=r"^\$GCE_METADATA_HOST is no host"):
        MetadataServer(Wire(connections=1), host)
