"""GitHub: lists that change while they are read."""

import json
from pathlib import Path

import anyio
import anyio.lowlevel
import pytest

from holystone.adapters.registries.github.listing_lock import ListingLock
from holystone.embedded.exchange import Incoming, Reply
from holystone.engine.errors import IncompleteSource
from tests.emulators.github import GithubEmulator, Token
from tests.registries.github.connected import PATH, connected, put, tags_of


class Restless(GithubEmulator):
    """Something happens after each page but those after `calm`."""

    def __init__(self, calm: int) -> None:
        super().__init__()
        self.calm = calm
        self.seen = 0

    def change(self, page: int) -> None:
        raise NotImplementedError

    def answer(self, request: Incoming) -> Reply:
        reply = super().answer(request)
        if request.path.endswith("/versions") and self.seen < self.calm:
            self.seen += 1
            self.change(int(request.query["page"]))
        return reply


class Shrinking(Restless):
    """The newest version goes after the first page, which moves one of the second to the first."""

    def change(self, page: int) -> None:
        if page == 1:
            newest = max(self._current(PATH).active.values(), key=lambda version: version.id)
            self.storage.delete_manifest(PATH, newest.manifest.digest)
            del self._current(PATH).active[newest.manifest.digest]


class Growing(Restless):
    def change(self, page: int) -> None:
        put(self, f"new{self.seen}", text=f"new{self.seen}")


@pytest.mark.parametrize("calm", [1, 2, 4])  # requests: page 1, then pages 1 and 2 of each attempt
async def test_a_row_that_a_deletion_moved_to_an_earlier_page_is_found(tmp_path: Path, calm: int) -> None:
    async with Shrinking(calm) as github, connected(tmp_path, github) as session:
        for number in range(150):
            put(github, f"v{number}", text=f"{number}")
        listing = await session.list_tags()
        assert set(map(str, listing.tags)) == tags_of(github)
        assert len(listing.tags) < 150


async def test_a_list_that_shrinks_all_the_time_is_no_list(tmp_path: Path) -> None:
    async with Shrinking(1000) as github, connected(tmp_path, github) as session:
        for number in range(150):
            put(github, f"v{number}", text=f"{number}")
        with pytest.raises(IncompleteSource, match="deleted meanwhile"):
            await session.list_tags()


@pytest.mark.parametrize("count", [200, 250])
async def test_what_is_pushed_while_the_list_is_read_hides_nothing(tmp_path: Path, count: int) -> None:
    async with Growing(1000) as github, connected(tmp_path, github) as session:
        for number in range(count):
            put(github, f"v{number}", text=f"{number}")
        listing = await session.list_tags()
        assert {f"v{number}" for number in range(count)} <= set(map(str, listing.tags))
        assert all(listing.tags.values())


class Doubling(GithubEmulator):
    """A tag that moves while the list is read is shown on two versions."""

    def respond(self, request: Incoming, path: str, token: Token) -> Reply:
        reply = super().respond(request, path, token)
        if not path.endswith("/versions"):
            return reply
        rows = json.loads(reply.body)
        rows[0]["metadata"]["container"]["tags"].append("moved")
        rows[1]["metadata"]["container"]["tags"].append("moved")
        return Reply(reply.status, json.dumps(rows).encode(), reply.headers)


async def test_a_tag_on_two_versions_says_nothing_of_its_digest(tmp_path: Path) -> None:
    async with Doubling() as github, connected(tmp_path, github) as session:
        one, two = put(github, "v1"), put(github, "v2", text="two")
        listing = await session.list_tags()
        assert dict(listing.tags) == {"v1": one.digest, "v2": two.digest, "moved": None}


async def test_a_list_waits_for_deletions_and_deletions_for_the_list() -> None:
    listing_lock = ListingLock()
    seen: list[str] = []
    go_on = anyio.Event()

    async def delete(name: str) -> None:
        async with listing_lock.deletion():
            seen.append(f"{name} begins")
            await go_on.wait()
            seen.append(f"{name} ends")

    async def read() -> None:
        async with listing_lock.listing():
            seen.append("list begins")
            await anyio.lowlevel.checkpoint()
            seen.append("list ends")

    async with anyio.create_task_group() as tasks:
        for work in (lambda: delete("one"), lambda: delete("two"), read, lambda: delete("three")):
            tasks.start_soon(work)
            await anyio.wait_all_tasks_blocked()
        assert seen == ["one begins", "two begins"]
        assert repr(listing_lock) == "<ListingLock 2 deletions under way>"
        go_on.set()
    assert seen[2:] == ["one ends", "two ends", "list begins", "list ends", "three begins", "three ends"]


async def test_nothing_is_deleted_while_a_list_is_read(tmp_path: Path) -> None:
    """Our own deletions would move rows from page to page."""
    async with GithubEmulator() as github, connected(tmp_path, github) as session:
        doomed = [put(github, f"v{number}", text=f"{number}").digest for number in range(120)]
        await session.list_tags()
        github.api_requests.clear()
        async with anyio.create_task_group() as tasks:
            for digest in doomed[:10]:
                tasks.start_soon(session.delete_manifests, [digest])
            tasks.start_soon(session.list_tags)
            for digest in doomed[10:20]:
                tasks.start_soon(session.delete_manifests, [digest])
        verbs = [method for method, *_ in github.api_requests]
        first = verbs.index("GET")
        last = len(verbs) - verbs[::-1].index("GET")
        assert verbs.count("DELETE") == 20
        assert "DELETE" not in verbs[first:last]
        assert len(tags_of(github)) == 100
