"""What people meant by their retention rules, and lost: each kind of complaint that public threads show, with what
entries say of it here."""

import pytest

from holystone.engine.model.in_use import ListEntry
from holystone.engine.model.reasons import InUse
from holystone.engine.model.references import Digest, Tag
from holystone.policies.retention.candidates import Candidate, Facts, Mentions
from holystone.policies.retention.rules import Entry, Label, Mentioned, Semver, Thin
from tests.support.retention_scenes import DAY, NOW, ago, branches, image, staying, tags

DAILY = [image(f"b{day}", day) for day in range(12)]
GITOPS = Mentioned("gitops", 30 * DAY)


def names(first: int, last: int) -> str:
    return " ".join(sorted(f"b{day}" for day in range(first, last + 1)))


@pytest.mark.parametrize(
    ("entries", "stay"),
    [
        # newest 3, and those only for 2 days
        ([Entry(newest=3, pushed_within=DAY)], names(0, 1)),
        # what is old or beyond the newest 10 goes: one entry
        ([Entry(newest=10, pushed_within=3 * DAY)], names(0, 3)),
        # what is old and beyond the newest 10 goes: two entries
        ([Entry(newest=10), Entry(pushed_within=3 * DAY)], names(0, 9)),
        # never below the newest 4 of all, whatever another entry leaves
        ([Entry(newest=4), Entry(pushed_within=2 * DAY)], names(0, 3)),
        # an age alone would empty what nobody builds any more: the newest stay
        ([Entry(pushed_within=0), Entry(newest=1)], "b0"),
    ],
)
def test_and_within_an_entry_or_between_them(entries: list[Entry], stay: str) -> None:
    assert staying(entries, *DAILY) == stay


def test_the_newest_release_candidate_and_every_release() -> None:
    entries = [Entry(tags=tags("/^v[0-9.]+$/")), Entry(tags=tags("/^v[0-9.]+-rc[0-9]+$/"), newest=1)]
    there = [image("v1.0", 90), image("v1.1-rc1", 9), image("v1.1-rc2", 8), image("v1.0-rc9", 95)]
    assert staying(entries, *there) == "v1.0 v1.1-rc2"


def test_an_image_of_many_tags_is_one_image() -> None:
    there = [image("new", 1, "a"), image("also-new", 1, "a"), image("stable", 1, "a"), image("old", 2), image("x", 3)]
    assert staying(Entry(newest=2), *there) == "also-new new old stable"


def test_names_without_the_v_that_the_rule_has() -> None:
    assert staying(Entry(semver=Semver(2)), image("1.0.0"), image("v1.1.1"), image("0.9.0")) == "1.0.0 v1.1.1"


def test_a_promotion_is_a_push() -> None:
    """An old image with a new tag: what pushed its tag counts for this tag, and the image stays by it."""
    there = [image("build-7", 60, "a"), image("prod-1", 1, "a"), image("build-8", 50)]
    assert staying(Entry(pushed_within=30 * DAY), *there) == "prod-1"
    assert staying(Entry(pushed_within=30 * DAY, with_siblings=True), *there) == "build-7 prod-1"


def test_what_was_never_pulled_counts_from_its_push() -> None:
    """So say the facts; where they say nothing, it stays."""
    there = [image("pulled", 99, pulled=ago(9)), image("new", 1, pulled=ago(1)), image("idle", 99, pulled=ago(99))]
    assert staying(Entry(pulled_within=30 * DAY), *there, image("untold", 99)) == "new pulled untold?"


def test_numbers_are_numbers() -> None:
    assert staying(Entry(newest=1), image("build-100", 1), image("build-90", 1)) == "build-100"


def test_builds_of_development_do_not_push_out_what_production_runs() -> None:
    facts = Facts(NOW, in_use={Tag("b11"): (InUse(ListEntry("in-use.txt")),)})
    assert staying(Entry(newest=2), *DAILY, facts=facts) == "b0 b1 b11"


def test_what_is_in_use_takes_its_place_like_what_another_entry_keeps() -> None:
    facts = Facts(NOW, in_use={Tag("b0"): (InUse(ListEntry("in-use.txt")),)})
    assert staying(Entry(newest=2), *DAILY, facts=facts) == "b0 b1"
    assert staying([Entry(newest=2), Entry(tags=tags("b0"))], *DAILY) == "b0 b1"


def test_two_newest_of_each_minor_and_variant() -> None:
    pattern = tags(r"/^(?P<minor>[0-9]+\.[0-9]+)\.[0-9]+(?:-(?P<variant>[a-z]+))?$/")
    there = [image("1.0.1", 9), image("1.0.2", 8), image("1.0.1-alpine", 7), image("1.0.2-alpine", 6)]
    there += [image("1.1.0-alpine", 5), image("1.0.0", 10)]
    assert staying(Entry(tags=pattern, newest=1, per=("minor", "variant")), *there) == "1.0.2 1.0.2-alpine 1.1.0-alpine"


