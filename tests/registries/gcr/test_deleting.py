"""Google: immutable tags, and deletions."""

from pathlib import Path

import pytest

from holystone.adapters.registries.gcr.profile import PROFILE
from holystone.embedded.faults import Answer, Fault
from holystone.engine.model.capabilities import SPARES_ALL, DigestDeletion, TagDeletion
from holystone.engine.model.outcomes import AlreadyGone, Deleted, Failed, Forbidden, Locked, Referenced
from holystone.engine.model.references import Tag
from tests.emulators.gcr import GoogleEmulator
from tests.registries.gcr.connected import ABSENT, connected, push, store
from tests.support import images

# Immutable tags


async def test_immutable_tags_are_known_before_planning(tmp_path: Path) -> None:
    async with GoogleEmulator(immutable=True) as served:
        push(served, "one", "v1"), push(served, "two", "v2")
        loose = push(served, "loose")
        async with connected(served, tmp_path) as session:
            can = await session.probe()
            assert not can.forbidden
            assert can == PROFILE.can.without_tombstones()
            locked = (await session.list_tags()).locked
            assert locked.keys() == {"v1", "v2"}
            assert "gcloud artifacts repositories update gcr.io --project=team --location=us" in locked[Tag("v1")]
            (outcome,) = await session.delete_tags([Tag("v1")])
            assert isinstance(outcome, Locked)
            assert await session.delete_manifests([loose.digest]) == [Deleted()]


@pytest.mark.parametrize(
    "answer",
    [
        Answer(403, b'{"name":"x","dockerConfig":{"immutableTags":true}}'),
        Answer(404, b"{}"),
        Answer(200, b"<html>"),
        Answer(503, b""),
        Answer(401, b""),
    ],
)
async def test_without_the_api_a_lock_is_met_when_deleting(tmp_path: Path, answer: Answer) -> None:
    async with GoogleEmulator(immutable=True) as served:
        served.faults.add(Fault("GET", r"^/v1/", answer, times=None))
        push(served, "one", "v1")
        async with connected(served, tmp_path) as session:
            assert (await session.list_tags()).locked == {}
            (outcome,) = await session.delete_tags([Tag("v1")])
    assert isinstance(outcome, Locked)


# Deleting


async def test_a_tag_goes_alone_and_a_manifest_goes_when_nothing_needs_it(tmp_path: Path) -> None:
    async with GoogleEmulator() as served:
        image, child = push(served, "one", "v1", "v2"), push(served, "child")
        index = store(served, images.index(child), "multi")
        async with connected(served, tmp_path) as session:
            can = await session.probe()
            assert not can.forbidden
            assert can.tags == TagDeletion(SPARES_ALL)
            assert can.digests == DigestDeletion(tags_first=True, tombstones=SPARES_ALL)
            assert await session.delete_tags([Tag("v1"), Tag("v1")]) == [Deleted(), AlreadyGone()]
            assert await session.resolve(Tag("v2")) == image.digest
            outcomes = await session.delete_manifests([image.digest, child.digest, ABSENT])
            assert [type(outcome) for outcome in outcomes] == [Referenced, Referenced, AlreadyGone]
            assert "a tag is on it" in str(outcomes[0])
            assert "an index lists it" in str(outcomes[1])
            await session.delete_tags([Tag("v2"), Tag("multi")])
            every = [image.digest, index.digest, child.digest]
            assert await session.delete_manifests(every) == [Deleted()] * 3
        assert not served.storage.repositories[served.path].manifests


async def test_a_late_index_of_tags_refuses_what_may_go_a_moment_later(tmp_path: Path) -> None:
    async with GoogleEmulator(lag=1) as served:
        loose = push(served, "loose")
        async with connected(served, tmp_path) as session:
            (first,) = await session.delete_manifests([loose.digest])
            assert isinstance(first, Referenced)
            assert await session.delete_manifests([loose.digest]) == [Deleted()]


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (Answer(404, b"<html>"), Failed),
        (Answer(404, b'{"errors":[{"code":"NAME_UNKNOWN"}]}'), AlreadyGone),
        (Answer(404, b'{"errors":[{"code":"MANIFEST_UNKNOWN"}]}'), AlreadyGone),
        (Answer(400, b'{"errors":[{"code":"DIGEST_INVALID"}]}'), Failed),
        (Answer(400, b'{"errors":[{"code":"UNKNOWN","message":"The repository has immutable tags"}]}'), Locked),
        (Answer(403, b'{"errors":[{"code":"DENIED","message":"Tag is immutable"}]}'), Locked),
        (Answer(403, b'{"errors":[{"code":"DENIED"}]}'), Forbidden),
        (Answer(401, b'{"errors":[{"code":"UNAUTHORIZED"}]}'), Forbidden),
        (Answer(200), Deleted),
        (Answer(503, b"busy"), Failed),
        (Answer(499, b""), Failed),
    ],
)
async def test_odd_replies_to_a_deletion(tmp_path: Path, answer: Answer, expected: type) -> None:
    async with GoogleEmulator() as served:
        served.faults.add(Fault("DELETE", r"/manifests/", answer, times=None))
        push(served, "one", "v1")
        async with connected(served, tmp_path) as session:
            (outcome,) = await session.delete_tags([Tag("v1")])
            assert isinstance(outcome, expected), outcome


async def test_what_was_deleted_is_pushed_again_and_google_has_no_undelete(tmp_path: Path) -> None:
    async with GoogleEmulator() as served:
        image = push(served, "one", "v1")
        async with connected(served, tmp_path) as session:
            await session.delete_tags([Tag("v1")])
            await session.delete_manifests([image.digest])
            assert not await session.restore(image.digest, [Tag("v1")])
            await session.push_manifest(Tag("v1"), image)
            assert await session.resolve(Tag("v1")) == image.digest
