"""GitHub: replies that mean later."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from holystone.adapters.http.reply import Reply as HttpReply
from holystone.adapters.registries.github.throttling import api_later, registry_later
from holystone.engine.errors import IncompleteSource
from holystone.engine.model.outcomes import Deleted, Failed
from holystone.engine.model.references import Tag
from holystone.engine.scheduler import Limits
from tests.emulators.github import OWNER, GithubEmulator
from tests.registries.github.connected import Wall, connected, deletions, put, reply, tags_of


async def test_the_secondary_limit_is_waited_out(tmp_path: Path) -> None:
    async with GithubEmulator() as github, connected(tmp_path, github) as session:
        put(github, "keep", text="keep")
        old = put(github, "old")
        await session.list_tags()
        github.throttle(2)
        assert await session.delete_manifests([old.digest]) == [Deleted()]
        github.throttle(2)
        assert await session.resolve(Tag("keep"))
        assert github.throttled == 0


async def test_a_limit_that_outlasts_the_patience_is_said_and_deletes_nothing(tmp_path: Path) -> None:
    async with GithubEmulator() as github:
        github.tokens[OWNER] = replace(github.tokens[OWNER], hourly=2)
        async with connected(tmp_path, github) as session:
            put(github, "keep", text="keep")
            old = put(github, "old")
            await session.list_tags()
            (outcome,) = await session.delete_manifests([old.digest])
            assert isinstance(outcome, Failed)
            assert "old" in tags_of(github)
            with pytest.raises(IncompleteSource):
                await session.list_tags()
            assert len(github.api_requests) <= 4, "what GitHub refuses for an hour is not asked again"


async def test_the_points_of_a_minute_are_waited_for(tmp_path: Path) -> None:
    wall = Wall()
    impatient = Limits(attempts=3, longest_wait=30)
    async with (
        GithubEmulator(points=6, clock=wall) as github,
        connected(tmp_path, github, limits=impatient) as session,
    ):
        put(github, "keep", text="keep")
        old = put(github, "old")
        await session.list_tags()
        (outcome,) = await session.delete_manifests([old.digest])
        assert isinstance(outcome, Failed)
        assert "secondary rate limit" in outcome.error
        assert deletions(github) == 1, "for a minute nothing is asked again"


SECONDARY = b'{"message":"You have exceeded a secondary rate limit."}'
NOW = 1_900_000_000.0
RESET = {"x_ratelimit_limit": "5000", "x_ratelimit_reset": f"{NOW + 300:.0f}"}


@pytest.mark.parametrize(
    ("answer", "seconds"),
    [
        (reply(403, SECONDARY, retry_after="7"), 7),
        (reply(429, SECONDARY, retry_after="7", x_ratelimit_remaining="0", **RESET), 7),
        (reply(403, SECONDARY, x_ratelimit_remaining="4999", **RESET), 60),
        (reply(429, b"", x_ratelimit_remaining="4999", **RESET), 60),
        (reply(403, b'{"message":"API rate limit exceeded"}', x_ratelimit_remaining="0", **RESET), 300),
        (reply(429, b"", x_ratelimit_remaining="0", **RESET), 300),
        (reply(200, b'{"errors":[{"type":"RATE_LIMITED","message":"no"}]}', x_ratelimit_remaining="0", **RESET), 300),
        (reply(403, b'{"message":"Resource not accessible by integration"}', x_ratelimit_remaining="9", **RESET), None),
        (reply(403), None),
        (reply(200, b'[{"name":"rate limit"}]', x_ratelimit_remaining="0", **RESET), None),
        (reply(404, SECONDARY), None),
    ],
)
def test_how_github_says_later(answer: HttpReply, seconds: float | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("holystone.adapters.registries.github.throttling.time.time", lambda: NOW)
    later = api_later(answer)
    if seconds is None:
        assert later is None
    else:
        assert later is not None
        assert later.after == pytest.approx(seconds, abs=5)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("1.16676ms", 0.00116676), ("742.5µs", 0.0007425), ("2m3.5s", 123.5), ("3s", 3.0), ("soon", None)],
)
def test_how_the_registry_says_later(text: str, seconds: float | None) -> None:
    body = json.dumps({"errors": [{"message": f"retry-after: {text}, allowed: 44000/minute"}]})
    later = registry_later(reply(429, body.encode()))
    assert (later.after if later else None) == (seconds and pytest.approx(seconds))
    assert registry_later(reply(403, body.encode())) is None
