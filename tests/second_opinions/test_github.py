"""GitHub's emulator and adapter against githubkit, generated from GitHub's OpenAPI description of 2022-11-28, the
version that the adapter names."""

import json
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

import pytest
from githubkit import GitHub, Response
from githubkit.exception import RequestFailed
from githubkit_schemas.v2022_11_28.models import BasicError, Package, PackageVersion, PrivateUser, PublicUser
from githubkit_schemas.v2022_11_28.rest import RestNamespace
from yarl import URL

from holystone.adapters.credentials.reference import AsGiven, TokenLogin
from holystone.adapters.credentials.secret import Secret
from holystone.adapters.registries.connections import Connections
from holystone.adapters.registries.reach import Access
from holystone.engine.model.references import Digest, RegistryHost, Repository, RepositoryPath
from tests.emulators.github import OWNER, READER, GithubEmulator
from tests.second_opinions.strictness import Question, question, understood, unknown
from tests.support import images
from tests.support.catalogs import push

PATH = GithubEmulator.path
APP: Final[tuple[Literal["container"], str, str]] = ("container", "app", "acme")
Call: TypeAlias = Callable[[RestNamespace, int], Coroutine[Any, Any, Response[Any, Any]]]


@asynccontextmanager
async def client(github: GithubEmulator, token: str = OWNER) -> AsyncIterator[RestNamespace]:
    async with GitHub(token, base_url=f"{github.url}/", auto_retry=False, http_cache=False) as made:
        yield made.rest("2022-11-28")


def fill(github: GithubEmulator) -> list[Digest]:
    found = []
    for text in ("one", "two", "three"):
        config = images.config(text)
        raw = images.image(config)
        github.storage.put_blob(PATH, config)
        github.storage.put_manifest(PATH, raw.body, raw.media_type, text)
        found.append(raw.digest)
    return found


@pytest.mark.parametrize(
    ("call", "type_"),
    [
        (
            lambda rest, _: rest.packages.async_list_packages_for_organization("acme", package_type="container"),
            list[Package],
        ),
        (lambda rest, _: rest.packages.async_get_package_for_organization(*APP), Package),
        (
            lambda rest, _: rest.packages.async_get_all_package_versions_for_package_owned_by_org(*APP),
            list[PackageVersion],
        ),
        (lambda rest, number: rest.packages.async_get_package_version_for_organization(*APP, number), PackageVersion),
        (lambda rest, _: rest.users.async_get_authenticated(), PrivateUser | PublicUser),
        (lambda rest, _: rest.users.async_get_by_username("acme"), PrivateUser | PublicUser),
    ],
)
async def test_replies_are_githubs(call: Call, type_: Any) -> None:
    async with GithubEmulator() as github, client(github) as rest:
        fill(github)
        reply = await call(rest, github.number(PATH, "one"))
        assert reply.parsed_data
        understood(type_, reply.content)


async def test_what_is_there_is_understood() -> None:
    async with GithubEmulator() as github, client(github) as rest:
        digests = fill(github)
        number = github.number(PATH, "two")
        assert (await rest.packages.async_delete_package_version_for_org(*APP, number)).status_code == 204
        ask = rest.packages.async_get_all_package_versions_for_package_owned_by_org
        left = (await ask(*APP)).parsed_data
        assert {each.name for each in left} == {digests[0], digests[2]}
        gone = (await ask(*APP, state="deleted")).parsed_data
        assert [(each.id, each.name) for each in gone] == [(number, digests[1])]
        assert (await rest.packages.async_restore_package_version_for_org(*APP, number)).status_code == 204
        assert len((await ask(*APP, page=1, per_page=100)).parsed_data) == 3


@pytest.mark.parametrize(
    ("token", "call", "status"),
    [
        ("ghp_wrong", lambda rest, _: rest.users.async_get_authenticated(), 401),
        (READER, lambda rest, number: rest.packages.async_delete_package_version_for_org(*APP, number), 403),
        (OWNER, lambda rest, _: rest.packages.async_delete_package_version_for_org(*APP, 4711), 404),
        (OWNER, lambda rest, _: rest.packages.async_get_package_for_organization("container", "none", "acme"), 404),
    ],
)
async def test_refusals_are_githubs(token: str, call: Call, status: int) -> None:
    async with GithubEmulator() as github, client(github, token) as rest:
        fill(github)
        with pytest.raises(RequestFailed) as refused:
            await call(rest, github.number(PATH, "one"))
        assert refused.value.response.status_code == status
        understood(BasicError, refused.value.response.content)


async def test_packages_of_an_owner_are_listed_page_by_page() -> None:
    async with GithubEmulator() as github, client(github) as rest:
        fill(github)
        push(github, "acme/tool", "acme/zoo")
        found = []
        for page in (1, 2, 3):
            said = await rest.packages.async_list_packages_for_organization(
                "acme", package_type="container", per_page=2, page=page
            )
            found += [each.name for each in said.parsed_data]
        assert sorted(found) == ["app", "tool", "zoo"]


async def test_our_adapter_asks_nothing_that_the_other_client_does_not(tmp_path: Path) -> None:
    async with GithubEmulator() as github, client(github) as rest:
        digests = fill(github)
        ours = await _our_questions(github, tmp_path, digests[1])
        github.recording.clear()
        number = github.number(PATH, "one")
        await rest.users.async_get_authenticated()
        await rest.users.async_get_by_username("acme")
        for state in ("active", "deleted"):
            await rest.packages.async_get_all_package_versions_for_package_owned_by_org(
                *APP, page=1, per_page=100, state=state
            )
        await rest.packages.async_get_package_for_organization(*APP)
        await rest.packages.async_get_package_version_for_organization(*APP, number)
        await rest.packages.async_delete_package_version_for_org(*APP, number)
        await rest.packages.async_restore_package_version_for_org(*APP, number)
        theirs = {question(each) for each in github.requests}
        assert len(ours) >= 4
        assert unknown(ours, theirs) == set()


async def _our_questions(github: GithubEmulator, folder: Path, doomed: Digest) -> set[Question]:
    """To the API, while everything is listed, looked up, deleted and restored."""
    (folder / "config.json").write_text(json.dumps({}))
    access = Access({"github": TokenLogin(AsGiven(Secret(OWNER), "a test"))}, URL(github.url))
    repository = Repository(RegistryHost.parse(github.host), RepositoryPath(PATH))
    async with Connections(folder, access={"images": access}) as connections:
        session = await connections.session(repository, "github")
        await session.probe()
        await session.list_tags()
        await session.delete_manifests([doomed])
        assert doomed not in github.storage.repositories[PATH].manifests
        assert await session.restore(doomed, [])
    return {question(each) for each in github.requests if not each.path.startswith(("/v2", "/token"))}
