"""GitLab: what is listed, with a database behind the registry and without."""

import base64
import json
import time
from pathlib import Path

import msgspec
import pytest
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from holystone.adapters.http.errors import error_code
from holystone.adapters.http.reply import Reply
from holystone.adapters.registries.gitlab.listing import list_detailed
from holystone.adapters.state.sqlite.digest_cache import SqliteDigestCache
from holystone.embedded.faults import Action, Answer, Drop, Truncate
from holystone.engine.errors import IncompleteSource, Unauthorized
from holystone.engine.inventory.snapshot import read_repository
from holystone.engine.model.manifests import DOCKER_MANIFEST, OCI_MANIFEST, Manifest
from holystone.engine.model.references import Digest, RegistryHost, Repository, RepositoryPath, Tag
from tests.registries.gitlab.connected import PAGE, PATH, asked, error, faulty, put, put_image, served
from tests.support import images

ABSENT = Digest("sha256:" + "0" * 64)


# Listing


@pytest.mark.parametrize(
    ("count", "pages"), [(0, 1), (1, 1), (PAGE - 1, 1), (PAGE, 2), (PAGE + 1, 2), (2 * PAGE, 3), (2 * PAGE + 1, 3)]
)
async def test_a_listing_is_complete_at_page_boundaries(count: int, pages: int, tmp_path: Path) -> None:
    async with served(tmp_path) as (server, session):
        digest = put_image(server, "one", "v0", *(f"v{number}" for number in range(1, count))).digest
        if not count:
            server.storage.delete_tag(PATH, "v0")
        listing = await session.list_tags()
        assert listing.exists
        assert listing.tags == {Tag(f"v{number}"): digest for number in range(count)}
        lists = asked(server, "/tags/list/")
        # The first of them may have been sent twice, to learn of the token server.
        assert len(set(lists)) == pages
        assert all("referrers=true" in each and "n=1000" in each for each in lists)
        assert not [each for each in server.requests if each.status == 301]


@pytest.mark.parametrize("last", ["v998", "fHp6", "YWJ8djUw"])
async def test_a_name_that_the_server_takes_for_another_marker_ends_no_list(last: str, tmp_path: Path) -> None:
    """Seen on 3.86 with its database: 400 for the first, nothing at all for the second, 500 for the third."""
    before = {f"{last[:-1]}--{number:04}" for number in range(PAGE - 1)}
    tags = {*before, last, f"{last}x"}
    assert sorted(tags)[PAGE - 1] == last
    async with served(tmp_path) as (server, session):
        one = put_image(server, "one", *tags)
        assert (await session.list_tags()).tags == dict.fromkeys(map(Tag, tags), one.digest)


async def test_a_page_of_nothing_but_such_names_is_refused(tmp_path: Path) -> None:
    entries = [{**ENTRY, "name": "fHp6"}]
    async with served(tmp_path) as (server, session):
        put_image(server, "one", "v1")
        link = {"Link": '</gitlab/v1/x/?last=fHp6>; rel="next"'}
        server.faults.add(faulty("/tags/list/", Answer(200, json.dumps(entries).encode(), link)))
        with pytest.raises(IncompleteSource, match="fHp6"):
            await session.list_tags()


async def test_the_list_tells_all_that_matters_of_docker_images(tmp_path: Path) -> None:
    moments = iter(range(1_700_000_000, 1_800_000_000, 100))
    async with served(tmp_path) as (server, session):
        server.storage._wall = lambda: next(moments)
        one = put_image(server, "one", "v1", "v2")
        listing = await session.list_tags()
        config = images.config("one")
        assert listing.tags == {"v1": one.digest, "v2": one.digest}
        assert listing.manifests == {
            one.digest: Manifest(one.digest, DOCKER_MANIFEST, 0, config=Digest.of(config), layers_size=len(config))
        }
        assert listing.put == {tag: int(at) for tag, at in server.storage.repositories[PATH].tagged.items()}
        assert listing.put[Tag("v1")] < listing.put[Tag("v2")]
        assert listing.pushed == {}
        assert listing.locked == {}


