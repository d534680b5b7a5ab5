"""Docker Hub: immutable tags, and deletions."""

import time
from pathlib import Path
from typing import Any

import pytest

from holystone.adapters.registries.dockerhub.locks import ImmutableTags, locked
from holystone.embedded.faults import Answer, Drop, Fault
from holystone.engine.model.outcomes import AlreadyGone, Deleted, Failed, Forbidden, Locked
from holystone.engine.model.references import Tag
from tests.emulators.dockerhub import Account, Rules
from tests.registries.dockerhub.connected import PATH, asked, put, served

# Immutable tags


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (None, set()),
        (ImmutableTags(enabled=False, rules=[".*"]), set()),
        (ImmutableTags(enabled=True, rules=[".*"]), {"v1.0", "v1.0-rc", "latest"}),
        (ImmutableTags(enabled=True, rules=[r"^v[0-9]+\.[0-9]+$"]), {"v1.0"}),
        (ImmutableTags(enabled=True, rules=["rc", "^latest$"]), {"v1.0-rc", "latest"}),
        (ImmutableTags(enabled=True, rules=[]), {"v1.0", "v1.0-rc", "latest"}),
        (ImmutableTags(enabled=True), {"v1.0", "v1.0-rc", "latest"}),
        (ImmutableTags(enabled=True, rules=["^v9$", "("]), {"v1.0", "v1.0-rc", "latest"}),
        (ImmutableTags(enabled=True, rules=["(?=v)"]), {"v1.0", "v1.0-rc", "latest"}),
        (ImmutableTags(enabled=True, rules=["\ud800"]), {"v1.0", "v1.0-rc", "latest"}),
        (ImmutableTags(enabled=True, rules=["^v9$"] * 1000), {"v1.0", "v1.0-rc", "latest"}),
        (ImmutableTags(enabled=True, rules=["x" * 5000]), {"v1.0", "v1.0-rc", "latest"}),
    ],
)
def test_which_tags_a_rule_locks(settings: ImmutableTags | None, expected: set[str], capfd: Any) -> None:
    found = locked(settings, [Tag("v1.0"), Tag("v1.0-rc"), Tag("latest")])
    assert found.keys() == expected
    assert all("immutable tags" in rule for rule in found.values())
    assert capfd.readouterr().err == ""


def test_no_rules_take_an_age() -> None:
    """As whoever stands for the Hub may send them; nothing else runs meanwhile."""
    rules = [rf"\pL{{100}}{number}" for number in range(100)]
    begun = time.process_time()
    assert locked(ImmutableTags(enabled=True, rules=rules), [Tag("x" * 128)]).keys() == {"x" * 128}
    assert time.process_time() - begun < 1


def test_rules_that_take_an_age_with_many_tags_lock_them_all() -> None:
    """RE2 has no room for shortcuts in them: 0.6 s for each tag, and nothing else runs meanwhile."""
    rules = [f"(?:{'?'.join('abcdefghijklmnopqrst')}?){{800}}_{number}$" for number in range(100)]
    tags = [Tag(f"{'abcdefgh' * 15}{number}") for number in range(100)]
    begun = time.process_time()
    found = locked(ImmutableTags(enabled=True, rules=rules), tags)
    assert time.process_time() - begun < 5
    assert set(found.values()) == {"immutable tags are on, and their rules take too long to be tried on 100"}
    assert locked(ImmutableTags(enabled=True, rules=rules[:1]), tags[:1]) == {}


def test_what_a_rule_says_is_short_and_told_once_for_all_tags() -> None:
    """It was made for each tag anew, 10 kB of a rule of signs that nobody sees: five gigabytes for half a million."""
    tags = [Tag(f"t{number}") for number in range(2000)]
    found = locked(ImmutableTags(enabled=True, rules=["(?:)|" + "\U000e0001" * 990]), tags)
    assert found.keys() == set(tags)
    assert len({id(rule) for rule in found.values()}) == 1
    assert max(map(len, found.values())) < 300


async def test_immutable_tags_are_known_before_anything_is_planned(tmp_path: Path) -> None:
    async with served(tmp_path) as (emulator, session):
        put(emulator, "one", "v1", "v1-rc")
        emulator.lock(PATH, "v1")
        assert (await session.list_tags()).locked == {"v1": "immutable tags: the rule '^v1$'"}
        assert not (await session.probe()).forbidden


@pytest.mark.parametrize("status", [400, 403, 409, 423])
async def test_a_tag_that_became_immutable_is_locked_whatever_the_refusal_says(tmp_path: Path, status: int) -> None:
    async with served(tmp_path, immutable_status=status) as (emulator, session):
        put(emulator, "one", "v1", "v2")
        emulator.rules[PATH] = Rules(enabled=True, rules=["1$"])
        assert await session.delete_tags([Tag("v1"), Tag("v2")]) == [
            Locked("immutable tags: the rule '1$'"),
            Deleted(),
        ]
        assert emulator.storage.repositories[PATH].tags.keys() == {"v1"}


# Deleting


