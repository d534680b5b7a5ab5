"""Versions: which tags are one, in which order they are, and which of them stay."""

import itertools

import pytest
import semver
from hypothesis import given
from hypothesis import strategies as st

from holystone.policies.retention.rules import Entry, Prereleases, Semver
from holystone.policies.retention.versions import parse_version
from tests.support.retention_scenes import DAY, image, staying, tags

ODD = {
    # tag: the version that it is, None: none
    "1.2.3": "1.2.3",
    "v1.2.3": "1.2.3",
    "V1.2.3": "1.2.3",
    "vv1.2.3": None,
    "1.2": None,
    "1": None,
    "v1": None,
    "latest": None,
    "": None,
    "1.2.3.4": None,
    "01.2.3": None,
    "1.02.3": None,
    "1.2.3-01": None,
    "1.2.3-": None,
    "1.2.3-rc.1": "1.2.3-rc.1",
    "1.2.3-rc1": "1.2.3-rc1",
    "1.2.3-alpine": "1.2.3-alpine",
    "1.2.3-3-g1c2dd34": "1.2.3-3-g1c2dd34",
    "1.2.3-1": "1.2.3-1",
    "1.2.3-20260517": "1.2.3-20260517",
    "1.2.3_b1": "1.2.3+b1",
    "1.2.3-rc.1_b1": "1.2.3-rc.1+b1",
    "1.2.3_a_b": None,
    "1.2.3_": None,
    "20260517": None,
    "2026.05.17": None,
    "2026.5.17": "2026.5.17",
    "2026-05-17": None,
    "20260517.1.0": "20260517.1.0",
    f"{'9' * 40}.0.1": f"{'9' * 40}.0.1",
    f"1.0.{'8' * 40}": f"1.0.{'8' * 40}",
    f"1.0.0-{'7' * 120}": f"1.0.0-{'7' * 120}",
    "١.٢.٣": None,
    "1.2.³": None,
    "1.2.3-ü": None,
    "1.2.3\n": None,
    "release-1.2.3": None,
    "1.2.3+b1": "1.2.3+b1",
}


@pytest.mark.parametrize(("text", "version"), ODD.items())
def test_what_is_a_version(text: str, version: str | None) -> None:
    found = parse_version(text)
    assert (found is None) == (version is None)
    assert version is None or found == parse_version(version)


IDENTIFIER = st.sampled_from(["0", "1", "9", "10", "a", "b", "rc", "rc1", "-", "1a", "A"])
VERSION = st.builds(
    lambda numbers, identifiers, build: (
        ".".join(map(str, numbers)) + (f"-{'.'.join(identifiers)}" if identifiers else "") + build
    ),
    st.tuples(*[st.sampled_from([0, 1, 2, 9, 10, 10**30])] * 3),
    st.lists(IDENTIFIER, max_size=3),
    st.sampled_from(["", "", "_b1", "_b2"]),
)


@given(VERSION, VERSION)
def test_they_are_ordered_as_semver_does(one: str, other: str) -> None:
    mine, theirs = parse_version(one), parse_version(other)
    assert mine is not None
    assert theirs is not None
    expected = semver.Version.parse(one.replace("_", "+")).compare(other.replace("_", "+"))
    assert (mine > theirs) - (mine < theirs) == expected


def test_the_specification_orders_its_own_example_so() -> None:
    ordered = "1.0.0-alpha 1.0.0-alpha.1 1.0.0-alpha.beta 1.0.0-beta 1.0.0-beta.2 1.0.0-beta.11 1.0.0-rc.1 1.0.0"
    versions = [parse_version(each) for each in ordered.split()]
    assert all(one and other and one < other for one, other in itertools.pairwise(versions))


def named(*names: str) -> list[object]:
    return [image(name) for name in names]


ANY = "/^v?(?P<version>[0-9]+\\.[0-9]+\\.[0-9]+.*)$/"
VARIANTS = "/^(?P<version>[0-9]+\\.[0-9]+\\.[0-9]+)(?:-(?P<variant>[a-z]+))?$/"


@pytest.mark.parametrize(
    ("rules", "there", "stay"),
    [
        # numbers as numbers
        (Semver(2), "1.9.0 1.10.0 1.2.0", "1.10.0 1.9.0"),
        # what is no version cannot be judged, and takes no place
        (Semver(1), "1.0.0 2.0.0 2.0 latest 2026.05.17", "2.0? 2.0.0 2026.05.17? latest?"),
        # build metadata makes no new version: all of the highest stay
        (Semver(1), "1.0.0 1.1.0 1.1.0_b1 1.1.0_b2", "1.1.0 1.1.0_b1 1.1.0_b2"),
        # and neither does a v
        (Semver(2), "1.0.0 v1.1.0 1.1.0 0.9.0", "1.0.0 1.1.0 v1.1.0"),
        # a prerelease never takes a release's place; of which nothing is said, it stays
        (Semver(1), "1.0.0 2.0.0-rc.1 0.9.0", "1.0.0 2.0.0-rc.1"),
        (Semver(1, prereleases=Prereleases(newest=1)), "1.0.0 2.0.0-rc.1 2.0.0-rc.2 0.9.0", "1.0.0 2.0.0-rc.2"),
        (Semver(1, prereleases=Prereleases(newest=1)), "2.0.0-rc.10 2.0.0-rc.9", "2.0.0-rc.10"),
        # per minor and per major
        (Semver(1, ("minor",)), "1.0.0 1.0.1 1.1.0 2.0.0", "1.0.1 1.1.0 2.0.0"),
        (Semver(1, ("major",)), "1.0.0 1.0.1 1.1.0 2.0.0", "1.1.0 2.0.0"),
        # only so many groups, those of the highest releases; a prerelease opens none
        (Semver(1, ("minor",), groups=1), "1.0.0 1.1.0 1.1.1 1.2.0-rc.1", "1.1.1 1.2.0-rc.1"),
        (
            Semver(1, ("minor",), groups=1, prereleases=Prereleases(newest=1)),
            "1.0.0 1.0.1-rc.1 1.1.0 1.1.1 1.2.0-rc.1",
            "1.1.1 1.2.0-rc.1",
        ),
        # 40 digits
        (Semver(1), f"1.0.{'9' * 40} 1.0.1{'0' * 40}", f"1.0.1{'0' * 40}"),
    ],
)
def test_which_stay(rules: Semver, there: str, stay: str) -> None:
    assert staying(Entry(semver=rules), *map(image, there.split())) == stay


