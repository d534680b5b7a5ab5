"""Branches, as those who make tags write them, and commits, as images say them."""

import pytest

from holystone.engine.model.history import GitReference, History, Reached
from holystone.engine.model.in_use import ListEntry
from holystone.engine.model.reasons import InUse
from holystone.engine.model.references import Commit, Tag
from holystone.policies.git_references import SelectedReference
from holystone.policies.keep_policies import Limit
from holystone.policies.retention.branch_names import Branches
from holystone.policies.retention.candidates import Candidates, Facts, SelectedHistory
from holystone.policies.retention.commits import commits_to_ask, images_of
from holystone.policies.retention.repository_patterns import RepositoryPattern
from holystone.policies.retention.rules import CommitOf, CommitsOf, Entry, Policy
from tests.support.retention_scenes import APP, NOW, REVISION, branches, commit, image, judged, staying, tags

BRANCH = tags("/^(?P<branch>.+)-(?P<commit>[0-9a-f]{7,40})$/")
GROUP = CommitOf("group", "commit")


@pytest.mark.parametrize(
    ("branch", "written"),
    [
        ("main", "main MAIN"),
        # docker/metadata-action: one - for each run of what no tag has
        ("feature/#1", "feature-1 feature--1"),
        ("fix//a", "fix-a fix--a fix__a"),
        ("Feature/X_y.z", "Feature-X_y.z feature-x-y-z Feature_X_y.z"),
        # CI_COMMIT_REF_SLUG: cut to 63, then without - at the ends
        ("_Dev_", "dev _Dev_"),
        (f"{'a' * 62}/b", f"{'a' * 62} {'a' * 62}-b"),
        (f"/{'a' * 70}", f"{'a' * 62} -{'a' * 70}"),
        ("x" * 130, f"{'x' * 128} {'x' * 63}"),
        ("größe/ß", "gr--e gr-e"),
        ("K-1", "k-1"),  # the first letter is the sign for kelvin
    ],
)
def test_makers_write_it_so(branch: str, written: str) -> None:
    known = Branches.of([GitReference("branch", branch, commit("a"), 1)])
    assert [text for text in written.split() if known.called(text) is None] == (["gr-e"] if "gr-e" in written else [])


@pytest.mark.parametrize("other", ["mai", "main2", "ma-in", "main-", "feature-x", "feature_xy"])
def test_another_is_another(other: str) -> None:
    found = Branches.of([GitReference("branch", name, commit("a"), 1) for name in ("main", "feature/xy/z")])
    assert found.called(other) is None


def test_tags_of_gone_branches_go() -> None:
    facts = Facts(NOW, clones={"shop": branches(main="a", feature__x="b")})
    names = "main-1111111 feature-x-2222222 feature_x-3333333 gone-4444444 feature-x-y-5555555 latest"
    entry = Entry(tags=BRANCH, branch_exists_in="shop")
    assert staying(entry, *map(image, names.split()), facts=facts) == (
        "feature-x-2222222 feature_x-3333333 main-1111111"
    )


def test_an_ambiguous_one_stays() -> None:
    facts = Facts(NOW, clones={"shop": branches(feature__x="a", feature_x="b")})
    entry = Entry(tags=BRANCH, branch_head_of="shop", commit=GROUP)
    there = [image(f"feature_x-{'b' * 7}"), image(f"feature-x-{'a' * 7}"), image(f"feature_x-{'a' * 7}")]
    facts = Facts(NOW, clones={"shop": branches(feature__x="aaaaaaa", feature_x="bbbbbbb")})
    assert staying(entry, *there, facts=facts) == "feature-x-aaaaaaa feature_x-aaaaaaa feature_x-bbbbbbb"


def test_where_nothing_says_the_branch_it_stays() -> None:
    facts = Facts(NOW, clones={"shop": branches(main="a")})
    entry = Entry(tags=tags("latest", *["/^(?P<branch>.+)-x$/"]), branch_exists_in="shop")
    assert staying(entry, image("latest"), image("gone-x"), facts=facts) == "latest?"


def test_heads_of_branches_stay() -> None:
    facts = Facts(NOW, clones={"shop": branches(main="aaaaaaa", dev="bbbbbbb")})
    entry = Entry(branch_head_of="shop")
    there = [
        image("a", revision=commit("aaaaaaa")),
        image("b", revision="bbbbbbb"),
        image("c", revision=commit("ccccccc")),
        image("d", labels=None),
        image("e"),
        image("f", revision="v1.2"),
        image("g", revision=commit("AAAAAAA")),
    ]
    assert staying(entry, *there, facts=facts) == "a b d? e? f? g"


def test_heads_of_the_branch_that_the_tag_names() -> None:
    facts = Facts(NOW, clones={"shop": branches(main="aaaaaaa", dev="bbbbbbb")})
    entry = Entry(tags=BRANCH, branch_head_of="shop", commit=GROUP)
    names = "main-aaaaaaa main-bbbbbbb dev-bbbbbbb gone-aaaaaaa"
    assert staying(entry, *map(image, names.split()), facts=facts) == "dev-bbbbbbb main-aaaaaaa"


