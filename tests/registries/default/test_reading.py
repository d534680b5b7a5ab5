"""Plain registries: what is listed and read."""

import pytest

from holystone.adapters.registries.default.registry import DefaultSession
from holystone.embedded.faults import Answer, Fault, Truncate
from holystone.embedded.quirks import DISTRIBUTION_2_8, DISTRIBUTION_3_1, ZOT, Quirks
from holystone.embedded.server import EmbeddedRegistry
from holystone.engine.errors import HolystoneError, IncompleteSource, Unreachable
from holystone.engine.model.references import Digest, Tag
from tests.registries.default.connected import ABSENT, connected, push_image
from tests.support import images


async def test_reads_back_what_was_pushed(served: tuple[DefaultSession, Quirks]) -> None:
    session, _ = served
    digest = await push_image(session, "one", "v1", "latest")
    config = images.config("one")
    listing = await session.list_tags()
    assert listing.exists
    assert set(listing.tags) == {Tag("v1"), Tag("latest")}
    assert await session.resolve(Tag("v1")) == digest
    assert await session.resolve(Tag("v2")) is None
    manifest = (await session.read_manifests([digest])).get(digest)
    assert manifest == images.image(config)
    assert (await session.read_manifests([ABSENT])).get(ABSENT) is None
    assert await session.read_blob(Digest.of(config)) == config
    assert await session.read_blob(ABSENT) is None


async def test_an_unknown_repository_is_empty_and_says_so(served: tuple[DefaultSession, Quirks]) -> None:
    session, _ = served
    listing = await session.list_tags()
    assert not listing.exists
    assert not listing.tags


@pytest.mark.parametrize("count", [999, 1000, 1001, 2000])
async def test_listing_is_complete_at_page_boundaries(count: int) -> None:
    config = images.config("one")
    manifest = images.image(config)
    async with (
        EmbeddedRegistry(quirks=DISTRIBUTION_3_1) as embedded,
        connected(embedded.host) as session,
    ):
        embedded.storage.put_blob("team/app", config)
        for number in range(count):
            embedded.storage.put_manifest("team/app", manifest.body, manifest.media_type, f"v{number}")
        assert len((await session.list_tags()).tags) == count


@pytest.mark.parametrize("nth", [1, 2])
@pytest.mark.parametrize("probed", [True, False])
async def test_one_404_that_is_not_true_takes_the_referrers_of_nothing(nth: int, *, probed: bool) -> None:
    false = Fault("GET", "/referrers/", Answer(404), nth=nth)
    async with EmbeddedRegistry(quirks=ZOT, faults=(false,)) as embedded, connected(embedded.host) as session:
        subject = await push_image(session, "one", "v1")
        raw = (await session.read_manifests([subject]))[subject]
        signature = images.image(images.config("signature"), subject=raw)
        await session.push_blob(images.config("signature"))
        await session.push_manifest(signature.digest, signature)
        if probed:
            await session.probe()
        for _ in range(3):
            assert list(await session.referrers(subject)) == [signature.digest]


async def test_referrers_by_the_api_and_its_absence_asked_once() -> None:
    async with EmbeddedRegistry(quirks=ZOT) as embedded, connected(embedded.host) as session:
        subject = await push_image(session, "one", "v1")
        raw = (await session.read_manifests([subject])).get(subject)
        assert raw
        signature = images.image(images.config("signature"), subject=raw)
        await session.push_blob(images.config("signature"))
        await session.push_manifest(signature.digest, signature)
        assert list(await session.referrers(subject)) == [signature.digest]
        assert list(await session.referrers(ABSENT)) == []
    async with (
        EmbeddedRegistry(quirks=DISTRIBUTION_2_8) as embedded,
        connected(embedded.host) as session,
    ):
        assert not await session.referrers(ABSENT)
        asked = len(embedded.requests)
        assert not await session.referrers(ABSENT)
        assert len(embedded.requests) == asked


BROKEN = {
    "cut short": Answer(200, b'{"name":"team/app","tags":["v1","v'),
    "a page of a proxy": Answer(200, b"<html>Welcome</html>"),
    "no tags key": Answer(200, b"{}"),
    "bytes that are no text": Answer(200, b'{"name":"team/app","tags":["\xff\xfe"]}'),
    "nested without end": Answer(200, b'{"tags":' + b"[" * 100_000),
    "a bare 404": Answer(404, b"not found"),
    "a bad digest": Answer(418, b"teapot"),
}


@pytest.mark.parametrize("kind", sorted(BROKEN))
async def test_a_listing_that_is_not_one_is_never_read_as_empty(kind: str) -> None:
    faults = (Fault("GET", r"/tags/list", BROKEN[kind], times=10),)
    async with (
        EmbeddedRegistry(quirks=DISTRIBUTION_2_8, faults=faults) as embedded,
        connected(embedded.host) as session,
    ):
        with pytest.raises(IncompleteSource, match=r"127\.0\.0\.1"):
            await session.list_tags()


async def test_a_reply_that_breaks_off_is_never_read_as_complete() -> None:
    faults = (Fault("GET", r"/tags/list", Truncate(), times=10),)
    async with (
        EmbeddedRegistry(quirks=DISTRIBUTION_2_8, faults=faults) as embedded,
        connected(embedded.host) as session,
    ):
        await push_image(session, "one", "v1")
        with pytest.raises(IncompleteSource):
            await session.list_tags()


async def test_a_registry_that_is_down() -> None:
    async with connected("127.0.0.1:1") as session:
        with pytest.raises(Unreachable, match=r"127\.0\.0\.1:1"):
            await session.list_tags()


@pytest.mark.parametrize(("status", "found"), [(200, True), (404, False), (401, None), (403, None), (405, None)])
async def test_only_404_says_that_a_blob_is_not_there(status: int, found: bool | None) -> None:
    fault = Fault("HEAD", "/blobs/", Answer(status), times=None)
    async with EmbeddedRegistry(faults=(fault,)) as embedded, connected(embedded.host) as session:
        if found is None:
            with pytest.raises(HolystoneError):
                await session.has_blob(ABSENT)
        else:
            assert await session.has_blob(ABSENT) is found
