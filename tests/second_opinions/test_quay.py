"""Quay's emulator and adapter with quayio-sdk, a client that swagger-codegen made of Quay's own description, the one at
/api/v1/discovery.

That describes every request and the errors, and of no reply to a request what is in it.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final, TypeAlias

import pytest
from quayio_sdk import ApiClient, ApiError, Configuration, RepositoryApi, RestoreTag, TagApi
from quayio_sdk.rest import ApiException

from holystone.cleanup.connections import Connections
from holystone.engine.model.outcomes import Deleted
from holystone.engine.model.references import Digest, RegistryHost, Repository, RepositoryPath, Tag
from holystone.settings.access import resolve_access
from holystone.settings.given import Given
from tests.emulators.quay import QuayEmulator
from tests.second_opinions.overhearing import overhear
from tests.second_opinions.strictness import Question, question, unknown
from tests.support import images

PATH: Final = QuayEmulator.path
TYPES: Final = {"int": int, "str": str}
Call: TypeAlias = Callable[[ApiClient], object]


def client(quay: QuayEmulator, token: str = "") -> ApiClient:
    configuration = Configuration()
    configuration.host = quay.url
    configuration.access_token = token or quay.login().environ["WERF_REPO_QUAY_TOKEN"]
    configuration.safe_chars_for_path_param = "/"  # a repository is one parameter to it
    return ApiClient(configuration)


def fill(quay: QuayEmulator, *tags: str) -> Digest:
    config = images.config("one")
    quay.storage.put_blob(PATH, config)
    raw = images.image(config)
    for tag in tags:
        quay.storage.put_manifest(PATH, raw.body, raw.media_type, tag)
    return raw.digest


def misfits(model: Any, document: dict[str, Any]) -> list[str]:
    """What a generated model does not have, or has as another type. Raises ValueError for what it misses."""
    names = {theirs: ours for ours, theirs in model.attribute_map.items()}
    found = [f"{name} is unknown" for name in document.keys() - names.keys()]
    for name, value in document.items():
        if name in names and type(value) is not TYPES[model.swagger_types[names[name]]]:
            found.append(f"{name} is {value!r}")
    model(**{names[name]: value for name, value in document.items() if name in names})
    return found


@pytest.mark.parametrize(
    ("token", "call", "status"),
    [
        ("", lambda to: TagApi(to).list_repo_tags("team/none"), 404),
        ("", lambda to: RepositoryApi(to).get_repo("team/none"), 404),
        ("", lambda to: RepositoryApi(to).get_repo("somebody/app"), 403),
        ("", lambda to: TagApi(to).delete_full_tag(PATH, "absent"), 404),
        ("", lambda to: TagApi(to).delete_full_tag(PATH, "locked"), 409),
        ("", lambda to: TagApi(to).restore_tag(PATH, "v1", RestoreTag()), 400),
        ("", lambda to: TagApi(to).restore_tag(PATH, "v1", RestoreTag("sha256:" + "0" * 64)), 404),
        ("wrong", lambda to: RepositoryApi(to).get_repo(PATH), 401),
        ("weak", lambda to: TagApi(to).delete_full_tag(PATH, "v1"), 403),
    ],
)
async def test_refusals_are_quays(token: str, call: Call, status: int) -> None:
    async with QuayEmulator() as quay:
        fill(quay, "v1", "locked")
        quay.lock(PATH, "locked")
        quay.foreign.add("somebody/app")
        secret = {"weak": quay.weak_login().environ["WERF_REPO_QUAY_TOKEN"]}.get(token, token)
        with pytest.raises(ApiException) as refused:
            await asyncio.to_thread(call, client(quay, secret))
        assert refused.value.status == status
        assert misfits(ApiError, json.loads(refused.value.body)) == []


@pytest.mark.parametrize("by_api", [False, True])
async def test_our_adapter_asks_nothing_that_is_not_described(tmp_path: Path, *, by_api: bool) -> None:
    async with QuayEmulator(tag_delete=not by_api) as quay:
        fill(quay, "v1", "v2")
        heard = overhear(quay)
        ours = await _our_questions(quay, tmp_path)
        assert {each.method for each in ours} == {"GET", "POST"} | ({"DELETE"} if by_api else set())
        (restored,) = (each.request.body for each in heard if each.path.endswith("/restore"))
        assert misfits(RestoreTag, json.loads(restored)) == []
        theirs = await asyncio.to_thread(_all_questions, quay)
        assert len(theirs) == 4
        assert unknown(ours, theirs) == set()


async def _our_questions(quay: QuayEmulator, folder: Path) -> set[Question]:
    """To the API, while everything is listed, looked up, deleted and restored."""
    async with _connected(quay, folder) as (connections, repository):
        registry = await connections.registry(repository, "quay")
        await registry.probe(repository)
        digest = (await registry.list_tags(repository)).tags[Tag("v1")]
        assert digest
        assert await registry.delete_tags(repository, [Tag("v1")]) == [Deleted()]
        assert await registry.restore(repository, digest, [Tag("v1")])
    return {question(each) for each in quay.requests if each.path.startswith("/api/")}


@asynccontextmanager
async def _connected(quay: QuayEmulator, folder: Path) -> AsyncIterator[tuple[Connections, Repository]]:
    environ = {**quay.environ, **quay.login().environ}
    (folder / "config.json").write_text(json.dumps({}))
    repository = Repository(RegistryHost.parse(quay.host), RepositoryPath(PATH))
    async with Connections(folder, access=resolve_access(Given({}, environ)), environ=environ) as connections:
        yield connections, repository


def _all_questions(quay: QuayEmulator) -> set[Question]:
    """Every described call that has to do with one repository's tags, with all its parameters."""
    quay.recording.clear()
    tags, repositories = TagApi(client(quay)), RepositoryApi(client(quay))
    repositories.get_repo(PATH, include_tags=True, include_stats=True)
    tags.list_repo_tags(PATH, only_active_tags=True, page=1, limit=100, filter_tag_name="eq:v1", specific_tag="v1")
    tags.delete_full_tag(PATH, "v2")
    tags.restore_tag(PATH, "v2", RestoreTag(str(fill(quay))))
    return {question(each) for each in quay.requests}
