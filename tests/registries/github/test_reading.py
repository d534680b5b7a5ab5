"""GitHub: what is listed, and what is absent or hidden."""

import random
from pathlib import Path

import pytest

from holystone.embedded.faults import Answer, Fault, Truncate
from holystone.engine.errors import IncompleteSource, Unauthorized, Unseen, UsageError
from holystone.engine.model.references import Digest
from tests.emulators.github import OWNER, WORKFLOW, GithubEmulator
from tests.registries.github.connected import PATH, VERSIONS, Wall, connected, put
from tests.support import images

# Listing


@pytest.mark.parametrize("count", [1, 99, 100, 101, 200, 201])
async def test_a_listing_is_complete_at_page_boundaries(tmp_path: Path, count: int) -> None:
    rng = random.Random(count)
    async with GithubEmulator() as github, connected(tmp_path, github) as session:
        expected: dict[str, Digest] = {}
        untagged = set()
        for number in range(count):
            if rng.random() < 0.3 and number:
                untagged.add(put(github, text=f"{number}").digest)
            else:
                expected[f"v{number}"] = put(github, f"v{number}", text=f"{number}").digest
        listing = await session.list_tags()
        assert listing.exists
        assert dict(listing.tags) == expected
        assert set(listing.untagged) == untagged
        assert len(listing.untagged) == len(untagged)


async def test_a_package_without_any_version_left_is_empty_and_exists(tmp_path: Path) -> None:
    async with GithubEmulator() as github, connected(tmp_path, github) as session:
        github.storage.delete_manifest(PATH, put(github, "v1").digest)
        listing = await session.list_tags()
        assert (dict(listing.tags), listing.exists) == ({}, True)


async def test_the_listing_says_digests_push_times_and_what_has_no_tag(tmp_path: Path) -> None:
    wall = Wall()
    async with GithubEmulator(clock=wall) as github, connected(tmp_path, github) as session:
        shared = put(github, "v1", "latest")
        wall.now += 100
        child = put(github, text="child")
        index = images.index(child)
        github.storage.put_manifest(PATH, index.body, index.media_type, "multi")
        listing = await session.list_tags()
        assert dict(listing.tags) == {"v1": shared.digest, "latest": shared.digest, "multi": index.digest}
        assert listing.untagged == (child.digest,)
        assert listing.pushed == {
            shared.digest: 1_700_000_000,
            child.digest: 1_700_000_100,
            index.digest: 1_700_000_100,
        }
        assert listing.put == {"v1": 1_700_000_000, "latest": 1_700_000_000, "multi": 1_700_000_100}
        github.storage.repositories[PATH].tagged["latest"] = 1_700_000_500.0
        later = await session.list_tags()
        assert later.put == {"v1": 1_700_000_500, "latest": 1_700_000_500, "multi": 1_700_000_100}, (
            "which one is not said"
        )
        assert later.pushed == listing.pushed
        assert not listing.manifests


async def test_one_page_is_one_request_once_the_owner_is_known(tmp_path: Path) -> None:
    async with GithubEmulator() as github, connected(tmp_path, github) as session:
        put(github, "v1")
        await session.list_tags()
        github.api_requests.clear()
        await session.list_tags()
        assert github.api_requests == [("GET", VERSIONS, "per_page=100&page=1&state=active")]


async def test_a_package_with_slashes_is_encoded_once(tmp_path: Path) -> None:
    async with GithubEmulator() as github, connected(tmp_path, github, path="acme/shop/app") as session:
        github.storage.put_blob("acme/shop/app", images.config("one"))
        raw = images.image(images.config("one"))
        github.storage.put_manifest("acme/shop/app", raw.body, raw.media_type, "v1")
        assert dict((await session.list_tags()).tags) == {"v1": raw.digest}
        assert github.api_requests[-1][1] == "/orgs/acme/packages/container/shop%2Fapp/versions"


@pytest.mark.parametrize(
    ("kinds", "path", "token", "expected"),
    [
        ({}, "acme/app", OWNER, "/orgs/acme"),
        ({"jane": "User"}, "jane/app", OWNER, "/users/jane"),
        ({"captain": "User"}, "captain/app", OWNER, "/user"),
        ({"captain": "User"}, "captain/app", WORKFLOW, "/users/captain"),
    ],
)
async def test_whose_package_it_is(tmp_path: Path, kinds: dict[str, str], path: str, token: str, expected: str) -> None:
    async with (
        GithubEmulator(owner_kinds=kinds, public=True) as github,  # type: ignore[arg-type]
        connected(tmp_path, github, token, path=path) as session,
    ):
        github.storage.put_blob(path, images.config("one"))
        raw = images.image(images.config("one"))
        github.storage.put_manifest(path, raw.body, raw.media_type, "v1")
        assert dict((await session.list_tags()).tags) == {"v1": raw.digest}
        asked = [path for _, path, _ in github.api_requests if path.endswith("/versions")]
        assert asked == [f"{expected}/packages/container/app/versions"]


@pytest.mark.parametrize("token", [OWNER, WORKFLOW])
async def test_private_packages_of_a_personal_account_are_told_to_need_its_own_token(
    tmp_path: Path, token: str
) -> None:
    async with (
        GithubEmulator(owner_kinds={"jane": "User"}) as github,
        connected(tmp_path, github, token, path="jane/app") as session,
    ):
        raw = images.image(images.config("one"))
        github.storage.put_blob("jane/app", images.config("one"))
        github.storage.put_manifest("jane/app", raw.body, raw.media_type, "v1")
        with pytest.raises(Unauthorized) as raised:
            await session.list_tags()
        assert "classic token of that very account" in raised.value.what_to_do


