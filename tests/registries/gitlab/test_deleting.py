"""GitLab: what the server can delete, and its deletions."""

from pathlib import Path
from typing import Any

import pytest

from holystone.adapters.registries.gitlab.profile import PROFILE
from holystone.embedded.faults import Answer, Drop
from holystone.engine.errors import BlobsMissing, Unreachable
from holystone.engine.model.capabilities import SPARES_ALL, DigestDeletion, LastTag, TagDeletion
from holystone.engine.model.outcomes import AlreadyGone, Deleted, Failed, Forbidden, Locked, Outcome, Referenced
from holystone.engine.model.outlook import UndoOutlook
from holystone.engine.model.references import Tag
from tests.registries.gitlab.connected import PAGE, PATH, asked, error, faulty, put, put_image, served
from tests.support import images

# What can be deleted


@pytest.mark.parametrize(
    ("quirks", "by_name", "by_digest", "listed", "overwrite"),
    [
        ({}, True, False, True, False),
        ({"protected": ["^v"]}, True, False, True, False),
        ({"database": False}, True, True, False, False),
        ({"database": False, "protected": [".*"]}, True, False, False, False),
        ({"database": False, "deletes": "tags/reference"}, True, True, False, False),
        ({"database": False, "deletes": "digests"}, False, True, False, True),
        ({"star": True}, True, False, True, False),
    ],
)
async def test_probe_finds_out_what_the_server_can_and_changes_nothing(
    quirks: dict[str, Any], by_name: bool, by_digest: bool, listed: bool, overwrite: bool, tmp_path: Path
) -> None:
    async with served(tmp_path, **quirks) as (server, session):
        put_image(server, "one", "v1", "v2")
        before = dict(server.storage.repositories[PATH].tags)
        can = await session.probe()
        assert not can.forbidden, can.forbidden
        last = LastTag("goes-unlisted" if listed else "stays", takes_attached=False)
        assert can.tags == (TagDeletion(last) if by_name else None)
        stays = DigestDeletion(tombstones=SPARES_ALL, cost_grows=True) if overwrite else DigestDeletion()
        assert can.digests == (stays if by_digest else None)
        assert can.listing.digests == listed
        assert can.undo == UndoOutlook("push", 86_400 if listed else None)
        assert server.storage.repositories[PATH].tags == before
        assert server.rows == set()
        assert not any("push" in scope for scope in server.logins)


def test_the_sheet_declares_what_gitlab_com_can() -> None:
    assert PROFILE.can.tags
    assert not PROFILE.can.digests
    assert PROFILE.can.listing.page == PAGE


@pytest.mark.parametrize(
    "refusal",
    [Answer(404, b"404 page not found"), Answer(405, error("UNSUPPORTED")), Answer(400, error("DIGEST_INVALID"))],
)
async def test_however_an_old_server_refuses_the_new_path_the_old_one_is_found(refusal: Answer, tmp_path: Path) -> None:
    async with served(tmp_path, database=False, deletes="tags/reference") as (server, session):
        one = put_image(server, "one", "v1", "v2")
        server.faults.add(faulty("/manifests/[^s]", refusal, method="DELETE"))
        assert (await session.probe()).tags
        assert await session.delete_tags([Tag("v1"), Tag("v1")]) == [Deleted(), AlreadyGone()]
        assert server.storage.repositories[PATH].tags == {"v2": one.digest}
        # The way is found once per host.
        assert len([path for path in asked(server, "holystone-probe") if "/manifests/" in path]) == 1


async def test_a_reply_that_nobody_can_understand_is_no_way(tmp_path: Path) -> None:
    async with served(tmp_path) as (server, session):
        put_image(server, "one", "v1")
        server.faults.add(faulty("/manifests/", Answer(418, b"teapot"), method="DELETE"))
        (outcome,) = await session.delete_tags([Tag("v1")])
        assert isinstance(outcome, Failed)
        assert "418" in outcome.error


async def test_read_only_is_known_before_the_first_deletion(tmp_path: Path) -> None:
    async with served(tmp_path, read_only=True) as (server, session):
        put_image(server, "one", "v1")
        can = await session.probe()
        assert can.forbidden
        assert "read-only" in can.forbidden
        (outcome,) = await session.delete_tags([Tag("v1")])
        assert isinstance(outcome, Forbidden)


