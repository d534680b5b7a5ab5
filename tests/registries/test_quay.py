"""The Quay adapter against the Quay emulator, with an OAuth token and with a robot."""

import json
import random
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Literal

import pytest

from holystone.adapters.registries.connections import Connections
from holystone.adapters.registries.quay.listing import overlapping
from holystone.embedded.exchange import Incoming
from holystone.embedded.faults import Answer, Fault, Truncate
from holystone.engine.errors import BlobsMissing, IncompleteSource, Unauthorized, Unreachable, Unseen
from holystone.engine.model.capabilities import DigestDeletion, LastTag, Quota, TagDeletion
from holystone.engine.model.outcomes import AlreadyGone, Deleted, Failed, Forbidden, Locked
from holystone.engine.model.references import Digest, RegistryHost, Repository, RepositoryPath, Tag
from holystone.engine.ports import RepositorySession
from holystone.engine.scheduler import Limits, bucket
from holystone.settings.access import resolve_access
from holystone.settings.given import Given
from tests.emulators.quay import TWO_WEEKS, QuayEmulator
from tests.emulators.vendor import Login
from tests.support import images
from tests.support.command_line import always, hasty

Door = Literal["api", "robot"]
ABSENT = Digest("sha256:" + "0" * 64)
PATH = "team/app"
DAY = 24 * 3600


class Wall:
    """A clock of long ago that tests move."""

    def __init__(self) -> None:
        self.now = 1_600_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def wall() -> Wall:
    return Wall()