def test_provenance_says_the_commit() -> None:
    facts = Facts(NOW, clones={"shop": branches(main="aaaaaaa")})
    entry = Entry(branch_head_of="shop", commit=CommitOf("provenance"))
    there = [
        image("a", provenance=frozenset({commit("aaaaaaa")})),
        image("b", provenance=frozenset({commit("bbbbbbb")})),
        image("c", provenance=None),
        image("d"),
    ]
    assert staying(entry, *there, facts=facts) == "a c? d?"


def test_the_commit_of_a_tag_that_stays() -> None:
    entries = [Entry(same_commit=True), Entry(tags=tags("v*"))]
    there = [
        image("v1", revision=commit("aaaaaaa")),
        image("sha-a", revision="aaaaaaaa"[:7]),
        image("sha-b", revision=commit("bbbbbbb")),
        image("sha-c"),
    ]
    assert staying(entries, *there) == "sha-a sha-c? v1"


def test_the_commit_of_a_tag_in_use() -> None:
    there = [
        image("x", revision=commit("aaaaaaa")),
        image("y", revision=commit("aaaaaaa")),
        image("z", revision=commit("b")),
    ]
    facts = Facts(NOW, in_use={Tag("x"): (InUse(ListEntry("list")),)})
    assert staying(Entry(same_commit=True), *there, facts=facts) == "x y"


def test_the_commit_of_a_tag_that_the_registry_does_not_let_go() -> None:
    there = [
        image("x", revision=commit("aaaaaaa"), locked=True),
        image("y", revision=commit("aaaaaaa")),
        image("z", revision=commit("b")),
    ]
    assert "y" in staying(Entry(same_commit=True), *there).split()
    assert "z" not in staying(Entry(same_commit=True), *there).split()


def test_what_stays_and_cannot_be_read_may_have_any_commit() -> None:
    entries = [Entry(tags=tags("v*")), Entry(tags=tags("sha-*"), same_commit=True)]
    there = [image("v1", labels=None), image("sha-a", revision=commit("aaaaaaa")), image("other")]
    assert staying(entries, *there) == "sha-a? v1"
    assert staying(entries, image("v1"), *there[1:]) == "v1"


def test_the_commit_of_a_group_is_read_by_any_entry() -> None:
    entries = [
        Entry(tags=tags("/^v.*-g(?P<commit>[0-9a-f]{7,40})$/")),
        Entry(tags=tags("/^sha-(?P<commit>[0-9a-f]{7,40})$/"), same_commit=True, commit=GROUP),
    ]
    names = "v1-gaaaaaaa sha-aaaaaaab sha-aaaaaaa sha-aaaaaab"
    assert staying(entries, *map(image, names.split())) == "sha-aaaaaaa sha-aaaaaaab v1-gaaaaaaa"


def test_two_entries_of_the_same_commit_do_not_lead_to_each_other() -> None:
    by_group = Entry(tags=tags("/^sha-(?P<commit>[0-9a-f]{7})$/"), same_commit=True, commit=GROUP)
    entries = [Entry(same_commit=True, tags=tags("sha-*")), by_group, Entry(tags=tags("v1"))]
    there = [
        image("v1", revision=commit("aaaaaaa")),
        image("sha-bbbbbbb", revision=commit("aaaaaaa")),
        image("sha-bbbbbbc", revision=commit("bbbbbbb")),
    ]
    assert staying(entries, *there) == "sha-bbbbbbb v1"


def history(*, limit: Limit | None = None, complete: bool = True) -> SelectedHistory:
    """A branch with the commits aaaaaaa, bbbbbbb, ccccccc, each older than the one before."""
    line = [commit(each * 7) for each in "abc"]
    times = {each: NOW - 100 * place for place, each in enumerate(line)} | {commit("ddddddd"): NOW}
    head = SelectedReference(GitReference("branch", "main", line[0], NOW), limit, 1)
    reached = Reached([line[0]], {**dict.fromkeys(line, 1), commit("ddddddd"): 0})
    return SelectedHistory((head,), History(times, reached, complete=complete))


def of_commits(*revisions: str | None) -> list[object]:
    return [image(f"t{at}", revision=each) for at, each in enumerate(revisions)]


def test_images_of_commits_that_keep_policies_select() -> None:
    wanted = CommitsOf("shop", ())
    there = of_commits(commit("aaaaaaa"), "bbbbbbb", commit("ddddddd"), commit("eeeeeee"), "eeeeeee", None, "v1")

    def kept(known: SelectedHistory) -> str:
        return staying(Entry(commits_of=wanted), *there, facts=Facts(NOW, histories={wanted: known}))  # type: ignore[arg-type]

    assert kept(history()) == "t0 t1 t5? t6?"
    assert kept(history(limit=Limit(last=1))) == "t0 t5? t6?"
    assert kept(history(complete=False)) == "t0 t1 t2? t3? t4? t5? t6?"


