"""GitHub: deletions of versions."""

from dataclasses import replace
from pathlib import Path

import anyio
import anyio.lowlevel
import pytest

from holystone.adapters.registries.github.replies import LAST, LAST_TAGGED, POPULAR
from holystone.embedded.faults import Answer, Drop, Fault
from holystone.engine.errors import Unreachable
from holystone.engine.model.outcomes import AlreadyGone, Deleted, Failed, Forbidden, Locked
from holystone.engine.model.references import Digest, Tag
from tests.emulators.github import OWNER, GithubEmulator
from tests.registries.github.connected import ABSENT, PATH, VERSIONS, connected, put, tags_of
from tests.support import images


async def test_a_deletion_takes_all_tags_and_a_second_one_finds_nothing(tmp_path: Path) -> None:
    async with GithubEmulator() as github, connected(tmp_path, github) as session:
        put(github, "keep", text="keep")
        old = put(github, "old", "older")
        await session.list_tags()
        github.api_requests.clear()
        outcomes = await session.delete_manifests([old.digest, old.digest, ABSENT])
        assert outcomes == [Deleted(), AlreadyGone(), AlreadyGone()]
        assert tags_of(github) == {"keep"}
        assert [method for method, *_ in github.api_requests] == ["DELETE"], "what is known to be gone costs nothing"


async def test_without_a_list_before_it_a_deletion_reads_one_and_no_more(tmp_path: Path) -> None:
    async with GithubEmulator() as github, connected(tmp_path, github) as session:
        put(github, "keep", text="keep")
        doomed = [put(github, f"v{number}", text=f"{number}").digest for number in range(5)]
        outcomes: list[object] = []

        async def delete(digest: Digest) -> None:
            outcomes.extend(await session.delete_manifests([digest]))

        async with anyio.create_task_group() as tasks:
            for digest in (*doomed, ABSENT):
                tasks.start_soon(delete, digest)
        assert outcomes.count(Deleted()) == 5
        assert outcomes.count(AlreadyGone()) == 1
        assert sum(path == VERSIONS for _, path, _ in github.api_requests) == 1


async def test_what_was_pushed_after_the_list_is_found_and_deleted(tmp_path: Path) -> None:
    """As the engine does it with a tombstone."""
    async with GithubEmulator() as github, connected(tmp_path, github) as session:
        shared = put(github, "keep", "old")
        await session.list_tags()
        config = images.config("tombstone")
        tombstone = images.image(config)
        await session.push_blob(config)
        await session.push_manifest(Tag("old"), tombstone)
        assert await session.delete_manifests([tombstone.digest]) == [Deleted()]
        assert dict((await session.list_tags()).tags) == {"keep": shared.digest}


async def test_a_pushed_manifest_that_the_list_does_not_show_yet_is_not_called_gone(tmp_path: Path) -> None:
    async with GithubEmulator() as github, connected(tmp_path, github) as session:
        put(github, "keep", text="keep")
        await session.list_tags()
        late = put(github, "late")
        github.faults.add(Fault("GET", r"/versions\?", Answer(200, b"[]"), times=None))
        (outcome,) = await session.delete_manifests([late.digest])
        assert isinstance(outcome, Failed)
        assert "does not show it yet" in outcome.error
        assert "late" in tags_of(github)


async def test_the_last_tagged_version_stays_even_with_untagged_ones_left(tmp_path: Path) -> None:
    async with GithubEmulator() as github, connected(tmp_path, github) as session:
        last, loose = put(github, "v1"), put(github, text="loose")
        await session.list_tags()
        assert await session.delete_manifests([last.digest]) == [Locked(LAST_TAGGED)]
        assert await session.delete_manifests([loose.digest]) == [Deleted()]
        assert await session.delete_manifests([last.digest]) == [Locked(LAST)]
        assert tags_of(github) == {"v1"}


async def test_a_popular_version_of_a_public_package_stays(tmp_path: Path) -> None:
    async with GithubEmulator(public=True) as github, connected(tmp_path, github) as session:
        put(github, "keep", text="keep")
        popular, other = put(github, "v1"), put(github, "v2", text="two")
        github.download(PATH, "v1", 5001)
        github.download(PATH, "v2", 5000)
        await session.list_tags()
        outcomes = await session.delete_manifests([popular.digest, other.digest])
        assert outcomes == [Locked(POPULAR), Deleted()]


