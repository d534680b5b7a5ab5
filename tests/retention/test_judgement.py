"""What is told beside the verdicts: why, what each entry does, what is refused, and what goes without a tag."""

import pytest

from holystone.engine.model.in_use import ListEntry
from holystone.engine.model.notices import FamiliarTagsGo
from holystone.engine.model.policy_reasons import NothingKeeps, Orphaned, Untagged
from holystone.engine.model.reasons import InUse
from holystone.engine.model.references import Digest, Tag
from holystone.engine.model.refusals import EmptiesRepository, EntryMatchesNothing, OneTime, PullsUntold
from holystone.engine.model.verdicts import Delete
from holystone.engine.report.reason_words import reason_words
from holystone.policies.retention.candidates import (
    AttachedTag,
    Candidate,
    Candidates,
    CloneFacts,
    Facts,
    LooseManifest,
    Mentions,
)
from holystone.policies.retention.judge import judge
from holystone.policies.retention.judgement import EntryTally, add_tallies, entries_without_match
from holystone.policies.retention.repository_patterns import RepositoryPattern
from holystone.policies.retention.rules import Entry, Label, Mentioned, Policy, Prereleases, Semver, Thin
from tests.support.retention_scenes import APP, DAY, NOW, ago, image, judged, tags

ONE, TWO, GONE = (Digest.of(each) for each in (b"one", b"two", b"gone"))
ANY = (RepositoryPattern("**"),)


def words(entries: list[Entry], *images: Candidate, facts: Facts | None = None) -> dict[str, list[str]]:
    found = judged(entries, images, facts).verdicts
    return {tag: [reason_words(each).of_one for each in verdict.reasons] for tag, verdict in found.items()}


def test_a_reason_says_which_entry_and_why() -> None:
    entries = [
        Entry(tags=tags("stable")),
        Entry(tags=tags("v*"), newest=1),
        Entry(pushed_within=30 * DAY),
        Entry(tags=tags("v*"), label=Label("keep")),
    ]
    missing = [Entry(label=Label("keep"))]
    assert words(missing, image("a")) == {"a": ["entry 1 of policy shop does not keep it: it does not have the label"]}
    assert words(entries, image("v1", 50), image("v2", 40), image("x", 40), image("stable", 1), image("y", None)) == {
        "v1": [
            "entry 2 of policy shop does not keep it: newest 1, this is number 2, its tag was pushed 50 d ago",
            "entry 3 of policy shop does not keep it: pushed-within 30 d, its tag was pushed 50 d ago",
        ],
        "v2": ["entry 2 of policy shop keeps it: tags, newest 1, this is number 1, its tag was pushed 40 d ago"],
        "x": ["entry 3 of policy shop does not keep it: pushed-within 30 d, its tag was pushed 40 d ago"],
        "stable": [
            "entry 1 of policy shop keeps it: tags",
            "entry 3 of policy shop keeps it: pushed-within 30 d, its tag was pushed 1 d ago",
        ],
        "y": ["entry 3 of policy shop cannot judge it: nothing that can be true says when it was pushed"],
    }


def test_more_reasons() -> None:
    versions = Entry(tags=tags("/^(?P<version>[0-9].*)$/"), semver=Semver(1, ("minor",), groups=1))
    assert words(
        [versions, Entry(tags=tags("x"), with_siblings=True), Entry(tags=tags("z*"), thin=Thin(daily=3))],
        *(image("1.0.0"), image("1.1.0"), image("1.1.1"), image("1.2.0-rc1"), image("x", digest="a")),
        *(image("y", digest="a"), image("z", 3.2), image("z2", 3.3), image("other")),
    ) == {
        "1.0.0": ["entry 1 of policy shop does not keep it: the 1 newest groups, this is number 2 of minor 1.0"],
        "1.1.0": ["entry 1 of policy shop does not keep it: the 1 highest versions, this is number 2 of minor 1.1"],
        "1.1.1": ["entry 1 of policy shop keeps it: tags, the 1 highest versions, this is number 1 of minor 1.1"],
        "1.2.0-rc1": ["entry 1 of policy shop keeps it: a prerelease, and it does not say which of them stay"],
        "x": ["entry 2 of policy shop keeps it: tags"],
        "y": ["entry 2 of policy shop keeps it: it has the image of x, which stays"],
        "z": ["entry 3 of policy shop keeps it: tags, daily 3, this is number 1, its tag was pushed 3 d ago"],
        "z2": [
            "entry 3 of policy shop does not keep it: not the one of a day, week or month that counts, its tag was "
            "pushed 3 d ago"
        ],
        "other": ["no entry of policy shop keeps such a tag"],
    }