def test_their_limits_choose_among_what_the_other_keys_leave() -> None:
    wanted = CommitsOf("shop", ())
    facts = Facts(NOW, histories={wanted: history(limit=Limit(last=1))})
    entry = Entry(tags=tags("t1", "t2"), commits_of=wanted)
    there = of_commits(commit("aaaaaaa"), commit("bbbbbbb"), commit("ccccccc"))
    assert staying(entry, *there, facts=facts) == "t1"  # type: ignore[arg-type]


def test_newest_counts_what_the_keep_policies_leave() -> None:
    wanted = CommitsOf("shop", ())
    facts = Facts(NOW, histories={wanted: history()})
    there = [image("new", 1, revision=commit("ddddddd")), image("a", 5, revision=commit("aaaaaaa"))]
    assert staying(Entry(commits_of=wanted, newest=1), *there, facts=facts) == "a"


def test_of_one_commit_the_last_in_natural_order_is_the_newer() -> None:
    wanted = CommitsOf("shop", ())
    facts = Facts(NOW, histories={wanted: history(limit=Limit(last=1))})
    there = [image("1.10", revision=commit("aaaaaaa")), image("1.9", revision=commit("aaaaaaa"))]
    assert staying(Entry(commits_of=wanted), *there, facts=facts) == "1.10"


def test_an_ambiguous_beginning_keeps_by_any_of_its_commits() -> None:
    wanted = CommitsOf("shop", (), GROUP)
    one, other = Commit(f"aaaaaaa1{'0' * 32}"), Commit(f"aaaaaaa2{'0' * 32}")
    head = SelectedReference(GitReference("branch", "main", other, NOW), None, 1)
    known = SelectedHistory((head,), History({one: NOW, other: NOW}, Reached([other], {one: 0, other: 1})))
    facts = Facts(NOW, histories={wanted: known})
    entry = Entry(tags=tags("/^(?P<commit>[0-9a-f]+)$/"), commits_of=wanted)
    names = "aaaaaaa aaaaaaa1 aaaaaaa2 aaaaaa"
    assert staying(entry, *map(image, names.split()), facts=facts) == "aaaaaa? aaaaaaa aaaaaaa2"


def test_what_histories_are_asked() -> None:
    by_label, by_group = CommitsOf("shop", ()), CommitsOf("shop", (), GROUP)
    entries = [
        Entry(tags=tags("v*"), commits_of=by_label),
        Entry(tags=tags("w*"), commits_of=by_label),
        Entry(tags=tags("/^sha-(?P<commit>.*)$/"), commits_of=by_group),
        Entry(newest=1),
    ]
    there = [
        image("v1", revision="AAAAAAA"),
        image("w1", revision=commit("b")),
        image("x1", revision=commit("c")),
        image("sha-1234567"),
        image("sha-123"),
        image("v2", labels=None),
    ]
    policy = Policy("shop", (RepositoryPattern("**"),), keep=tuple(entries))
    asked = commits_to_ask(policy, Candidates(APP, tuple(there)))
    assert asked == {by_label: {"aaaaaaa", commit("b")}, by_group: {"1234567"}}


def test_the_report_names_the_branch() -> None:
    wanted = CommitsOf("shop", ())
    facts = Facts(NOW, histories={wanted: history()})
    found = judged([Entry(commits_of=wanted)], [image("a", revision=commit("bbbbbbb"))], facts)
    (verdict,) = found.verdicts.values()
    assert [type(each).__name__ for each in verdict.reasons] == ["KeptByEntry", "ReachedFromBranch"]
    assert CommitOf().name == REVISION


def test_an_archived_image_takes_no_place_of_a_branch() -> None:
    wanted = CommitsOf("shop", ())
    facts = Facts(NOW, histories={wanted: history(limit=Limit(last=1))})
    there = [image("a", revision=commit("aaaaaaa"), archived=True), image("b", revision=commit("bbbbbbb"))]
    assert staying(Entry(commits_of=wanted), *there, facts=facts) == "a b"


def test_images_are_looked_for_whose_commit_is_known() -> None:
    wanted = CommitsOf("shop", (), GROUP)
    policy = Policy("p", (), keep=(Entry(tags=BRANCH, commits_of=wanted), Entry(tags=tags("x-*"), newest=1)))
    names = ["main-aaaaaaa", "main-aaaaaab", "main-bbbbbbb", "other"]
    there = Candidates(APP, (*map(image, names), image("again-aaaaaaa", digest="main-aaaaaaa")))
    assert images_of(wanted, [commit("aaaaaaa"), commit("aaaaaab")], policy, there) == 2
    assert images_of(CommitsOf("blog", ()), [commit("aaaaaaa")], policy, there) == 0
