"""Quay: deletions, and what the time machine brings back."""

import json
from pathlib import Path

import pytest

from holystone.embedded.faults import Answer, Fault
from holystone.engine.model.outcomes import AlreadyGone, Deleted, Failed, Forbidden, Locked
from holystone.engine.model.references import Tag
from tests.emulators.quay import TWO_WEEKS, QuayEmulator
from tests.registries.quay.connected import ABSENT, PATH, Door, Wall, asked, connected, put, tags_of
from tests.support.command_line import always

# Deleting


@pytest.mark.parametrize("door", ["api", "robot"])
async def test_deletes_a_tag_and_no_other_one_of_its_manifest(tmp_path: Path, door: Door) -> None:
    async with QuayEmulator(door=door) as quay, connected(tmp_path, quay) as session:
        digest = put(quay, "v1", "v2", "v3")
        quay.lock(PATH, "v3")
        outcomes = await session.delete_tags([Tag("v1"), Tag("v1"), Tag("v3"), Tag("never")])
        assert outcomes[:2] == [Deleted(), AlreadyGone()]
        assert isinstance(outcomes[2], Locked)
        assert "v3" in outcomes[2].rule
        assert outcomes[3] == AlreadyGone()
        assert await session.resolve(Tag("v2")) == digest
        (outcome,) = await session.delete_manifests([digest])  # fails whole
        assert isinstance(outcome, Locked)
        assert set(tags_of(quay)) == {"v2", "v3"}


def _oci(code: str) -> bytes:
    return json.dumps({"errors": [{"code": code, "message": "m"}]}).encode()


@pytest.mark.parametrize(
    ("answer", "expected", "requests"),
    [
        (Answer(404, _oci("NAME_UNKNOWN")), AlreadyGone, 1),
        (Answer(404, _oci("TAG_EXPIRED")), AlreadyGone, 1),
        (Answer(404, b'{"error_type":"not_found"}'), AlreadyGone, 1),
        (Answer(409, _oci("TAG_IMMUTABLE")), Locked, 1),
        (Answer(409, _oci("TAG_ALREADY_EXISTS")), Failed, 1),
        (Answer(405, _oci("DENIED")), Forbidden, 1),
        (Answer(403, b'{"error_type":"insufficient_scope","detail":"Unauthorized"}'), Forbidden, 1),
        (Answer(402, b'{"error_type":"exceeds_license","detail":"Payment Required"}'), Failed, 1),
        (Answer(400, b"<html>"), Failed, 1),
        (Answer(503, b'{"message":"Repository is in read only or mirror mode: MIRROR"}'), Forbidden, 1),
        (Answer(503, b'{"message":"System is read-only","is_readonly":true}'), Forbidden, 1),
        (Answer(503, b"busy"), Failed, 3),
        (Answer(520, b'{"error_type":"downstream_issue"}'), Failed, 3),
        (Answer(429, b"<html>429 Too Many Requests</html>"), Failed, 3),
    ],
)
async def test_odd_replies_to_a_deletion(tmp_path: Path, answer: Answer, expected: type, requests: int) -> None:
    async with QuayEmulator(door="robot") as quay, connected(tmp_path, quay) as session:
        put(quay, "v1")
        assert await session.resolve(Tag("v1"))
        quay.faults.add(Fault("DELETE", r"/manifests/", answer, times=None))
        (outcome,) = await session.delete_tags([Tag("v1")])
        assert isinstance(outcome, expected)
        assert asked(quay, "DELETE", "/manifests/") == requests


async def test_a_router_that_knows_no_tags_is_no_proof_that_one_is_gone(tmp_path: Path) -> None:
    async with QuayEmulator(door="robot") as quay, connected(tmp_path, quay) as session:
        put(quay, "v1")
        quay.faults.add(always("/manifests/", 404, b"<html>404</html>", method="DELETE"))
        (outcome,) = await session.delete_tags([Tag("v1")])
        assert isinstance(outcome, Failed)


async def test_a_state_that_changes_in_mid_run_is_not_asked_about_again(tmp_path: Path) -> None:
    async with QuayEmulator(tag_delete=False) as quay, connected(tmp_path, quay) as session:
        put(quay, "v1")
        await session.probe()
        quay.of(PATH).state = "READ_ONLY"
        (outcome,) = await session.delete_tags([Tag("v1")])
        assert isinstance(outcome, Forbidden)
        assert "read only or mirror mode" in outcome.what
        assert asked(quay, "DELETE", "/api/") == 1


async def test_a_tag_is_deleted_though_its_first_answer_was_lost(tmp_path: Path) -> None:
    async with QuayEmulator() as quay, connected(tmp_path, quay) as session:
        put(quay, "v1")
        quay.faults.add(Fault("DELETE", "/manifests/", Answer(502, b"<html>")))
        assert await session.delete_tags([Tag("v1")]) == [Deleted()]


# Restoring


async def test_the_time_machine_brings_tags_back_within_its_window(tmp_path: Path, wall: Wall) -> None:
    async with QuayEmulator(clock=wall) as quay, connected(tmp_path, quay) as session:
        digest = put(quay, "v1", "v2")
        await session.delete_tags([Tag("v1"), Tag("v2")])
        assert await session.resolve(digest) is None
        wall.now += TWO_WEEKS - 60
        assert await session.restore(digest, [Tag("v1"), Tag("v2")])
        assert (await session.list_tags()).tags == {"v1": digest, "v2": digest}
        await session.delete_tags([Tag("v1"), Tag("v2")])
        wall.now += TWO_WEEKS + 60
        assert not await session.restore(digest, [Tag("v1")])


async def test_what_the_time_machine_does_not_do(tmp_path: Path) -> None:
    async with QuayEmulator() as quay, connected(tmp_path, quay) as session:
        digest = put(quay, "v1")
        assert not await session.restore(digest, [])
        assert not await session.restore(ABSENT, [Tag("v1")])
        quay.of(PATH).state = "MIRROR"
        assert not await session.restore(digest, [Tag("v2")])
        assert asked(quay, "POST", "/restore") == 2
    async with QuayEmulator(door="robot") as quay, connected(tmp_path, quay) as session:
        digest = put(quay, "v1")
        assert not await session.restore(digest, [Tag("v2")])
