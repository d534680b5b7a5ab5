"""Why tags and records stay or go, and what an incomplete source changes."""

import tracemalloc
from collections.abc import Sequence

import pytest

from holystone.engine.model.delete_reasons import (
    BeyondLimit,
    CommitsGone,
    MetadataSuperseded,
    MetadataUnused,
    NotReached,
)
from holystone.engine.model.history import GitReference, History, Reached
from holystone.engine.model.reasons import (
    ContradictedBy,
    MetadataHead,
    MetadataNeeded,
    ReachedFromBranch,
    ReachedFromTag,
    RecordContradicts,
    UnknownHistory,
    Unreadable,
    WithoutMetadata,
)
from holystone.engine.model.references import Commit, Tag
from holystone.engine.model.verdicts import Delete, Keep, Verdict
from holystone.policies.git_references import SelectedReference, heads_to_ask
from holystone.policies.keep_policies import Limit
from holystone.policies.werf.v1.git_history import ImageDecision, decide_images
from holystone.policies.werf.v1.project import ImageTag, MetadataRecord
from tests.support.commit_graph import CommitGraph, reached_from
from tests.support.image_values import IMAGE, commit_id, image_tag, metadata_record

NOW = 10_000
A, B, C, D, E, GONE = (commit_id(name) for name in ("a", "b", "c", "d", "e", "gone"))
# a ← b ← c, with d and e beside them
GRAPH = CommitGraph({A: [], B: [A], C: [B], D: [A], E: [A]}, {A: 1000, B: 2000, C: 3000, D: 4000, E: 5000})


def branch(name: str, commit: Commit = C, limit: Limit | None = None, policy: int = 1) -> SelectedReference:
    return SelectedReference(GitReference("branch", name, commit, GRAPH.times[commit]), limit, policy)


def git_tag(name: str, commit: Commit) -> SelectedReference:
    return SelectedReference(GitReference("tag", name, commit, 1), None, 2)


def decide(
    tags: Sequence[ImageTag],
    records: Sequence[MetadataRecord],
    selected: Sequence[SelectedReference],
    *,
    v1_2: bool = True,
    complete: bool = True,
) -> ImageDecision:
    history = GRAPH.history(heads_to_ask(selected), {each.commit for each in records}, complete=complete)
    return decide_images(tags, records, history, selected, v1_2=v1_2, now=NOW)


def of_tag(decision: ImageDecision, tag: str) -> Verdict:
    return decision.tags[Tag(tag)]


def test_every_reference_that_keeps_is_named_for_every_tag() -> None:
    decision = decide(
        [image_tag("x", "s"), image_tag("y", "s")],
        [metadata_record(B, "s"), metadata_record(A, "s")],
        [git_tag("v1", A), branch("two", B, policy=3), branch("one")],
    )
    expected = Keep((ReachedFromBranch("one", B, 1), ReachedFromBranch("two", B, 3), ReachedFromTag("v1", A, 2)))
    assert decision.tags == {"x": expected, "y": expected}
    assert decision.metadata == {
        metadata_record(A, "s").tag: Keep((MetadataHead("v1"),)),
        metadata_record(B, "s").tag: Keep((MetadataHead("origin/one"), MetadataHead("origin/two"))),
    }


def test_a_git_tag_reaches_its_own_commit_only() -> None:
    decision = decide([image_tag("x", "s")], [metadata_record(A, "s")], [git_tag("v1", B)])
    assert of_tag(decision, "x") == Delete((NotReached(),))


def test_rank_is_by_the_newest_reachable_commit() -> None:
    """Seen from c, `old` was made first, yet built again last."""
    tags = [image_tag("old", "old"), image_tag("mid", "mid")]
    records = [metadata_record(A, "old"), metadata_record(B, "mid"), metadata_record(C, "old")]
    decision = decide(tags, records, [branch("one", limit=Limit(last=1))])
    assert of_tag(decision, "old") == Keep((ReachedFromBranch("one", C, 1),))
    assert of_tag(decision, "mid") == Delete((BeyondLimit("origin/one"),))
    assert decision.metadata[metadata_record(A, "old").tag] == Delete((MetadataSuperseded(C),))
    assert decision.metadata[metadata_record(B, "mid").tag] == Delete((MetadataUnused(IMAGE),))


