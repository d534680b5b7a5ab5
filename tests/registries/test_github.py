"""The GitHub adapter against the emulator of GitHub Packages, and odd replies."""

import json
import os
import random
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import anyio
import anyio.lowlevel
import pytest
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from holystone.adapters.credentials.reference import AsGiven, TokenLogin
from holystone.adapters.credentials.secret import Secret
from holystone.adapters.http.reply import Reply as HttpReply
from holystone.adapters.registries.connections import Connections
from holystone.adapters.registries.github.listing_lock import ListingLock
from holystone.adapters.registries.github.profile import PROFILE
from holystone.adapters.registries.github.registry import GithubSession
from holystone.adapters.registries.github.replies import LAST, LAST_TAGGED, POPULAR
from holystone.adapters.registries.github.throttling import api_later, registry_later
from holystone.adapters.registries.reach import Access
from holystone.embedded.exchange import Incoming, Reply
from holystone.embedded.faults import Answer, Drop, Fault, Truncate
from holystone.engine.errors import IncompleteSource, Unauthorized, Unreachable, Unseen, UsageError
from holystone.engine.model.capabilities import DigestDeletion
from holystone.engine.model.manifests import RawManifest
from holystone.engine.model.outcomes import AlreadyGone, Deleted, Failed, Forbidden, Locked
from holystone.engine.model.outlook import DAY, UndoOutlook
from holystone.engine.model.references import Digest, RegistryHost, Repository, RepositoryPath, Tag
from holystone.engine.scheduler import Limits, bucket
from tests.emulators.github import OWNER, READER, WORKFLOW, GithubEmulator, Token
from tests.support import images
from tests.support.command_line import hasty

PATH = "acme/app"
ABSENT = Digest("sha256:" + "0" * 64)
VERSIONS = "/orgs/acme/packages/container/app/versions"


class Wall:
    """A clock that tests move."""

    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(autouse=True)
