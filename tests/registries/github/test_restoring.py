"""GitHub: what was deleted is restored."""

from pathlib import Path

import pytest

from holystone.embedded.faults import Answer, Fault
from holystone.engine.model.outcomes import Deleted
from holystone.engine.model.references import Tag
from tests.emulators.github import GithubEmulator
from tests.registries.github.connected import ABSENT, Wall, connected, put, tags_of


@pytest.mark.parametrize("restores_tags", [True, False])
async def test_what_was_deleted_comes_back_and_whether_with_its_tags_is_looked_at(
    tmp_path: Path, restores_tags: bool
) -> None:
    async with (
        GithubEmulator(restores_tags=restores_tags) as github,
        connected(tmp_path, github) as session,
    ):
        put(github, "keep", text="keep")
        old, loose = put(github, "old"), put(github, text="loose")
        await session.list_tags()
        assert await session.delete_manifests([old.digest, loose.digest]) == [Deleted(), Deleted()]
        assert await session.restore(old.digest, [Tag("old")]) is restores_tags
        assert await session.restore(loose.digest, []) is True
        assert await session.resolve(old.digest) == old.digest
        assert await session.restore(old.digest, [Tag("old")]) is False, "a push may help"
        assert await session.restore(ABSENT, []) is False


async def test_many_restores_read_the_deleted_ones_once(tmp_path: Path) -> None:
    async with GithubEmulator() as github, connected(tmp_path, github) as session:
        put(github, "keep", text="keep")
        doomed = [put(github, f"v{number}", text=f"{number}").digest for number in range(120)]
        await session.delete_manifests(doomed)
        github.api_requests.clear()
        assert all([await session.restore(digest, []) for digest in doomed])
        assert sum("state=deleted" in query for *_, query in github.api_requests) == 3  # the first page twice
        assert len(tags_of(github)) == 121


async def test_what_is_deleted_after_a_restore_can_be_restored_too(tmp_path: Path) -> None:
    async with GithubEmulator() as github, connected(tmp_path, github) as session:
        put(github, "keep", text="keep")
        old = put(github, "old")
        assert not await session.restore(old.digest, [])
        await session.delete_manifests([old.digest])
        assert await session.restore(old.digest, [Tag("old")])


async def test_deleted_twice_the_newer_record_is_restored(tmp_path: Path) -> None:
    async with GithubEmulator() as github, connected(tmp_path, github) as session:
        put(github, "keep", text="keep")
        old = put(github, "old")
        assert await session.delete_manifests([old.digest]) == [Deleted()]
        put(github, "again")
        assert await session.delete_manifests([old.digest]) == [Deleted()]
        assert await session.restore(old.digest, [Tag("again")])
        assert tags_of(github) == {"keep", "again"}


async def test_after_thirty_days_nothing_comes_back(tmp_path: Path) -> None:
    wall = Wall()
    async with GithubEmulator(clock=wall) as github, connected(tmp_path, github) as session:
        put(github, "keep", text="keep")
        old = put(github, "old")
        await session.delete_manifests([old.digest])
        wall.now += 31 * 86_400
        assert not await session.restore(old.digest, [])


async def test_a_restore_that_is_not_allowed_leaves_it_to_a_push(tmp_path: Path) -> None:
    async with GithubEmulator() as github, connected(tmp_path, github) as session:
        put(github, "keep", text="keep")
        old = put(github, "old")
        await session.delete_manifests([old.digest])
        github.faults.add(Fault("POST", "/restore", Answer(403, b'{"message":"Must have admin rights"}')))
        assert not await session.restore(old.digest, [])
        await session.push_manifest(Tag("old"), old)
        assert tags_of(github) == {"keep", "old"}
