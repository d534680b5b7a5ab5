"""A listed name that is no tag is a fact about that name: the others are listed, and what it stands for is found out
where that can be."""

import json
from collections.abc import Iterable

import pytest
from aiohttp import web
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from holystone.adapters.http.reply import Reply
from holystone.adapters.registries.acr.listing import read_tags
from holystone.adapters.registries.dockerhub.listing import _HubTag, _parsed
from holystone.adapters.registries.ecr.listing import Image, _Found
from holystone.adapters.registries.gcr.listing import read_rows
from holystone.adapters.registries.github.graphql import Found, _sort, _Version
from holystone.adapters.registries.gitlab.listing import _detailed, _Entry
from holystone.adapters.registries.quay.listing import _listing, _Row
from holystone.engine.model.manifests import OCI_INDEX
from holystone.engine.model.references import Digest, RegistryHost, Repository, RepositoryPath, Tag
from tests.registries.test_named_replies import digest, registry, tags
from tests.support.images import image

ONE, TWO = Digest("sha256:" + "1" * 64), Digest("sha256:" + "2" * 64)
ODD = [str(ONE), "x" * 129, "-x", "with space", "a/b", "../../etc", "..", "ünicode", "", "nul\0", "a\nb", ".x"]


@pytest.mark.parametrize("odd", ODD, ids=repr)
async def test_the_others_are_listed(odd: str) -> None:
    def say(_: int, request: web.Request) -> web.Response:
        return tags("team/app", "x", odd, "y") if "tags/list" in request.path else web.Response(status=404)

    async with registry(say) as (asked, _):
        listing = await asked.list_tags()
    assert set(listing.tags) == {"x", "y"}
    assert listing.odd == {odd: ONE if odd == ONE else None}


async def test_what_it_stands_for_is_asked_for_once_by_its_own_name() -> None:
    def say(_: int, request: web.Request) -> web.Response:
        return tags("team/app", "x", "a/b?c#d") if "tags/list" in request.path else digest(TWO)

    async with registry(say) as (asked, here):
        assert (await asked.list_tags()).odd == {"a/b?c#d": TWO}
    assert here.seen[-1].path == "/v2/team/app/manifests/a%2Fb%3Fc%23d"
    assert len(here.seen) == 2


@pytest.mark.parametrize("status", [400, 403, 404, 405, 414])
async def test_a_server_that_does_not_know_the_name_gives_nothing_out_for_it(status: int) -> None:
    def say(_: int, request: web.Request) -> web.Response:
        return tags("team/app", "x", "a b") if "tags/list" in request.path else web.Response(status=status)

    async with registry(say) as (asked, here):
        assert (await asked.list_tags()).odd == {"a b": None}
    assert len(here.seen) == 2, "asked once"


@pytest.mark.parametrize("status", [401, 500, 502, 503, 504])
async def test_a_server_that_stumbles_over_the_name_each_time_gives_nothing_out_for_it(status: int) -> None:
    def say(_: int, request: web.Request) -> web.Response:
        if "manifests" in request.path:
            return web.Response(status=status)
        return tags("team/app", "x", "a b") if "tags/list" in request.path else web.Response()

    async with registry(say) as (asked, here):
        assert (await asked.list_tags()).odd == {"a b": None}
    assert len(here.seen) == 7, "the list, and three times the name and whether the registry is well"


@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize("status", [401, 500, 502, 503, 504])
async def test_a_moment_of_sickness_lets_nothing_go(status: int, times: int) -> None:
    """The list is the first question."""

    def say(n: int, request: web.Request) -> web.Response:
        if "tags/list" in request.path and n == 1:
            return tags("team/app", "x", "a b")
        return web.Response(status=status) if n <= 1 + times else answer(request)

    def answer(request: web.Request) -> web.Response:
        return tags("team/app", "x", "a b") if "tags/list" in request.path else digest(TWO)

    async with registry(say) as (asked, _):
        assert (await asked.list_tags()).odd == {"a b": TWO}


async def test_where_the_answer_does_not_name_the_digest_it_is_that_of_the_manifest() -> None:
    made = image(b"{}")

    def say(_: int, request: web.Request) -> web.Response:
        if "tags/list" in request.path:
            return tags("team/app", "x", "a b")
        return web.Response(body=made.body, content_type="application/vnd.oci.image.manifest.v1+json")

    async with registry(say) as (asked, _):
        assert (await asked.list_tags()).odd == {"a b": made.digest}


def ours() -> Repository:
    return Repository(RegistryHost("registry.test"), RepositoryPath("team/app"))


def reply(body: bytes) -> Reply:
    url = URL("https://registry.test/")
    return Reply(200, CIMultiDictProxy(CIMultiDict()), body, url, url)


def rows(odd: str) -> Iterable[tuple[str, str]]:
    return (("x", ONE), (odd, TWO))


@pytest.mark.parametrize("odd", [each for each in ODD if each != ONE], ids=repr)
def test_where_the_list_says_the_digest_it_is_known(odd: str) -> None:
    quay = _listing(ours(), [_Row(name, at) for name, at in rows(odd)], now=0)
    hub = _parsed(ours(), [_HubTag(name, at) for name, at in rows(odd)])
    gitlab = _detailed({name: _Entry(name, at, OCI_INDEX) for name, at in rows(odd)}).listing
    ecr = _Found()
    for name, at in rows(odd):
        ecr.add(ours(), Image(imageDigest=at, imageTags=[name]))
    body = json.dumps({"manifest": {at: {"tag": [name]} for name, at in rows(odd)}, "tags": ["x", odd]}).encode()
    google = read_rows(ours(), reply(body))
    for each in (quay, hub, gitlab, ecr.listing(), google):
        assert each.tags == {Tag("x"): ONE}
        assert each.odd == {odd: TWO}


def test_old_packages_of_github_have_odd_versions_too() -> None:
    found = Found({}, [], [])
    for version in ("x", str(ONE), "with space", "sha256:short"):
        _sort(_Version(id="1", version=version), found)
    assert (set(found.tags), found.untagged, found.odd) == ({"x"}, [ONE], ["with space", "sha256:short"])


async def test_azure() -> None:
    listed = [{"name": name, "digest": at} for name, at in rows("with space")]
    body = json.dumps({"imageName": "team/app", "tags": listed}).encode()

    async def get(_: str) -> Reply:
        return reply(body)

    listing = (await read_tags(ours(), get)).listing
    assert (listing.tags, listing.odd) == ({Tag("x"): ONE}, {"with space": TWO})