def no_waits(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(bucket, "_FIRST_CUT", 10_000.0)
    monkeypatch.setattr(bucket, "_SLOWEST", 10_000.0)
    with hasty():
        yield


@asynccontextmanager
async def connected(
    folder: Path,
    github: GithubEmulator,
    token: str | None = OWNER,
    *,
    docker: str | None = None,
    config: Mapping[str, object] | None = None,
    environ: Mapping[str, str] | None = None,
    path: str = PATH,
    limits: Limits | None = None,
) -> AsyncIterator[GithubSession]:
    """`token`: of the option; `docker`: the password in Docker's configuration."""
    auths = {github.host: {"username": "anyone", "password": docker}} if docker else {}
    (folder / "config.json").write_text(json.dumps(config or {"auths": auths}))
    logins = {"github": TokenLogin(AsGiven(Secret(token), "--repo-github-token"))} if token else {}
    access = Access(logins, URL(github.url))
    repository = Repository(RegistryHost.parse(github.host), RepositoryPath(path))
    limits = limits or Limits(attempts=3, host_patience=0.2)
    connections = Connections(folder, access={"images": access}, environ=environ or {}, limits=limits)
    async with connections:
        session = await connections.session(repository, "github")
        assert isinstance(session, GithubSession)
        yield session


def put(github: GithubEmulator, *tags: str, text: str = "one", subject: RawManifest | None = None) -> RawManifest:
    config = images.config(text)
    manifest = images.image(config, subject=subject)
    github.storage.put_blob(PATH, config)
    for tag in tags or (None,):
        github.storage.put_manifest(PATH, manifest.body, manifest.media_type, tag)
    return manifest


def tags_of(github: GithubEmulator) -> set[str]:
    return set(github.storage.repositories[PATH].tags)


def deletions(github: GithubEmulator) -> int:
    return sum(method == "DELETE" for method, *_ in github.api_requests)


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


class Restless(GithubEmulator):
    """Something happens after each page but those after `calm`."""

    def __init__(self, calm: int) -> None:
        super().__init__()
        self.calm = calm
        self.seen = 0

    def change(self, page: int) -> None:
        raise NotImplementedError

    def answer(self, request: Incoming) -> Reply:
        reply = super().answer(request)
        if request.path.endswith("/versions") and self.seen < self.calm:
            self.seen += 1
            self.change(int(request.query["page"]))
        return reply


class Shrinking(Restless):
    """The newest version goes after the first page, which moves one of the second to the first."""

    def change(self, page: int) -> None:
        if page == 1:
            newest = max(self._current(PATH).active.values(), key=lambda version: version.id)
            self.storage.delete_manifest(PATH, newest.manifest.digest)
            del self._current(PATH).active[newest.manifest.digest]


class Growing(Restless):
    def change(self, page: int) -> None:
        put(self, f"new{self.seen}", text=f"new{self.seen}")


@pytest.mark.parametrize("calm", [1, 2, 4])  # requests: page 1, then pages 1 and 2 of each attempt
async def test_a_row_that_a_deletion_moved_to_an_earlier_page_is_found(tmp_path: Path, calm: int) -> None:
    async with Shrinking(calm) as github, connected(tmp_path, github) as session:
        for number in range(150):
            put(github, f"v{number}", text=f"{number}")
        listing = await session.list_tags()
        assert set(map(str, listing.tags)) == tags_of(github)
        assert len(listing.tags) < 150


async def test_a_list_that_shrinks_all_the_time_is_no_list(tmp_path: Path) -> None:
    async with Shrinking(1000) as github, connected(tmp_path, github) as session:
        for number in range(150):
            put(github, f"v{number}", text=f"{number}")
        with pytest.raises(IncompleteSource, match="deleted meanwhile"):
            await session.list_tags()


@pytest.mark.parametrize("count", [200, 250])
async def test_what_is_pushed_while_the_list_is_read_hides_nothing(tmp_path: Path, count: int) -> None:
    async with Growing(1000) as github, connected(tmp_path, github) as session:
        for number in range(count):
            put(github, f"v{number}", text=f"{number}")
        listing = await session.list_tags()
        assert {f"v{number}" for number in range(count)} <= set(map(str, listing.tags))
        assert all(listing.tags.values())


class Doubling(GithubEmulator):
    """A tag that moves while the list is read is shown on two versions."""

    def respond(self, request: Incoming, path: str, token: Token) -> Reply:
        reply = super().respond(request, path, token)
        if not path.endswith("/versions"):
            return reply
        rows = json.loads(reply.body)
        rows[0]["metadata"]["container"]["tags"].append("moved")
        rows[1]["metadata"]["container"]["tags"].append("moved")
        return Reply(reply.status, json.dumps(rows).encode(), reply.headers)


async def test_a_tag_on_two_versions_says_nothing_of_its_digest(tmp_path: Path) -> None:
    async with Doubling() as github, connected(tmp_path, github) as session:
        one, two = put(github, "v1"), put(github, "v2", text="two")
        listing = await session.list_tags()
        assert dict(listing.tags) == {"v1": one.digest, "v2": two.digest, "moved": None}


async def test_a_list_waits_for_deletions_and_deletions_for_the_list() -> None:
    listing_lock = ListingLock()
    seen: list[str] = []
    go_on = anyio.Event()

    async def delete(name: str) -> None:
        async with listing_lock.deletion():
            seen.append(f"{name} begins")
            await go_on.wait()
            seen.append(f"{name} ends")

    async def read() -> None:
        async with listing_lock.listing():
            seen.append("list begins")
            await anyio.lowlevel.checkpoint()
            seen.append("list ends")

    async with anyio.create_task_group() as tasks:
        for work in (lambda: delete("one"), lambda: delete("two"), read, lambda: delete("three")):
            tasks.start_soon(work)
            await anyio.wait_all_tasks_blocked()
        assert seen == ["one begins", "two begins"]
        assert repr(listing_lock) == "<ListingLock 2 deletions under way>"
        go_on.set()
    assert seen[2:] == ["one ends", "two ends", "list begins", "list ends", "three begins", "three ends"]


async def test_nothing_is_deleted_while_a_list_is_read(tmp_path: Path) -> None:
    """Our own deletions would move rows from page to page."""
    async with GithubEmulator() as github, connected(tmp_path, github) as session:
        doomed = [put(github, f"v{number}", text=f"{number}").digest for number in range(120)]
        await session.list_tags()
        github.api_requests.clear()
        async with anyio.create_task_group() as tasks:
            for digest in doomed[:10]:
                tasks.start_soon(session.delete_manifests, [digest])
            tasks.start_soon(session.list_tags)
            for digest in doomed[10:20]:
                tasks.start_soon(session.delete_manifests, [digest])
        verbs = [method for method, *_ in github.api_requests]
        first = verbs.index("GET")
        last = len(verbs) - verbs[::-1].index("GET")
        assert verbs.count("DELETE") == 20
        assert "DELETE" not in verbs[first:last]
        assert len(tags_of(github)) == 100


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


# Credentials


async def test_a_wrong_token_is_named_by_where_it_is_from(tmp_path: Path) -> None:
    async with (
        GithubEmulator() as github,
        connected(tmp_path, github, "ghp_Wrong") as session,
    ):
        put(github, "v1")
        with pytest.raises(Unauthorized, match=r"--repo-github-token.*Bad credentials") as raised:
            await session.list_tags()
        assert "ghp_Wrong" not in str(raised.value)
        with pytest.raises(Unauthorized, match="--repo-github-token"):
            await session.probe()


async def test_a_token_without_the_scope_is_found_before_the_first_deletion(tmp_path: Path) -> None:
    async with GithubEmulator() as github, connected(tmp_path, github, READER) as session:
        put(github, "v1")
        can = await session.probe()
        assert can.forbidden
        assert can.digests == DigestDeletion(tags_first=False, keeps_last_tagged=True)
        assert "--repo-github-token" in can.forbidden
        assert "delete:packages" in can.forbidden
        assert deletions(github) == 0


async def test_what_a_full_token_can_do(tmp_path: Path) -> None:
    async with GithubEmulator() as github, connected(tmp_path, github) as session:
        can = await session.probe()
        assert not can.forbidden
        assert can.digests == PROFILE.can.digests
        assert can.undo == UndoOutlook("restore", 30 * DAY)
        assert can.quota is None, "an Enterprise Server does not limit"
        assert {method for method, *_ in github.api_requests} == {"GET"}


async def test_a_token_that_may_delete_and_not_push_gets_no_tombstones(tmp_path: Path) -> None:
    async with GithubEmulator() as github, connected(tmp_path, github) as session:
        github.tokens[OWNER] = Token("captain", frozenset({"read:packages", "delete:packages"}))
        can = await session.probe()
        assert not can.forbidden
        assert can.digests == DigestDeletion(tags_first=False, keeps_last_tagged=True)
        assert not can.undo.possible
        assert "write:packages" in can.undo.lacks
        assert "--repo-github-token" in can.undo.lacks
        put(github, "keep", text="keep")
        old = put(github, "old")
        await session.delete_manifests([old.digest])
        assert not await session.restore(old.digest, [Tag("old")]), "and GitHub means it"


async def test_a_workflow_token_says_nothing_of_itself(tmp_path: Path) -> None:
    async with GithubEmulator() as github, connected(tmp_path, github, WORKFLOW) as session:
        can = await session.probe()
        assert not can.forbidden
        assert can.digests == PROFILE.can.digests
        assert can.undo.possible
        assert "does not say its rights" in can.undo.doubt


async def test_where_a_token_is_looked_for(tmp_path: Path) -> None:
    """The option wins over the variable, that over Docker's configuration."""
    async with GithubEmulator() as github:
        put(github, "v1")
        given = {"GITHUB_TOKEN": READER}
        async with connected(tmp_path, github, OWNER, environ=given, docker=READER) as session:
            assert not (await session.probe()).forbidden
        async with connected(tmp_path, github, None, environ=given, docker=OWNER) as session:
            assert "$GITHUB_TOKEN" in (await session.probe()).forbidden
        async with connected(tmp_path, github, None, docker=READER) as session:
            assert "config.json" in (await session.probe()).forbidden
        with pytest.raises(UsageError, match="none was found") as raised:
            async with connected(tmp_path, github, None):
                pass
        assert "delete:packages" in raised.value.what_to_do


async def test_the_token_of_another_github_is_not_sent(tmp_path: Path) -> None:
    async with GithubEmulator() as github:
        environ = {"GITHUB_TOKEN": OWNER, "GITHUB_API_URL": "https://api.github.com"}
        with pytest.raises(UsageError, match="none was found"):
            async with connected(tmp_path, github, None, environ=environ):
                pass
        here = {"GITHUB_TOKEN": OWNER, "GITHUB_API_URL": github.url}
        async with connected(tmp_path, github, None, environ=here) as session:
            assert not (await session.probe()).forbidden


async def test_the_registry_is_entered_with_the_token_if_docker_has_nothing(tmp_path: Path) -> None:
    async with GithubEmulator() as github:
        raw = put(github, "v1")
        for docker in (None, READER):
            async with connected(tmp_path, github, OWNER, docker=docker) as session:
                assert await session.resolve(Tag("v1")) == raw.digest
                assert await session.read_manifests([raw.digest]) == {raw.digest: raw}
        async with connected(tmp_path, github, OWNER, docker="ghp_Old") as session:
            with pytest.raises(Unauthorized, match=r"config\.json"):
                await session.resolve(Tag("v1"))
            assert set(map(str, (await session.list_tags()).tags)) == {"v1"}


async def test_registry_tokens_that_end_in_mid_run_are_renewed(tmp_path: Path) -> None:
    async with GithubEmulator() as github, connected(tmp_path, github) as session:
        raw = put(github, "v1")
        assert await session.resolve(Tag("v1")) == raw.digest
        github.expire_tokens()
        assert await session.resolve(Tag("v1")) == raw.digest


@pytest.mark.parametrize("side", ["api", "registry"])
async def test_a_credential_helper_is_asked_again_when_its_token_has_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, side: str
) -> None:
    helper = tmp_path / "docker-credential-rotating"
    helper.write_text(f'#!/bin/sh\necho "{{\\"Username\\":\\"anyone\\",\\"Secret\\":\\"$(cat {tmp_path}/token)\\"}}"\n')
    helper.chmod(0o755)
    (tmp_path / "token").write_text("ghp_First")
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    async with GithubEmulator() as github:
        github.add_token("ghp_First", github.tokens[OWNER])
        helpers = {"credHelpers": {github.host: "rotating"}}
        async with connected(tmp_path, github, None, config=helpers) as session:
            raw = put(github, "v1")
            assert (await session.list_tags()).exists
            assert await session.resolve(Tag("v1")) == raw.digest
            del github.tokens["ghp_First"]
            github.expire_tokens()
            (tmp_path / "token").write_text(OWNER)
            if side == "api":
                assert (await session.list_tags()).exists
            assert await session.resolve(Tag("v1")) == raw.digest


