"""A plan that would delete most of a repository waits for a person, at exactly the limits that are written down."""

import pytest

from holystone.embedded.quirks import Quirks
from tests.promises.conftest import Open
from tests.support.command_line import Bench, now
from tests.support.tiny_project import tiny_project

KEPT = 3
"""Tags of `front` that stay; those of the others are no question here."""


def shop_of(open_bench: Open, tags: int, quirks: Quirks | None = None) -> Bench:
    """`front` has so many tags, of which three stay; the repository of the stages keeps most of its own."""
    shop = open_bench(**({"quirks": quirks} if quirks else {}))
    tiny_project(shop.project, shop.registry.storage, now=now(), commits=tags - 1, images=["front"])
    return shop


def images_cleanup(shop: Bench, *arguments: str) -> tuple[int, bool]:
    """The exit code, and whether the images repo was changed."""
    before = shop.contents()["shop/app/front"]
    ran = shop.run("images", "cleanup", *shop.addresses(), *arguments)
    return ran.code, shop.contents()["shop/app/front"] != before


def test_above_the_limit_nothing_happens_until_a_person_says_so(open_bench: Open, quirks: Quirks) -> None:
    shop = shop_of(open_bench, 20, quirks)
    assert images_cleanup(shop) == (3, False)
    assert images_cleanup(shop, "--yes-delete-that-many") == (0, True)
    assert len(shop.contents()["shop/app/front"][0]) == KEPT


@pytest.mark.parametrize("tags", [15, 19, 20])
def test_the_number_of_tags_from_which_it_counts(open_bench: Open, tags: int) -> None:
    code, changed = images_cleanup(shop_of(open_bench, tags))
    assert (code, changed) == ((3, False) if tags >= 20 else (0, True))


@pytest.mark.parametrize(("foreign", "code"), [(0, 3), (1, 3), (2, 0), (3, 0)])
def test_four_fifths_are_allowed_and_more_are_not(open_bench: Open, foreign: int, code: int) -> None:
    """20 tags go; with the three that stay and two of somebody else's they are 80 % of 25."""
    shop = shop_of(open_bench, 20 + KEPT)
    state = shop.registry.storage.repositories["shop/app/front"]
    other = shop.registry.storage.repositories["shop/app/backend"]
    stranger = other.tags["not-ours"]
    for number in range(foreign):
        state.tags[f"other-{number}"] = stranger
        state.manifests[stranger] = other.manifests[stranger]
        state.blobs |= other.blobs
    assert images_cleanup(shop) == (code, code == 0)


def test_one_repository_that_blows_it_stops_all(open_bench: Open) -> None:
    shop = shop_of(open_bench, 20)
    before = shop.contents()
    assert shop.cleanup().code == 3
    assert shop.contents() == before
