"""The old Docker registry's GraphQL with the schema that GitHub publishes (published/README.md): every operation of the
adapter is one of the schema, and every answer of the emulator is an answer to it.

A refusal's `errors` are in no schema, so only the `data` beside them is looked at. Nor are the previews that both
operations ask for: the schema of today has them without.
"""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest
from graphql import build_schema
from yarl import URL

from holystone.adapters.credentials.reference import AsGiven, TokenLogin
from holystone.adapters.credentials.secret import Secret
from holystone.adapters.http import transport
from holystone.adapters.registries.connections import Connections
from holystone.adapters.registries.reach import Access
from holystone.engine.errors import Unauthorized
from holystone.engine.model.outcomes import AlreadyGone, Deleted, Forbidden
from holystone.engine.model.references import RegistryHost, Repository, RepositoryPath, Tag
from holystone.engine.ports import RepositorySession
from tests.emulators.github import OWNER
from tests.emulators.github_docker import GithubDockerEmulator
from tests.second_opinions.graphql_answers import misfits, mistakes
from tests.second_opinions.overhearing import Exchange as Overheard
from tests.second_opinions.overhearing import overhear
from tests.support import images

SCHEMA: Final = build_schema((Path(__file__).parent / "published/github/schema.graphql").read_text("utf-8"))
HOST: Final = RegistryHost("docker.ghes.example.com")
PATH: Final = GithubDockerEmulator.path
REPOSITORY: Final = Repository(HOST, RepositoryPath(PATH))


class Exchange(NamedTuple):
    query: str
    variables: dict[str, Any]
    data: Any

    @property
    def operation(self) -> str:
        return "deletion" if self.query.startswith("mutation") else "list"


def put(github: GithubDockerEmulator, *tags: str) -> None:
    config = images.config("one")
    github.storage.put_blob(PATH, config)
    raw = images.image(config)
    for tag in tags:
        github.storage.put_manifest(PATH, raw.body, raw.media_type, tag)


@asynccontextmanager
async def connected(folder: Path) -> AsyncIterator[tuple[GithubDockerEmulator, RepositorySession, list[Overheard]]]:
    async with GithubDockerEmulator() as github:
        heard = overhear(github)
        access = Access({"github": TokenLogin(AsGiven(Secret(OWNER), "a test"))}, URL(f"{github.url}/api/v3"))
        with pytest.MonkeyPatch.context() as patch:
            patch.setitem(transport._API_HOSTS, HOST, github.host)
            async with Connections(folder, access={"images": access}) as connections:
                yield github, await connections.session(REPOSITORY, "github"), heard


def held(heard: list[Overheard]) -> list[Exchange]:
    """All that was said in GraphQL, after it was held against the schema."""
    found = []
    for each in heard:
        if not each.path.endswith("/graphql"):
            continue
        asked, answered = json.loads(each.request.body), json.loads(each.reply.body)
        found.append(Exchange(asked["query"], asked["variables"], answered["data"]))
        assert mistakes(SCHEMA, found[-1].query) == []
        assert misfits(SCHEMA, *found[-1]) == []
    return found


async def test_lists_are_githubs(tmp_path: Path) -> None:
    async with connected(tmp_path) as (github, session, heard):
        assert not (await session.list_tags()).exists
        put(github, *(f"v{number}" for number in range(100)))
        assert len((await session.list_tags()).tags) == 100
        assert [each.operation for each in held(heard)] == ["list"] * 3


async def test_deletions_are_githubs(tmp_path: Path) -> None:
    async with connected(tmp_path) as (github, session, heard):
        put(github, "v1", "v2")
        assert await session.delete_tags([Tag("v1"), Tag("v1")]) == [Deleted(), AlreadyGone()]
        assert "deletion" in {each.operation for each in held(heard)}


async def test_refusals_are_githubs(tmp_path: Path) -> None:
    async with connected(tmp_path) as (github, session, heard):
        put(github, "v1")
        github.blind = True
        (outcome,) = await session.delete_tags([Tag("v1")])
        assert isinstance(outcome, Forbidden)
        github.hidden.add(PATH)
        with pytest.raises(Unauthorized):
            await session.list_tags()
        refused = [each for each in held(heard) if each.data is not None and None in each.data.values()]
        assert {each.operation for each in refused} == {"deletion", "list"}


LIST: Final = "query($n: String!) { repository(owner: $n, name: $n) { id packages(first: 1) { totalCount } } }"


@pytest.mark.parametrize(
    "query",
    [
        LIST.replace("totalCount", "total"),
        LIST.replace("first: 1", "frist: 1"),
        LIST.replace("first: 1", "packageType: DOKCER"),
        LIST.replace("$n: String!", "$n: ID!"),
        LIST.replace("owner: $n, ", ""),
    ],
)
def test_what_the_schema_does_not_have_is_a_mistake(query: str) -> None:
    assert mistakes(SCHEMA, LIST) == []
    assert mistakes(SCHEMA, query)


@pytest.mark.parametrize(
    "data",
    [
        {"repository": {"id": "1", "packages": {}}},
        {"repository": {"id": "1", "packages": {"totalCount": "1"}}},
        {"repository": {"id": "1", "packages": {"totalCount": 1, "more": 1}}},
        {"repository": {"id": 1, "packages": {"totalCount": 1}}},
        {"repository": {"packages": {"totalCount": 1}}},
        {},
    ],
)
def test_what_the_schema_does_not_promise_is_a_misfit(data: object) -> None:
    asked = {"n": "app"}
    assert misfits(SCHEMA, LIST, asked, {"repository": {"id": "1", "packages": {"totalCount": 1}}}) == []
    assert misfits(SCHEMA, LIST, asked, {"repository": None}) == []
    assert misfits(SCHEMA, LIST, asked, data)
