"""Azure's emulator and adapter against azure-containerregistry, generated from the registry's published description of
2021-07-01. That knows neither soft-deleted manifests, which azure-cli restores, nor the password flow of the token
endpoint; of /v2 it knows only a part."""

import json
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, TypeAlias
from urllib.parse import parse_qsl, unquote

import aiohttp
import pytest
from azure.containerregistry import ArtifactTagOrder
from azure.containerregistry._generated.models import _models as models
from azure.containerregistry.aio import ContainerRegistryClient
from azure.core.credentials import AccessToken
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError, ResourceNotFoundError
from yarl import URL

from holystone.adapters.registries.acr import entra
from holystone.adapters.registries.connections import Connections
from holystone.adapters.registries.reach import Access
from holystone.embedded.recording import RecordedRequest
from holystone.engine.model.manifests import RawManifest
from holystone.engine.model.outcomes import Deleted
from holystone.engine.model.references import Digest, RegistryHost, Repository, RepositoryPath, Tag
from tests.emulators.acr import READ_ACTIONS, AcrEmulator, Attributes, Principal
from tests.second_opinions.attribute_maps import described
from tests.second_opinions.overhearing import Exchange, overhear
from tests.second_opinions.strictness import Question, question, understood, unknown
from tests.support import images

PATH: Final = "team/app"
Call: TypeAlias = Callable[[ContainerRegistryClient], Coroutine[Any, Any, object]]
HTTP: Final[dict[str, Any]] = {"enforce_https": False}
MORE: Final[dict[str, dict[str, Any]]] = {
    # Only in the description of 2018-08-10-preview (Azure/acr-cli, docs/swagger.yaml), and sent to this day.
    "TagAttributesBase": {"signed": bool},
    "ManifestAttributesBase": {"mediaType": str},
}
FORMS: Final[dict[str, Any]] = {
    "/oauth2/exchange": models.Paths108HwamOauth2ExchangePostRequestbodyContentApplicationXWwwFormUrlencodedSchema,
    "/oauth2/token": models.PathsV3R3RxOauth2TokenPostRequestbodyContentApplicationXWwwFormUrlencodedSchema,
}


class Credential:
    """Stands in for azure-identity on both sides."""

    def __init__(self, token: str) -> None:
        self._token = token

    async def get_token(self, *_: str, **__: Any) -> AccessToken:
        return AccessToken(self._token, 2**40)

    async def close(self) -> None:
        pass

    async def __aenter__(self) -> "Credential":
        return self

    async def __aexit__(self, *_: object) -> None:
        pass


@asynccontextmanager
async def client(acr: AcrEmulator, who: Principal | None = None) -> AsyncIterator[ContainerRegistryClient]:
    made = ContainerRegistryClient(acr.url, Credential(acr.entra_token(who)), retry_total=0)
    async with made:
        yield made


def fill(acr: AcrEmulator) -> dict[str, Digest]:
    """An image with two tags, of which one is locked, an index with a child, and one without a tag."""
    two, child, loose = (put(acr, text) for text in ("two", "child", "loose"))
    for tag in ("v1", "v2"):
        store(acr, two, tag)
    index = store(acr, images.index(child), "all")
    acr.tag_attributes[PATH, "v2"] = Attributes(delete_enabled=False)
    return {"two": two.digest, "child": child.digest, "loose": loose.digest, "index": index.digest}


def put(acr: AcrEmulator, text: str) -> RawManifest:
    config = images.config(text)
    acr.storage.put_blob(PATH, config)
    return store(acr, images.image(config))


def store(acr: AcrEmulator, raw: RawManifest, tag: str | None = None) -> RawManifest:
    acr.storage.put_manifest(PATH, raw.body, raw.media_type, tag)
    return raw


async def all_of(pages: Any) -> list[Any]:
    """This client would go in circles for ever."""
    found: list[Any] = []
    async for each in pages:
        found.append(each)
        assert len(found) < 50
    return found


def asked(request: RecordedRequest) -> Question:
    """The slashes of a name are escaped by this client, and neither by azure-cli nor by us."""
    return question(replace(request, path=unquote(request.path)))


def check(model: Any, body: bytes) -> Any:
    return understood(described(model, MORE), body)


def check_form(exchange: Exchange) -> None:
    form = dict(parse_qsl(exchange.request.body.decode(), strict_parsing=True))
    # Of the token endpoint as distribution describes it, where it is required (docs/content/spec/auth/oauth.md).
    form.pop("client_id", None)
    check(FORMS[exchange.request.path], json.dumps(form).encode())


@pytest.mark.parametrize(
    ("call", "model"),
    [
        (lambda acr: all_of(acr.list_repository_names(**HTTP)), models.Repositories),
        (lambda acr: acr.get_repository_properties(PATH, **HTTP), models.ContainerRepositoryProperties),
        (lambda acr: all_of(acr.list_tag_properties(PATH, **HTTP)), models.TagList),
        (lambda acr: all_of(acr.list_manifest_properties(PATH, **HTTP)), models.AcrManifests),
    ],
)
@pytest.mark.parametrize("abac", [True, False])
async def test_replies_are_azures(call: Call, model: Any, abac: bool) -> None:
    async with AcrEmulator(abac=abac) as acr, client(acr) as asking:
        fill(acr)
        heard = overhear(acr)
        assert await call(asking)
        challenge, exchange, token, last = heard
        check(models.AcrErrors, challenge.reply.body)
        check(models.AcrRefreshToken, exchange.reply.body)
        check(models.AcrAccessToken, token.reply.body)
        check(model, last.reply.body)


