"""Harbor: deletions of tags and artifacts."""

from pathlib import Path

import pytest

from holystone.embedded.faults import Answer, Fault
from holystone.engine.errors import HolystoneError, Unreachable
from holystone.engine.model.outcomes import AlreadyGone, Deleted, Failed, Forbidden, Locked, Referenced
from holystone.engine.model.references import Tag
from tests.registries.harbor.connected import ABSENT, HTML, PATH, put, put_raw, served, there
from tests.support import images

# Deleting


async def test_a_tag_goes_alone_and_an_artifact_with_all_its_tags(tmp_path: Path) -> None:
    async with served(tmp_path) as (harbor, session):
        one, two = put(harbor, "one", "v1", "v2"), put(harbor, "two", "v3", "v4")
        await session.list_tags()
        assert await session.delete_tags([Tag("v1"), Tag("v1")]) == [Deleted(), AlreadyGone()]
        assert there(harbor) == {"v2": one.digest, "v3": two.digest, "v4": two.digest}
        outcomes = await session.delete_manifests([two.digest, two.digest, ABSENT])
        assert outcomes == [Deleted(), AlreadyGone(), AlreadyGone()]
        assert there(harbor) == {"v2": one.digest}


async def test_the_last_tag_leaves_its_artifact(tmp_path: Path) -> None:
    async with served(tmp_path) as (harbor, session):
        one = put(harbor, "one", "v1")
        assert await session.delete_tags([Tag("v1")]) == [Deleted()]
        assert await session.resolve(one.digest) == one.digest


async def test_an_index_takes_its_untagged_children_and_referrers_along(tmp_path: Path) -> None:
    async with served(tmp_path) as (harbor, session):
        mine, tagged, shared = put(harbor, "mine"), put(harbor, "tagged", "linux"), put(harbor, "shared")
        doomed = put_raw(harbor, images.index(mine, tagged, shared), "old")
        kept = put_raw(harbor, images.index(shared), "keep")
        put(harbor, "sbom", "sbom-of-it", subject=doomed)
        (refused,) = await session.delete_manifests([mine.digest])
        assert isinstance(refused, Referenced)
        assert await session.delete_manifests([doomed.digest]) == [Deleted()]
        assert set(harbor.storage.repositories[PATH].manifests) == {tagged.digest, shared.digest, kept.digest}
        assert set(there(harbor)) == {"linux", "keep"}


async def test_a_locked_tag_rolls_the_whole_deletion_back(tmp_path: Path) -> None:
    async with served(tmp_path) as (harbor, session):
        image = put(harbor, "one", "v1", "v2")
        put(harbor, "sbom", "sbom-of-it", subject=image)
        harbor.lock(PATH, "v2")
        before = there(harbor)
        (whole,) = await session.delete_manifests([image.digest])
        free, locked = await session.delete_tags([Tag("v1"), Tag("v2")])
        assert isinstance(whole, Locked)
        assert free == Deleted()
        assert isinstance(locked, Locked)
        assert "immutable" in locked.rule
        assert there(harbor) == {tag: digest for tag, digest in before.items() if tag != "v1"}


async def test_a_locked_tag_of_a_hidden_referrer_keeps_its_subject(tmp_path: Path) -> None:
    async with served(tmp_path) as (harbor, session):
        image = put(harbor, "one", "v1")
        put(harbor, "sbom", "sbom-of-it", subject=image)
        harbor.lock(PATH, "sbom-of-it")
        (outcome,) = await session.delete_manifests([image.digest])
        assert isinstance(outcome, Locked)
        assert set(there(harbor)) == {"v1", "sbom-of-it"}


async def test_gone_is_believed_only_if_the_path_was_understood(tmp_path: Path) -> None:
    """A proxy that decodes once too often makes Harbor say NOT_FOUND to everything."""
    not_found = Answer(404, b'{"errors":[{"code":"NOT_FOUND","message":"artifact shop/team not found"}]}')
    async with served(tmp_path) as (harbor, session):
        image = put(harbor, "one", "v1")
        harbor.faults.add(Fault("DELETE", "/api/", not_found, times=None))
        (tag,) = await session.delete_tags([Tag("v1")])
        (manifest,) = await session.delete_manifests([image.digest])
        assert isinstance(tag, Failed)
        assert isinstance(manifest, Failed)
        assert await session.delete_tags([Tag("v9")]) == [AlreadyGone()]


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (Answer(404, b'{"code":404,"message":"path /api/v2.0/projects/shop/x was not found"}'), Failed),
        (Answer(404, HTML), Failed),
        (Answer(403, b'{"errors":[{"code":"DENIED","message":"The system is in read only mode."}]}'), Forbidden),
        (Answer(403, b'{"errors":[{"code":"FORBIDDEN","message":"forbidden"}]}'), Forbidden),
        (Answer(401, b'{"errors":[{"code":"UNAUTHORIZED","message":"unauthorized"}]}'), Forbidden),
        (Answer(405, b'{"errors":[{"code":"METHOD_NOT_ALLOWED","message":"proxy cache"}]}'), Forbidden),
        (Answer(409, b'{"errors":[{"code":"CONFLICT","message":"try again"}]}'), Failed),
        (Answer(412, b'{"errors":[{"code":"PRECONDITION","message":"immutable"}]}'), Locked),
        (Answer(412, b'{"errors":[{"code":"VIOLATE_FOREIGN_KEY_CONSTRAINT","message":"by others"}]}'), Referenced),
        (Answer(412, b'{"errors":[{"code":"PROJECTPOLICYVIOLATION","message":"?"}]}'), Failed),
        (Answer(422, b'{"errors":[{"code":"UNPROCESSABLE_ENTITY","message":"?"}]}'), Failed),
        (Answer(500, b'{"errors":[{"code":"UNKNOWN","message":"internal server error"}]}'), Failed),
        (Answer(504, HTML), Failed),
    ],
)
async def test_what_replies_to_a_deletion_mean(tmp_path: Path, answer: Answer, expected: type) -> None:
    async with served(tmp_path) as (harbor, session):
        image = put(harbor, "one", "v1")
        await session.list_tags()
        harbor.faults.add(Fault("DELETE", "/api/", answer, times=None))
        outcomes = [
            *await session.delete_tags([Tag("v1")]),
            *await session.delete_manifests([image.digest]),
        ]
        assert [type(outcome) for outcome in outcomes] == [expected, expected]


async def test_a_dead_host_is_nobody_s_outcome(tmp_path: Path) -> None:
    async with served(tmp_path) as (harbor, session):
        await harbor.__aexit__(None, None, None)
        with pytest.raises(Unreachable):
            await session.delete_tags([Tag("v1")])
        with pytest.raises(HolystoneError):
            await session.list_tags()


# Reading and putting back


async def test_what_was_deleted_is_pushed_again(tmp_path: Path) -> None:
    async with served(tmp_path) as (harbor, session):
        image = put(harbor, "one", "v1")
        assert await session.delete_manifests([image.digest]) == [Deleted()]
        assert not await session.restore(image.digest, [Tag("v1")])
        await session.push_manifest(Tag("v1"), image)
        assert (await session.list_tags()).tags == {"v1": image.digest}