@pytest.mark.parametrize("count", [30, 31, 130])
async def test_a_list_whose_pages_are_not_documented_is_held_against_the_count(tmp_path: Path, count: int) -> None:
    path = "jane/app"
    for plain in (False, True):
        async with (
            GithubEmulator(owner_kinds={"jane": "User"}, public=True, plain_user_lists=plain) as github,
            connected(tmp_path, github, path=path) as session,
        ):
            for number in range(count):
                raw = images.image(images.config(f"{number}"))
                github.storage.put_blob(path, images.config(f"{number}"))
                github.storage.put_manifest(path, raw.body, raw.media_type, f"v{number}")
            if plain and count > 30:
                with pytest.raises(IncompleteSource):
                    await session.list_tags()
            else:
                assert len((await session.list_tags()).tags) == count


ROW = '{"id":1,"name":"sha256:%s","metadata":{"container":{"tags":%s}}}'
BROKEN: dict[str, Answer | Truncate] = {
    "an object": Answer(200, b'{"message":"Something went wrong"}'),
    "cut short": Answer(200, b'[{"id":1,"name":"sha256:'),
    "a page of a proxy": Answer(200, b"<html>Welcome</html>"),
    "no metadata": Answer(200, b'[{"id":1,"name":"sha256:' + b"0" * 64 + b'"}]'),
    "no kind of metadata": Answer(200, b'[{"id":1,"name":"sha256:' + b"0" * 64 + b'","metadata":{}}]'),
    "no tags": Answer(200, b'[{"id":1,"name":"sha256:' + b"0" * 64 + b'","metadata":{"container":{}}}]'),
    "no digest": Answer(200, b'[{"id":1,"name":"v1","metadata":{"container":{"tags":["v1"]}}}]'),
    "another status": Answer(418, b"teapot"),
    "a server in trouble": Answer(502, b"<html>Unicorn!</html>"),
    "broken off": Truncate(20),
    "a last page beyond all numbers": Answer(
        200,
        b"[]",
        {"Link": f'<?page=2>; rel="next", <?page={"9" * 5000}>; rel="last"'},
    ),
    "a list that goes on elsewhere": Answer(200, b"[]", {"Link": '<https://evil.example/?page=2>; rel="next"'}),
}


@pytest.mark.parametrize("kind", sorted(BROKEN))
async def test_a_list_that_is_none_is_never_read_as_one(tmp_path: Path, kind: str) -> None:
    async with GithubEmulator() as github, connected(tmp_path, github) as session:
        put(github, "v1")
        github.faults.add(Fault("GET", r"/versions\?", BROKEN[kind], times=None))
        with pytest.raises(IncompleteSource):
            await session.list_tags()


async def test_a_last_page_that_is_nowhere_is_no_traceback(tmp_path: Path) -> None:
    row = (ROW % ("5" * 64, '["v1"]')).encode()
    where = {"Link": '<?page=2>; rel="next", <////[x>; rel="last"'}
    async with GithubEmulator() as github, connected(tmp_path, github) as session:
        put(github, "v2")
        github.faults.add(Fault("GET", r"/versions\?.*page=1&", Answer(200, b"[%s]" % row, where), times=None))
        github.faults.add(Fault("GET", r"/versions\?.*page=2&", Answer(200, b"[]"), times=None))
        assert (await session.list_tags()).tags.keys() == {"v1"}


@pytest.mark.parametrize("status", [404, 403, 418])
async def test_a_later_page_that_fails_is_no_end(tmp_path: Path, status: int) -> None:
    async with GithubEmulator() as github, connected(tmp_path, github) as session:
        for number in range(101):
            put(github, f"v{number}", text=f"{number}")
        github.faults.add(Fault("GET", r"page=2&", Answer(status, b'{"message":"Not Found"}'), times=None))
        with pytest.raises(IncompleteSource, match="Page 2"):
            await session.list_tags()


# Whether it is there, and who may see it


async def test_a_package_that_neither_side_knows_does_not_exist(tmp_path: Path) -> None:
    async with GithubEmulator() as github, connected(tmp_path, github) as session:
        listing = await session.list_tags()
        assert (listing.exists, dict(listing.tags)) == (False, {})


@pytest.mark.parametrize("masks_absent", [False, True])
async def test_a_package_that_may_only_be_hidden_is_not_said_to_be_absent(tmp_path: Path, masks_absent: bool) -> None:
    async with (
        GithubEmulator(masks_absent=masks_absent) as github,
        connected(tmp_path, github) as session,
    ):
        if not masks_absent:
            put(github, "v1")
            github.hidden.add(PATH)
        with pytest.raises(Unseen, match=r"shows no package .*--repo-github-token") as raised:
            await session.list_tags()
        assert "read:packages" in raised.value.what_to_do


async def test_what_only_the_registry_shows_is_not_absent(tmp_path: Path) -> None:
    async with GithubEmulator() as github, connected(tmp_path, github) as session:
        put(github, "v1")
        github.faults.add(Fault("GET", VERSIONS, Answer(404, b'{"message":"Package not found."}'), times=None))
        with pytest.raises(Unauthorized, match="does not say that there is none") as raised:
            await session.list_tags()
        assert not isinstance(raised.value, Unseen), "it is there"


async def test_an_owner_whom_github_does_not_know(tmp_path: Path) -> None:
    faults = Fault("GET", "/users/acme", Answer(404, b'{"message":"Not Found"}'), times=None)
    async with GithubEmulator() as github, connected(tmp_path, github) as session:
        github.faults.add(faults)
        with pytest.raises(IncompleteSource, match="no user or organization acme"):
            await session.list_tags()


async def test_an_owner_alone_is_no_package(tmp_path: Path) -> None:
    async with GithubEmulator() as github, connected(tmp_path, github, path="acme") as session:
        with pytest.raises(UsageError, match="names an owner and no package"):
            await session.list_tags()