# Deleting


async def test_a_deletion_takes_all_tags_and_a_second_one_finds_nothing(tmp_path: Path) -> None:
    async with GithubEmulator() as github, connected(tmp_path, github) as session:
        put(github, "keep", text="keep")
        old = put(github, "old", "older")
        await session.list_tags()
        github.api_requests.clear()
        outcomes = await session.delete_manifests([old.digest, old.digest, ABSENT])
        assert outcomes == [Deleted(), AlreadyGone(), AlreadyGone()]
        assert tags_of(github) == {"keep"}
        assert [method for method, *_ in github.api_requests] == ["DELETE"], "what is known to be gone costs nothing"


async def test_without_a_list_before_it_a_deletion_reads_one_and_no_more(tmp_path: Path) -> None:
    async with GithubEmulator() as github, connected(tmp_path, github) as session:
        put(github, "keep", text="keep")
        doomed = [put(github, f"v{number}", text=f"{number}").digest for number in range(5)]
        outcomes: list[object] = []

        async def delete(digest: Digest) -> None:
            outcomes.extend(await session.delete_manifests([digest]))

        async with anyio.create_task_group() as tasks:
            for digest in (*doomed, ABSENT):
                tasks.start_soon(delete, digest)
        assert outcomes.count(Deleted()) == 5
        assert outcomes.count(AlreadyGone()) == 1
        assert sum(path == VERSIONS for _, path, _ in github.api_requests) == 1