def test_of_equal_dates_the_head_is_the_newest() -> None:
    graph = CommitGraph({A: [], B: [A]}, {A: 1000, B: 1000})
    for head_signature, other in (("a", "z"), ("z", "a")):
        records = [metadata_record(A, other), metadata_record(B, head_signature)]
        selected = SelectedReference(GitReference("branch", "one", B, 1000), Limit(last=1), 1)
        decision = decide_images(
            [image_tag("a", "a"), image_tag("z", "z")],
            records,
            graph.history([B], [A, B]),
            [selected],
            v1_2=True,
            now=NOW,
        )
        assert isinstance(of_tag(decision, head_signature), Keep)
        assert isinstance(of_tag(decision, other), Delete)


def test_commits_that_do_not_exist() -> None:
    records = [metadata_record(GONE, "lost"), metadata_record(commit_id("gone too"), "s"), metadata_record(B, "s")]
    decision = decide([image_tag("lost", "lost"), image_tag("s", "s")], records, [branch("one")])
    assert of_tag(decision, "lost") == Delete((CommitsGone(),))
    assert isinstance(of_tag(decision, "s"), Keep)
    assert decision.metadata[records[0].tag] == Delete((MetadataUnused(IMAGE),))
    assert decision.metadata[records[1].tag] == Keep((MetadataNeeded(),))


@pytest.mark.parametrize("v1_2", [True, False])
def test_tags_without_metadata(v1_2: bool) -> None:
    tags = [image_tag("unsigned"), image_tag("unknown", "u"), image_tag("known", "s")]
    decision = decide(tags, [metadata_record(C, "s")], [branch("one")], v1_2=v1_2)
    verdict = Delete((WithoutMetadata(),)) if v1_2 else Keep((WithoutMetadata(),))
    assert of_tag(decision, "unsigned") == of_tag(decision, "unknown") == verdict
    assert isinstance(of_tag(decision, "known"), Keep)
    assert not decision.metadata_missing


def test_no_tag_with_metadata_is_said() -> None:
    other = metadata_record(C, "other")
    assert decide([image_tag("x", "s")], [other], [branch("one")]).metadata_missing
    assert decide([image_tag("x")], [], [branch("one")]).metadata_missing
    assert not decide([], [other], [branch("one")]).metadata_missing


def test_an_image_that_may_be_of_any_content_is_no_proof_that_some_tag_has_metadata() -> None:
    other = metadata_record(C, "other")
    history = GRAPH.history(heads_to_ask([branch("one")]), {C})
    tags = [image_tag("x", "s")]
    seen = decide_images(tags, [other], history, [branch("one")], v1_2=True, now=NOW, unseen={"other"})
    doubtful = decide_images(tags, [other], history, [branch("one")], v1_2=True, now=NOW, possible={"other"})
    assert (seen.metadata_missing, doubtful.metadata_missing) == (False, True)
    assert isinstance(seen.metadata[other.tag], Keep)
    assert isinstance(doubtful.metadata[other.tag], Keep)


def test_a_shallow_clone_keeps_what_has_a_missing_commit_and_its_records() -> None:
    records = [metadata_record(GONE, "s"), metadata_record(A, "s"), metadata_record(C, "s"), metadata_record(B, "t")]
    tags = [image_tag("s", "s"), image_tag("t", "t")]
    decision = decide(tags, records, [branch("one", limit=Limit(last=1))], complete=False)
    assert of_tag(decision, "s") == Keep((ReachedFromBranch("one", C, 1), UnknownHistory(GONE)))
    assert of_tag(decision, "t") == Delete((BeyondLimit("origin/one"),)), "its newest commit is known to be reached"
    assert [decision.metadata[record.tag] for record in records] == [
        Keep((MetadataNeeded(),)),
        Keep((UnknownHistory(GONE),)),
        Keep((MetadataHead("origin/one"),)),
        Delete((MetadataUnused(IMAGE),)),
    ]


