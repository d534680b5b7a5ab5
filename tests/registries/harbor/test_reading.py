"""Harbor: what is listed and read, and what is absent, closed or empty."""

from dataclasses import replace
from pathlib import Path

import pytest

from holystone.embedded.faults import Answer, Fault, Truncate
from holystone.embedded.storage import Storage
from holystone.engine.errors import IncompleteSource, Unauthorized, UsageError
from holystone.engine.model.inventory import Pulls
from holystone.engine.model.references import Digest, Repository, RepositoryPath, Tag
from holystone.engine.ports import Wanted
from tests.emulators.harbor import PASSWORD, Account, HarborEmulator
from tests.registries.harbor.connected import ABSENT, HTML, PATH, asked, connected, put, put_raw, served, sign, there
from tests.support import images

LIST = r"/artifacts\?"


# Listing


@pytest.mark.parametrize("count", [0, 1, 99, 100, 101, 200, 301])
async def test_a_listing_is_complete_at_page_boundaries(tmp_path: Path, count: int) -> None:
    async with served(tmp_path) as (harbor, session):
        put(harbor, "loose")
        expected = {Tag(f"v{number}"): put(harbor, f"{number}", f"v{number}").digest for number in range(1, count)}
        listing = await session.list_tags()
        assert listing.tags == expected
        assert listing.exists
        pages = max(1, -(-max(count, 1) // 100))
        assert asked(harbor, "GET", "/artifacts?") == pages


async def test_a_listing_says_what_policies_and_locks_need(tmp_path: Path) -> None:
    async with served(tmp_path) as (harbor, session):
        shared = put(harbor, "one", "v1", "latest")
        child = put(harbor, "child")
        index = put_raw(harbor, images.index(child), "multi")
        put(harbor, "loose")
        harbor.lock(PATH, "v1")
        state = harbor.storage.repositories[PATH]
        state.tagged |= {"v1": 1_700_000_100.0, "latest": 1_700_000_200.0, "multi": 1_700_000_300.0}
        state.pushed |= {shared.digest: 1_700_000_000.0, index.digest: 1_700_000_300.0}
        listing = await session.list_tags()
        assert listing.tags == {Tag("v1"): shared.digest, Tag("latest"): shared.digest, Tag("multi"): index.digest}
        assert listing.locked == {Tag("v1"): "an immutability rule of the project shop"}
        assert listing.put == {"v1": 1_700_000_100, "latest": 1_700_000_200, "multi": 1_700_000_300}
        assert (listing.pushed[shared.digest], listing.pushed[index.digest]) == (1_700_000_000, 1_700_000_300)
        assert listing.untagged == ()
        assert harbor.pulled == {}, "a listing counts no pull"


async def test_pulls_are_told_of_hidden_parts_too_where_they_are_wanted(tmp_path: Path) -> None:
    async with served(tmp_path) as (harbor, session):
        child, never = put(harbor, "child"), put(harbor, "never", "v2")
        index = put_raw(harbor, images.index(child), "multi")
        harbor.pull_times = {
            (PATH, child.digest): 1_700_000_000.0,
            (PATH, index.digest): 1_700_000_100.0,
            (PATH, "multi"): 1_700_000_050.0,
        }
        listing = await session.list_tags(Wanted(pulls=True))
        assert listing.pulls == Pulls(
            tags={Tag("multi"): 1_700_000_050},
            manifests={child.digest: 1_700_000_000, index.digest: 1_700_000_100},
        )
        assert never.digest not in listing.pulls.manifests, "the year 1 is none"
        assert child.digest not in listing.pushed, "the usual list is as it was"
        assert asked(harbor, "GET", "/artifacts?") == 2
        assert (await session.list_tags()).pulls is None
        assert asked(harbor, "GET", "/artifacts?") == 3


async def test_tags_of_signatures_and_other_referrers_are_listed_though_harbor_hides_them(tmp_path: Path) -> None:
    async with served(tmp_path) as (harbor, session):
        image = put(harbor, "one", "v1")
        signature = sign(harbor, image)
        sbom = put(harbor, "sbom", "sbom-of-it", subject=image)
        attestation = put(harbor, "attestation", subject=image)
        listing = await session.list_tags()
        names = {Tag("v1"): image.digest, Tag(f"sha256-{image.digest.hex}.sig"): None, Tag("sbom-of-it"): None}
        assert listing.tags == names
        assert listing.untagged == (), "they go by their subject"
        assert await session.resolve(Tag("sbom-of-it")) == sbom.digest
        assert set(await session.referrers(image.digest)) == {
            signature.digest,
            sbom.digest,
            attestation.digest,
        }


async def test_before_2_8_the_listing_tells_the_referrers(tmp_path: Path) -> None:
    async with served(tmp_path, HarborEmulator(referrers_api=False)) as (harbor, session):
        image = put(harbor, "one", "v1")
        attestation = put(harbor, "attestation", subject=image)
        await session.list_tags()
        assert await session.referrers(image.digest) == (attestation.digest,)


async def test_nested_names_are_encoded_twice(tmp_path: Path) -> None:
    async with served(tmp_path) as (harbor, session):
        put(harbor, "one", "v1")
        await session.list_tags()
        paths = [each.path for each in harbor.requests if "/api/" in each.path]
        assert paths
        assert paths.pop(0) == "/api/v2.0/projects/shop"
        assert all(path.startswith("/api/v2.0/projects/shop/repositories/team%252Fapp") for path in paths)


BROKEN = {
    "cut short": Answer(200, b'[{"digest":"sha256:', {"X-Total-Count": "1"}),
    "a page of a proxy": Answer(200, HTML, {"X-Total-Count": "1"}),
    "an object": Answer(200, b'{"artifacts":[]}', {"X-Total-Count": "0"}),
    "no total": Answer(200, b"[]"),
    "a total that is none": Answer(200, b"[]", {"X-Total-Count": "many"}),
    "more than is shown": Answer(200, b"[]", {"X-Total-Count": "1"}),
    "less than none": Answer(200, b"[]", {"X-Total-Count": "-1"}),
    "a number without end": Answer(200, b"[]", {"X-Total-Count": "99999999999"}),
    "a bad digest": Answer(200, b'[{"digest":"md5:aa"}]', {"X-Total-Count": "1"}),
    "a bad time": Answer(200, f'[{{"digest":"{ABSENT}","push_time":"soon"}}]'.encode(), {"X-Total-Count": "1"}),
    "another API": Answer(404, b'{"code":404,"message":"path /api/v2.0/x was not found"}'),
    "the page size of another version": Answer(422, b'{"errors":[{"code":"UNPROCESSABLE_ENTITY"}]}'),
    "unwell": Answer(500, b'{"errors":[{"code":"UNKNOWN","message":"internal server error"}]}'),
}


@pytest.mark.parametrize("kind", sorted(BROKEN))
async def test_a_listing_that_is_not_one_is_never_read_as_empty(tmp_path: Path, kind: str) -> None:
    async with served(tmp_path) as (harbor, session):
        put(harbor, "one", "v1")
        harbor.faults.add(Fault("GET", LIST, BROKEN[kind], times=None))
        with pytest.raises(IncompleteSource):
            await session.list_tags()


@pytest.mark.parametrize(
    "action", [Truncate(5), Answer(200, b'{"tags":"v1"}'), Answer(200, HTML), Answer(418, b"teapot")]
)
async def test_names_that_cannot_be_read_make_the_listing_incomplete(tmp_path: Path, action: Answer | Truncate) -> None:
    async with served(tmp_path) as (harbor, session):
        put(harbor, "one", "v1")
        harbor.faults.add(Fault("GET", "/tags/list", action, times=None))
        with pytest.raises(IncompleteSource):
            await session.list_tags()


async def test_a_second_page_that_fails_is_no_end(tmp_path: Path) -> None:
    async with served(tmp_path) as (harbor, session):
        for number in range(101):
            put(harbor, f"{number}", f"v{number}")
        harbor.faults.add(Fault("GET", r"page=2&", Answer(404, HTML), times=None))
        with pytest.raises(IncompleteSource):
            await session.list_tags()


# Absent, closed, empty


async def test_a_repository_that_is_not_there(tmp_path: Path) -> None:
    async with (
        HarborEmulator() as harbor,
        connected(harbor, tmp_path, path="shop/nobody/here") as session,
    ):
        listing = await session.list_tags()
        assert (listing.exists, listing.tags) == (False, {})


async def test_a_repository_without_artifacts_is_there(tmp_path: Path) -> None:
    async with served(tmp_path) as (harbor, session):
        harbor.storage.delete_manifest(PATH, put(harbor, "one", "v1").digest)
        listing = await session.list_tags()
        assert (listing.exists, listing.tags) == (True, {})


async def test_a_project_that_is_not_there_or_closed_is_never_empty(tmp_path: Path) -> None:
    async with HarborEmulator() as harbor, connected(harbor, tmp_path, path="secret/app") as session:
        with pytest.raises(Unauthorized, match="403") as raised:
            await session.list_tags()
        assert "project exists" in raised.value.what_to_do


async def test_an_administrator_is_told_that_there_is_no_such_project_and_not_to_check_a_password(
    tmp_path: Path,
) -> None:
    async with HarborEmulator() as harbor:
        harbor.accounts["admin"] = Account(PASSWORD, administers=True)
        login = harbor.login_as("admin", PASSWORD)
        async with connected(harbor, tmp_path, login, path="nosuch/app") as session:
            for ask in (session.list_tags, session.probe):
                with pytest.raises(Unauthorized, match="no project nosuch") as raised:
                    await ask()
                assert "password" not in str(raised.value)


async def test_a_proxy_cache_is_refused_whatever_is_in_it(tmp_path: Path) -> None:
    upstream = Storage()
    config = images.config("theirs")
    theirs = images.image(config)
    for tag in ("1.0", "2.0"):
        upstream.put_blob(PATH, config)
        upstream.put_manifest(PATH, theirs.body, theirs.media_type, tag)
    async with served(tmp_path, HarborEmulator(upstream=upstream)) as (harbor, session):
        for cached in (False, True):
            if cached:
                assert await session.resolve(Tag("1.0")) == theirs.digest
                assert there(harbor) == {"1.0": theirs.digest}, "a look has filled the cache"
            for ask in (session.list_tags, session.probe):
                with pytest.raises(IncompleteSource, match="shop, a proxy cache") as raised:
                    await ask()
                assert "Tag retention" in raised.value.what_to_do


async def test_a_project_that_is_called_like_a_number_is_not_the_one_with_that_number(tmp_path: Path) -> None:
    async with served(tmp_path) as (harbor, session):
        for administers in (False, True):
            harbor.accounts["sweeper"] = replace(harbor.accounts["sweeper"], administers=administers)
            put(harbor, "one", "v1", path=f"{2024 + administers}/app")
            path = RepositoryPath(f"{2024 + administers}/app")
            numbered = session.registry.open(Repository(session.repository.host, path))
            assert [*(await numbered.list_tags()).tags] == [Tag("v1")]
            assert not (await numbered.probe()).warnings


async def test_a_project_is_asked_about_once(tmp_path: Path) -> None:
    async with served(tmp_path) as (harbor, session):
        put(harbor, "one", "v1")
        other = session.registry.open(Repository(session.repository.host, RepositoryPath("shop/other")))
        for _ in range(2):
            await session.list_tags()
            await session.probe()
            await other.list_tags()
        assert sum(each.path.endswith("/projects/shop") for each in harbor.requests) == 1


async def test_api_and_v2_that_contradict_each_other_decide_nothing(tmp_path: Path) -> None:
    async with served(tmp_path) as (harbor, session):
        put(harbor, "one", "v1")
        harbor.faults.add(Fault("GET", LIST, Answer(200, b"[]", {"X-Total-Count": "0"}), times=None))
        gone = Answer(404, b'{"errors":[{"code":"NOT_FOUND","message":"repository not found"}]}')
        harbor.faults.add(Fault("GET", r"/repositories/[^/]*$", gone, times=None))
        with pytest.raises(IncompleteSource, match="cannot be listed"):
            await session.list_tags()
        harbor.faults.clear()
        harbor.faults.add(Fault("GET", "/tags/list", gone, times=None))
        with pytest.raises(IncompleteSource, match="cannot be listed"):
            await session.list_tags()


async def test_a_name_without_a_project_is_a_wrong_name(tmp_path: Path) -> None:
    async with HarborEmulator() as harbor, connected(harbor, tmp_path, path="app") as session:
        with pytest.raises(UsageError, match="names no repository"):
            await session.list_tags()


# Reading and putting back


async def test_a_look_counts_no_pull_and_a_manifest_read_counts_one(tmp_path: Path) -> None:
    async with served(tmp_path) as (harbor, session):
        image = put(harbor, "one", "v1")
        assert await session.resolve(Tag("v1")) == image.digest
        assert await session.resolve(Tag("v2")) is None
        assert harbor.pulled == {}
        assert await session.read_manifests([image.digest, ABSENT]) == {image.digest: image}
        assert harbor.pulled == {image.digest: 1}
        config = images.config("one")
        assert await session.read_blob(Digest.of(config)) == config


async def test_a_policy_that_blocks_pulls_is_named(tmp_path: Path) -> None:
    async with served(tmp_path, HarborEmulator(blocks_pulls=True)) as (harbor, session):
        image = put(harbor, "one", "v1")
        with pytest.raises(IncompleteSource, match="policy of the project shop") as raised:
            await session.read_manifests([image.digest])
        assert "Deployment security" in raised.value.what_to_do
        with pytest.raises(IncompleteSource, match="policy of the project shop") as looked:
            await session.resolve(Tag("v1"))  # its 412 has no body
        assert looked.value.message.endswith(
            "blocks pulls of images that are unsigned (content trust) or vulnerable (prevent vulnerable images from "
            "running)."
        )
        assert "address" not in looked.value.what_to_do
