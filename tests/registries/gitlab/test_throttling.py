"""GitLab: replies that mean later."""

import time
from pathlib import Path

import pytest

from holystone.embedded.faults import Answer
from holystone.engine.model.outcomes import Deleted
from holystone.engine.model.references import Tag
from tests.registries.gitlab.connected import error, faulty, put_image, served


@pytest.mark.parametrize(
    "answer",
    [
        Answer(429, b"Retry later\n", {"Content-Type": "text/plain"}),
        Answer(429, error("TOOMANYREQUESTS")),
        Answer(503, error("UNAVAILABLE")),
        Answer(409, error("RENAME_IN_PROGRESS")),
        Answer(400, error("CONNECTIONRESET")),
        Answer(400, error("REQUESTCANCELED")),
    ],
)
async def test_what_passes_is_tried_again(answer: Answer, tmp_path: Path) -> None:
    async with served(tmp_path) as (server, session):
        put_image(server, "one", "v1")
        await session.probe()
        server.faults.add(faulty("/tags/list/", answer, times=2))
        server.faults.add(faulty("/manifests/v1", answer, method="DELETE", times=2))
        assert (await session.list_tags()).tags.keys() == {"v1"}
        assert await session.delete_tags([Tag("v1")]) == [Deleted()]


async def test_a_wait_that_the_server_names_is_waited(tmp_path: Path) -> None:
    async with served(tmp_path) as (server, session):
        put_image(server, "one", "v1")
        await session.list_tags()
        server.retry_after = 0.2
        server.throttle(1)
        begun = time.monotonic()
        assert (await session.list_tags()).tags.keys() == {"v1"}
        assert time.monotonic() - begun >= 0.2
        assert server.throttled == 0


async def test_the_token_server_throttles_too(tmp_path: Path) -> None:
    async with served(tmp_path) as (server, session):
        put_image(server, "one", "v1")
        server.faults.add(faulty("/jwt/auth", Answer(429, b"Retry later\n"), times=1))
        assert (await session.list_tags()).tags.keys() == {"v1"}