def test_in_a_shallow_clone_a_commit_may_be_reached_through_missing_ones() -> None:
    decision = decide([image_tag("x", "s")], [metadata_record(D, "s")], [branch("one")], complete=False)
    assert of_tag(decision, "x") == Keep((UnknownHistory(D),))
    assert decision.metadata[metadata_record(D, "s").tag] == Keep((UnknownHistory(D),))


def test_in_a_shallow_clone_a_newer_commit_may_be_reached_through_missing_ones() -> None:
    """Then the content ranks higher than it seems."""
    records = [metadata_record(A, "s"), metadata_record(D, "s"), metadata_record(B, "t")]
    tags, selected = [image_tag("s", "s"), image_tag("t", "t")], [branch("one", limit=Limit(last=1))]
    assert of_tag(decide(tags, records, selected), "s") == Delete((BeyondLimit("origin/one"),))
    assert of_tag(decide(tags, records, selected, complete=False), "s") == Keep((UnknownHistory(D),))


def test_a_git_tag_needs_no_history() -> None:
    decision = decide([image_tag("x", "s")], [metadata_record(D, "s")], [git_tag("v1", A)], complete=False)
    assert of_tag(decision, "x") == Delete((NotReached(),))


@pytest.mark.parametrize("commit", [A, E, GONE])
def test_a_silent_record_protects_only_if_its_commit_counts(commit: Commit) -> None:
    """The record could be of any content, so on a commit that the branch reaches it could keep any tag."""
    silent = metadata_record(commit, None)
    records = [silent, metadata_record(D, "beside"), metadata_record(B, "reached")]
    tags = [image_tag("beside", "beside"), image_tag("reached", "reached"), image_tag("bare")]
    decision = decide(tags, records, [branch("one")])
    assert isinstance(of_tag(decision, "reached"), Keep)
    if commit == A:
        doubt = Keep((Unreadable(f"metadata record {silent.tag} does not say which content it is of"),))
        assert of_tag(decision, "beside") == of_tag(decision, "bare") == doubt
        assert decision.metadata[metadata_record(D, "beside").tag] == Keep((MetadataNeeded(),))
    else:
        assert of_tag(decision, "beside") == Delete((NotReached(),))
        assert of_tag(decision, "bare") == Delete((WithoutMetadata(),))
    assert isinstance(decision.metadata[silent.tag], Keep)


def test_a_silent_record_protects_whatever_the_limits() -> None:
    silent = metadata_record(A, None)
    decision = decide([image_tag("bare")], [silent], [branch("one", limit=Limit(last=0))])
    assert isinstance(of_tag(decision, "bare"), Keep)


def test_nothing_at_all() -> None:
    assert decide_images([], [], History({}, Reached()), [], v1_2=True, now=NOW) == ImageDecision({}, {}, False)


@pytest.mark.parametrize("old", ["a", "z"])
def test_a_record_that_was_overwritten_dooms_no_image_that_says_otherwise(old: str) -> None:
    """Whoever may push to the stages storage can write records, and cannot write into images that are there."""
    tags = [image_tag("new", "s", built_at=C), image_tag("old", old, built_at=A)]
    decision = decide(tags, [metadata_record(C, old), metadata_record(A, old)], [branch("main", limit=Limit(last=1))])
    assert of_tag(decision, "new") == Keep(
        (RecordContradicts(metadata_record(C, old).tag, C), ReachedFromBranch("main", C, 1))
    )