async def test_lists_of_nothing_are_azures() -> None:
    async with AcrEmulator() as acr, client(acr) as asking:
        heard = overhear(acr)
        assert await all_of(asking.list_repository_names(**HTTP)) == []
        check(models.Repositories, heard[-1].reply.body)
        put(acr, "loose")
        assert await all_of(asking.list_tag_properties(PATH, **HTTP)) == []
        check(models.TagList, heard[-1].reply.body)


async def test_what_is_there_is_understood() -> None:
    async with AcrEmulator() as acr, client(acr) as asking:
        digests = fill(acr)
        assert await all_of(asking.list_repository_names(**HTTP)) == [PATH]
        about = await asking.get_repository_properties(PATH, **HTTP)
        assert (about.name, about.manifest_count, about.tag_count, about.can_delete) == (PATH, 4, 3, True)
        pages = asking.list_tag_properties(
            PATH, order_by=ArtifactTagOrder.LAST_UPDATED_ON_ASCENDING, results_per_page=1, **HTTP
        )
        tags = {each.name: (each.digest, each.can_delete, each.can_write) for each in await all_of(pages)}
        assert tags == {
            "v1": (digests["two"], True, True),
            "v2": (digests["two"], False, True),
            "all": (digests["index"], True, True),
        }
        heard = overhear(acr)
        one = await asking.get_manifest_properties(PATH, digests["two"], **HTTP)
        assert (one.digest, one.tags) == (digests["two"], ["v1", "v2"])
        check(models.ArtifactManifestProperties, heard[-1].reply.body)
        manifests = await all_of(asking.list_manifest_properties(PATH, results_per_page=3, **HTTP))
        assert {each.digest: each.tags or [] for each in manifests} == {
            digests["two"]: ["v1", "v2"],
            digests["child"]: [],
            digests["loose"]: [],
            digests["index"]: ["all"],
        }
        await asking.delete_tag(PATH, "v1", **HTTP)
        await asking.delete_manifest(PATH, digests["loose"], **HTTP)
        left = acr.storage.repositories[PATH]
        assert left.tags.keys() == {"v2", "all"}
        assert digests["loose"] not in left.manifests


@pytest.mark.parametrize(
    ("call", "error", "status"),
    [
        (lambda acr: acr.get_repository_properties("team/none", **HTTP), ResourceNotFoundError, 404),
        (lambda acr: all_of(acr.list_tag_properties(PATH, last="gone", **HTTP)), ResourceNotFoundError, 404),
        (lambda acr: all_of(acr.list_tag_properties(PATH, order_by="size", **HTTP)), HttpResponseError, 400),
        (lambda acr: acr.delete_tag(PATH, "v2", **HTTP), HttpResponseError, 405),
    ],
)
async def test_refusals_are_azures(call: Call, error: type[HttpResponseError], status: int) -> None:
    async with AcrEmulator() as acr, client(acr) as asking:
        fill(acr)
        heard = overhear(acr)
        with pytest.raises(error) as refused:
            await call(asking)
        assert refused.value.status_code == status
        (said,) = check(models.AcrErrors, heard[-1].reply.body)["errors"]
        assert said["code"]
        assert said["message"]


async def test_what_is_not_there_is_azures_word_for_it() -> None:
    """Their client says nothing of it."""
    async with AcrEmulator() as acr, client(acr) as asking:
        fill(acr)
        heard = overhear(acr)
        await asking.delete_tag(PATH, "absent", **HTTP)
        await asking.delete_manifest(PATH, "sha256:" + "0" * 64, **HTTP)
        assert [each.reply.status for each in heard if each.request.method == "DELETE"] == [401, 404, 401, 404]
        for each in heard:
            if each.reply.status >= 400:
                check(models.AcrErrors, each.reply.body)


@pytest.mark.parametrize(("firewalled", "throttled", "status"), [(True, 0, 403), (False, 1, 429), (False, 0, 401)])
async def test_who_is_refused_is_told_as_azure_does(firewalled: bool, throttled: int, status: int) -> None:
    async with AcrEmulator() as acr, client(acr, Principal("guest", {"*": READ_ACTIONS})) as asking:
        digests = fill(acr)
        acr.firewalled, acr.throttled = firewalled, throttled
        heard = overhear(acr)
        with pytest.raises(HttpResponseError) as refused:
            await asking.delete_manifest(PATH, digests["loose"], **HTTP)
        assert refused.value.status_code == heard[-1].reply.status == status
        check(models.AcrErrors, heard[-1].reply.body)