def test_a_group_names_the_variant() -> None:
    entry = Entry(tags=tags(VARIANTS), semver=Semver(1, ("minor", "variant")))
    there = "1.0.0 1.0.1 1.0.0-alpine 1.0.1-alpine 1.1.0-alpine 1.1.0-slim other"
    assert staying(entry, *map(image, there.split())) == "1.0.1 1.0.1-alpine 1.1.0-alpine 1.1.0-slim"


def test_five_tags_of_one_image_are_one() -> None:
    images = [image("1.0.0", digest="a"), image("1.0.1", digest="a"), image("v1.0.1", digest="a"), image("0.9.0")]
    assert staying(Entry(semver=Semver(1)), *images) == "1.0.0 1.0.1 v1.0.1"


def test_prereleases_stay_while_they_are_young() -> None:
    entry = Entry(semver=Semver(1, prereleases=Prereleases(within=14 * DAY)))
    images = [image("1.0.0"), image("2.0.0-rc.1", 15), image("2.0.0-rc.2", 14), image("2.0.0-rc.3", None)]
    assert staying(entry, *images) == "1.0.0 2.0.0-rc.2 2.0.0-rc.3?"


def test_prereleases_stay_until_they_are_released() -> None:
    entry = Entry(tags=tags(ANY), semver=Semver(9, ("minor",), prereleases=Prereleases(until_released=30 * DAY)))
    images = [
        *(image("1.0.0-rc.1", 99), image("1.0.0", 31)),
        *(image("1.1.0-rc.1", 99), image("1.1.0", 30)),
        *(image("1.2.0-rc.1", 99), image("1.2.0", 31), image("v1.2.0", 2)),
        *(image("1.3.0-rc.1", 99), image("1.3.0", None)),
        image("1.4.0-rc.1", 99),
        image("1.5.0-rc.1", 99),
        image("1.5.1", 50),
    ]
    assert staying(entry, *images) == (
        "1.0.0 1.1.0 1.1.0-rc.1 1.2.0 1.2.0-rc.1 1.3.0 1.3.0-rc.1? 1.4.0-rc.1 1.5.0-rc.1 1.5.1 v1.2.0"
    )


def test_a_release_that_another_key_leaves_out_is_one_all_the_same() -> None:
    rules = Semver(1, prereleases=Prereleases(until_released=30 * DAY))
    images = [image("1.0.0", 200), image("1.0.0-rc.1", 9)]
    assert staying(Entry(semver=rules, pushed_within=100 * DAY), *images) == ""


def test_what_is_said_of_prereleases_adds_up() -> None:
    rules = Semver(1, prereleases=Prereleases(within=2 * DAY, newest=1))
    images = [image("2.0.0-rc.9", 50), image("2.0.0-rc.1", 1), image("2.0.0-rc.2", 50)]
    assert staying(Entry(semver=rules), *images) == "2.0.0-rc.1 2.0.0-rc.9"


def test_releases_and_commits_after_them_are_two_entries() -> None:
    """`git describe` is a prerelease to SemVer, and older than its release."""
    entries = [
        Entry(tags=tags(r"/^v(?P<version>[0-9]+\.[0-9]+\.[0-9]+)$/"), semver=Semver(2)),
        Entry(tags=tags(r"/^v[0-9.]+-[0-9]+-g[0-9a-f]+$/"), newest=1),
    ]
    there = [image("v1.2.0", 90), image("v1.1.0", 95), image("v1.0.0", 99)]
    there += [image("v1.2.0-3-g1c2dd34", 3), image("v1.2.0-2-g1c2dd33", 4)]
    assert staying(entries, *there) == "v1.1.0 v1.2.0 v1.2.0-3-g1c2dd34"


def test_the_release_of_a_prerelease_is_of_the_same_variant() -> None:
    pattern = tags(r"/^(?P<version>[0-9.]+(?:-rc[0-9]+)?)(?:-(?P<variant>alpine))?$/")
    rules = Semver(9, ("minor", "variant"), prereleases=Prereleases(until_released=30 * DAY))
    there = [image("1.0.0", 50), image("1.0.0-rc1", 60), image("1.0.0-rc1-alpine", 60)]
    assert staying(Entry(tags=pattern, semver=rules), *there) == "1.0.0 1.0.0-rc1-alpine"


def test_a_prerelease_that_cannot_be_judged_takes_no_place_among_the_newest() -> None:
    rules = Semver(9, prereleases=Prereleases(until_released=30 * DAY))
    there = [image("2.0.0-rc1", 1), image("2.0.0", None), image("1.0.0", 2), image("0.9.0", 3)]
    assert staying(Entry(newest=1, semver=rules), *there) == "1.0.0 2.0.0? 2.0.0-rc1?"
