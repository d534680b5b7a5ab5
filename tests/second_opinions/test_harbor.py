"""Harbor's emulator and adapter against harborapi, whose models were generated from Harbor's swagger.yaml, and which is
used with real Harbors."""

import json
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeAlias

import httpx
import pytest
from harborapi import HarborAsyncClient
from harborapi.exceptions import Forbidden, NotFound, PreconditionFailed, StatusError, Unauthorized
from harborapi.models import Artifact, GeneralInfo, Project, Repository
from harborapi.models.models import Errors

from holystone.adapters.registries.connections import Connections
from holystone.engine.model.manifests import RawManifest
from holystone.engine.model.references import Digest, RegistryHost, RepositoryPath, Tag
from holystone.engine.model.references import Repository as OurRepository
from holystone.settings.access import resolve_access
from holystone.settings.given import Given
from tests.emulators.harbor import GUEST_PASSWORD, PASSWORD, HarborEmulator
from tests.second_opinions.strictness import Question, question, understood, unknown
from tests.support import images

PATH = HarborEmulator.path
WHERE = ("shop", "team/app")
ALL: dict[str, Any] = {"page_size": 100, "with_immutable_status": True, "with_accessory": True}
Call: TypeAlias = Callable[[HarborAsyncClient], Coroutine[Any, Any, object]]


@asynccontextmanager
async def client(
    harbor: HarborEmulator, user: str = "sweeper", password: str = PASSWORD
) -> AsyncIterator[tuple[HarborAsyncClient, list[httpx.Response]]]:
    """And every reply that it gets."""
    replies: list[httpx.Response] = []

    async def keep(reply: httpx.Response) -> None:
        await reply.aread()
        replies.append(reply)

    made = HarborAsyncClient(f"{harbor.url}/api/v2.0", username=user, secret=password, retry=None)
    async with made.client:
        made.client.event_hooks["response"].append(keep)
        yield made, replies


def fill(harbor: HarborEmulator) -> dict[str, Digest]:
    """An image with two tags, one below an index, and one with a signature."""
    two, child, signed = (put(harbor, text) for text in ("two", "child", "signed"))
    for tag in ("v1", "v2"):
        store(harbor, two, tag)
    store(harbor, signed, "v3")
    index = store(harbor, images.index(child), "all")
    signature = put(harbor, "signature", signed)
    made = {"two": two, "child": child, "signed": signed, "index": index, "signature": signature}
    return {name: each.digest for name, each in made.items()}


def put(harbor: HarborEmulator, text: str, subject: RawManifest | None = None) -> RawManifest:
    config = images.config(text)
    harbor.storage.put_blob(PATH, config)
    return store(harbor, images.image(config, subject=subject))


def store(harbor: HarborEmulator, raw: RawManifest, tag: str | None = None) -> RawManifest:
    harbor.storage.put_manifest(PATH, raw.body, raw.media_type, tag)
    return raw


@pytest.mark.parametrize(
    ("call", "type_"),
    [
        (lambda harbor: harbor.get_artifacts(*WHERE, **ALL), list[Artifact]),
        (lambda harbor: harbor.get_artifact(*WHERE, "v1", with_immutable_status=True), Artifact),
        (lambda harbor: harbor.get_artifact(*WHERE, "v3", with_accessory=True), Artifact),
        (lambda harbor: harbor.get_artifact(*WHERE, "all"), Artifact),
        (lambda harbor: harbor.get_project(WHERE[0]), Project),
        (lambda harbor: harbor.get_repository(*WHERE), Repository),
        (lambda harbor: harbor.get_system_info(), GeneralInfo),
    ],
)
async def test_replies_are_harbors(call: Call, type_: Any) -> None:
    async with HarborEmulator() as harbor, client(harbor) as (asking, replies):
        fill(harbor)
        harbor.lock(PATH, "v1")
        assert await call(asking)
        understood(type_, replies[-1].content)