async def test_what_was_pushed_after_the_list_is_found_and_deleted(tmp_path: Path) -> None:
    """As the engine does it with a tombstone."""
    async with GithubEmulator() as github, connected(tmp_path, github) as session:
        shared = put(github, "keep", "old")
        await session.list_tags()
        config = images.config("tombstone")
        tombstone = images.image(config)
        await session.push_blob(config)
        await session.push_manifest(Tag("old"), tombstone)
        assert await session.delete_manifests([tombstone.digest]) == [Deleted()]
        assert dict((await session.list_tags()).tags) == {"keep": shared.digest}


async def test_a_pushed_manifest_that_the_list_does_not_show_yet_is_not_called_gone(tmp_path: Path) -> None:
    async with GithubEmulator() as github, connected(tmp_path, github) as session:
        put(github, "keep", text="keep")
        await session.list_tags()
        late = put(github, "late")
        github.faults.add(Fault("GET", r"/versions\?", Answer(200, b"[]"), times=None))
        (outcome,) = await session.delete_manifests([late.digest])
        assert isinstance(outcome, Failed)
        assert "does not show it yet" in outcome.error
        assert "late" in tags_of(github)


async def test_the_last_tagged_version_stays_even_with_untagged_ones_left(tmp_path: Path) -> None:
    async with GithubEmulator() as github, connected(tmp_path, github) as session:
        last, loose = put(github, "v1"), put(github, text="loose")
        await session.list_tags()
        assert await session.delete_manifests([last.digest]) == [Locked(LAST_TAGGED)]
        assert await session.delete_manifests([loose.digest]) == [Deleted()]
        assert await session.delete_manifests([last.digest]) == [Locked(LAST)]
        assert tags_of(github) == {"v1"}