def test_ten_dated_rebuilds_of_each_version() -> None:
    pattern = tags(r"/^(?P<version>[0-9.]+)-(?P<date>[0-9]{8})$/")
    there = [image(f"{version}-202601{day:02}", 99 - day) for version in ("1.0", "2.0") for day in range(1, 16)]
    found = staying(Entry(tags=pattern, newest=10, per=("version",)), *there).split()
    assert found == [f"{version}-202601{day:02}" for version in ("1.0", "2.0") for day in range(6, 16)]


def test_main_for_ever_living_branches_and_what_shares_a_commit() -> None:
    facts = Facts(NOW, clones={"shop": branches(main="aaaaaaa", dev="bbbbbbb")})
    entries = [
        Entry(tags=tags("main")),
        Entry(branch_head_of="shop", pushed_within=30 * DAY),
        Entry(pushed_within=14 * DAY),
        Entry(same_commit=True),
    ]
    there = [
        image("main", 300, revision="ccccccc"),
        image("sha-ccccccc", 301, revision="ccccccc"),
        image("dev", 29, revision="bbbbbbb"),
        image("sha-ddddddd", 29, revision="ddddddd"),
        image("new", 13, revision="eeeeeee"),
    ]
    assert staying(entries, *there, facts=facts) == "dev main new sha-ccccccc"


def test_the_version_that_latest_is() -> None:
    there = [image("v1.7", 50, "a"), image("latest", 50, "a"), image("v1.6", 60)]
    assert staying(Entry(tags=tags("latest"), with_siblings=True), *there) == "latest v1.7"


def test_what_is_not_known_takes_its_siblings_along() -> None:
    there = [image("2", None, "a"), image("other", None, "a"), image("3", None)]
    assert staying(Entry(tags=tags("2"), newest=1, with_siblings=True), *there) == "2? other?"


def test_what_git_names_now_or_lately() -> None:
    mentions = Mentions(frozenset({Tag("v1")}), frozenset({Digest.of(b"two")}))
    facts = Facts(NOW, mentions={GITOPS: mentions})
    there = [image("v1"), image("v2", digest="two"), image("v3")]
    assert staying(Entry(mentioned_in=GITOPS), *there, facts=facts) == "v1 v2"


def test_the_number_of_a_merge_request_is_no_branch_and_its_images_go_by_age() -> None:
    facts = Facts(NOW, clones={"shop": branches(main="a")})
    entries = [
        Entry(tags=tags("/^(?P<branch>.+)-[0-9a-f]{7}$/"), branch_exists_in="shop"),
        Entry(tags=tags("pr-*"), pushed_within=14 * DAY),
    ]
    there = [image("main-1111111", 99), image("pr-7", 3), image("pr-6", 30), image("pr-5-2222222", 30)]
    assert staying(entries, *there, facts=facts) == "main-1111111 pr-7"


def test_pinned_versions_outlive_a_crowd_of_weekly_releases() -> None:
    entries = [Entry(tags=tags("v1.0")), Entry(tags=tags("weekly-*"), newest=14)]
    there = [image("v1.0", 300), *(image(f"weekly-{week}", 7 * week) for week in range(1, 20))]
    stay = staying(entries, *there).split()
    assert stay == sorted(["v1.0", *(f"weekly-{week}" for week in range(1, 15))])


def test_the_first_of_each_day() -> None:
    entries = [Entry(pushed_within=2 * DAY), Entry(thin=Thin(daily=14, which="first")), Entry(newest=3)]
    there = [image("a", 2.9), image("b", 2.1), image("c", 1), image("d", 20.2), image("e", 20.1)]
    assert staying(entries, *there) == "a b c d"


def test_what_carries_a_label() -> None:
    there: list[Candidate] = [
        image("a", labels={"keep": "true"}),
        image("b", labels={"keep": "false"}),
        image("c", labels={}),
        image("d", labels=None),
    ]
    assert staying(Entry(label=Label("keep", "true")), *there) == "a d?"
    assert staying(Entry(label=Label("keep")), *there) == "a b d?"


def test_a_list_of_patterns_is_any_of_them() -> None:
    assert staying(Entry(tags=tags("dev-*", "*-x")), image("dev-1"), image("a-x"), image("b")) == "a-x dev-1"


def test_keys_without_a_choice_hold_each_for_itself() -> None:
    """One that does not hold is enough, also beside what is not known."""
    entry = Entry(label=Label("keep"), pushed_within=30 * DAY)
    assert staying(entry, image("old", 99, labels=None), image("new", 1, labels=None), image("x", None)) == "new?"


def test_two_that_count_each_choose_among_the_same() -> None:
    entry = Entry(newest=2, semver=Semver(2))
    there = [image("1.0.0", 1), image("3.0.0", 2), image("2.0.0", 3)]
    assert staying(entry, *there) == "3.0.0"


def test_what_one_of_them_cannot_judge_takes_no_place_in_the_other() -> None:
    entry = Entry(newest=1, semver=Semver(9))
    assert staying(entry, image("latest", 1), image("1.0.0", 2), image("0.9.0", 3)) == "1.0.0 latest?"