def test_a_prerelease_says_how_it_stays() -> None:
    rules = Prereleases(within=14 * DAY, until_released=30 * DAY)
    assert words([Entry(semver=Semver(1, prereleases=rules))], image("1.0.0-rc1", 3), image("1.0.0-rc2", 20)) == {
        "1.0.0-rc1": ["entry 1 of policy shop keeps it: pushed-within 14 d, its tag was pushed 3 d ago"],
        "1.0.0-rc2": [
            "entry 1 of policy shop keeps it: a prerelease whose release is not there, or not as old as it asks for"
        ],
    }


def test_what_keeps_it_is_said_before_what_cannot_judge_it() -> None:
    entries = [Entry(label=Label(str(number))) for number in range(5)] + [Entry(tags=tags("a"))]
    assert words(entries, image("a", labels=None))["a"][0] == "entry 6 of policy shop keeps it: tags"


def test_use_and_archive_are_said_first() -> None:
    facts = Facts(NOW, in_use={Tag("a"): (InUse(ListEntry("used.txt:3")),)})
    assert words([], image("a"), image("b", archived=True), image("c"), facts=facts) == {
        "a": ["in use: listed in used.txt:3"],
        "b": ["the registry does not delete it: it is archived"],
        "c": ["no entry of policy shop keeps such a tag"],
    }


def test_what_each_entry_does() -> None:
    entries = [
        Entry(tags=tags("v*")),
        Entry(newest=2),
        Entry(tags=tags("lates")),
        Entry(tags=tags("/^(?P<branch>.*)-(?P<commit>[0-9a-f]{7})$/"), newest=1, per=("branch",)),
    ]
    found = judged(entries, [image("v1", 1), image("v2", None), image("x", 3), image("main-1a2b3c4", 5)])
    assert found.entries == (
        EntryTally(matched=2, alone=1, together=1),
        EntryTally(matched=4, alone=1, together=1, doubts={"time": 1}),
        EntryTally(),
        EntryTally(matched=1, alone=1, groups=1, groups_of_one=1),
    )


def test_what_entries_do_in_several_repositories_adds_up() -> None:
    one = (EntryTally(1, 2, 3, {"time": 4}, 5, 6), EntryTally())
    other = (EntryTally(10, 20, 30, {"time": 40, "labels": 7}, 50, 60), EntryTally(matched=1))
    assert add_tallies(one, other) == (
        EntryTally(11, 22, 33, {"time": 44, "labels": 7}, 55, 66),
        EntryTally(matched=1),
    )


def test_an_entry_that_matches_nothing_anywhere_is_refused() -> None:
    entries = (
        Entry(tags=tags("lates", "stabl*")),
        Entry(tags=tags("/^x$/"), optional=True),
        Entry(newest=1),
        Entry(tags=tags("v1"), pushed_within=1),
    )
    policy = Policy("shop", ANY, keep=entries)
    tallies = judge(policy, Candidates(APP, (image("v1"),)), Facts(NOW)).entries
    assert entries_without_match(policy, tallies) == (EntryMatchesNothing("shop", 1, "lates, stabl*"),)


@pytest.mark.parametrize("number", [1, 3, 30])
def test_a_policy_that_empties_a_repository_is_refused(number: int) -> None:
    images = [image(f"b{each}", 100 + each) for each in range(number)]
    old = [Entry(pushed_within=30 * DAY)]
    assert judged(old, images).refusals == (EmptiesRepository(APP, "shop", number),)
    assert judged(old, images, may_empty=True).refusals == ()
    assert judged([], images).refusals == ()
    assert judged(old, [*images, image("new", 1)]).refusals == ()
    assert judged(old, [*images, image("unknown", None)]).refusals == ()
    assert judged(old, []).refusals == ()


def migrated(alike: int, others: int) -> list[Candidate]:
    return [image(f"a{each}", 9) for each in range(alike)] + [image(f"b{each}", 10 + each) for each in range(others)]