@pytest.mark.parametrize("apart", [False, True])
def test_thousands_of_branches_that_keep_hundreds_of_images_take_little_memory(*, apart: bool) -> None:
    """Five thousand times five hundred took 600 MB, and thirty thousand that lie apart, times fifteen hundred, 1.4 GB.
    Whoever may push makes the branches."""
    records = [metadata_record(commit_id(f"c{number}"), f"s{number}") for number in range(100)]
    tags = [image_tag(f"t{number}", f"s{number}") for number in range(100)]
    heads = [commit_id(f"h{number}") for number in range(1000)]
    history = History(
        times={each.commit: 1000 + number for number, each in enumerate(records)},
        reached_from=Reached(
            heads, {each.commit: (1 << (900 + number if apart else 1000)) - 1 for number, each in enumerate(records)}
        ),
    )
    selected = [SelectedReference(GitReference("branch", f"b{at}", at, 1), None, 1) for at in heads]
    tracemalloc.start()
    decision = decide_images(tags, records, history, selected, v1_2=True, now=NOW)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 3_000_000
    assert {len(each.reasons) for each in (*decision.tags.values(), *decision.metadata.values())} == {20}


def test_thousands_of_records_and_images_are_few_reasons_for_each_of_thousands_of_tags() -> None:
    """Whoever may push makes records that do not say their content, and images of one content that each contradict a
    record: all of them stood with each tag, in the plan and in the journal."""
    commits = [commit_id(f"c{number}") for number in range(100)]
    history = History(dict.fromkeys([C, *commits], 1), reached_from(dict.fromkeys([C, *commits], (C,))))
    tags = [image_tag(f"t{number}", "s", built_at=commit) for number, commit in enumerate(commits)]
    for said, reasons in ((None, 20), ("other", 21)):
        records = [metadata_record(C, "u"), *(metadata_record(commit, said) for commit in commits)]
        found = decide_images(tags, records, history, [branch("main")], v1_2=True, now=NOW).tags.values()
        assert {(type(verdict), len(verdict.reasons)) for verdict in found} == {(Keep, reasons)}


def test_each_image_of_a_content_has_its_own_word() -> None:
    """One that was built anew at a later commit, when its stages were gone."""
    tags = [image_tag("x", "s", built_at=D), image_tag("y", "s", built_at=C)]
    decision = decide(tags, [metadata_record(D, "t"), metadata_record(C, "t")], [branch("main")])
    expected = Keep(
        (
            RecordContradicts(metadata_record(D, "t").tag, D),
            RecordContradicts(metadata_record(C, "t").tag, C),
            ReachedFromBranch("main", C, 1),
        )
    )
    assert decision.tags == {"x": expected, "y": expected}
    assert decision.metadata[metadata_record(C, "t").tag] == Keep((ContradictedBy(Tag("y")),))


@pytest.mark.parametrize("commit", [D, GONE])
def test_an_image_that_would_go_by_its_own_word_goes(commit: Commit) -> None:
    decision = decide(
        [image_tag("x", "s", built_at=commit), image_tag("y", "t")],
        [metadata_record(commit, "t"), metadata_record(C, "t")],
        [branch("main")],
    )
    assert isinstance(of_tag(decision, "x"), Delete)


def test_an_image_that_was_built_at_a_commit_without_record_is_judged_by_records() -> None:
    decision = decide([image_tag("x", "s", built_at=C)], [metadata_record(D, "s")], [branch("main")])
    assert of_tag(decision, "x") == Delete((NotReached(),))


def test_where_both_say_the_same_nothing_is_told() -> None:
    decision = decide([image_tag("x", "s", built_at=C)], [metadata_record(C, "s")], [branch("main")])
    assert of_tag(decision, "x") == Keep((ReachedFromBranch("main", C, 1),))


def test_the_records_of_what_stays_by_its_own_word_stay() -> None:
    decision = decide(
        [image_tag("x", "s", built_at=C)], [metadata_record(C, "t"), metadata_record(D, "s")], [branch("main")]
    )
    assert decision.metadata[metadata_record(D, "s").tag] == Keep((MetadataNeeded(),))
    # The other one is all that shows the contradiction: without it the image would go in the next run.
    assert decision.metadata[metadata_record(C, "t").tag] == Keep((ContradictedBy(Tag("x")),))
