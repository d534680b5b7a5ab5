"""Docker Hub's emulator and adapter with Docker's own OpenAPI document (published/README.md). It has the tags of a
repository and no more, so that the rest of what the adapter asks is listed here, with its reason.
"""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import aiohttp
import pytest

from holystone.adapters.registries.connections import Connections
from holystone.engine.model.outcomes import AlreadyGone, Deleted, Outcome
from holystone.engine.model.references import RegistryHost, Repository, RepositoryPath, Tag
from holystone.settings.access import resolve_access
from holystone.settings.given import Given
from tests.emulators.dockerhub import Account, DockerHubEmulator
from tests.second_opinions.openapi_answers import Description
from tests.second_opinions.overhearing import Exchange, overhear
from tests.second_opinions.strictness import without
from tests.support import images

HUB: Final = Description(json.loads((Path(__file__).parent / "published/dockerhub/hub.json").read_text("utf-8")))
PATH: Final = DockerHubEmulator.path
REPOSITORY: Final = "/v2/namespaces/team/repositories/app"
UNDESCRIBED: Final = {
    "no POST /v2/auth/token": "the document has it since 2024, this copy is older",
    f"no GET {REPOSITORY}": "the document has it since 2025, this copy is older",
    f"no DELETE {REPOSITORY}/tags/[^/]+": "in the list of what an organization's token may call, and in no document",
    "no DELETE /v2/repositories/team/app/tags/[^/]+/": "what hub-tool and werf call, and in no document",
}
IN_EVERY_REPLY: Final = r"(?:results/\d+)?: Additional properties are not allowed "
DIFFERENT: Final = {
    IN_EVERY_REPLY
    + r"\('content_type', 'digest', 'media_type', 'tag_status' were unexpected\)": "real replies have them",
    r"(?:results/\d+/)?images: \[\] is not of type 'object'": "it is a list in real replies: one entry a platform",
    r": Additional properties are not allowed \('errinfo' was unexpected\)": "real replies have it",
}
"""Real replies: as users pasted them into docker/hub-feedback, issues 2006, 2398 and 2484."""


ABOUT: Final = {
    *("user", "name", "namespace", "status", "status_description", "description", "is_private", "is_automated"),
    *("star_count", "pull_count", "last_updated", "date_registered", "collaborator_count", "has_starred"),
    *("permissions", "media_types", "content_types", "categories", "immutable_tags_settings"),
}
"""What a repository must tell by the document of today (docker/docs, c065f800: `required` of repository_info)."""


@asynccontextmanager
async def served(*accounts: Account) -> AsyncIterator[tuple[DockerHubEmulator, list[Exchange]]]:
    async with DockerHubEmulator() as hub:
        if accounts:
            hub.let_in(*accounts)
        for number in range(3):
            config = images.config(str(number))
            hub.storage.put_blob(PATH, config)
            raw = images.image(config)
            hub.storage.put_manifest(PATH, raw.body, raw.media_type, f"v{number}")
        yield hub, overhear(hub)


async def ask(hub: DockerHubEmulator, method: str, path: str) -> int:
    headers = {"Authorization": f"Bearer {hub.issue(hub.accounts[0])}"}
    async with aiohttp.ClientSession() as session, session.request(method, hub.url + path, headers=headers) as reply:
        return reply.status


def misfits(heard: list[Exchange]) -> set[str]:
    """Of every described call. HEAD is answered as GET, and its body is not sent."""
    found: set[str] = set()
    for each in heard:
        operation = HUB.operation(each.method, each.path)
        if operation:
            body = b"" if each.method == "HEAD" and each.reply.status == 200 else each.reply.body
            found.update(HUB.misfits(operation, each.reply.status, body))
    return found


READS: Final[Mapping[str, int]] = {
    "/tags?page=1&page_size=2": 200,
    "/tags?page=2&page_size=2": 200,
    "/tags?page=3&page_size=2": 404,
    "/tags/v1": 200,
    "/tags/absent": 404,
}


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_replies_are_docker_hubs(method: str) -> None:
    async with served() as (hub, heard):
        assert {path: await ask(hub, method, REPOSITORY + path) for path in READS} == READS
        assert all(HUB.operation(each.method, each.path) for each in heard)
        left, used = without(misfits(heard), DIFFERENT)
        assert left == set()
        assert used == (DIFFERENT.keys() if method == "GET" else {list(DIFFERENT)[-1]})


async def test_repositories_that_cannot_be_seen() -> None:
    async with served(Account("pat", "rob", "dckr_pat_none", frozenset())) as (hub, heard):
        for path in ("/tags", "/tags/v1"):
            assert await ask(hub, "GET", REPOSITORY + path) == 404
        left, _ = without(misfits(heard), DIFFERENT)
        assert left == set()


async def test_a_repository_tells_all_that_it_must() -> None:
    async with served() as (hub, heard):
        assert await ask(hub, "GET", REPOSITORY) == 200
        assert json.loads(heard[0].reply.body).keys() >= ABOUT


async def test_our_adapter_asks_nothing_that_is_not_described(tmp_path: Path) -> None:
    async with served() as (hub, heard):
        assert await clean(hub, tmp_path, "v1") == [Deleted(), AlreadyGone()]
        hub.newer_delete = "404"
        assert await clean(hub, tmp_path, "v2") == [Deleted(), AlreadyGone()]
        ours = [each for each in heard if not each.path.startswith(("/v2/team/", "/token"))]
        mistakes = {text for each in ours for text in HUB.mistakes(each.method, each.request.target)}
        left, used = without(mistakes, UNDESCRIBED)
        assert left == set()
        assert used == UNDESCRIBED.keys()
        described = {operation.path for each in ours if (operation := HUB.operation(each.method, each.path))}
        assert {path.rpartition("/")[2] for path in described} == {"tags", "{tag}"}
        left, _ = without(misfits(heard), DIFFERENT)
        assert left == set()


async def clean(hub: DockerHubEmulator, folder: Path, tag: str) -> Sequence[Outcome]:
    login = hub.login()
    (folder / "config.json").write_text(json.dumps(login.docker_config))
    environ = {**hub.environ, **login.environ}
    repository = Repository(RegistryHost.parse(hub.host), RepositoryPath(PATH))
    async with Connections(folder, access=resolve_access(Given({}, environ)), environ=environ) as connections:
        session = await connections.session(repository, "dockerhub")
        assert not (await session.probe()).forbidden
        assert Tag(tag) in (await session.list_tags()).tags
        return await session.delete_tags([Tag(tag), Tag(tag)])