async def test_a_popular_version_of_a_public_package_stays(tmp_path: Path) -> None:
    async with GithubEmulator(public=True) as github, connected(tmp_path, github) as session:
        put(github, "keep", text="keep")
        popular, other = put(github, "v1"), put(github, "v2", text="two")
        github.download(PATH, "v1", 5001)
        github.download(PATH, "v2", 5000)
        await session.list_tags()
        outcomes = await session.delete_manifests([popular.digest, other.digest])
        assert outcomes == [Locked(POPULAR), Deleted()]


@pytest.mark.parametrize("already_gone", [False, True])
async def test_a_404_for_want_of_rights_is_not_called_gone(tmp_path: Path, already_gone: bool) -> None:
    async with GithubEmulator() as github, connected(tmp_path, github) as session:
        put(github, "keep", text="keep")
        old = put(github, "old")
        await session.list_tags()
        github.tokens[OWNER] = replace(github.tokens[OWNER], admin=False)
        if already_gone:
            github.storage.delete_manifest(PATH, old.digest)
            github._packages[PATH].active.pop(old.digest)
        (outcome,) = await session.delete_manifests([old.digest])
        if already_gone:
            assert outcome == AlreadyGone()
        else:
            assert isinstance(outcome, Forbidden)
            assert "admin of the package" in outcome.what
            assert "--repo-github-token" in outcome.what
            assert "old" in tags_of(github)


async def test_once_something_was_deleted_a_404_needs_no_second_look(tmp_path: Path) -> None:
    async with GithubEmulator(stale=True) as github, connected(tmp_path, github) as session:
        put(github, "keep", text="keep")
        first, second = put(github, "one"), put(github, "two", text="two")
        await session.list_tags()
        assert await session.delete_manifests([first.digest]) == [Deleted()]
        listing = await session.list_tags()
        assert listing.tags[Tag("one")] == first.digest, "the list lags behind"
        github.api_requests.clear()
        assert await session.delete_manifests([first.digest]) == [AlreadyGone()]
        assert [method for method, *_ in github.api_requests] == ["DELETE"]
        assert await session.delete_manifests([second.digest]) == [Deleted()]


@pytest.mark.parametrize("fault", [Answer(500), Drop(), Drop(after_handling=True)])
async def test_a_deletion_is_tried_again_and_may_have_been_done(tmp_path: Path, fault: Answer | Drop) -> None:
    async with GithubEmulator() as github, connected(tmp_path, github) as session:
        put(github, "keep", text="keep")
        old = put(github, "old")
        await session.list_tags()
        github.faults.add(Fault("DELETE", "/versions/", fault))
        (outcome,) = await session.delete_manifests([old.digest])
        assert outcome in (Deleted(), AlreadyGone())
        assert tags_of(github) == {"keep"}


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (Answer(400, b'{"message":"Invalid argument."}'), Failed),
        (Answer(401, b'{"message":"Bad credentials"}'), Forbidden),
        (Answer(403, b'{"message":"Resource not accessible by integration"}'), Forbidden),
        (Answer(403, b"<html>proxy</html>"), Forbidden),
        (Answer(422, b'{"message":"You cannot delete the last tagged version of a package."}'), Locked),
        (Answer(400, b'{"message":"... with more than 5,000 downloads cannot be deleted."}'), Locked),
        (Answer(200, b"<html>Welcome</html>"), Failed),
        (Answer(500, b""), Failed),
        (Answer(418, b"teapot"), Failed),
    ],
)
async def test_odd_replies_to_a_deletion(tmp_path: Path, answer: Answer, expected: type) -> None:
    async with GithubEmulator() as github, connected(tmp_path, github) as session:
        put(github, "keep", text="keep")
        old, other = put(github, "old"), put(github, "other", text="other")
        await session.list_tags()
        number = github.number(PATH, "old")
        github.faults.add(Fault("DELETE", f"/versions/{number}$", answer, times=None))
        outcomes = await session.delete_manifests([old.digest, other.digest])
        assert isinstance(outcomes[0], expected)
        assert outcomes[1] == Deleted()