async def test_what_may_have_a_subject_or_children_is_read(tmp_path: Path) -> None:
    async with served(tmp_path) as (server, session):
        one, two = put_image(server, "one", "v1"), put_image(server, "two")
        index = put(server, images.index(one, two), "multi")
        server.storage.put_blob(PATH, images.config("signature"))
        signature = images.image(images.config("signature"), subject=one)
        assert signature.media_type == OCI_MANIFEST
        put(server, signature, "signed-off")
        listing = await session.list_tags()
        assert listing.tags == {"v1": one.digest, "multi": index, "signed-off": signature.digest}
        assert listing.manifests.keys() == {one.digest}
        snapshot = await read_repository(session, SqliteDigestCache(None), needs_config=lambda _: True)
        assert snapshot.broken == {}
        assert snapshot.manifests[index].children == (one.digest, two.digest)
        assert snapshot.manifests[signature.digest].subject == one.digest
        assert set(snapshot.configs) == {Digest.of(images.config(text)) for text in ("one", "signature")}
        read = {path.rpartition("/")[2] for path in asked(server, "/manifests/")}
        assert read == {index, signature.digest, two.digest}


async def test_referrers_come_with_the_list_on_every_page(tmp_path: Path) -> None:
    async with served(tmp_path) as (server, session):
        put_image(server, "many", *(f"a{number}" for number in range(PAGE)))
        last = put_image(server, "last", "z")
        server.storage.put_blob(PATH, images.config("signature"))
        signature = put(server, images.image(images.config("signature"), subject=last))
        await session.list_tags()
        assert await session.referrers(last.digest) == (signature,)
        assert not asked(server, "/referrers/")
        # Of an untagged one the list says nothing: the API is asked, found missing, and not asked again.
        assert await session.referrers(ABSENT) == ()
        assert await session.referrers(ABSENT) == ()
        assert len(asked(server, "/referrers/")) == 2


@pytest.mark.parametrize("tells", [True, False])
async def test_without_a_database_names_are_all_there_is(tells: bool, tmp_path: Path) -> None:
    async with served(tmp_path, database=False, tells_database=tells) as (server, session):
        put_image(server, "one", *(f"v{number}" for number in range(PAGE + 5)))
        listing = await session.list_tags()
        assert listing.tags == {Tag(f"v{number}"): None for number in range(PAGE + 5)}
        assert not listing.put
        assert not listing.pushed
        assert not listing.manifests
        assert bool(asked(server, "/gitlab/v1/")) is not tells
        assert not asked(server, "/gitlab/v1/repositories")


async def test_an_older_server_with_a_database_is_asked_for_it_once(tmp_path: Path) -> None:
    async with served(tmp_path, tells_database=False) as (server, session):
        one = put_image(server, "one", "v1")
        for _ in range(3):
            assert (await session.list_tags()).tags == {"v1": one.digest}
        assert [each.path for each in server.requests].count("/gitlab/v1/") == 1


async def test_a_page_of_gitlab_itself_is_not_taken_for_the_database(tmp_path: Path) -> None:
    """Where GitLab and its registry share a host, only /v2 may be the registry's."""
    async with served(tmp_path, tells_database=False) as (server, session):
        put_image(server, "one", "v1")
        server.faults.add(faulty("/gitlab/v1/", Answer(200, b"<html>Sign in</html>", {"Content-Type": "text/html"})))
        assert (await session.list_tags()).tags == {"v1": None}


async def test_a_repository_that_is_not_there_and_one_that_may_not_be_seen(tmp_path: Path) -> None:
    for database in (True, False):
        async with served(tmp_path, database=database) as (_, session):
            absent = Repository(session.repository.host, RepositoryPath("team/app/nothing"))
            listing = await session.registry.open(absent).list_tags()
            assert not listing.exists
            assert not listing.tags
            hidden = session.registry.open(Repository(session.repository.host, RepositoryPath("hidden/app")))
            with pytest.raises(Unauthorized, match="hidden/app"):
                await hidden.list_tags()
            with pytest.raises(Unauthorized, match=r"user 'maintainer' \(auths in .*config\.json\) nothing in"):
                await hidden.probe()


