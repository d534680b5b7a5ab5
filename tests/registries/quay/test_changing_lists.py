"""Quay: lists that change while they are read."""

import random
from pathlib import Path

import pytest

from holystone.adapters.registries.quay.listing import overlapping
from holystone.embedded.exchange import Incoming
from holystone.engine.errors import IncompleteSource
from holystone.engine.model.references import Tag
from tests.emulators.quay import QuayEmulator
from tests.registries.quay.connected import PATH, Wall, connected, fill, put, tags_of
from tests.support import images


def test_each_page_begins_in_the_one_before_and_reaches_well_beyond() -> None:
    for end in range(1, 5000):
        number, size = overlapping(end)
        start = (number - 1) * size
        assert start < end
        assert 80 <= size <= 100
        assert start + size - end >= (40 if end >= 100 else 1)


@pytest.mark.parametrize("doomed", ["v0290", "v0250", "v0195", "v0150"])
@pytest.mark.parametrize("before", [2, 3, 4])
async def test_a_deletion_while_listing_hides_no_other_tag(
    tmp_path: Path, wall: Wall, doomed: str, before: int
) -> None:
    async with QuayEmulator(clock=wall) as quay, connected(tmp_path, quay) as session:
        expected = fill(quay, wall, 300)

        def delete(_: Incoming) -> None:
            if len(quay.requests) == before:
                for number in range(3):
                    quay.storage.delete_tag(PATH, f"{doomed[:-1]}{number}")

        quay.before = delete
        listing = await session.list_tags()
        assert expected.keys() - listing.tags.keys() <= {f"{doomed[:-1]}{number}" for number in range(3)}


@pytest.mark.parametrize("seed", range(12))
async def test_whatever_happens_while_listing_what_is_there_in_the_end_is_listed(
    tmp_path: Path, wall: Wall, seed: int
) -> None:
    rng = random.Random(seed)
    async with QuayEmulator(clock=wall) as quay, connected(tmp_path, quay) as session:
        fill(quay, wall, 350)

        def happen(_: Incoming) -> None:
            for _again in range(rng.choice([0, 1, 3, 12])):
                wall.now += rng.choice([0, 0.4, 1])
                tag = rng.choice([*tags_of(quay)])
                match rng.choice(["push", "move", "delete", "delete"]):
                    case "push":
                        put(quay, f"new-{wall.now:.1f}", text=str(wall.now))
                    case "move":
                        put(quay, tag, text=str(wall.now))
                    case _:
                        quay.storage.delete_tag(PATH, tag)

        quay.before = happen
        listing = await session.list_tags()
        assert {tag: listing.tags.get(Tag(tag)) for tag in tags_of(quay)} == tags_of(quay)


async def test_a_repository_that_never_rests_is_not_listed_at_all(tmp_path: Path, wall: Wall) -> None:
    async with QuayEmulator(clock=wall) as quay, connected(tmp_path, quay) as session:
        fill(quay, wall, 400)
        pushed = iter(range(100_000))

        def replace_all(_: Incoming) -> None:
            quay.storage.repositories[PATH].tags.clear()
            for _again in range(400):
                quay.storage.put_manifest(PATH, manifest.body, manifest.media_type, f"n{next(pushed)}")

        manifest = images.image(images.config("1"))
        quay.before = replace_all
        with pytest.raises(IncompleteSource, match="faster than they can be read"):
            await session.list_tags()


async def test_more_pushes_than_a_page_behind_the_back_of_the_last_one(tmp_path: Path, wall: Wall) -> None:
    async with QuayEmulator(clock=wall) as quay, connected(tmp_path, quay) as session:
        fill(quay, wall, 150)

        def push_many(_: Incoming) -> None:
            if len(quay.requests) == 3:  # the first page, read again
                wall.now += 10
                put(quay, *(f"new{number}" for number in range(101)))

        quay.before = push_many
        with pytest.raises(IncompleteSource, match="pushed faster than they can be read"):
            await session.list_tags()