async def test_a_host_that_is_down_stops_everything(tmp_path: Path) -> None:
    async with GithubEmulator() as github, connected(tmp_path, github) as session:
        old = put(github, "old")
        await session.list_tags()
        await github.__aexit__(None, None, None)
        with pytest.raises(Unreachable):
            await session.delete_manifests([old.digest])


async def test_a_tag_alone_is_never_deleted(tmp_path: Path) -> None:
    async with GithubEmulator() as github, connected(tmp_path, github) as session:
        put(github, "v1", "v2")
        (outcome,) = await session.delete_tags([Tag("v1")])
        assert isinstance(outcome, Failed)
        assert tags_of(github) == {"v1", "v2"}


# Throttling


async def test_the_secondary_limit_is_waited_out(tmp_path: Path) -> None:
    async with GithubEmulator() as github, connected(tmp_path, github) as session:
        put(github, "keep", text="keep")
        old = put(github, "old")
        await session.list_tags()
        github.throttle(2)
        assert await session.delete_manifests([old.digest]) == [Deleted()]
        github.throttle(2)
        assert await session.resolve(Tag("keep"))
        assert github.throttled == 0


async def test_a_limit_that_outlasts_the_patience_is_said_and_deletes_nothing(tmp_path: Path) -> None:
    async with GithubEmulator() as github:
        github.tokens[OWNER] = replace(github.tokens[OWNER], hourly=2)
        async with connected(tmp_path, github) as session:
            put(github, "keep", text="keep")
            old = put(github, "old")
            await session.list_tags()
            (outcome,) = await session.delete_manifests([old.digest])
            assert isinstance(outcome, Failed)
            assert "old" in tags_of(github)
            with pytest.raises(IncompleteSource):
                await session.list_tags()
            assert len(github.api_requests) <= 4, "what GitHub refuses for an hour is not asked again"


async def test_the_points_of_a_minute_are_waited_for(tmp_path: Path) -> None:
    wall = Wall()
    impatient = Limits(attempts=3, longest_wait=30)
    async with (
        GithubEmulator(points=6, clock=wall) as github,
        connected(tmp_path, github, limits=impatient) as session,
    ):
        put(github, "keep", text="keep")
        old = put(github, "old")
        await session.list_tags()
        (outcome,) = await session.delete_manifests([old.digest])
        assert isinstance(outcome, Failed)
        assert "secondary rate limit" in outcome.error
        assert deletions(github) == 1, "for a minute nothing is asked again"


def reply(status: int, body: bytes = b"", **headers: str) -> HttpReply:
    named = CIMultiDict({name.replace("_", "-"): value for name, value in headers.items()})
    url = URL("https://api.github.com/users/acme")
    return HttpReply(status, CIMultiDictProxy(named), body, url, url)


SECONDARY = b'{"message":"You have exceeded a secondary rate limit."}'
NOW = 1_900_000_000.0
RESET = {"x_ratelimit_limit": "5000", "x_ratelimit_reset": f"{NOW + 300:.0f}"}


