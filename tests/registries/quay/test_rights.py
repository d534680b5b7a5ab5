"""Quay: what server and credential can do is known before the first deletion."""

from pathlib import Path
from typing import Literal

import pytest

from holystone.engine.errors import IncompleteSource
from holystone.engine.model.capabilities import DigestDeletion, LastTag, TagDeletion
from holystone.engine.model.outcomes import AlreadyGone, Deleted, Forbidden, Locked
from holystone.engine.model.references import Tag
from tests.emulators.quay import QuayEmulator
from tests.registries.quay.connected import PATH, Door, asked, connected, put, tags_of
from tests.support.command_line import always


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


@pytest.mark.parametrize("window", [0, 0.5])
async def test_a_namespace_that_keeps_nothing_cannot_restore(tmp_path: Path, window: float) -> None:
    async with QuayEmulator(window=window) as quay, connected(tmp_path, quay) as session:
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