ENTRY = {"name": "v1", "digest": ABSENT, "media_type": DOCKER_MANIFEST, "created_at": "2024-05-01T10:00:00.000Z"}
BROKEN: dict[str, Action] = {
    "an object": Answer(200, b'{"message":"no"}'),
    "a page of a proxy": Answer(200, b"<html>Welcome</html>"),
    "half a list": Answer(200, json.dumps([ENTRY]).encode()[:-9]),
    "null": Answer(200, b"null"),
    "no digest": Answer(200, json.dumps([{**ENTRY, "digest": ""}]).encode()),
    "a configuration that is none": Answer(200, json.dumps([{**ENTRY, "config_digest": "sha256:1"}]).encode()),
    "a referrer that is none": Answer(200, json.dumps([{**ENTRY, "referrers": [{"digest": "x"}]}]).encode()),
    "a time without a zone": Answer(200, json.dumps([{**ENTRY, "created_at": "2024-05-01T10:00:00"}]).encode()),
    "the same tag twice": Answer(200, json.dumps([ENTRY, ENTRY]).encode()),
    "a bare 404": Answer(404, b"not found"),
    "a teapot": Answer(418, b"teapot"),
    "an empty page that goes on": Answer(200, b"[]", {"Link": '</gitlab/v1/x/?last=v1>; rel="next"'}),
    "a page that says there are more and more of the same": Answer(
        200, json.dumps([ENTRY]).encode(), {"Link": '</gitlab/v1/x/?last=v1>; rel="next"'}
    ),
    "one that breaks off": Truncate(20),
    "a server that is ill": Answer(500, b"<html>"),
}


@pytest.mark.parametrize("kind", sorted(BROKEN))
async def test_a_listing_that_is_not_one_is_never_read_as_complete(kind: str, tmp_path: Path) -> None:
    async with served(tmp_path) as (server, session):
        put_image(server, "one", "v1")
        assert (await session.list_tags()).tags
        server.faults.add(faulty("/tags/list/", BROKEN[kind]))
        with pytest.raises(IncompleteSource, match=r"team/app"):
            await session.list_tags()


async def test_a_later_page_that_fails_is_no_end(tmp_path: Path) -> None:
    for answer in (Answer(404, error("NAME_UNKNOWN")), Answer(200, b"{}"), Drop()):
        async with served(tmp_path) as (server, session):
            put_image(server, "one", *(f"v{number}" for number in range(PAGE + 1)))
            server.faults.add(faulty("last=", answer))
            with pytest.raises(IncompleteSource):
                await session.list_tags()


async def test_a_link_that_a_proxy_took_away_loses_nothing(tmp_path: Path) -> None:
    async with served(tmp_path) as (server, session):
        one = put_image(server, "one", *(f"v{number:04}" for number in range(PAGE + 7)))
        there = [{**ENTRY, "name": f"v{number:04}", "digest": one.digest} for number in range(PAGE)]
        await session.list_tags()
        server.faults.add(faulty("referrers=true$", Answer(200, json.dumps(there).encode()), times=1))
        assert len((await session.list_tags()).tags) == PAGE + 7


# Pushing back


@pytest.mark.parametrize(
    ("query", "code"), [("n=x", "TYPE"), ("n=0", "VALUE"), ("n=1001", "VALUE"), ("n=-1", "VALUE"), ("last=-", "VALUE")]
)
async def test_what_the_emulator_says_to_odd_questions_is_gitlabs(tmp_path: Path, query: str, code: str) -> None:
    """gitlab-org/container-registry, docs/spec/gitlab/api.md."""
    async with served(tmp_path) as (_, session):
        reply = await session.read(f"/gitlab/v1/repositories/{PATH}/tags/list/?{query}", 10_000)
        assert (reply.status, error_code(reply)) == (400, f"INVALID_QUERY_PARAMETER_{code}")


async def test_pages_of_names_that_come_again_take_no_age() -> None:
    """As the server may send them: each is taken for another marker, so that all of them come once more."""
    digest = f"sha256:{'0' * 64}"
    names = [base64.b64encode(b"%05d|" % number).decode() for number in range(20_000)]
    pages = iter([["a", *names], [*reversed(names), "b"], []])

    async def get(path: str) -> Reply:
        body = msgspec.json.encode([{"name": name, "digest": digest, "media_type": ""} for name in next(pages)])
        url = URL(f"https://registry.example.com{path}", encoded=True)
        return Reply(200, CIMultiDictProxy(CIMultiDict()), body, url, url)

    begun = time.process_time()
    found = await list_detailed(get, Repository(RegistryHost("registry.example.com"), RepositoryPath("a/b")))
    assert len(found.listing.tags) + len(found.listing.odd) == 20_002
    assert time.process_time() - begun < 0.7
