"""Google's emulator and adapter against the discovery document of the Artifact Registry API, which Google publishes and
makes its clients from. It says nothing of /v2, of the token endpoint and of the metadata server."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import aiohttp
import pytest
from google.api_core.path_template import transcode

from holystone.adapters.registries.connections import Connections
from holystone.adapters.registries.gcr.places import locate
from holystone.engine.errors import IncompleteSource
from holystone.engine.model.manifests import RawManifest
from holystone.engine.model.outcomes import Deleted
from holystone.engine.model.references import RegistryHost, Repository, RepositoryPath, Tag
from holystone.engine.ports import RepositorySession
from holystone.settings.access import resolve_access
from holystone.settings.given import Given
from tests.emulators.gcr import ADMIN, FOLDER, STRANGER, Account, GoogleEmulator
from tests.second_opinions.discovery import Discovery
from tests.second_opinions.overhearing import Exchange, overhear
from tests.second_opinions.rpc_errors import check_refusal
from tests.second_opinions.strictness import understood
from tests.support import images
from tests.support.catalogs import listed, registry_of

PATH: Final = "team/shop/app"
IMAGE: Final = f"{FOLDER}/packages/shop%2Fapp"
GET: Final = "projects.locations.repositories.get"
VERSIONS: Final = "projects.locations.repositories.packages.versions.list"
PACKAGES: Final = "projects.locations.repositories.packages.list"
REPOSITORIES: Final = "projects.locations.repositories.list"
TAGS: Final = "projects.locations.repositories.packages.tags.list"


@cache
def document() -> Discovery:
    found = Discovery.shipped("artifactregistry.v1")
    # Described as a map of anything, and in words: "defined by the underlying repository-specific resource".
    properties = found.schema("DockerImage")["properties"]
    found.schema("Version")["properties"]["metadata"] = {"type": "object", "properties": properties}
    return found


def judge(exchange: Exchange) -> str:
    """The operation. Raises if one side said something that is not described."""
    request, reply = exchange
    operation = document().operation(request.method, request.target)
    if reply.status == 200:
        understood(operation.reply, reply.body)
        return operation.name
    check_refusal(document(), reply)
    return operation.name


def fill(served: GoogleEmulator) -> dict[str, RawManifest]:
    """An image with two tags, an index of one without, and another without."""
    made = {text: images.image(images.config(text)) for text in ("two", "child", "loose")}
    for text in made:
        served.storage.put_blob(PATH, images.config(text))
    made["index"] = images.index(made["child"])
    for text, tags in (("two", ("v1", "v2")), ("child", (None,)), ("loose", (None,)), ("index", ("all",))):
        for tag in tags:
            served.storage.put_manifest(PATH, made[text].body, made[text].media_type, tag)
    return made


@asynccontextmanager
async def connected(served: GoogleEmulator, folder: Path) -> AsyncIterator[RepositorySession]:
    environ = {"HOME": str(folder), **served.environ, **served.login().environ}
    (folder / "config.json").write_text(json.dumps({}))
    repository = Repository(RegistryHost.parse(served.host), RepositoryPath(PATH))
    async with Connections(folder, access=resolve_access(Given({}, environ)), environ=environ) as connections:
        yield await connections.session(repository, "gcr")


def of_the_api(heard: list[Exchange]) -> list[Exchange]:
    return [each for each in heard if each.request.path.startswith("/v1/")]


async def ask(served: GoogleEmulator, path: str, account: Account = ADMIN) -> tuple[Exchange, Any]:
    """Somebody else's request: what was said, and the document that came."""
    heard = overhear(served)
    headers = {"Authorization": f"Bearer {served.issue(account)}"}
    async with aiohttp.ClientSession(headers=headers) as session, session.get(f"{served.url}/v1/{path}") as reply:
        return heard[-1], await reply.json()


@pytest.mark.parametrize(
    ("path", "operation", "key"),
    [
        (FOLDER, GET, "name"),
        (f"{FOLDER}/packages", PACKAGES, "packages"),
        (f"{FOLDER}/packages?pageSize=1000", PACKAGES, "packages"),
        (FOLDER.rpartition("/")[0], REPOSITORIES, "repositories"),
        (f"{IMAGE}/versions", VERSIONS, "versions"),
        (f"{IMAGE}/versions?view=BASIC&pageSize=1", VERSIONS, "nextPageToken"),
        (f"{IMAGE}/versions?view=FULL&pageSize=1000", VERSIONS, "versions"),
        (f"{IMAGE}/tags", TAGS, "tags"),
        (f"{IMAGE}/tags?pageSize=2", TAGS, "nextPageToken"),
    ],
)
@pytest.mark.parametrize("immutable", [True, False])
async def test_replies_are_googles(path: str, operation: str, key: str, immutable: bool) -> None:
    async with GoogleEmulator(immutable=immutable) as served:
        fill(served)
        exchange, said = await ask(served, path)
        assert exchange.reply.status == 200
        assert judge(exchange) == operation
        assert said[key]