@pytest.fixture(autouse=True)
def no_waits(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(bucket, "_FIRST_CUT", 10_000.0)
    monkeypatch.setattr(bucket, "_SLOWEST", 10_000.0)
    with hasty():
        yield


@asynccontextmanager
async def connected(
    folder: Path, quay: QuayEmulator, *logins: Login, path: str = PATH, api_url: str = ""
) -> AsyncIterator[RepositorySession]:
    logins = logins or (quay.login(),)
    environ = dict(quay.environ)
    for login in logins:
        environ |= login.environ
        if login.docker_config:
            (folder / "config.json").write_text(json.dumps(login.docker_config))
    if api_url:
        environ["HOLYSTONE_REPO_API_URL"] = api_url
    repository = Repository(RegistryHost.parse(quay.host), RepositoryPath(path))
    access = resolve_access(Given({}, environ))
    limits = Limits(attempts=3, host_patience=0.2)
    async with Connections(folder, access=access, environ=environ, limits=limits) as connections:
        yield await connections.session(repository, "quay")


def put(quay: QuayEmulator, *tags: str, text: str = "one") -> Digest:
    config = images.config(text)
    manifest = images.image(config)
    quay.storage.put_blob(PATH, config)
    for tag in tags or (None,):
        quay.storage.put_manifest(PATH, manifest.body, manifest.media_type, tag)
    return manifest.digest


def fill(quay: QuayEmulator, wall: Wall, count: int) -> dict[str, Digest]:
    """So many tags, three of them on each manifest."""
    quay.storage.repository(PATH)
    tags = {}
    for number in range(count):
        wall.now += 1
        tags[f"v{number:04}"] = put(quay, f"v{number:04}", text=str(number // 3))
    return tags


def tags_of(quay: QuayEmulator) -> dict[str, Digest]:
    return dict(quay.storage.repositories[PATH].tags)


def asked(quay: QuayEmulator, method: str, part: str) -> int:
    return sum(each.method == method and part in each.path for each in quay.requests)


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


def test_each_page_begins_in_the_one_before_and_reaches_well_beyond() -> None:
    for end in range(1, 5000):
        number, size = overlapping(end)
        start = (number - 1) * size
        assert start < end
        assert 80 <= size <= 100
        assert start + size - end >= (40 if end >= 100 else 1)


@pytest.mark.parametrize("doomed", ["v0290", "v0250", "v0195", "v0150"])
@pytest.mark.parametrize("before", [2, 3, 4])
async def test_a_deletion_while_listing_hides_no_other_tag(
    tmp_path: Path, wall: Wall, doomed: str, before: int
) -> None:
    async with QuayEmulator(clock=wall) as quay, connected(tmp_path, quay) as session:
        expected = fill(quay, wall, 300)

        def delete(_: Incoming) -> None:
            if len(quay.requests) == before:
                for number in range(3):
                    quay.storage.delete_tag(PATH, f"{doomed[:-1]}{number}")

        quay.before = delete
        listing = await session.list_tags()
        assert expected.keys() - listing.tags.keys() <= {f"{doomed[:-1]}{number}" for number in range(3)}


@pytest.mark.parametrize("seed", range(12))
async def test_whatever_happens_while_listing_what_is_there_in_the_end_is_listed(
    tmp_path: Path, wall: Wall, seed: int
) -> None:
    rng = random.Random(seed)
    async with QuayEmulator(clock=wall) as quay, connected(tmp_path, quay) as session:
        fill(quay, wall, 350)

        def happen(_: Incoming) -> None:
            for _again in range(rng.choice([0, 1, 3, 12])):
                wall.now += rng.choice([0, 0.4, 1])
                tag = rng.choice([*tags_of(quay)])
                match rng.choice(["push", "move", "delete", "delete"]):
                    case "push":
                        put(quay, f"new-{wall.now:.1f}", text=str(wall.now))
                    case "move":
                        put(quay, tag, text=str(wall.now))
                    case _:
                        quay.storage.delete_tag(PATH, tag)

        quay.before = happen
        listing = await session.list_tags()
        assert {tag: listing.tags.get(Tag(tag)) for tag in tags_of(quay)} == tags_of(quay)


async def test_a_repository_that_never_rests_is_not_listed_at_all(tmp_path: Path, wall: Wall) -> None:
    async with QuayEmulator(clock=wall) as quay, connected(tmp_path, quay) as session:
        fill(quay, wall, 400)
        pushed = iter(range(100_000))

        def replace_all(_: Incoming) -> None:
            quay.storage.repositories[PATH].tags.clear()
            for _again in range(400):
                quay.storage.put_manifest(PATH, manifest.body, manifest.media_type, f"n{next(pushed)}")

        manifest = images.image(images.config("1"))
        quay.before = replace_all
        with pytest.raises(IncompleteSource, match="faster than they can be read"):
            await session.list_tags()


async def test_more_pushes_than_a_page_behind_the_back_of_the_last_one(tmp_path: Path, wall: Wall) -> None:
    async with QuayEmulator(clock=wall) as quay, connected(tmp_path, quay) as session:
        fill(quay, wall, 150)

        def push_many(_: Incoming) -> None:
            if len(quay.requests) == 3:  # the first page, read again
                wall.now += 10
                put(quay, *(f"new{number}" for number in range(101)))

        quay.before = push_many
        with pytest.raises(IncompleteSource, match="pushed faster than they can be read"):
            await session.list_tags()


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


# Probing


@pytest.mark.parametrize("door", ["api", "robot"])
async def test_probe_finds_out_what_can_be_done_and_changes_nothing(tmp_path: Path, door: Door) -> None:
    async with QuayEmulator(door=door) as quay, connected(tmp_path, quay) as session:
        put(quay, "v1")
        before = await session.list_tags()
        can = await session.probe()
        assert not can.forbidden
        assert not can.forbidden
        assert can.tags == TagDeletion(LastTag("goes-unlisted", takes_attached=True))
        assert not can.digests
        assert can.listing.digests == (can.undo.way == "restore") == (door == "api")
        assert await session.list_tags() == before


@pytest.mark.parametrize("door", ["api", "robot"])
async def test_an_unknown_repository_is_never_made_and_no_scope_says_delete(tmp_path: Path, door: Door) -> None:
    async with QuayEmulator(door=door) as quay, connected(tmp_path, quay) as session:
        can = await session.probe()
        assert not can.forbidden
        assert can.listing.digests == (can.undo.way == "restore") == (door == "api")
        assert await session.delete_tags([Tag("v1")]) == [AlreadyGone()]
        assert not quay.storage.repositories
        put(quay, "v1")
        await session.probe()
        assert await session.delete_tags([Tag("v1")]) == [Deleted()]
        scopes = [each.path for each in quay.requests if each.path.startswith("/v2/auth")]
        assert scopes
        assert not any("delete" in each for each in scopes)


async def test_a_reading_token_cannot_delete_and_probe_says_what_it_lacks(tmp_path: Path) -> None:
    async with QuayEmulator() as quay, connected(tmp_path, quay, quay.weak_login()) as session:
        put(quay, "v1")
        can = await session.probe()
        assert can.forbidden
        for word in ("WERF_REPO_QUAY_TOKEN", "repo:write", "role Write", PATH):
            assert word in can.forbidden
        assert asked(quay, "DELETE", "") == 0
        (outcome,) = await session.delete_tags([Tag("v1")])
        assert isinstance(outcome, Forbidden)


async def test_a_reading_robot_cannot_delete_and_probe_says_what_it_lacks(tmp_path: Path) -> None:
    async with (
        QuayEmulator(door="robot") as quay,
        connected(tmp_path, quay, quay.weak_login()) as session,
    ):
        put(quay, "v1")
        can = await session.probe()
        assert can.forbidden
        for word in ("team+reader", "config.json", "role Write", "Read Only"):
            assert word in can.forbidden
        (outcome,) = await session.delete_tags([Tag("v1")])
        assert isinstance(outcome, Forbidden)


async def test_a_writing_robot_deletes_where_the_token_only_reads(tmp_path: Path) -> None:
    async with QuayEmulator() as quay:
        robot = quay.docker("team+writer", quay.robots["team+writer"].password)
        async with connected(tmp_path, quay, quay.weak_login(), robot) as session:
            put(quay, "v1")
            can = await session.probe()
            assert not can.forbidden
            assert can.listing.digests
            assert can.undo.way == "push"
            assert await session.delete_tags([Tag("v1")]) == [Deleted()]


async def test_the_api_deletes_where_the_robot_only_reads(tmp_path: Path) -> None:
    async with QuayEmulator() as quay:
        robot = quay.docker("team+reader", quay.robots["team+reader"].password)
        async with connected(tmp_path, quay, quay.login(), robot) as session:
            put(quay, "v1", "v2")
            can = await session.probe()
            assert not can.forbidden
            assert can.tags
            assert await session.delete_tags([Tag("v1"), Tag("v1")]) == [Deleted(), AlreadyGone()]
            assert asked(quay, "DELETE", "/v2/") == 0


@pytest.mark.parametrize("state", ["READ_ONLY", "MIRROR"])
@pytest.mark.parametrize("door", ["api", "robot"])
async def test_a_state_that_forbids_deletion_is_found_before(
    tmp_path: Path, door: Door, state: Literal["READ_ONLY", "MIRROR"]
) -> None:
    async with QuayEmulator(door=door) as quay, connected(tmp_path, quay) as session:
        put(quay, "v1")
        quay.of(PATH).state = state
        can = await session.probe()
        assert can.forbidden
        assert (state if door == "api" else "Mirror") in can.forbidden


@pytest.mark.parametrize("door", ["api", "robot"])
async def test_a_quay_that_is_read_only_as_a_whole(tmp_path: Path, door: Door) -> None:
    async with QuayEmulator(door=door, read_only=True) as quay, connected(tmp_path, quay) as session:
        put(quay, "v1")
        can = await session.probe()
        assert can.forbidden
        assert "read-only" in can.forbidden
        (outcome,) = await session.delete_tags([Tag("v1")])
        assert isinstance(outcome, Forbidden)


async def test_a_namespace_that_keeps_nothing_cannot_restore(tmp_path: Path) -> None:
    async with QuayEmulator(window=0) as quay, connected(tmp_path, quay) as session:
        put(quay, "v1")
        assert not (await session.probe()).undo.possible


async def test_an_old_server_deletes_tags_by_the_api(tmp_path: Path) -> None:
    async with QuayEmulator(tag_delete=False) as quay, connected(tmp_path, quay) as session:
        put(quay, "v1", "v2", "v3")
        quay.lock(PATH, "v3")
        can = await session.probe()
        assert can.tags
        assert not can.digests
        outcomes = await session.delete_tags([Tag("v1"), Tag("v1"), Tag("v3")])
        assert outcomes[:2] == [Deleted(), AlreadyGone()]
        assert isinstance(outcomes[2], Locked)
        assert asked(quay, "DELETE", "/v2/") == 1  # of the probe
        assert set(tags_of(quay)) == {"v2", "v3"}


async def test_an_old_server_is_known_after_the_first_deletion_without_a_probe(tmp_path: Path) -> None:
    async with QuayEmulator(tag_delete=False) as quay, connected(tmp_path, quay) as session:
        put(quay, "v1", "v2")
        assert await session.delete_tags([Tag("v1"), Tag("v2")]) == [Deleted(), Deleted()]
        assert asked(quay, "DELETE", "/v2/") == 1


async def test_an_old_server_without_a_token_deletes_by_digest_only(tmp_path: Path) -> None:
    async with (
        QuayEmulator(door="robot", tag_delete=False) as quay,
        connected(tmp_path, quay) as session,
    ):
        digest = put(quay, "v1", "v2")
        can = await session.probe()
        assert not can.forbidden
        assert can.digests == DigestDeletion(tags_first=False)
        assert not can.tags
        assert can.collects_unlisted
        (outcome,) = await session.delete_tags([Tag("v1")])
        assert isinstance(outcome, Forbidden)
        assert await session.delete_manifests([digest, digest]) == [Deleted(), AlreadyGone()]
        assert not tags_of(quay)


@pytest.mark.parametrize("door", ["api", "robot"])
async def test_a_router_that_says_404_is_an_old_server_too(tmp_path: Path, door: Door) -> None:
    async with QuayEmulator(door=door) as quay, connected(tmp_path, quay) as session:
        put(quay, "v1")
        quay.faults.add(always("/manifests/holystone", 404, b"<html>404</html>", method="DELETE"))
        can = await session.probe()
        assert (bool(can.tags), bool(can.digests)) == ((True, False) if door == "api" else (False, True))


@pytest.mark.parametrize("door", ["api", "robot"])
async def test_a_404_that_is_not_quays_is_no_answer_to_the_probe(tmp_path: Path, door: Door) -> None:
    async with QuayEmulator(door=door) as quay, connected(tmp_path, quay) as session:
        put(quay, "v1")
        quay.faults.add(always("/manifests/", 404, b"<html>404</html>"))
        with pytest.raises(IncompleteSource, match=PATH):
            await session.probe()
        assert asked(quay, "DELETE", "") == 0


@pytest.mark.parametrize("body", [b"[]", b'{"can_write":"yes"}', b"<html>", b'{"state":"\xff"}'])
async def test_a_repository_that_is_not_one_is_no_answer_to_the_probe(tmp_path: Path, body: bytes) -> None:
    async with QuayEmulator() as quay, connected(tmp_path, quay) as session:
        put(quay, "v1")
        quay.faults.add(always("includeTags=false", 200, body))
        with pytest.raises(IncompleteSource, match="is no repository"):
            await session.probe()


# Deleting


@pytest.mark.parametrize("door", ["api", "robot"])
async def test_deletes_a_tag_and_no_other_one_of_its_manifest(tmp_path: Path, door: Door) -> None:
    async with QuayEmulator(door=door) as quay, connected(tmp_path, quay) as session:
        digest = put(quay, "v1", "v2", "v3")
        quay.lock(PATH, "v3")
        outcomes = await session.delete_tags([Tag("v1"), Tag("v1"), Tag("v3"), Tag("never")])
        assert outcomes[:2] == [Deleted(), AlreadyGone()]
        assert isinstance(outcomes[2], Locked)
        assert "v3" in outcomes[2].rule
        assert outcomes[3] == AlreadyGone()
        assert await session.resolve(Tag("v2")) == digest
        (outcome,) = await session.delete_manifests([digest])  # fails whole
        assert isinstance(outcome, Locked)
        assert set(tags_of(quay)) == {"v2", "v3"}


def _oci(code: str) -> bytes:
    return json.dumps({"errors": [{"code": code, "message": "m"}]}).encode()


@pytest.mark.parametrize(
    ("answer", "expected", "requests"),
    [
        (Answer(404, _oci("NAME_UNKNOWN")), AlreadyGone, 1),
        (Answer(404, _oci("TAG_EXPIRED")), AlreadyGone, 1),
        (Answer(404, b'{"error_type":"not_found"}'), AlreadyGone, 1),
        (Answer(409, _oci("TAG_IMMUTABLE")), Locked, 1),
        (Answer(409, _oci("TAG_ALREADY_EXISTS")), Failed, 1),
        (Answer(405, _oci("DENIED")), Forbidden, 1),
        (Answer(403, b'{"error_type":"insufficient_scope","detail":"Unauthorized"}'), Forbidden, 1),
        (Answer(402, b'{"error_type":"exceeds_license","detail":"Payment Required"}'), Failed, 1),
        (Answer(400, b"<html>"), Failed, 1),
        (Answer(503, b'{"message":"Repository is in read only or mirror mode: MIRROR"}'), Forbidden, 1),
        (Answer(503, b'{"message":"System is read-only","is_readonly":true}'), Forbidden, 1),
        (Answer(503, b"busy"), Failed, 3),
        (Answer(520, b'{"error_type":"downstream_issue"}'), Failed, 3),
        (Answer(429, b"<html>429 Too Many Requests</html>"), Failed, 3),
    ],
)
async def test_odd_replies_to_a_deletion(tmp_path: Path, answer: Answer, expected: type, requests: int) -> None:
    async with QuayEmulator(door="robot") as quay, connected(tmp_path, quay) as session:
        put(quay, "v1")
        assert await session.resolve(Tag("v1"))
        quay.faults.add(Fault("DELETE", r"/manifests/", answer, times=None))
        (outcome,) = await session.delete_tags([Tag("v1")])
        assert isinstance(outcome, expected)
        assert asked(quay, "DELETE", "/manifests/") == requests


async def test_a_router_that_knows_no_tags_is_no_proof_that_one_is_gone(tmp_path: Path) -> None:
    async with QuayEmulator(door="robot") as quay, connected(tmp_path, quay) as session:
        put(quay, "v1")
        quay.faults.add(always("/manifests/", 404, b"<html>404</html>", method="DELETE"))
        (outcome,) = await session.delete_tags([Tag("v1")])
        assert isinstance(outcome, Failed)


async def test_a_state_that_changes_in_mid_run_is_not_asked_about_again(tmp_path: Path) -> None:
    async with QuayEmulator(tag_delete=False) as quay, connected(tmp_path, quay) as session:
        put(quay, "v1")
        await session.probe()
        quay.of(PATH).state = "READ_ONLY"
        (outcome,) = await session.delete_tags([Tag("v1")])
        assert isinstance(outcome, Forbidden)
        assert "read only or mirror mode" in outcome.what
        assert asked(quay, "DELETE", "/api/") == 1


async def test_a_tag_is_deleted_though_its_first_answer_was_lost(tmp_path: Path) -> None:
    async with QuayEmulator() as quay, connected(tmp_path, quay) as session:
        put(quay, "v1")
        quay.faults.add(Fault("DELETE", "/manifests/", Answer(502, b"<html>")))
        assert await session.delete_tags([Tag("v1")]) == [Deleted()]


# Throttling, tokens and credentials


@pytest.mark.parametrize("door", ["api", "robot"])
@pytest.mark.parametrize("times", [1, 2])
async def test_throttled_requests_are_sent_again(tmp_path: Path, door: Door, times: int) -> None:
    async with QuayEmulator(door=door) as quay, connected(tmp_path, quay) as session:
        put(quay, "v1", "v2")
        quay.throttle(times)
        assert set((await session.list_tags()).tags) == {"v1", "v2"}
        quay.throttle(times)
        assert await session.delete_tags([Tag("v1")]) == [Deleted()]
        assert sum(each.status == 429 for each in quay.requests) == 2 * times


@pytest.mark.parametrize("answer", [Answer(520, b'{"error_type":"downstream_issue"}'), Answer(503, b"busy")])
async def test_a_fault_of_the_api_that_passes_is_waited_out(tmp_path: Path, answer: Answer) -> None:
    async with QuayEmulator(tag_delete=False) as quay, connected(tmp_path, quay) as session:
        put(quay, "v1", "v2")
        await session.probe()
        quay.faults.add(Fault("GET|DELETE", "/api/", answer, times=2))
        assert set((await session.list_tags()).tags) == {"v1", "v2"}
        quay.faults.add(Fault("DELETE", "/api/", answer, times=2))
        assert await session.delete_tags([Tag("v1")]) == [Deleted()]


@pytest.mark.parametrize("door", ["api", "robot"])
async def test_throttling_without_end_is_never_an_empty_list(tmp_path: Path, door: Door) -> None:
    async with QuayEmulator(door=door) as quay, connected(tmp_path, quay) as session:
        quay.throttle(1000)
        with pytest.raises(IncompleteSource, match="429"):
            await session.list_tags()


@pytest.mark.parametrize("door", ["api", "robot"])
async def test_tokens_that_end_in_mid_run_are_renewed(tmp_path: Path, door: Door) -> None:
    async with QuayEmulator(door=door) as quay, connected(tmp_path, quay) as session:
        put(quay, "v1", "v2")
        await session.probe()
        assert await session.delete_tags([Tag("v1")]) == [Deleted()]
        quay.expire_tokens()
        assert await session.delete_tags([Tag("v2")]) == [Deleted()]


async def test_a_token_is_asked_once_for_its_whole_life(tmp_path: Path) -> None:
    """The reply says nothing of it; the JWT does."""
    async with QuayEmulator(door="robot") as quay, connected(tmp_path, quay) as session:
        put(quay, "v1", "v2", "v3")
        await session.probe()
        for tag in ("v1", "v2", "v3"):
            await session.delete_tags([Tag(tag)])
        assert asked(quay, "GET", "/v2/auth") == 2  # pull, then pull,push


@pytest.mark.parametrize("door", ["api", "robot"])
async def test_a_wrong_credential_is_named_and_not_shown(tmp_path: Path, door: Door) -> None:
    async with QuayEmulator(door=door) as quay:
        login = quay.bad_login()
        async with connected(tmp_path, quay, login) as session:
            put(quay, "v1")
            for ask in (session.list_tags, session.probe):
                with pytest.raises(Unauthorized) as caught:
                    await ask()
                assert ("OAuth" if door == "api" else "config.json") in str(caught.value)
                assert not any(secret in str(caught.value) for secret in login.secrets)


async def test_a_robots_password_is_no_token(tmp_path: Path) -> None:
    async with QuayEmulator() as quay:
        login = Login(environ={"WERF_REPO_QUAY_TOKEN": quay.robots["team+robot"].password})
        async with connected(tmp_path, quay, login) as session:
            put(quay, "v1")
            with pytest.raises(Unauthorized, match="robots"):
                await session.list_tags()


async def test_anonymous_access_reads_what_is_public_and_deletes_nothing(tmp_path: Path) -> None:
    async with QuayEmulator(door="robot") as quay, connected(tmp_path, quay, Login()) as session:
        put(quay, "v1")
        quay.of(PATH).public = True
        assert set((await session.list_tags()).tags) == {"v1"}
        can = await session.probe()
        assert can.forbidden
        assert "anonymous" in can.forbidden


@pytest.mark.parametrize("suffix", ["", "/api/v1"])
async def test_the_address_of_the_api_may_name_its_version(tmp_path: Path, suffix: str) -> None:
    async with (
        QuayEmulator(keep_alive=False) as quay,
        connected(tmp_path, quay, api_url=f"{quay.url}{suffix}") as session,
    ):
        put(quay, "v1")
        assert set((await session.list_tags()).tags) == {"v1"}


@pytest.mark.parametrize("host", ["quay.io", "quay.example.com"])
async def test_only_the_public_host_begins_with_its_limits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    access = resolve_access(Given({}, {"WERF_REPO_QUAY_TOKEN": "t0ken"}))
    async with Connections(tmp_path, access=access) as connections:
        lanes: dict[str, Quota | None] = {}
        real = connections.scheduler.lane

        def lane(where: Any, who: str, api: str, quota: Quota | None = None) -> Any:
            lanes[api] = quota
            return real(where, who, api, quota)

        monkeypatch.setattr(connections.scheduler, "lane", lane)
        await connections.session(Repository(RegistryHost(host), RepositoryPath(PATH)))
    public = {"manifests": Quota(40, 5), "tags": Quota(4, 2), "api": Quota(4, 20)}
    assert lanes == (public if host == "quay.io" else dict.fromkeys(public))


# What the emulator must do as Quay does it


@pytest.mark.parametrize("door", ["api", "robot"])
async def test_the_last_tag_takes_the_tags_of_cosign_along_and_immutable_ones_stay(tmp_path: Path, door: Door) -> None:
    async with QuayEmulator(door=door) as quay, connected(tmp_path, quay) as session:
        image = put(quay, "v1", "v2")
        names = {f"sha256-{image.hex}{suffix}" for suffix in (".sig", ".att", ".sbom")}
        put(quay, *names, f"sha256-{image.hex}", text="signature")
        quay.lock(PATH, f"sha256-{image.hex}.att")
        await session.delete_tags([Tag("v1")])
        assert tags_of(quay).keys() == {"v2", f"sha256-{image.hex}", *names}
        await session.delete_tags([Tag("v2")])
        assert tags_of(quay).keys() == {f"sha256-{image.hex}", f"sha256-{image.hex}.att"}
    async with QuayEmulator(cascades=False) as quay, connected(tmp_path, quay) as session:
        image = put(quay, "v1")
        put(quay, f"sha256-{image.hex}.sig", text="signature")
        await session.delete_tags([Tag("v1")])
        assert tags_of(quay).keys() == {f"sha256-{image.hex}.sig"}


async def test_a_referrer_lives_by_the_way_it_was_pushed(tmp_path: Path) -> None:
    async with QuayEmulator() as quay, connected(tmp_path, quay) as session:
        put(quay, "v1")
        config = images.config("one")
        subject = images.image(config)
        by_tag = images.image(images.config("by tag"), subject=subject)
        by_digest = images.image(images.config("by digest"), subject=subject)
        for text in ("by tag", "by digest"):
            await session.push_blob(images.config(text))
        await session.push_manifest(Tag("sbom"), by_tag)
        await session.push_manifest(by_digest.digest, by_digest)
        await session.push_manifest(Tag("signature"), by_digest)
        await session.delete_tags([Tag("sbom"), Tag("signature")])
        assert await session.resolve(by_tag.digest) is None
        assert await session.resolve(by_digest.digest) == by_digest.digest


async def test_what_a_pushed_manifest_lacks_is_quays_own_word(tmp_path: Path) -> None:
    async with QuayEmulator() as quay, connected(tmp_path, quay) as session:
        put(quay, "v1")
        for missing in (
            images.image(images.config("never pushed")),
            images.index(images.image(images.config("nor this"))),
        ):
            with pytest.raises(BlobsMissing, match="MANIFEST_INVALID"):
                await session.push_manifest(Tag("v2"), missing)


# Restoring


async def test_the_time_machine_brings_tags_back_within_its_window(tmp_path: Path, wall: Wall) -> None:
    async with QuayEmulator(clock=wall) as quay, connected(tmp_path, quay) as session:
        digest = put(quay, "v1", "v2")
        await session.delete_tags([Tag("v1"), Tag("v2")])
        assert await session.resolve(digest) is None
        wall.now += TWO_WEEKS - 60
        assert await session.restore(digest, [Tag("v1"), Tag("v2")])
        assert (await session.list_tags()).tags == {"v1": digest, "v2": digest}
        await session.delete_tags([Tag("v1"), Tag("v2")])
        wall.now += TWO_WEEKS + 60
        assert not await session.restore(digest, [Tag("v1")])


async def test_what_the_time_machine_does_not_do(tmp_path: Path) -> None:
    async with QuayEmulator() as quay, connected(tmp_path, quay) as session:
        digest = put(quay, "v1")
        assert not await session.restore(digest, [])
        assert not await session.restore(ABSENT, [Tag("v1")])
        quay.of(PATH).state = "MIRROR"
        assert not await session.restore(digest, [Tag("v2")])
        assert asked(quay, "POST", "/restore") == 2
    async with QuayEmulator(door="robot") as quay, connected(tmp_path, quay) as session:
        digest = put(quay, "v1")
        assert not await session.restore(digest, [Tag("v2")])