@pytest.mark.parametrize(
    ("images", "refused"),
    [
        (migrated(11, 9), OneTime(APP, "shop", 11, 20)),
        (migrated(10, 10), None),
        (migrated(19, 0), None),
        (migrated(20, 0), OneTime(APP, "shop", 20, 20)),
        ([image(f"a{each}", 9, "one") for each in range(30)], None),
    ],
)
def test_one_time_for_most_is_no_order(images: list[Candidate], refused: OneTime | None) -> None:
    for entry in (Entry(newest=1), Entry(thin=Thin(daily=1))):
        goes = any(isinstance(each, Delete) for each in judged([entry], images).verdicts.values())
        assert judged([entry], images).refusals == ((refused,) if refused and goes else ())
    assert judged([Entry(tags=tags("a1"))], images).refusals == ()
    assert judged([Entry(newest=99)], images).refusals == ()


def test_where_the_registry_tells_no_pulls_nothing_goes_by_them() -> None:
    policy = Policy("shop", ANY, keep=(Entry(newest=1), Entry(pulled_within=DAY)))
    images = (image("a", 1), image("b", 2))
    found = judge(policy, Candidates(APP, images), Facts(NOW))
    assert found.refusals == (PullsUntold(APP, "shop", 2),)
    assert not [each for each in found.verdicts.values() if isinstance(each, Delete)]


def test_a_plan_that_takes_a_familiar_tag_says_so() -> None:
    names = "Latest main prod v1 mainline stable"
    images = [image(name, 100 + at) for at, name in enumerate(names.split())]
    found = judged([Entry(tags=tags("stable"))], images)
    assert found.notices == (FamiliarTagsGo(APP, (Tag("Latest"), Tag("main"), Tag("prod"))),)
    assert judged([Entry(tags=tags("*"))], images).notices == ()


def attached(name: str, days: float | None, *, there: bool = False) -> AttachedTag:
    return AttachedTag(Tag(name), ONE, GONE, there, None if days is None else ago(days))


def test_attached_artifacts_have_no_verdict_unless_they_are_orphans_that_go() -> None:
    signatures = (
        attached("sha256-a.sig", 99, there=True),
        attached("sha256-b.sig", 31),
        attached("sha256-c.sig", 30),
        attached("sha256-d.sig", None),
        attached("sha256-e.sig", 99),
    )
    facts = Facts(NOW, in_use={Tag("sha256-e.sig"): (InUse(ListEntry("list")),)})
    candidates = Candidates(APP, (image("v1", 1),), attached=signatures)
    policy = Policy("shop", ANY, keep=(Entry(newest=1),))
    assert set(judge(policy, candidates, facts).verdicts) == {"v1"}
    policy = Policy("shop", ANY, keep=(Entry(newest=1),), orphaned_after=30 * DAY)
    found = judge(policy, candidates, facts).verdicts
    assert set(found) == {"v1", "sha256-b.sig"}
    assert found[Tag("sha256-b.sig")] == Delete((Orphaned(GONE, 31 * DAY, 30 * DAY),))


def test_manifests_without_a_tag_go_after_a_time() -> None:
    loose = (
        LooseManifest(ONE, ago(8)),
        LooseManifest(TWO, ago(7)),
        LooseManifest(Digest.of(b"unknown"), None),
        LooseManifest(GONE, ago(31), subject=ONE),
        LooseManifest(Digest.of(b"young"), ago(8), subject=ONE),
    )
    candidates = Candidates(APP, (), loose=loose)

    def going(**more: int) -> dict[Digest, object]:
        return dict(judge(Policy("shop", ANY, keep=(Entry(newest=1),), **more), candidates, Facts(NOW)).loose)  # type: ignore[arg-type]

    assert going() == {}
    assert going(untagged_after=7 * DAY) == {ONE: Untagged(8 * DAY, 7 * DAY)}
    assert going(orphaned_after=30 * DAY) == {GONE: Orphaned(ONE, 31 * DAY, 30 * DAY)}


def test_a_fact_that_was_not_read_is_an_error_and_no_answer() -> None:
    other = Facts(NOW, clones={"b": CloneFacts(())}, mentions={Mentioned("b"): Mentions(frozenset(), frozenset())})
    for entry in (Entry(branch_exists_in="shop"), Entry(mentioned_in=Mentioned("shop"))):
        with pytest.raises(KeyError):
            judged([entry], [image("a")], other)


def test_nothing_keeps_is_said_once() -> None:
    (verdict,) = judged([], [image("a")]).verdicts.values()
    assert verdict == Delete((NothingKeeps("shop"),))
