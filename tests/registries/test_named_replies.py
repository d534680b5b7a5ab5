"""Replies that name their question are compared with it, and one that names another is asked for once more, over a
connection of its own: a registry with names of its own says the same again, a reply that went astray does not."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from holystone.adapters.credentials.credential import Anonymous
from holystone.adapters.http.transport import RegistryHttp
from holystone.adapters.registries.default.registry import DefaultSession, OciRegistry
from holystone.engine.errors import Doubtful, IncompleteSource, RegistryFailure
from holystone.engine.model.manifests import OCI_MANIFEST, RawManifest
from holystone.engine.model.references import Digest, Repository, RepositoryPath, Tag
from holystone.engine.scheduler import Limits, Scheduler
from tests.support.http_site import Site, site
from tests.support.images import image
from tests.support.memory_registry import digest_of

ONE, TWO = Digest("sha256:" + "1" * 64), Digest("sha256:" + "2" * 64)
LONG = Digest("sha512:" + "1" * 128)
Say = Callable[[int, web.Request], web.Response]


@asynccontextmanager
async def registry(say: Say, path: str = "team/app") -> AsyncIterator[tuple[DefaultSession, Site]]:
    """`say` gets the number of the request, from 1 on."""
    asked = 0

    async def answer(request: web.Request) -> web.Response:
        nonlocal asked
        asked += 1
        return say(asked, request)

    async with site(answer) as here, RegistryHttp(here.host, Anonymous()) as http:
        scheduler = Scheduler(Limits(attempts=2, host_patience=0.2))
        reads, writes = (scheduler.lane(here.host, "nobody", kind) for kind in ("read", "write"))
        session = OciRegistry(here.host, http, reads, writes).open(Repository(here.host, RepositoryPath(path)))
        yield session, here


def tags(name: str, *names: str) -> web.Response:
    return web.json_response({"name": name, "tags": list(names)})


def digest(of: Digest, status: int = 200) -> web.Response:
    return web.Response(status=status, headers={"Docker-Content-Digest": of})


async def test_the_tags_of_another_repository_are_not_taken_for_ours() -> None:
    async with registry(lambda n, _: tags("team/stages" if n == 1 else "team/app", "x")) as (asked, _):
        with pytest.raises(Doubtful, match=r"asked for its tags, the registry answered with those of team/stages"):
            await asked.list_tags()
        with pytest.raises(Doubtful):  # what was answered before is not to be relied on either
            await asked.resolve(Tag("x"))


@pytest.mark.parametrize("name", ["app", "team/app", "TEAM/App", "proxy/team/app", ""])
async def test_a_name_with_more_or_less_before_it_or_in_other_letters_is_ours(name: str) -> None:
    async with registry(lambda n, _: tags(name, "x")) as (asked, here):
        assert set((await asked.list_tags()).tags) == {"x"}
        assert len(here.seen) == 1


async def test_a_registry_that_always_calls_it_otherwise_is_believed_and_asked_twice_once() -> None:
    async with registry(lambda n, _: tags("tenant-17", "x")) as (asked, here):
        for _ in range(3):
            assert set((await asked.list_tags()).tags) == {"x"}
        assert len(here.seen) == 4


async def test_another_manifest_than_the_one_that_was_asked_for_is_no_answer() -> None:
    async with registry(lambda n, _: digest(TWO if n == 1 else ONE)) as (asked, _):
        with pytest.raises(Doubtful, match="asked for manifest"):
            await asked.resolve(ONE)


async def test_a_registry_that_always_answers_with_another_manifest_decides_nothing() -> None:
    async with registry(lambda n, _: digest(TWO)) as (asked, _):
        with pytest.raises(IncompleteSource, match="answers with"):
            await asked.resolve(ONE)


async def test_a_manifest_that_is_known_by_another_algorithm_is_there() -> None:
    async with registry(lambda n, _: digest(ONE)) as (asked, _):
        assert await asked.resolve(LONG) == LONG
        assert await asked.resolve(Tag("x")) == ONE


@pytest.mark.parametrize("status", [400, 403, 406, 412, 451])
async def test_what_is_there_and_may_not_be_read_is_not_absent(status: int) -> None:
    """Nobody says its digest, and a policy gives its content to nobody."""

    def say(_: int, request: web.Request) -> web.Response:
        if "tags/list" in request.path:
            return tags("team/app", "a b")
        return web.Response(status=200 if request.method == "HEAD" else status)

    async with registry(say) as (asked, _):
        for reference in (Tag("x"), ONE):
            with pytest.raises(IncompleteSource):
                await asked.resolve(reference)
        with pytest.raises(IncompleteSource):
            await asked.list_tags()


async def test_what_has_gone_before_it_is_read_is_absent() -> None:
    async with registry(lambda n, r: web.Response(status=200 if r.method == "HEAD" else 404)) as (asked, _):
        assert await asked.resolve(Tag("x")) is None


PUSHED = image(b"{}")


@pytest.mark.parametrize(("stored", "error"), [(PUSHED.digest, Doubtful), (TWO, RegistryFailure)])
async def test_a_push_that_is_answered_with_another_digest_is_looked_at(stored: Digest, error: type[Exception]) -> None:
    async with registry(lambda n, r: digest(TWO, 201) if r.method == "PUT" else digest(stored)) as (asked, _):
        with pytest.raises(error):
            await asked.push_manifest(Tag("x"), RawManifest(PUSHED.digest, OCI_MANIFEST, PUSHED.body))


def at(where: str) -> web.Response:
    return web.Response(status=201, headers={"Location": where})


async def test_a_location_that_names_another_manifest_is_looked_at() -> None:
    said = f"/v2/team/app/manifests/{TWO}?ns=x"
    async with registry(lambda n, r: at(said) if r.method == "PUT" else digest(TWO)) as (asked, _):
        with pytest.raises(RegistryFailure, match="it stored sha256:2222"):
            await asked.push_manifest(Tag("x"), PUSHED)


@pytest.mark.parametrize("last", [PUSHED.digest, PUSHED.digest.replace(":", "%3A"), "x", ""])
async def test_a_location_that_names_what_was_pushed_is_enough(last: str) -> None:
    async with registry(lambda n, r: at(f"/v2/team/app/manifests/{last}")) as (asked, here):
        await asked.push_manifest(Tag("x"), PUSHED)
        assert [each.method for each in here.seen] == ["PUT"]


@pytest.mark.parametrize(
    ("where", "goes"),
    [
        ("/v2/team/app/blobs/uploads/7?state=a", "/v2/team/app/blobs/uploads/7"),
        ("7", "/v2/team/app/blobs/uploads/7"),
        ("http://127.0.0.2/v2/team/app/blobs/uploads/7", None),
        ("//elsewhere.example/uploads/7", None),
    ],
)
async def test_a_blob_goes_to_the_registry_or_nowhere(where: str, goes: str | None) -> None:
    def say(n: int, request: web.Request) -> web.Response:
        if request.method == "POST":
            return web.Response(status=202, headers={"Location": where})
        return web.Response(status=201 if request.method == "PUT" else 404)

    async with registry(say) as (asked, here):
        if goes:
            assert await asked.push_blob(b"{}") == digest_of(b"{}")
        else:
            with pytest.raises(RegistryFailure, match="upload on another host"):
                await asked.push_blob(b"{}")
        assert [each.path.partition("?")[0] for each in here.seen if each.method == "PUT"] == ([goes] if goes else [])


async def test_bytes_that_are_not_their_digests_are_not_sent() -> None:
    async with registry(lambda n, r: digest(PUSHED.digest, 201)) as (asked, here):
        with pytest.raises(RegistryFailure, match=f"not those of {TWO}"):
            await asked.push_manifest(Tag("x"), RawManifest(TWO, OCI_MANIFEST, PUSHED.body))
        assert here.seen == []


async def test_a_list_that_goes_on_in_cloudflares_words_is_read_to_its_end() -> None:
    """serverless-registry writes its Link without brackets (5f97b0ec60); the first of its pages has at most 1,000."""

    def say(n: int, request: web.Request) -> web.Response:
        if "last" in request.query:
            return tags("team/app", "zz-running")
        page = tags("team/app", "a1", "b2")
        page.headers["Link"] = f"http://{request.host}{request.path}?n=1000&last=b2; rel=next"
        return page

    async with registry(say) as (asked, _):
        assert set((await asked.list_tags()).tags) == {"a1", "b2", "zz-running"}


@pytest.mark.parametrize(
    "link", ["team/app/tags/list?last=b2, x; rel=next", "<broken; rel=next", "<//evil/>; rel=next"]
)
async def test_a_list_whose_next_page_cannot_be_told_is_no_list(link: str) -> None:
    def say(n: int, request: web.Request) -> web.Response:
        page = tags("team/app", "a1", "b2")
        page.headers["Link"] = link
        return page

    async with registry(say) as (asked, _):
        with pytest.raises(IncompleteSource):
            await asked.list_tags()


async def test_a_registry_that_pages_and_sends_no_link_is_read_to_the_end() -> None:
    everything = [f"t{number:04}" for number in range(2345)]

    def say(n: int, request: web.Request) -> web.Response:
        rest = [tag for tag in everything if tag > request.query.get("last", "")]
        return web.Response(text=json.dumps({"name": "team/app", "tags": rest[: int(request.query["n"])]}))

    async with registry(say) as (asked, here):
        assert len((await asked.list_tags()).tags) == 2345
        assert len(here.seen) == 3