@pytest.mark.parametrize("already_gone", [False, True])
async def test_a_404_for_want_of_rights_is_not_called_gone(tmp_path: Path, already_gone: bool) -> None:
    async with GithubEmulator() as github, connected(tmp_path, github) as session:
        put(github, "keep", text="keep")
        old = put(github, "old")
        await session.list_tags()
        github.tokens[OWNER] = replace(github.tokens[OWNER], admin=False)
        if already_gone:
            github.storage.delete_manifest(PATH, old.digest)
            github._packages[PATH].active.pop(old.digest)
        (outcome,) = await session.delete_manifests([old.digest])
        if already_gone:
            assert outcome == AlreadyGone()
        else:
            assert isinstance(outcome, Forbidden)
            assert "admin of the package" in outcome.what
            assert "--repo-github-token" in outcome.what
            assert "old" in tags_of(github)


async def test_once_something_was_deleted_a_404_needs_no_second_look(tmp_path: Path) -> None:
    async with GithubEmulator(stale=True) as github, connected(tmp_path, github) as session:
        put(github, "keep", text="keep")
        first, second = put(github, "one"), put(github, "two", text="two")
        await session.list_tags()
        assert await session.delete_manifests([first.digest]) == [Deleted()]
        listing = await session.list_tags()
        assert listing.tags[Tag("one")] == first.digest, "the list lags behind"
        github.api_requests.clear()
        assert await session.delete_manifests([first.digest]) == [AlreadyGone()]
        assert [method for method, *_ in github.api_requests] == ["DELETE"]
        assert await session.delete_manifests([second.digest]) == [Deleted()]


@pytest.mark.parametrize("fault", [Answer(500), Drop(), Drop(after_handling=True)])
async def test_a_deletion_is_tried_again_and_may_have_been_done(tmp_path: Path, fault: Answer | Drop) -> None:
    async with GithubEmulator() as github, connected(tmp_path, github) as session:
        put(github, "keep", text="keep")
        old = put(github, "old")
        await session.list_tags()
        github.faults.add(Fault("DELETE", "/versions/", fault))
        (outcome,) = await session.delete_manifests([old.digest])
        assert outcome in (Deleted(), AlreadyGone())
        assert tags_of(github) == {"keep"}


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (Answer(400, b'{"message":"Invalid argument."}'), Failed),
        (Answer(401, b'{"message":"Bad credentials"}'), Forbidden),
        (Answer(403, b'{"message":"Resource not accessible by integration"}'), Forbidden),
        (Answer(403, b"<html>proxy</html>"), Forbidden),
        (Answer(422, b'{"message":"You cannot delete the last tagged version of a package."}'), Locked),
        (Answer(400, b'{"message":"... with more than 5,000 downloads cannot be deleted."}'), Locked),
        (Answer(200, b"<html>Welcome</html>"), Failed),
        (Answer(500, b""), Failed),
        (Answer(418, b"teapot"), Failed),
    ],
)
async def test_odd_replies_to_a_deletion(tmp_path: Path, answer: Answer, expected: type) -> None:
    async with GithubEmulator() as github, connected(tmp_path, github) as session:
        put(github, "keep", text="keep")
        old, other = put(github, "old"), put(github, "other", text="other")
        await session.list_tags()
        number = github.number(PATH, "old")
        github.faults.add(Fault("DELETE", f"/versions/{number}$", answer, times=None))
        outcomes = await session.delete_manifests([old.digest, other.digest])
        assert isinstance(outcomes[0], expected)
        assert outcomes[1] == Deleted()


async def test_a_host_that_is_down_stops_everything(tmp_path: Path) -> None:
    async with GithubEmulator() as github, connected(tmp_path, github) as session:
        old = put(github, "old")
        await session.list_tags()
        await github.__aexit__(None, None, None)
        with pytest.raises(Unreachable):
            await session.delete_manifests([old.digest])


async def test_a_tag_alone_is_never_deleted(tmp_path: Path) -> None:
    async with GithubEmulator() as github, connected(tmp_path, github) as session:
        put(github, "v1", "v2")
        (outcome,) = await session.delete_tags([Tag("v1")])
        assert isinstance(outcome, Failed)
        assert tags_of(github) == {"v1", "v2"}