async def test_what_is_there_is_understood() -> None:
    async with HarborEmulator() as harbor, client(harbor) as (asking, _):
        digests = fill(harbor)
        harbor.lock(PATH, "v1")
        found = {each.digest: each for each in await asking.get_artifacts(*WHERE, **ALL)}
        assert found.keys() == {digests["two"], digests["signed"], digests["index"]}
        tags = {tag.name: tag.immutable for each in found.values() for tag in each.tags or ()}
        assert tags == {"v1": True, "v2": False, "v3": False, "all": False}
        assert [each.child_digest for each in found[digests["index"]].references or ()] == [digests["child"]]
        assert [each.digest for each in found[digests["signed"]].accessories or ()] == [digests["signature"]]


@pytest.mark.parametrize(
    ("call", "error", "code"),
    [
        (lambda harbor: harbor.get_artifact(*WHERE, "absent"), NotFound, "NOT_FOUND"),
        (lambda harbor: harbor.get_repository("shop", "absent"), NotFound, "NOT_FOUND"),
        (lambda harbor: harbor.get_repository("elsewhere", "app"), Forbidden, "FORBIDDEN"),
        (lambda harbor: harbor.delete_artifact_tag(*WHERE, "v1", "v1"), PreconditionFailed, "PRECONDITION"),
        (lambda harbor: harbor.delete_artifact(*WHERE, "v1"), PreconditionFailed, "PRECONDITION"),
        (lambda harbor: harbor.delete_artifact_tag(*WHERE, "v3", "v2"), NotFound, "NOT_FOUND"),
    ],
)
async def test_refusals_are_harbors(call: Call, error: type[StatusError], code: str) -> None:
    async with HarborEmulator() as harbor, client(harbor) as (asking, replies):
        fill(harbor)
        harbor.lock(PATH, "v1")
        with pytest.raises(error) as refused:
            await call(asking)
        assert [each.code for each in refused.value.errors] == [code]
        understood(Errors, replies[-1].content)


@pytest.mark.parametrize(
    ("user", "password", "error"), [("guest", GUEST_PASSWORD, Forbidden), ("sweeper", "wrong", Unauthorized)]
)
async def test_who_may_not_delete(user: str, password: str, error: type[StatusError]) -> None:
    async with HarborEmulator() as harbor, client(harbor, user, password) as (asking, replies):
        fill(harbor)
        with pytest.raises(error):
            await asking.delete_artifact(*WHERE, "v3")
        understood(Errors, replies[-1].content)


async def test_our_adapter_asks_nothing_that_the_other_client_does_not(tmp_path: Path) -> None:
    async with HarborEmulator() as harbor:
        digests = fill(harbor)
        ours = await _our_questions(harbor, tmp_path, digests)
        fill(harbor)
        harbor.recording.clear()
        async with client(harbor) as (asking, _):
            await asking.get_project(WHERE[0])
            await asking.get_repository(*WHERE)
            await asking.get_artifacts(*WHERE, **ALL)
            await asking.get_artifact(*WHERE, "v1")
            await asking.delete_artifact_tag(*WHERE, "v1", "v1")
            await asking.delete_artifact(*WHERE, digests["signed"])
        theirs = {question(each) for each in harbor.requests}
        assert len(ours) >= 3
        assert unknown(ours, theirs) == set()


async def _our_questions(harbor: HarborEmulator, folder: Path, digests: dict[str, Digest]) -> set[Question]:
    """To the API, while everything is listed, looked up, and deleted."""
    environ = {**harbor.environ, **harbor.login().environ}
    (folder / "config.json").write_text(json.dumps({}))
    repository = OurRepository(RegistryHost.parse(harbor.host), RepositoryPath(PATH))
    async with Connections(folder, access=resolve_access(Given({}, environ)), environ=environ) as connections:
        session = await connections.session(repository, "harbor")
        await session.probe()
        await session.list_tags()
        await session.delete_tags([Tag("v1")])
        await session.delete_manifests([digests["signed"]])
    assert not {"v1", "v3"} & harbor.storage.repositories[PATH].tags.keys()
    return {question(each) for each in harbor.requests if each.path.startswith("/api/")}
