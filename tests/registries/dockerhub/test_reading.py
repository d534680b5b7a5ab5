"""Docker Hub: what is listed, and what is absent or forbidden."""

import itertools
import json
from pathlib import Path
from typing import Any

import pytest

from holystone.embedded.faults import Answer, Fault, Truncate
from holystone.engine.errors import IncompleteSource, Unauthorized, Unreachable, Unseen, UsageError
from holystone.engine.model.inventory import Pulls
from holystone.engine.model.references import Digest, Tag
from holystone.engine.ports import Wanted
from tests.emulators.dockerhub import DockerHubEmulator
from tests.emulators.vendor import Login
from tests.registries.dockerhub.connected import HUB, PATH, asked, opened, put, served
from tests.support import images

ABSENT = Digest("sha256:" + "0" * 64)
NOBODY = Login()


# Listing


@pytest.mark.parametrize("count", [0, 1, 99, 100, 101, 200, 201, 350])
async def test_a_listing_is_complete_whatever_the_pages(tmp_path: Path, count: int) -> None:
    async with served(tmp_path) as (emulator, session):
        emulator.storage.repository(PATH)
        for number in range(count):
            put(emulator, f"{number // 3}", f"v{number}")
        listing = await session.list_tags()
        assert listing.exists
        assert dict(listing.tags) == emulator.storage.repositories[PATH].tags
        assert len(asked(emulator, "GET", f"{HUB}/tags")) == max(1, -(-count // 100))


async def test_what_a_listing_says_of_each_tag(tmp_path: Path) -> None:
    now = itertools.count(1_760_000_000, 100)
    async with served(tmp_path, clock=lambda: next(now)) as (emulator, session):
        shared = put(emulator, "shared", "v1", "latest")
        child = put(emulator, "child")
        both = images.index(shared, child)
        emulator.storage.put_manifest(PATH, both.body, both.media_type, "multi")
        listing = await session.list_tags()
        assert listing.tags == {"v1": shared.digest, "latest": shared.digest, "multi": both.digest}
        there = emulator.storage.repositories[PATH]
        assert listing.put == {tag: int(there.tagged[tag]) for tag in ("v1", "latest", "multi")}
        assert len({*listing.put.values()}) == 3
        assert listing.pushed == {}
        assert listing.locked == {}
        assert listing.untagged == ()


@pytest.mark.parametrize("said", [None, "", "0001-01-01T00:00:00Z", "yesterday", "9999-99-99"])
async def test_a_time_that_is_none_is_left_out(tmp_path: Path, said: str | None) -> None:
    result = {"name": "v1", "digest": ABSENT, "tag_last_pushed": said}
    answer = Answer(200, json.dumps({"count": 1, "next": None, "results": [result]}).encode())
    async with served(tmp_path, Fault("GET", r"/tags\?", answer)) as (emulator, session):
        put(emulator, "one", "v1")
        listing = await session.list_tags()
        assert listing.tags == {"v1": ABSENT}
        assert listing.put == {}


async def test_pulls_by_tag_and_by_digest_are_told_where_they_are_wanted(tmp_path: Path) -> None:
    async with served(tmp_path) as (emulator, session):
        first, second = put(emulator, "first"), put(emulator, "second")
        both = images.index(first, second)
        emulator.storage.put_manifest(PATH, both.body, both.media_type, "multi")
        put(emulator, "never", "v1")
        emulator.pull_times = {"multi": 1_700_000_000.0, second.digest: 1_700_000_100.0}
        listing = await session.list_tags(Wanted(pulls=True))
        assert listing.pulls == Pulls({Tag("multi"): 1_700_000_000}, {second.digest: 1_700_000_100})
        assert len(asked(emulator, "GET", f"{HUB}/tags")) == 1
        assert (await session.list_tags()).pulls is None


@pytest.mark.parametrize("said", [None, [], {"os": "linux"}, [{"digest": "none", "last_pulled": "yesterday"}, {}]])
async def test_pulls_that_make_no_sense_are_none(tmp_path: Path, said: object) -> None:
    result = {"name": "v1", "digest": ABSENT, "tag_last_pulled": "0001-01-01T00:00:00Z", "images": said}
    answer = Answer(200, json.dumps({"count": 1, "next": None, "results": [result]}).encode())
    async with served(tmp_path, Fault("GET", r"/tags\?", answer)) as (emulator, session):
        put(emulator, "one", "v1")
        listing = await session.list_tags(Wanted(pulls=True))
        assert listing.tags == {"v1": ABSENT}
        assert listing.pulls == Pulls()


async def test_a_digest_that_the_list_does_not_say_is_looked_up_without_a_pull(tmp_path: Path) -> None:
    async with served(tmp_path, digests=False, pulls=0) as (emulator, session):
        raw = put(emulator, "one", "v1")
        listing = await session.list_tags()
        assert listing.tags == {"v1": None}
        assert listing.put.keys() == {"v1"}, "it says when all the same"
        assert await session.resolve(Tag("v1")) == raw.digest
        assert emulator.pulls == 0


def _push(emulator: DockerHubEmulator, _: int) -> None:
    emulator.between_pages = None
    put(emulator, "new", "new")


def _delete(emulator: DockerHubEmulator, _: int) -> None:
    emulator.between_pages = None
    emulator.storage.delete_tag(PATH, "v249")


def _delete_a_page(emulator: DockerHubEmulator, _: int) -> None:
    emulator.between_pages = None
    for number in range(150):
        emulator.storage.delete_tag(PATH, f"v{number}")


def _push_over_an_old_one(emulator: DockerHubEmulator, _: int) -> None:
    """The number of tags stays, but their order changes: one is on no page that is read, another on two."""
    emulator.between_pages = None
    put(emulator, "new", "v0")


@pytest.mark.parametrize("change", [_push, _delete, _delete_a_page, _push_over_an_old_one])
async def test_pages_that_shift_while_they_are_read_are_read_again(tmp_path: Path, change: Any) -> None:
    now = itertools.count(1_760_000_000, 1)
    async with served(tmp_path, between_pages=change, clock=lambda: next(now)) as (emulator, session):
        for number in range(250):
            put(emulator, f"{number}", f"v{number}")
        listing = await session.list_tags()
        assert dict(listing.tags) == emulator.storage.repositories[PATH].tags
        assert len(asked(emulator, "GET", f"{HUB}/tags?page=1&")) == 2


async def test_a_list_that_never_stands_still_is_not_taken_for_complete(tmp_path: Path) -> None:
    new = itertools.count()

    def push(emulator: DockerHubEmulator, _: int) -> None:
        put(emulator, "new", f"new{next(new)}")

    async with served(tmp_path, between_pages=push) as (emulator, session):
        for number in range(150):
            put(emulator, "old", f"v{number}")
        with pytest.raises(IncompleteSource, match="3 times in a row"):
            await session.list_tags()
        assert len(asked(emulator, "GET", f"{HUB}/tags?page=1&")) == 3


def page(count: int, *names: str, then: str | None = None) -> Answer:
    results = [{"name": name, "digest": ABSENT} for name in names]
    return Answer(200, json.dumps({"count": count, "next": then, "results": results}).encode())


async def test_a_next_page_on_another_host_is_asked_for_at_home(tmp_path: Path) -> None:
    elsewhere = page(2, "v1", then="http://169.254.169.254/v2/steal?page=2")
    faults = (Fault("GET", r"page=1&", elsewhere), Fault("GET", r"page=2&", page(2, "v2")))
    async with served(tmp_path, *faults) as (emulator, session):
        put(emulator, "one", "v1")
        assert (await session.list_tags()).tags.keys() == {"v1", "v2"}


@pytest.mark.parametrize(
    "answers",
    [
        [page(2, "v1")],
        [page(1, "v1", "v2")],
        [page(0, "v1")],
        [page(1, "v1", "v1")],
        [page(1, "v1", then="/next")],
        [page(2, "v1", then="/next"), page(2, "v1")],
        [page(2, "v1", then="/next"), page(3, "v2")],
        [page(2, "v1", then="/next"), page(2, "v2", then="/next")],
        [page(2, "v1", then="/next"), page(2)],
        [page(2, then="/next")],
        [page(10**9, "v1", then="/next")],
        [Answer(200, b'{"count":1,"results":[{"name":"v1"}]}')],
        [Answer(200, b'{"count":1,"next":null,"results":[{"digest":"sha256:0"}]}')],
        [Answer(200, b'{"count":1,"next":null,"results":[{"name":"v1","digest":"sha256:0"}]}')],
        [Answer(200, b'{"count":null,"next":null,"results":[]}')],
        [Answer(200, b'{"count":0,"next":null,"results":null}')],
        [Answer(200, b"[]")],
        [Answer(200, b'{"count":1,"next":null,"results":[{"na')],
        [Answer(200, b"<html>Welcome</html>")],
        [Answer(200)],
        [Answer(404, b'{"message":"object not found"}')],
        [Answer(404, b"404 page not found")],
        [Answer(418, b"teapot")],
        [page(2, "v1", then="/next"), Answer(403, b'{"message":"permission denied"}')],
        [page(2, "v1", then="/next"), Answer(502)],
    ],
)
async def test_a_list_that_is_none_is_never_read_as_complete(tmp_path: Path, answers: list[Answer]) -> None:
    faults = [
        Fault("GET", rf"/tags\?page={number}&", answer, times=None) for number, answer in enumerate(answers, start=1)
    ]
    async with served(tmp_path, *faults) as (emulator, session):
        put(emulator, "one", "v1")
        with pytest.raises(IncompleteSource, match=r"127\.0\.0\.1"):
            await session.list_tags()


async def test_a_reply_that_breaks_off_is_never_read_as_complete(tmp_path: Path) -> None:
    async with served(tmp_path, Fault("GET", r"/tags\?", Truncate(40), times=None)) as (emulator, session):
        put(emulator, "one", "v1")
        with pytest.raises(IncompleteSource, match="cut short"):
            await session.list_tags()


@pytest.mark.parametrize("body", [b"[]", b"<html>", b'{"immutable_tags_settings":{"enabled":true,"rules":"v.*"}}', b""])
async def test_a_repository_whose_rules_cannot_be_read_is_not_listed(tmp_path: Path, body: bytes) -> None:
    async with served(tmp_path, Fault("GET", rf"{HUB}$", Answer(200, body), times=None)) as (emulator, session):
        put(emulator, "one", "v1")
        with pytest.raises(IncompleteSource, match="is no repository"):
            await session.list_tags()


# Absent, or forbidden


async def test_a_repository_that_nobody_pushed_is_absent(tmp_path: Path) -> None:
    async with served(tmp_path) as (_, session):
        listing = await session.list_tags()
        assert not listing.exists
        assert listing.tags == {}
        assert not (await session.probe()).forbidden


@pytest.mark.parametrize("there", [True, False])
async def test_to_a_stranger_a_private_repository_is_neither_absent_nor_empty(tmp_path: Path, there: bool) -> None:
    async with served(tmp_path, login=NOBODY) as (emulator, session):
        if there:
            put(emulator, "one", "v1")
        with pytest.raises(Unauthorized, match="does not exist, or must not be seen") as raised:
            await session.list_tags()
        assert "there is no credential for the Hub API (there is none for 127.0.0.1" in raised.value.message
        assert "--repo-docker-hub-username" in raised.value.what_to_do


async def test_a_repository_that_only_the_registry_knows_is_not_absent(tmp_path: Path) -> None:
    hidden = Answer(404, b'{"message":"object not found","errinfo":{}}')
    async with served(tmp_path, Fault("GET", rf"{HUB}$", hidden)) as (emulator, session):
        put(emulator, "one", "v1")
        with pytest.raises(Unauthorized, match="but the registry has it") as raised:
            await session.list_tags()
        assert not isinstance(raised.value, Unseen), "it is there"


async def test_a_repository_that_neither_shows_to_a_user_is_there_or_not(tmp_path: Path) -> None:
    hidden = Answer(404, b'{"message":"object not found","errinfo":{}}')
    refused = Answer(401, b'{"errors":[{"code":"UNAUTHORIZED"}]}', {"WWW-Authenticate": 'Basic realm="hub"'})
    async with served(
        tmp_path, Fault("GET", rf"{HUB}$", hidden), Fault("GET", r"/v2/.*/tags/list", refused, times=None)
    ) as (_, session):
        with pytest.raises(Unseen, match="does not exist, or must not be seen"):
            await session.list_tags()


async def test_an_address_where_no_hub_api_is_is_not_an_absent_repository(tmp_path: Path) -> None:
    async with served(tmp_path, Fault("GET", rf"{HUB}$", Answer(404, b"404 page not found"))) as (_, session):
        with pytest.raises(IncompleteSource, match="404 page not found"):
            await session.list_tags()


@pytest.mark.parametrize("path", ["app", "team/app/stages"])
async def test_a_repository_has_exactly_two_parts(tmp_path: Path, path: str) -> None:
    async with DockerHubEmulator() as emulator, opened(emulator, tmp_path, path=path) as session:
        for ask in (session.list_tags, session.probe):
            with pytest.raises(UsageError, match="exactly two parts"):
                await ask()


async def test_a_hub_that_is_down(tmp_path: Path) -> None:
    async with served(tmp_path) as (emulator, session):
        put(emulator, "one", "v1")
        await session.list_tags()
        await emulator.__aexit__(None, None, None)
        with pytest.raises(Unreachable):
            await session.list_tags()
        with pytest.raises(Unreachable):
            await session.delete_tags([Tag("v1")])