@pytest.mark.parametrize(
    ("answer", "seconds"),
    [
        (reply(403, SECONDARY, retry_after="7"), 7),
        (reply(429, SECONDARY, retry_after="7", x_ratelimit_remaining="0", **RESET), 7),
        (reply(403, SECONDARY, x_ratelimit_remaining="4999", **RESET), 60),
        (reply(429, b"", x_ratelimit_remaining="4999", **RESET), 60),
        (reply(403, b'{"message":"API rate limit exceeded"}', x_ratelimit_remaining="0", **RESET), 300),
        (reply(429, b"", x_ratelimit_remaining="0", **RESET), 300),
        (reply(200, b'{"errors":[{"type":"RATE_LIMITED","message":"no"}]}', x_ratelimit_remaining="0", **RESET), 300),
        (reply(403, b'{"message":"Resource not accessible by integration"}', x_ratelimit_remaining="9", **RESET), None),
        (reply(403), None),
        (reply(200, b'[{"name":"rate limit"}]', x_ratelimit_remaining="0", **RESET), None),
        (reply(404, SECONDARY), None),
    ],
)
def test_how_github_says_later(answer: HttpReply, seconds: float | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("holystone.adapters.registries.github.throttling.time.time", lambda: NOW)
    later = api_later(answer)
    if seconds is None:
        assert later is None
    else:
        assert later is not None
        assert later.after == pytest.approx(seconds, abs=5)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("1.16676ms", 0.00116676), ("742.5µs", 0.0007425), ("2m3.5s", 123.5), ("3s", 3.0), ("soon", None)],
)
def test_how_the_registry_says_later(text: str, seconds: float | None) -> None:
    body = json.dumps({"errors": [{"message": f"retry-after: {text}, allowed: 44000/minute"}]})
    later = registry_later(reply(429, body.encode()))
    assert (later.after if later else None) == (seconds and pytest.approx(seconds))
    assert registry_later(reply(403, body.encode())) is None


# Restoring


@pytest.mark.parametrize("restores_tags", [True, False])
async def test_what_was_deleted_comes_back_and_whether_with_its_tags_is_looked_at(
    tmp_path: Path, restores_tags: bool
) -> None:
    async with (
        GithubEmulator(restores_tags=restores_tags) as github,
        connected(tmp_path, github) as session,
    ):
        put(github, "keep", text="keep")
        old, loose = put(github, "old"), put(github, text="loose")
        await session.list_tags()
        assert await session.delete_manifests([old.digest, loose.digest]) == [Deleted(), Deleted()]
        assert await session.restore(old.digest, [Tag("old")]) is restores_tags
        assert await session.restore(loose.digest, []) is True
        assert await session.resolve(old.digest) == old.digest
        assert await session.restore(old.digest, [Tag("old")]) is False, "a push may help"
        assert await session.restore(ABSENT, []) is False


async def test_many_restores_read_the_deleted_ones_once(tmp_path: Path) -> None:
    async with GithubEmulator() as github, connected(tmp_path, github) as session:
        put(github, "keep", text="keep")
        doomed = [put(github, f"v{number}", text=f"{number}").digest for number in range(120)]
        await session.delete_manifests(doomed)
        github.api_requests.clear()
        assert all([await session.restore(digest, []) for digest in doomed])
        assert sum("state=deleted" in query for *_, query in github.api_requests) == 3  # the first page twice
        assert len(tags_of(github)) == 121


async def test_what_is_deleted_after_a_restore_can_be_restored_too(tmp_path: Path) -> None:
    async with GithubEmulator() as github, connected(tmp_path, github) as session:
        put(github, "keep", text="keep")
        old = put(github, "old")
        assert not await session.restore(old.digest, [])
        await session.delete_manifests([old.digest])
        assert await session.restore(old.digest, [Tag("old")])


async def test_deleted_twice_the_newer_record_is_restored(tmp_path: Path) -> None:
    async with GithubEmulator() as github, connected(tmp_path, github) as session:
        put(github, "keep", text="keep")
        old = put(github, "old")
        assert await session.delete_manifests([old.digest]) == [Deleted()]
        put(github, "again")
        assert await session.delete_manifests([old.digest]) == [Deleted()]
        assert await session.restore(old.digest, [Tag("again")])
        assert tags_of(github) == {"keep", "again"}


async def test_after_thirty_days_nothing_comes_back(tmp_path: Path) -> None:
    wall = Wall()
    async with GithubEmulator(clock=wall) as github, connected(tmp_path, github) as session:
        put(github, "keep", text="keep")
        old = put(github, "old")
        await session.delete_manifests([old.digest])
        wall.now += 31 * 86_400
        assert not await session.restore(old.digest, [])


async def test_a_restore_that_is_not_allowed_leaves_it_to_a_push(tmp_path: Path) -> None:
    async with GithubEmulator() as github, connected(tmp_path, github) as session:
        put(github, "keep", text="keep")
        old = put(github, "old")
        await session.delete_manifests([old.digest])
        github.faults.add(Fault("POST", "/restore", Answer(403, b'{"message":"Must have admin rights"}')))
        assert not await session.restore(old.digest, [])
        await session.push_manifest(Tag("old"), old)
        assert tags_of(github) == {"keep", "old"}