async def test_tokens_are_refused_as_azure_does() -> None:
    async with AcrEmulator() as acr:
        heard = overhear(acr)
        asking = ContainerRegistryClient(acr.url, Credential("no token"), retry_total=0)
        async with asking:
            with pytest.raises(ClientAuthenticationError):
                await asking.get_repository_properties(PATH, **HTTP)
        assert heard[-1].request.path == "/oauth2/exchange"
        check(models.AcrErrors, heard[-1].reply.body)


async def test_our_adapter_asks_nothing_that_the_other_client_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.emulators.acr._LARGEST_PAGE", 2)
    async with AcrEmulator() as acr:
        digests = fill(acr)
        credential = Credential(acr.entra_token())
        monkeypatch.setattr(entra, "azure_credential", lambda: credential)
        heard = overhear(acr)
        ours = await _our_questions(acr, tmp_path, digests)
        for each in heard:
            if each.request.path.startswith("/oauth2/"):
                check_form(each)
        assert {each.request.path for each in heard} >= FORMS.keys()
        acr.recording.clear()
        async with client(acr) as asking:
            await asking.get_repository_properties(PATH, **HTTP)
            # One page: the parameters of the next come from our own server.
            pages = asking.list_tag_properties(PATH, last="v2", order_by="timeasc", results_per_page=2, **HTTP)
            assert [each.name for each in await all_of(pages)] == ["all"]
            await asking.delete_tag(PATH, "all", **HTTP)
            await asking.delete_manifest(PATH, digests["child"], **HTTP)
            await asking.get_manifest(PATH, "v2", **HTTP)
        theirs = {asked(each) for each in acr.requests}
        assert len(ours) >= 8
        assert unknown(ours, theirs) == {Question("GET", "/v2/", frozenset())}, "as every client of Docker's asks first"


async def _our_questions(acr: AcrEmulator, folder: Path, digests: dict[str, Digest]) -> set[Question]:
    """While everything is listed, read and deleted."""
    (folder / "config.json").write_text(json.dumps({}))
    repository = Repository(RegistryHost.parse(acr.host), RepositoryPath(PATH))
    async with Connections(folder, access={"images": Access(api_url=URL(acr.url))}, environ={}) as connections:
        session = await connections.session(repository, "acr")
        await session.probe()
        assert len((await session.list_tags()).tags) == 3
        await session.read_manifests([digests["two"]])
        assert await session.delete_tags([Tag("v1")]) == [Deleted()]
        assert await session.delete_manifests([digests["loose"]]) == [Deleted()]
    return {asked(each) for each in acr.requests}


@pytest.mark.parametrize(("abac", "status"), [(False, 202), (True, 401)])
async def test_a_token_for_all_repositories_is_one_as_acr_cli_asks_for_it(abac: bool, status: int) -> None:
    """Azure/acr-cli, internal/api/acrsdk.go: newAcrCLIClientWithBearerAuth, refreshAcrCLIClientToken: on an
    ABAC registry the wildcard "is silently ignored by the server"."""
    async with AcrEmulator(abac=abac) as acr, aiohttp.ClientSession() as session:
        fill(acr)
        for scope in ("registry:catalog:* repository:*:*", "repository:*:*"):
            form = {"grant_type": "refresh_token", "service": acr.host, "scope": scope}
            form["refresh_token"] = str(acr.az_login().secrets[0])
            async with session.post(f"{acr.url}/oauth2/token", data=form) as got:
                assert got.status == 200
                token = (await got.json())["access_token"]
            headers = {"Authorization": f"Bearer {token}"}
            tag = "v1" if "registry" in scope else "all"
            async with session.delete(f"{acr.url}/acr/v1/{PATH}/_tags/{tag}", headers=headers) as got:
                assert got.status == status


async def test_a_token_for_all_repositories_gives_no_more_than_its_owner_has() -> None:
    async with AcrEmulator() as acr, aiohttp.ClientSession() as session:
        fill(acr)
        who = Principal("guest", {"*": READ_ACTIONS})
        form = {"grant_type": "refresh_token", "service": acr.host, "scope": "repository:*:*"}
        form["refresh_token"] = str(acr.az_login(principal=who).secrets[0])
        async with session.post(f"{acr.url}/oauth2/token", data=form) as got:
            headers = {"Authorization": f"Bearer {(await got.json())['access_token']}"}
        for method, status in (("GET", 200), ("DELETE", 401)):
            path = f"/acr/v1/{PATH}/_tags" + ("/v1" if method == "DELETE" else "")
            async with session.request(method, acr.url + path, headers=headers) as got:
                assert got.status == status


async def test_a_tag_of_no_repository_is_an_unknown_tag() -> None:
    """As recorded by the maintainers of Azure's clients (Azure/azure-sdk-for-python, recordings of 2021)."""
    async with AcrEmulator() as acr, client(acr) as asking:
        heard = overhear(acr)
        await asking.delete_tag("team/none", "absent", **HTTP)
        (said,) = check(models.AcrErrors, heard[-1].reply.body)["errors"]
        assert (heard[-1].reply.status, said["code"]) == (404, "TAG_UNKNOWN")