async def test_a_tag_goes_alone(tmp_path: Path) -> None:
    async with served(tmp_path) as (emulator, session):
        raw = put(emulator, "one", "v1", "latest")
        gone = await session.delete_tags([Tag("v1"), Tag("v1"), Tag("v2")])
        assert gone == [Deleted(), AlreadyGone(), AlreadyGone()]
        there = emulator.storage.repositories[PATH]
        assert there.tags == {"latest": raw.digest}
        assert await session.delete_tags([Tag("latest")]) == [Deleted()]
        assert raw.digest in there.manifests


async def test_manifests_are_left_alone(tmp_path: Path) -> None:
    async with served(tmp_path) as (emulator, session):
        raw = put(emulator, "one", "v1")
        asked_before = len(emulator.requests)
        (outcome,) = await session.delete_manifests([raw.digest])
        assert isinstance(outcome, Failed)
        assert len(emulator.requests) == asked_before


async def test_a_deleted_tag_is_pushed_again(tmp_path: Path) -> None:
    async with served(tmp_path) as (emulator, session):
        raw = put(emulator, "one", "v1")
        await session.delete_tags([Tag("v1")])
        assert not await session.restore(raw.digest, [Tag("v1")])
        await session.push_manifest(Tag("v1"), raw)
        assert (await session.list_tags()).tags == {"v1": raw.digest}


@pytest.mark.parametrize("newer", ["404", "405"])
@pytest.mark.parametrize("probed", [True, False])
async def test_the_older_address_is_used_where_the_newer_is_none(tmp_path: Path, newer: str, probed: bool) -> None:
    async with served(tmp_path, newer_delete=newer) as (emulator, session):
        put(emulator, "one", "v1", "v2", "v3")
        if probed:
            assert not (await session.probe()).forbidden
        tried = len(asked(emulator, "DELETE", "/v2/namespaces/"))
        assert await session.delete_tags([Tag("v1"), Tag("v2"), Tag("v3")]) == [Deleted()] * 3
        assert len(asked(emulator, "DELETE", "/v2/namespaces/")) == (tried if probed else 1)
        assert asked(emulator, "DELETE", "/v2/repositories/")[-1] == "/v2/repositories/team/app/tags/v3/"


async def test_the_newer_address_is_enough_where_it_works(tmp_path: Path) -> None:
    async with served(tmp_path, older_delete=False) as (emulator, session):
        put(emulator, "one", "v1")
        assert await session.delete_tags([Tag("v1"), Tag("v1")]) == [Deleted(), AlreadyGone()]
        assert asked(emulator, "DELETE", "/v2/repositories/") == []


async def test_not_found_of_a_tag_that_is_there_is_a_failure(tmp_path: Path) -> None:
    """As it would be if Docker Hub hid the lack of a right."""
    async with served(tmp_path, masks_rights=True) as (emulator, session):
        emulator.let_in(Account("pat", "rob", emulator.accounts[0].secret, frozenset({"read"})))
        put(emulator, "one", "v1")
        (outcome,) = await session.delete_tags([Tag("v1")])
        assert isinstance(outcome, Failed)
        assert "object not found" in outcome.error


async def test_trouble_behind_docker_hub_passes(tmp_path: Path) -> None:
    async with served(tmp_path, backend_faults=2) as (emulator, session):
        put(emulator, "one", "v1")
        assert await session.delete_tags([Tag("v1")]) == [Deleted()]
        emulator.backend_faults = 100
        put(emulator, "one", "v2")
        (outcome,) = await session.delete_tags([Tag("v2")])
        assert isinstance(outcome, Failed)
        assert "status=401" in outcome.error


async def test_a_deletion_whose_answer_was_lost_is_done(tmp_path: Path) -> None:
    async with served(tmp_path, Fault("DELETE", "/tags/v1", Drop(after_handling=True))) as (emulator, session):
        put(emulator, "one", "v1")
        assert await session.delete_tags([Tag("v1")]) == [AlreadyGone()]
        assert emulator.storage.repositories[PATH].tags == {}


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (Answer(200, b"{}"), Deleted),
        (Answer(202), Deleted),
        (Answer(204), Deleted),
        (Answer(400, b'{"message":"tag is immutable"}'), Locked),
        (Answer(403, b'{"detail":"immutable tags cannot be deleted"}'), Locked),
        (Answer(400, b'{"message":"validation error"}'), Failed),
        (Answer(403, b"<html>a proxy says no</html>"), Forbidden),
        (Answer(404, b"<html>"), Failed),
        (Answer(404, b'{"message":"object not found"}'), Failed),
        (Answer(405), Failed),
        (Answer(409, b'{"message":"conflict"}'), Failed),
        (Answer(301, headers={"Location": "/elsewhere"}), Failed),
        (Answer(503, b"busy"), Failed),
        (Answer(401, b'{"message":"unauthorized"}'), Forbidden),
    ],
)
async def test_odd_replies_to_a_deletion(tmp_path: Path, answer: Answer, expected: type) -> None:
    async with served(tmp_path, Fault("DELETE", "/tags/v1", answer, times=None)) as (emulator, session):
        put(emulator, "one", "v1")
        (outcome,) = await session.delete_tags([Tag("v1")])
        assert isinstance(outcome, expected)
