"""Times: which moments can be true, and which tags are newest, young, or the newest of their day."""

from datetime import UTC, datetime

import pytest

from holystone.policies.retention.candidates import Moment
from holystone.policies.retention.moments import sane
from holystone.policies.retention.rules import Entry, Semver, Thin
from tests.support.retention_scenes import DAY, NOW, ago, image, staying, tags

YEAR_1 = -62135596800


@pytest.mark.parametrize(
    ("seconds", "known"),
    [
        (YEAR_1, False),
        (-1, False),
        (0, False),
        (86400, False),
        (315532801, False),  # buildpacks
        (1_356_998_399, False),
        (1_356_998_400, True),
        (NOW, True),
        (NOW + DAY, True),
        (NOW + DAY + 1, False),
        (10**12, False),
    ],
)
def test_which_moments_can_be(seconds: int, known: bool) -> None:
    moment = Moment(seconds, "created")
    assert sane(moment, NOW) == (moment if known else None)
    kept = image("a", pulled=moment)
    assert staying(Entry(pulled_within=40 * 365 * DAY), kept) == ("a" if known else "a?")


def test_what_is_not_known_stays_and_takes_no_place() -> None:
    images = [image("a", None), image("b", 1), image("c", 2), image("d", -2), image("e", 9e4)]
    assert staying(Entry(newest=1), *images) == "a? b d? e?"
    assert staying(Entry(pushed_within=DAY), *images) == "a? b d? e?"
    assert staying(Entry(thin=Thin(daily=1)), *images) == "a? b d? e?"


@pytest.mark.parametrize(("days", "stays"), [(-1, True), (0, True), (30, True), (30.001, False)])
def test_within(days: float, stays: bool) -> None:
    assert staying(Entry(pushed_within=30 * DAY), image("a", days)) == "a" * stays
    assert staying(Entry(pulled_within=30 * DAY), image("a", 99, pulled=ago(days))) == "a" * stays


def test_what_nothing_says_the_pulls_of_stays() -> None:
    assert staying(Entry(pulled_within=30 * DAY), image("a", 99), image("b", 99, pulled=ago(31))) == "a?"


def test_build_times_are_meant_where_the_policy_says_so() -> None:
    images = [image("a", 1, created=ago(50)), image("b", 2, created=ago(3)), image("c", 3)]
    assert staying(Entry(newest=1), *images) == "a"
    assert staying(Entry(newest=1), *images, times="created") == "b c?"


def test_the_first_by_natural_order_is_the_older() -> None:
    assert staying(Entry(newest=1), image("1.10"), image("1.9")) == "1.10"
    assert staying(Entry(newest=2), image("b-2"), image("b-10"), image("b-9")) == "b-10 b-9"


def test_newest_counts_images_and_keeps_all_their_tags() -> None:
    images = [image("a", 1, "one"), image("b", 9, "one"), image("c", 2, "two"), image("d", 3, "three")]
    assert staying(Entry(newest=2), *images) == "a b c"


def test_an_image_stands_where_its_newest_matching_tag_does() -> None:
    images = [image("x-1", 9, "one"), image("new", 1, "one"), image("x-2", 5), image("x-3", 7)]
    assert staying(Entry(tags=tags("x-*"), newest=2), *images) == "x-2 x-3"


def test_archived_images_stay_and_take_no_place() -> None:
    images = [image("a", 1, archived=True), image("b", 2), image("c", 3)]
    assert staying(Entry(newest=1), *images) == "a b"
    assert staying(Entry(thin=Thin(daily=1)), *images) == "a b"
    versions = [image("2.0.0", archived=True), image("1.0.0"), image("0.1.0")]
    assert staying(Entry(semver=Semver(1)), *versions) == "1.0.0 2.0.0"


def test_newest_of_each_branch_and_of_so_many_branches() -> None:
    pattern = tags("/^(?P<branch>.+)-(?P<number>[0-9]+)$/")
    images = [image(f"{name}-{number}", days) for name, number, days in [("a", 1, 9), ("a", 2, 8), ("b", 1, 7)]]
    images += [image("b-2", 6), image("c-1", 99)]
    assert staying(Entry(tags=pattern, newest=1, per=("branch",)), *images) == "a-2 b-2 c-1"
    assert staying(Entry(tags=pattern, newest=1, per=("branch",), groups=2), *images) == "a-2 b-2"
    assert staying(Entry(tags=pattern, per=("branch",), groups=1), *images) == "b-1 b-2"


def at(text: str) -> float:
    """Days before now of a moment in UTC."""
    return (NOW - datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) / DAY


def calendar(*moments: str) -> list[object]:
    return [image(each.replace(":", "."), at(each)) for each in moments]


@pytest.mark.parametrize(
    ("thin", "moments", "stay"),
    [
        # the newest of each of the last days that have an image, however long ago they are
        (
            Thin(daily=2),
            "2026-05-31T09:00 2026-05-31T08:00 2026-03-01T10:00 2026-03-01T11:00 2026-02-01T00:00",
            "2026-03-01T11.00 2026-05-31T09.00",
        ),
        (
            Thin(daily=2, which="first"),
            "2026-05-31T09:00 2026-05-31T08:00 2026-03-01T10:00 2026-03-01T11:00 2026-02-01T00:00",
            "2026-03-01T10.00 2026-05-31T08.00",
        ),
        # a day is one of UTC
        (Thin(daily=2), "2026-05-30T23:59 2026-05-31T00:00 2026-05-30T00:00", "2026-05-30T23.59 2026-05-31T00.00"),
        # ISO weeks: Monday 2024-12-30 is of 2025's first week, Friday 2021-01-01 of 2020's last
        (Thin(weekly=1), "2024-12-29T00:00 2024-12-30T00:00 2025-01-05T23:00", "2025-01-05T23.00"),
        (Thin(weekly=2), "2024-12-29T00:00 2024-12-30T00:00 2025-01-05T23:00", "2024-12-29T00.00 2025-01-05T23.00"),
        (Thin(weekly=2), "2020-12-28T00:00 2021-01-01T00:00 2021-01-04T00:00", "2021-01-01T00.00 2021-01-04T00.00"),
        (Thin(weekly=2), "2025-12-29T00:00 2025-01-01T00:00", "2025-01-01T00.00 2025-12-29T00.00"),
        # calendar months
        (Thin(monthly=1), "2026-01-31T23:59 2026-01-01T00:00 2025-12-31T00:00", "2026-01-31T23.59"),
        # the parts add up
        (
            Thin(daily=1, weekly=1, monthly=2),
            "2026-05-31T09:00 2026-05-30T09:00 2026-04-30T09:00 2026-03-31T09:00",
            "2026-04-30T09.00 2026-05-31T09.00",
        ),
    ],
)
def test_thin(thin: Thin, moments: str, stay: str) -> None:
    assert staying(Entry(thin=thin), *calendar(*moments.split())) == stay  # type: ignore[arg-type]


def test_an_hour_of_many_builds_is_one_image_a_day() -> None:
    images = [image(f"b-{number}", 1.2 + number / 1000) for number in range(200)]
    assert staying(Entry(thin=Thin(daily=7)), *images) == "b-0"
