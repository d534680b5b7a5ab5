"""Quay: what is listed and read, through both doors."""

import json
from pathlib import Path
from typing import Literal

import pytest

from holystone.adapters.registries.connections import Connections
from holystone.embedded.faults import Answer, Fault, Truncate
from holystone.engine.errors import IncompleteSource, Unauthorized, Unreachable, Unseen
from holystone.engine.model.outcomes import AlreadyGone, Deleted
from holystone.engine.model.references import Digest, RegistryHost, Repository, RepositoryPath, Tag
from holystone.settings.access import resolve_access
from holystone.settings.given import Given
from tests.emulators.quay import QuayEmulator
from tests.registries.quay.connected import ABSENT, PATH, Door, Wall, asked, connected, fill, put, tags_of
from tests.support import images
from tests.support.command_line import always

DAY = 24 * 3600


# Listing


@pytest.mark.parametrize("count", [0, 1, 99, 100, 101, 199, 250])
async def test_lists_with_digests_by_the_api(tmp_path: Path, wall: Wall, count: int) -> None:
    async with QuayEmulator(clock=wall) as quay, connected(tmp_path, quay) as session:
        expected = fill(quay, wall, count)
        listing = await session.list_tags()
        assert listing.exists
        assert listing.tags == expected
        assert len(quay.requests) == (1 if count <= 100 else 3 if count < 199 else count // 100 + 3 - count // 200)


@pytest.mark.parametrize("cursor", ["last", "next_page"])
@pytest.mark.parametrize("count", [0, 1, 50, 51, 100, 101, 201])
async def test_lists_names_by_v2_along_the_servers_own_links(
    tmp_path: Path, wall: Wall, count: int, cursor: Literal["last", "next_page"]
) -> None:
    async with (
        QuayEmulator(door="robot", clock=wall, cursor=cursor) as quay,
        connected(tmp_path, quay) as session,
    ):
        expected = fill(quay, wall, count)
        listing = await session.list_tags()
        assert listing.exists
        assert listing.tags == dict.fromkeys(expected)
        assert asked(quay, "GET", "/api/") == 0


async def test_what_is_pushed_after_a_list_was_cached_is_listed(tmp_path: Path, wall: Wall) -> None:
    """For somebody's client with a usual size of pages, or for this run."""
    async with (
        QuayEmulator(door="robot", clock=wall) as quay,
        connected(tmp_path, quay) as session,
    ):
        expected = fill(quay, wall, 130)
        for size in (50, 100):
            quay.of(PATH).pages["", size] = wall() + 120, list(expected)
        for number in range(10):
            expected[f"a{number}"] = put(quay, f"a{number}", text="new")
            assert (await session.list_tags()).tags == dict.fromkeys(expected)


async def test_the_history_is_not_listed(tmp_path: Path, wall: Wall) -> None:
    async with QuayEmulator(clock=wall) as quay, connected(tmp_path, quay) as session:
        fill(quay, wall, 150)
        assert len((await session.list_tags()).tags) == 150
        quay.storage.repositories[PATH].tags.clear()
        put(quay, "v1")
        asked_before = len(quay.requests)
        assert set((await session.list_tags()).tags) == {"v1"}
        assert len(quay.requests) == asked_before + 1


async def test_dead_rows_are_left_out_and_scheduled_ones_are_not(tmp_path: Path, wall: Wall) -> None:
    """By the server's clock, which is years behind ours here."""
    async with (
        QuayEmulator(clock=wall, active_filter=False) as quay,
        connected(tmp_path, quay) as session,
    ):
        first = put(quay, "moved", "gone", "ends", text="one")
        quay.expire(PATH, "ends", wall.now + 2 * DAY)
        quay.expire(PATH, "gone", wall.now + DAY - 1)
        wall.now += DAY
        second = put(quay, "moved", text="two")
        listing = await session.list_tags()
        assert listing.tags == {"moved": second, "ends": first}
        wall.now += 2 * DAY
        assert (await session.list_tags()).tags == {"moved": second}


async def test_a_listing_says_what_is_immutable_and_when_it_was_pushed(tmp_path: Path, wall: Wall) -> None:
    async with QuayEmulator(clock=wall) as quay, connected(tmp_path, quay) as session:
        put(quay, "v1", "v2")
        wall.now += 100
        put(quay, "v3")
        quay.lock(PATH, "v2")
        listing = await session.list_tags()
        assert set(listing.locked) == {"v2"}
        assert listing.put == {"v1": 1_600_000_000, "v2": 1_600_000_000, "v3": 1_600_000_100}
        assert listing.pushed == {}


@pytest.mark.parametrize("door", ["api", "robot"])
async def test_an_absent_repository_and_one_that_is_forbidden(tmp_path: Path, door: Door) -> None:
    async with QuayEmulator(door=door) as quay, connected(tmp_path, quay) as session:
        assert not (await session.list_tags()).exists
        assert await session.resolve(Tag("v1")) is None
        quay.foreign.add(PATH)
        quay.expire_tokens()
        put(quay, "v1")
        with pytest.raises(Unauthorized, match=PATH):
            await session.list_tags()
        with pytest.raises(Unauthorized, match=PATH):
            await session.probe()


async def test_a_robot_without_rights_cannot_tell_absent_from_forbidden(tmp_path: Path) -> None:
    async with (
        QuayEmulator(door="robot") as quay,
        connected(tmp_path, quay, quay.login("team+writer")) as session,
    ):
        for ask in (session.list_tags, session.probe):
            with pytest.raises(Unseen, match=r"team\+writer") as raised:
                await ask()
            assert "nothing was ever pushed there" in str(raised.value)
            assert "password" not in str(raised.value)
        assert not quay.storage.repositories, "asking has made it"


async def test_a_robot_with_a_wrong_password_is_told_that_and_nothing_else(tmp_path: Path) -> None:
    async with (
        QuayEmulator(door="robot") as quay,
        connected(tmp_path, quay, quay.docker("team+writer", "WRONGPASSWORD")) as session,
    ):
        with pytest.raises(Unauthorized, match=r"team\+writer") as raised:
            await session.list_tags()
        assert not isinstance(raised.value, Unseen)


@pytest.mark.parametrize("door", ["api", "robot"])
async def test_what_refers_to_a_manifest_that_is_just_gone_is_nothing(tmp_path: Path, door: Door) -> None:
    async with QuayEmulator(door=door) as quay, connected(tmp_path, quay) as session:
        put(quay, "v1")
        gone = put(quay, "old", text="two")
        assert await session.referrers(gone) == []
        await session.delete_tags([Tag("old")])
        assert await session.referrers(gone) == ()
        quay.faults.add(always("/referrers/", 400, b'{"errors":[{"code":"MANIFEST_INVALID"}]}'))
        with pytest.raises(IncompleteSource, match="MANIFEST_INVALID"):
            await session.referrers(tags_of(quay)["v1"])


async def test_quay_that_is_taken_for_another_registry_is_understood_all_the_same(tmp_path: Path) -> None:
    async with QuayEmulator(door="robot") as quay:
        put(quay, "v1")
        (tmp_path / "config.json").write_text(json.dumps(quay.login().docker_config))
        repository = Repository(RegistryHost.parse(quay.host), RepositoryPath(PATH))
        access = resolve_access(Given({}, quay.environ))
        async with Connections(tmp_path, access=access, environ=quay.environ) as connections:
            session = await connections.session(repository, "default")
            assert (await session.probe()).implementation == "default", "it asks for a digest of zeros"


BROKEN: dict[str, Answer | Truncate] = {
    "cut short": Answer(200, b'{"tags":[{"name":"v1","manifest_di'),
    "a page of a proxy": Answer(200, b"<html>Welcome</html>"),
    "an object": Answer(200, b"{}"),
    "an array": Answer(200, b"[]"),
    "a digest that is none": Answer(
        200, b'{"tags":[{"name":"v1","manifest_digest":"sha256:12"}],"has_additional":false}'
    ),
    "no digest": Answer(200, b'{"tags":[{"name":"v1"}],"has_additional":false}'),
    "no word of whether there is more": Answer(
        200, b'{"tags":[{"name":"v1","manifest_digest":"%s"}],"page":1}' % ABSENT.encode()
    ),
    "no tags": Answer(200, b'{"name":"team/app","page":1,"has_additional":false}'),
    "no UTF-8": Answer(200, b'{"tags":["\xff"]}'),
    "nested without end": Answer(200, b'{"x":' + b"[" * 100_000),
    "a bare 404": Answer(404, b"not found"),
    "a router's 404": Answer(404, b"<html>404 Not Found</html>"),
    "teapot": Answer(418, b"teapot"),
    "it breaks off": Truncate(5),
    "it is down": Answer(502, b"<html>Bad Gateway</html>"),
}


@pytest.mark.parametrize("door", ["api", "robot"])
@pytest.mark.parametrize("kind", sorted(BROKEN))
async def test_a_listing_that_is_not_one_is_never_read_as_empty(tmp_path: Path, door: Door, kind: str) -> None:
    async with QuayEmulator(door=door) as quay, connected(tmp_path, quay) as session:
        put(quay, "v1")
        quay.faults.add(Fault("GET", r"/tags?/", BROKEN[kind], times=None))
        with pytest.raises(IncompleteSource, match=r"127\.0\.0\.1"):
            await session.list_tags()


@pytest.mark.parametrize("answer", [Answer(404, b'{"error_type":"not_found"}'), Answer(200, b"{}"), Answer(418)])
@pytest.mark.parametrize("nth", [2, 3, 4])
async def test_a_later_page_that_fails_fails_the_list(tmp_path: Path, wall: Wall, answer: Answer, nth: int) -> None:
    async with QuayEmulator(clock=wall) as quay, connected(tmp_path, quay) as session:
        fill(quay, wall, 250)
        quay.faults.add(Fault("GET", r"/tag/", answer, nth=nth, times=None))
        with pytest.raises(IncompleteSource):
            await session.list_tags()


async def test_a_server_that_gives_the_same_page_again_and_again(tmp_path: Path) -> None:
    page = b'{"tags":[{"name":"v1","manifest_digest":"%s","start_ts":5}],"page":1,"has_additional":true}'
    async with QuayEmulator() as quay, connected(tmp_path, quay) as session:
        quay.faults.add(always(r"/tag/", 200, page % ABSENT.encode()))
        with pytest.raises(IncompleteSource, match="in circles"):
            await session.list_tags()


async def test_a_date_beyond_all_years_is_none(tmp_path: Path) -> None:
    page = b'{"tags":[{"name":"v1","manifest_digest":"%s","start_ts":5}],"page":1,"has_additional":false}'
    dated = Answer(200, page % ABSENT.encode(), {"Date": f"Mon, 01 Jan {'9' * 30} 10:00:00 GMT"})
    async with QuayEmulator() as quay, connected(tmp_path, quay) as session:
        quay.faults.add(Fault("GET", r"/tag/", dated, times=None))
        assert (await session.list_tags()).tags == {"v1": ABSENT}


async def test_a_registry_that_is_down(tmp_path: Path) -> None:
    async with QuayEmulator() as quay:
        pass
    async with connected(tmp_path, quay) as session:
        with pytest.raises(Unreachable):
            await session.list_tags()


# Reading


@pytest.mark.parametrize("door", ["api", "robot"])
async def test_reads_and_pushes(tmp_path: Path, door: Door) -> None:
    async with QuayEmulator(door=door) as quay, connected(tmp_path, quay) as session:
        put(quay, "v1")
        config = images.config("two")
        manifest = images.image(config)
        await session.push_blob(config)
        await session.push_manifest(Tag("v2"), manifest)
        assert await session.resolve(Tag("v2")) == manifest.digest
        assert (await session.read_manifests([manifest.digest, ABSENT])) == {manifest.digest: manifest}
        assert await session.read_blob(Digest.of(config)) == config


async def test_a_tag_that_has_expired_is_absent_whatever_a_stale_list_says(tmp_path: Path) -> None:
    async with QuayEmulator(door="robot") as quay, connected(tmp_path, quay) as session:
        put(quay, "v1", "v2")
        assert await session.delete_tags([Tag("v1")]) == [Deleted()]
        quay.of(PATH).stale.add("v1")
        assert (await session.list_tags()).tags == {"v1": None, "v2": None}
        assert await session.resolve(Tag("v1")) is None
        assert await session.delete_tags([Tag("v1")]) == [AlreadyGone()]


async def test_children_live_as_long_as_their_index(tmp_path: Path) -> None:
    async with QuayEmulator() as quay, connected(tmp_path, quay) as session:
        child = images.image(images.config("child"))
        index = images.index(child)
        put(quay, text="child")
        quay.storage.put_manifest(PATH, index.body, index.media_type, "multi")
        assert (await session.list_tags()).tags == {"multi": index.digest}
        assert set(await session.read_manifests([index.digest, child.digest])) == {
            index.digest,
            child.digest,
        }
        assert await session.delete_manifests([child.digest]) == [AlreadyGone()]
        assert await session.resolve(child.digest) == child.digest
        assert await session.delete_tags([Tag("multi")]) == [Deleted()]
        assert await session.resolve(child.digest) is None