async def test_maintenance_of_gitlab_stops_deletions_and_not_reading(tmp_path: Path) -> None:
    async with served(tmp_path, maintenance=True) as (server, session):
        put_image(server, "one", "v1")
        assert (await session.list_tags()).tags.keys() == {"v1"}
        can = await session.probe()
        assert can.forbidden
        assert "maintenance mode" in can.forbidden
        (outcome,) = await session.delete_tags([Tag("v1")])
        assert isinstance(outcome, Forbidden)
        assert "maintenance mode" in outcome.what


# Deleting


async def test_a_tag_goes_and_its_siblings_and_its_manifest_stay(tmp_path: Path) -> None:
    for quirks in ({}, {"database": False}, {"database": False, "deletes": "tags/reference"}):
        async with served(tmp_path, **quirks) as (server, session):
            one = put_image(server, "one", "v1", "v2")
            outcomes = await session.delete_tags([Tag("v1"), Tag("v1"), Tag("never")])
            assert outcomes == [Deleted(), AlreadyGone(), AlreadyGone()]
            assert server.storage.repositories[PATH].tags == {"v2": one.digest}
            assert await session.resolve(Tag("v1")) is None
            assert await session.resolve(one.digest) == one.digest


async def test_a_child_of_an_index_is_refused_where_there_is_a_database(tmp_path: Path) -> None:
    async with served(tmp_path) as (server, session):
        one = put_image(server, "one")
        index = put(server, images.index(one), "multi")
        (child, parent, again) = await session.delete_manifests([one.digest, index, index])
        assert isinstance(child, Referenced)
        assert (parent, again) == (Deleted(), AlreadyGone())
        assert await session.delete_manifests([one.digest]) == [Deleted()]


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (Answer(202), Deleted),
        (Answer(200), Deleted),
        (Answer(404, error("MANIFEST_UNKNOWN")), AlreadyGone),
        (Answer(404, error("NAME_UNKNOWN")), AlreadyGone),
        (Answer(404, b"404 page not found"), Failed),
        (Answer(401, error("PROTECTED_TAG")), Locked),
        (Answer(401, error("IMMUTABLE_TAG")), Locked),
        (Answer(401, error("PROTECTED_MANIFEST")), Locked),
        (Answer(400, error("TAG_PATTERN_COUNT_LIMIT_EXCEEDED")), Locked),
        (Answer(400, error("TAG_PROTECTION_PATTERN_INVALID")), Locked),
        (Answer(401, error("UNAUTHORIZED")), Forbidden),
        (Answer(403, error("DENIED")), Forbidden),
        (Answer(405, error("UNSUPPORTED")), Forbidden),
        (Answer(405, b"Method not allowed"), Forbidden),
        (Answer(409, error("MANIFEST_REFERENCED")), Referenced),
        (Answer(409, error("RENAME_IN_PROGRESS")), Failed),
        (Answer(409, error("SOMETHING_NEW")), Failed),
        (Answer(400, error("DIGEST_INVALID")), Failed),
        (Answer(500, error("UNKNOWN")), Failed),
        (Answer(503, error("UNAVAILABLE")), Failed),
        (Answer(418, b"teapot"), Failed),
    ],
)
async def test_what_a_reply_to_a_deletion_means(answer: Answer, expected: type[Outcome], tmp_path: Path) -> None:
    async with served(tmp_path) as (server, session):
        put_image(server, "one", "v1", "v2")
        await session.probe()
        server.faults.add(faulty("/manifests/v1", answer, method="DELETE"))
        first, second = await session.delete_tags([Tag("v1"), Tag("v2")])
        assert isinstance(first, expected)
        assert second == Deleted(), "one that fails does not stop the next"


async def test_a_registry_that_goes_away_is_not_the_tags_fault(tmp_path: Path) -> None:
    async with served(tmp_path) as (server, session):
        put_image(server, "one", "v1")
        await session.probe()
        server.faults.add(faulty("/manifests/v1", Drop(), method="DELETE"))
        with pytest.raises(Unreachable):
            await session.delete_tags([Tag("v1")])


# Pushing back


async def test_what_was_deleted_is_pushed_back_and_only_that_asks_for_push(tmp_path: Path) -> None:
    async with served(tmp_path) as (server, session):
        one = put_image(server, "one", "v1")
        assert await session.delete_tags([Tag("v1")]) == [Deleted()]
        assert not any("push" in scope for scope in server.logins)
        assert not await session.restore(one.digest, [Tag("v1")])
        await session.push_manifest(Tag("v1"), one)
        assert server.storage.repositories[PATH].tags == {"v1": one.digest}
        assert server.logins[-1] == "repository:team/app:pull,push"
        with pytest.raises(BlobsMissing):
            await session.push_manifest(Tag("v2"), images.image(images.config("never pushed")))
