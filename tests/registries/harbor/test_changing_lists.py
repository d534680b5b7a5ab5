"""Harbor: lists that change while they are read."""

from collections.abc import Callable
from pathlib import Path

import pytest

from holystone.engine.errors import IncompleteSource
from holystone.engine.model.references import Tag
from tests.emulators.harbor import HarborEmulator
from tests.registries.harbor.connected import PATH, asked, put, served, sign, there


def shift(harbor: HarborEmulator, times: int, change: Callable[[int], object]) -> None:
    """Somebody does something before page 2 is made, so often."""
    done: list[int] = []

    def meanwhile(number: int) -> None:
        if number == 2 and len(done) < times:
            done.append(number)
            change(len(done))

    harbor.before_page = meanwhile


async def test_a_push_between_two_pages_begins_the_list_anew(tmp_path: Path) -> None:
    async with served(tmp_path) as (harbor, session):
        for number in range(150):
            put(harbor, f"{number}", f"v{number}")
        shift(harbor, 2, lambda turn: put(harbor, f"new{turn}", f"new{turn}"))
        listing = await session.list_tags()
        assert len(listing.tags) == 152
        assert set(listing.tags) == set(there(harbor))
        assert asked(harbor, "GET", "page=1&") == 3


async def test_a_deletion_and_a_push_that_keep_the_number_are_noticed(tmp_path: Path) -> None:
    async with served(tmp_path) as (harbor, session):
        raws = [put(harbor, f"{number}", f"v{number}") for number in range(150)]

        def replace(turn: int) -> None:
            harbor.storage.delete_manifest(PATH, raws[-turn].digest)
            harbor.storage.delete_manifest(PATH, raws[-turn - 10].digest)
            put(harbor, f"new{turn}", f"new{turn}")
            put(harbor, f"newer{turn}", f"newer{turn}")
            put(harbor, f"newest{turn}", f"newest{turn}")
            harbor.storage.delete_manifest(PATH, raws[turn].digest)

        shift(harbor, 1, replace)
        assert set((await session.list_tags()).tags) == set(there(harbor))


async def test_an_entry_without_a_tag_that_comes_twice_is_noticed(tmp_path: Path) -> None:
    async with served(tmp_path) as (harbor, session):
        raws = [put(harbor, f"{number}", *([] if number == 50 else [f"v{number}"])) for number in range(150)]

        def replace(_turn: int) -> None:
            # The number of entries stays; the last of page 1, which has no tag, comes again on page 2.
            put(harbor, "new", "new")
            harbor.storage.delete_manifest(PATH, raws[0].digest)

        shift(harbor, 1, replace)
        assert None not in (await session.list_tags()).tags.values()
        assert asked(harbor, "GET", "page=1&") == 2


async def test_a_list_that_never_stands_still_is_incomplete(tmp_path: Path) -> None:
    async with served(tmp_path) as (harbor, session):
        raws = [put(harbor, f"{number}", f"v{number}") for number in range(150)]
        shift(harbor, 99, lambda turn: harbor.storage.delete_manifest(PATH, raws[-turn].digest))
        with pytest.raises(IncompleteSource, match="its number of artifacts changed"):
            await session.list_tags()


async def test_a_tag_that_moves_between_two_pages_is_not_on_two_artifacts(tmp_path: Path) -> None:
    async with served(tmp_path) as (harbor, session):
        raws = [put(harbor, f"{number}", f"v{number}", f"also{number}") for number in range(150)]

        def move(_turn: int) -> None:
            # Its first manifest was on page 1, the new one is on page 2, and both keep a tag and their place.
            harbor.storage.repositories[PATH].tags["v149"] = raws[0].digest

        shift(harbor, 1, move)
        assert (await session.list_tags()).tags[Tag("v149")] == raws[0].digest
        assert asked(harbor, "GET", "page=1&") == 2


async def test_the_miscount_of_2_5_is_never_read_as_complete(tmp_path: Path) -> None:
    async with served(tmp_path, HarborEmulator(miscounts=True)) as (harbor, session):
        image = put(harbor, "one", "v1")
        sign(harbor, image)
        with pytest.raises(IncompleteSource, match="counts 2 artifacts, its pages show 1") as raised:
            await session.list_tags()
        assert "16816" in raised.value.what_to_do