@pytest.mark.parametrize("kind", ["versions", "tags"])
async def test_an_escaped_name_may_be_escaped_again(kind: str) -> None:
    """As Google's own libraries send it, which escape what they are given: with %252F the same package is named."""
    async with GoogleEmulator() as served:
        fill(served)
        uri = "/v1/{parent=projects/*/locations/*/repositories/*/packages/*}/" + kind
        sent = transcode([{"method": "get", "uri": uri}], parent=IMAGE)  # type: ignore[no-untyped-call]
        path = sent["uri"].removeprefix("/v1/")
        assert "shop%252Fapp" in path
        exchange, said = await ask(served, path)
        assert exchange.reply.status == 200
        assert said == (await ask(served, f"{IMAGE}/{kind}"))[1]


async def test_our_catalog_asks_what_google_describes(tmp_path: Path) -> None:
    async with GoogleEmulator() as served, registry_of(tmp_path, served) as registry:
        fill(served)
        heard = overhear(served)
        assert await listed(registry, "team") == [PATH]
        assert {judge(each) for each in heard if each.path.startswith("/v1/")} == {PACKAGES}


async def test_an_empty_image_is_listed(tmp_path: Path) -> None:
    async with GoogleEmulator() as served:
        served.storage.repository(PATH)
        for kind, operation in (("versions", VERSIONS), ("tags", TAGS)):
            exchange, said = await ask(served, f"{IMAGE}/{kind}")
            assert (judge(exchange), said) == (operation, {})


@pytest.mark.parametrize(
    ("view", "told"),
    [("", False), ("?view=VERSION_VIEW_UNSPECIFIED", False), ("?view=BASIC", False), ("?view=FULL", True)],
)
async def test_related_tags_are_told_where_everything_is_asked_for(view: str, told: bool) -> None:
    """The document's own words on the views of a version."""
    async with GoogleEmulator() as served:
        fill(served)
        _, said = await ask(served, f"{IMAGE}/versions{view}")
        assert any(each.get("relatedTags") for each in said["versions"]) is told


async def test_pages_are_the_whole() -> None:
    async with GoogleEmulator() as served:
        made = fill(served)
        found, token = set(), ""
        for _ in made:
            exchange, said = await ask(served, f"{IMAGE}/versions?pageSize=1&pageToken={quote(token)}")
            judge(exchange)
            found |= {each["name"].rpartition("/")[2] for each in said["versions"]}
            token = said.get("nextPageToken", "")
        assert not token
        assert found == {each.digest for each in made.values()}


@pytest.mark.parametrize(
    ("path", "account", "status"),
    [
        (f"{IMAGE}/versions?pageToken=nonsense", ADMIN, 400),
        (FOLDER, STRANGER, 403),
        (f"{IMAGE}/tags", STRANGER, 403),
        (f"{FOLDER}/packages/none/tags", ADMIN, 404),
        (FOLDER.replace("gcr.io", "elsewhere"), ADMIN, 404),
    ],
)
async def test_refusals_are_googles(path: str, account: Account, status: int) -> None:
    async with GoogleEmulator() as served:
        fill(served)
        exchange, _ = await ask(served, path, account)
        assert exchange.reply.status == status
        judge(exchange)


@pytest.mark.parametrize("status", [401, 403, 429])
async def test_refusals_of_whatever_is_asked_are_googles(status: int) -> None:
    async with GoogleEmulator(api_enabled=status != 403) as served:
        served.throttled = 1 if status == 429 else 0
        served.lifetime = -3600 if status == 401 else served.lifetime
        exchange, _ = await ask(served, FOLDER)
        assert exchange.reply.status == status
        judge(exchange)


async def test_our_adapter_asks_what_the_document_knows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.emulators.gcr.API_PAGE", 2)
    async with GoogleEmulator(longest=1, links=True) as served, connected(served, tmp_path) as session:
        made = fill(served)
        heard = overhear(served)
        await session.probe()
        listing = await session.list_tags()
        assert listing.tags.keys() == {"v1", "v2", "all"}
        assert listing.pushed.keys() == {each.digest for each in made.values()}
        assert await session.delete_tags([Tag("v1")]) == [Deleted()]
        assert await session.delete_manifests([made["loose"].digest]) == [Deleted()]
        await session.restore(made["loose"].digest, [])
    asked = [judge(each) for each in of_the_api(heard)]
    assert sorted(asked) == [GET, TAGS, TAGS, VERSIONS, VERSIONS]
    assert sum("pageToken=" in each.request.target for each in heard) == 2


async def test_our_adapter_is_refused_in_googles_words(tmp_path: Path) -> None:
    async with GoogleEmulator(longest=1, links=True, api_enabled=False) as served:
        fill(served)
        heard = overhear(served)
        async with connected(served, tmp_path) as session:
            with pytest.raises(IncompleteSource, match="gcloud services enable"):
                await session.list_tags()
    assert [judge(each) for each in of_the_api(heard)] == [VERSIONS]


@pytest.mark.parametrize(
    ("host", "path"),
    [
        ("gcr.io", "team/app"),
        ("eu.gcr.io", "example.com/team/shop/app"),
        ("europe-docker.pkg.dev", "team/images/shop/front-end/app"),
        ("docker.europe-west1.rep.pkg.dev", "example.com/team/images/app"),
    ],
)
def test_addresses_are_the_documents_wherever_an_image_is(host: str, path: str) -> None:
    image = locate(RegistryHost.parse(host), RepositoryPath(path))
    assert image is not None
    assert document().operation("GET", f"/v1/{image.folder}").name == GET
    assert document().operation("GET", f"/v1/{image.resource}/tags").name == TAGS
