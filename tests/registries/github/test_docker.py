"""The old Docker registry of a GitHub Enterprise Server, by GraphQL."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from yarl import URL

from holystone.adapters.credentials.reference import AsGiven, TokenLogin
from holystone.adapters.credentials.secret import Secret
from holystone.adapters.http import transport
from holystone.adapters.registries.connections import Connections
from holystone.adapters.registries.github.docker import GithubDockerSession
from holystone.adapters.registries.github.replies import POPULAR
from holystone.adapters.registries.reach import Access
from holystone.embedded.faults import Answer, Fault
from holystone.engine.errors import IncompleteSource, Unauthorized, UsageError
from holystone.engine.model.capabilities import TagDeletion
from holystone.engine.model.outcomes import AlreadyGone, Deleted, Failed, Forbidden, Locked
from holystone.engine.model.references import Digest, RegistryHost, Repository, RepositoryPath, Tag
from holystone.engine.scheduler import Limits, bucket
from tests.emulators.github import OWNER, READER, Token
from tests.emulators.github_docker import GithubDockerEmulator
from tests.support import images
from tests.support.command_line import hasty

HOST = RegistryHost("docker.ghes.example.com")
PATH = "acme/shop/app"
REPOSITORY = Repository(HOST, RepositoryPath(PATH))
HALF = b'{"data":{"repository":{"packages":{"nodes":[{"versions":{"nodes":[],"pageInfo":{"hasNextPage":false}}}]}}}'


@pytest.fixture(autouse=True)
def no_waits(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(bucket, "_FIRST_CUT", 10_000.0)
    with hasty():
        yield


@asynccontextmanager
async def connected(
    folder: Path, github: GithubDockerEmulator, token: str = OWNER
) -> AsyncIterator[GithubDockerSession]:
    login = TokenLogin(AsGiven(Secret(token), "--repo-github-token"))
    access = Access({"github": login}, URL(f"{github.url}/api/v3"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(transport._API_HOSTS, HOST, github.host)
        async with Connections(folder, access={"images": access}, limits=Limits(attempts=3)) as connections:
            session = await connections.session(REPOSITORY, "github")
            assert isinstance(session, GithubDockerSession)
            yield session


def put(github: GithubDockerEmulator, *tags: str, text: str = "one") -> Digest:
    raw = images.image(images.config(text))
    github.storage.put_blob(PATH, images.config(text))
    for tag in tags:
        github.storage.put_manifest(PATH, raw.body, raw.media_type, tag)
    return raw.digest


@pytest.mark.parametrize("count", [1, 98, 99, 100, 199, 200])
async def test_a_listing_is_complete_at_page_boundaries(tmp_path: Path, count: int) -> None:
    async with GithubDockerEmulator() as github, connected(tmp_path, github) as session:
        for number in range(count):
            put(github, f"v{number}", text=f"{number % 7}")
        listing = await session.list_tags()
        assert listing.exists
        assert set(map(str, listing.tags)) == {f"v{number}" for number in range(count)}
        assert github.api_requests[0][:2] == ("POST", "/api/graphql")


async def test_tags_are_looked_up_at_the_registry(tmp_path: Path) -> None:
    async with GithubDockerEmulator() as github, connected(tmp_path, github) as session:
        digest = put(github, "v1")
        assert dict((await session.list_tags()).tags) == {"v1": None}
        assert await session.resolve(Tag("v1")) == digest


async def test_a_version_is_deleted_by_its_tag(tmp_path: Path) -> None:
    async with GithubDockerEmulator() as github, connected(tmp_path, github) as session:
        put(github, "v1", "v2")
        put(github, "keep", text="keep")
        can = await session.probe()
        assert (can.forbidden, can.tags) == ("", TagDeletion())
        outcomes = await session.delete_tags([Tag("v1"), Tag("v1"), Tag("never")])
        assert outcomes == [Deleted(), AlreadyGone(), AlreadyGone()]
        assert set(github.storage.repositories[PATH].tags) == {"v2", "keep"}


async def test_rights(tmp_path: Path) -> None:
    async with GithubDockerEmulator() as github:
        put(github, "v1")
        async with connected(tmp_path, github, READER) as session:
            with pytest.raises(Unauthorized, match="--repo-github-token") as raised:
                await session.probe()
            assert "repo" in raised.value.what_to_do
        github.tokens[READER] = Token("cabin-boy", frozenset({"read:packages", "repo"}))
        async with connected(tmp_path, github, READER) as session:
            can = await session.probe()
            assert can.forbidden
            assert "delete:packages" in can.forbidden
            (outcome,) = await session.delete_tags([Tag("v1")])
            assert isinstance(outcome, Forbidden)
        async with connected(tmp_path, github, "ghp_Wrong") as session:
            with pytest.raises(Unauthorized, match="Bad credentials"):
                await session.list_tags()


async def test_refusals(tmp_path: Path) -> None:
    async with GithubDockerEmulator() as github, connected(tmp_path, github) as session:
        put(github, "v1")
        github.public = True
        github.download(PATH, "v1", 5001)
        assert await session.delete_tags([Tag("v1")]) == [Locked(POPULAR)]
        github.blind = True
        (outcome,) = await session.delete_tags([Tag("v1")])
        assert isinstance(outcome, Forbidden), "it is still listed, so it is not gone"


async def test_graphqls_own_limit_is_waited_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("holystone.adapters.registries.github.throttling._until_reset", lambda _: 0.0)
    async with GithubDockerEmulator() as github, connected(tmp_path, github) as session:
        put(github, "v1")
        github.limited = 2
        assert set(map(str, (await session.list_tags()).tags)) == {"v1"}
        assert github.limited == 0


async def test_absent_migrated_and_hidden_packages_are_told_apart(tmp_path: Path) -> None:
    async with GithubDockerEmulator() as github, connected(tmp_path, github) as session:
        assert not (await session.list_tags()).exists
        put(github, "v1")
        github.migrated = True
        with pytest.raises(IncompleteSource) as raised:
            await session.list_tags()
        assert "containers.HOST" in raised.value.what_to_do
        github.migrated = False
        github.hidden.add(PATH)
        with pytest.raises(Unauthorized, match="Could not resolve"):
            await session.list_tags()


@pytest.mark.parametrize(
    "answer",
    [
        Answer(200, b"{}"),
        Answer(200, b"[]"),
        Answer(200, b'{"data":{"repository":null}}'),
        Answer(200, b'{"data":{"repository":{"packages":{}}}}'),
        Answer(200, b'{"data":{"repository":{"packages":{"nodes":[{"versions":{"nodes":[]}}]}}}}'),
        Answer(200, HALF + b',"errors":[{"message":"timed out"}]}'),
        Answer(200, b"<html>Welcome</html>"),
        Answer(404, b'{"message":"Not Found"}'),
        Answer(502, b"<html>Unicorn!</html>"),
    ],
)
async def test_an_answer_that_is_no_list(tmp_path: Path, answer: Answer) -> None:
    async with GithubDockerEmulator() as github, connected(tmp_path, github) as session:
        put(github, "v1")
        github.faults.add(Fault("POST", "/graphql", answer, times=None))
        with pytest.raises(IncompleteSource):
            await session.list_tags()


async def test_what_cannot_be_done(tmp_path: Path) -> None:
    async with GithubDockerEmulator() as github, connected(tmp_path, github) as session:
        digest = put(github, "v1")
        (outcome,) = await session.delete_manifests([digest])
        assert isinstance(outcome, Failed)
        assert not await session.restore(digest, [])
        with pytest.raises(UsageError, match="no package"):
            await session.registry.open(Repository(HOST, RepositoryPath("acme/shop"))).list_tags()
