"""Plain registries: deletions, and what replies to them mean."""

from collections.abc import Awaitable, Callable

import pytest
from aiohttp import web

from holystone.adapters.registries.default.registry import DefaultSession
from holystone.embedded.faults import Answer, Fault
from holystone.embedded.quirks import DISTRIBUTION_2_8, ZOT, Quirks
from holystone.embedded.server import EmbeddedRegistry
from holystone.engine.model.outcomes import AlreadyGone, Deleted, Failed, Forbidden, Referenced
from holystone.engine.model.references import Tag
from tests.registries.default.connected import ABSENT, connected, push_image
from tests.support import images
from tests.support.http_site import site


async def test_digest_delete_and_its_outcomes(served: tuple[DefaultSession, Quirks]) -> None:
    session, _ = served
    digest = await push_image(session, "one", "v1", "v2")
    assert await session.delete_manifests([digest, digest, ABSENT]) == [
        Deleted(),
        AlreadyGone(),
        AlreadyGone(),
    ]
    assert await session.resolve(Tag("v2")) is None


async def test_tag_delete_where_it_exists(served: tuple[DefaultSession, Quirks]) -> None:
    session, quirks = served
    if not quirks.deletes_tags:
        pytest.skip("this server cannot delete tags")
    digest = await push_image(session, "one", "v1", "v2")
    assert await session.delete_tags([Tag("v1"), Tag("v1")]) == [Deleted(), AlreadyGone()]
    assert await session.resolve(Tag("v2")) == digest


async def test_a_child_of_an_index_is_reported_as_referenced() -> None:
    async with EmbeddedRegistry(quirks=ZOT) as embedded, connected(embedded.host) as session:
        child = await push_image(session, "child")
        raw = (await session.read_manifests([child])).get(child)
        assert raw
        await session.push_manifest(Tag("multi"), images.index(raw))
        (outcome,) = await session.delete_manifests([child])
        assert isinstance(outcome, Referenced)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (Answer(405, b'{"errors":[{"code":"UNSUPPORTED"}]}'), Forbidden),
        (Answer(405, b"Method not allowed"), Forbidden),
        (Answer(404, b"<html>"), Failed),
        (Answer(400, b'{"errors":[{"code":"NAME_UNKNOWN"}]}'), AlreadyGone),
        (Answer(400, b'{"errors":[{"code":"DIGEST_INVALID"}]}'), Failed),
        (Answer(403, b'{"errors":[{"code":"DENIED"}]}'), Forbidden),
        (Answer(503, b"busy"), Failed),
    ],
)
async def test_odd_replies_to_a_deletion(answer: Answer, expected: type) -> None:
    faults = (Fault("DELETE", r"/manifests/", answer, times=10),)
    async with (
        EmbeddedRegistry(quirks=DISTRIBUTION_2_8, faults=faults) as embedded,
        connected(embedded.host) as session,
    ):
        (outcome,) = await session.delete_manifests([ABSENT])
        assert isinstance(outcome, expected)


@pytest.mark.parametrize("body", [b'{"errors":[{"code":"UNSUPPORTED"}]}', b"Method not allowed"])
async def test_one_405_is_not_said_to_be_the_servers_switch(body: bytes) -> None:
    faults = (Fault("DELETE", r"/manifests/", Answer(405, body)),)
    async with (
        EmbeddedRegistry(quirks=DISTRIBUTION_2_8, faults=faults) as embedded,
        connected(embedded.host) as session,
    ):
        (outcome,) = await session.delete_manifests([ABSENT])
        assert isinstance(outcome, Forbidden)
        assert outcome.what.startswith("405")
        assert "switched off" not in outcome.what
        assert "maintenance" not in outcome.what


@pytest.mark.parametrize("status", [401, 403, 405])
async def test_a_refusal_that_is_not_repeated_does_not_say_that_nothing_can_be_deleted(status: int) -> None:
    faults = (Fault("DELETE", r"/manifests/", Answer(status, b"{}")),)
    async with (
        EmbeddedRegistry(quirks=DISTRIBUTION_2_8, faults=faults) as embedded,
        connected(embedded.host) as session,
    ):
        await push_image(session, "one", "v1")
        assert not (await session.probe()).forbidden


@pytest.mark.parametrize(("marked", "expected"), [(True, Deleted), (False, Failed)])
async def test_a_deletion_that_something_else_says_is_done_counts_as_failed_until_it_is_seen(
    marked: bool, expected: type
) -> None:
    """distribution's name for its API is on every reply of its own."""
    mark = {"Docker-Distribution-Api-Version": "registry/2.0"} if marked else {}
    async with site(_in_its_place(mark)) as embedded, connected(str(embedded.host)) as session:
        await session.probe()
        (outcome,) = await session.delete_manifests([ABSENT])
        assert isinstance(outcome, expected)


async def test_where_no_reply_to_a_deletion_has_the_mark_none_is_missed() -> None:
    async with (
        site(_in_its_place({}, marks=False)) as embedded,
        connected(str(embedded.host)) as session,
    ):
        await session.probe()
        assert await session.delete_manifests([ABSENT]) == [Deleted()]


def _in_its_place(mark: dict[str, str], *, marks: bool = True) -> Callable[[web.Request], Awaitable[web.Response]]:
    """A registry that says 404 to all, and 202 with the headers `mark` to the deletion of ABSENT."""
    its_own = {"Docker-Distribution-Api-Version": "registry/2.0"} if marks else {}

    async def answer(request: web.Request) -> web.Response:
        if request.method == "DELETE" and request.path.endswith(ABSENT):
            return web.Response(status=202, headers=mark)
        return web.json_response({"errors": [{"code": "MANIFEST_UNKNOWN"}]}, status=404, headers=its_own)

    return answer
