"""Docker Hub: replies that mean later."""

from pathlib import Path
from unittest import mock

import pytest
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from holystone.adapters.http.reply import Reply
from holystone.adapters.registries.dockerhub import replies
from holystone.engine.errors import IncompleteSource
from holystone.engine.model.outcomes import Deleted
from holystone.engine.model.references import Digest, Tag
from holystone.engine.scheduler import RateLimited
from tests.registries.dockerhub.connected import put, served
from tests.support import images


@pytest.mark.parametrize("what", ["login", "list", "probe", "delete"])
async def test_throttled_requests_are_sent_again(tmp_path: Path, what: str) -> None:
    async with served(tmp_path) as (emulator, session):
        put(emulator, "one", "v1")
        if what != "login":
            await session.list_tags()
        emulator.throttle(1)
        match what:
            case "delete":
                assert await session.delete_tags([Tag("v1")]) == [Deleted()]
            case "probe":
                assert not (await session.probe()).forbidden
            case _:
                assert (await session.list_tags()).tags.keys() == {"v1"}
        assert emulator.throttled == 0


async def test_a_wait_that_is_too_long_is_not_waited_for(tmp_path: Path) -> None:
    async with served(tmp_path, retry_in=7200) as (emulator, session):
        put(emulator, "one", "v1")
        await session.list_tags()
        emulator.throttle(1)
        with pytest.raises(IncompleteSource, match="429 Rate limit exceeded"):
            await session.list_tags()


def reply(status: int, body: bytes = b"", **headers: str) -> Reply:
    at = URL("https://hub.docker.com/v2/x")
    named = CIMultiDict({name.replace("_", "-"): value for name, value in headers.items()})
    return Reply(status, CIMultiDictProxy(named), body, at, at)


def test_how_docker_hub_says_later() -> None:
    abuse = replies.later(reply(429, b"Too Many Requests"))
    assert isinstance(abuse, RateLimited)
    assert abuse.after == replies.ABUSE_WAIT
    assert replies.later(reply(429, b"{}", X_Retry_After="1790000000")) is None
    assert replies.later(reply(200)) is None


@pytest.mark.parametrize("logged_in", [True, False])
async def test_the_protection_against_abuse_is_waited_out(tmp_path: Path, logged_in: bool) -> None:
    async with served(tmp_path, abuse=True) as (emulator, session):
        put(emulator, "one", "v1")
        if logged_in:
            await session.list_tags()
        with mock.patch.object(replies, "ABUSE_WAIT", 0.01):
            emulator.throttle(1)
            assert (await session.list_tags()).tags.keys() == {"v1"}
            if not logged_in:
                emulator.expire_tokens()
        with mock.patch.object(replies, "ABUSE_WAIT", 7200.0):
            emulator.throttle(1)
            with pytest.raises(IncompleteSource, match="429 Too Many Requests"):
                await session.list_tags()


async def test_pulls_that_are_used_up_are_named(tmp_path: Path) -> None:
    async with served(tmp_path, pulls=1) as (emulator, session):
        first, second = put(emulator, "one", "v1"), put(emulator, "two", "v2")
        assert await session.read_manifests([first.digest]) == {first.digest: first}
        with pytest.raises(IncompleteSource, match=r"pulls from Docker Hub are used up, 100 in 21600 s"):
            await session.read_manifests([second.digest])
        assert await session.resolve(Tag("v2")) == second.digest
        config = images.config("two")
        assert await session.read_blob(Digest.of(config)) == config
        assert await session.delete_tags([Tag("v2")]) == [Deleted()]


async def test_nothing_secret_is_in_what_operators_see(tmp_path: Path) -> None:
    async with served(tmp_path) as (emulator, session):
        put(emulator, "one", "v1")
        await session.list_tags()
        shown = f"{session!r} {session.hub!r} {session._deletion!r} {session.hub._login!r}"
        assert "rob" in shown
        tokens = [each.authorization.partition(" ")[2] for each in emulator.requests if each.authorization]
        assert tokens
        assert not any(secret in shown for secret in (*tokens, *emulator.login().secrets))
