"""Rules that only some registries have: locks, a last tag that takes its manifest, subjects that take referrers."""

from collections.abc import Mapping
from typing import Any
from unittest.mock import patch

import msgspec

from holystone.engine.closure.close import close
from holystone.engine.model.capabilities import (
    SPARES_ALL,
    Capabilities,
    Cascade,
    DigestDeletion,
    Fate,
    LastTag,
    TagDeletion,
)
from holystone.engine.model.inventory import RepositorySnapshot
from holystone.engine.model.plan import Kept, Pass, Remove, RepositoryPlan, Untag
from holystone.engine.model.reasons import (
    ChildOf,
    IndexOf,
    LastTagged,
    LockedBy,
    ReferrerOf,
    SharesDigestWith,
    SubjectOf,
    Tagged,
)
from holystone.engine.model.references import Tag
from holystone.engine.model.verdicts import Keep, Verdict, Verdicts
from holystone.engine.planner.check import check_plan
from holystone.engine.planner.facts import TagFacts
from holystone.engine.planner.repository import keep_newest, plan_closed
from tests.support.gentle import gentle
from tests.support.manifest_graphs import DELETE, d, doom, fallback, image, index, repository

ONLY_DIGESTS = gentle("toy", digests=DigestDeletion(tags_first=False))
OVERWRITES = gentle("toy", digests=DigestDeletion(tags_first=False, tombstones=SPARES_ALL))
WHOLE = msgspec.structs.replace(OVERWRITES, tags=TagDeletion(SPARES_ALL))
MAY_GO = LastTag("may-go", takes_attached=False)
TAKES_LAST = msgspec.structs.replace(ONLY_DIGESTS, tags=TagDeletion(MAY_GO))
TAKES_REFERRERS = msgspec.structs.replace(WHOLE, cascade=Cascade(referrers=True))
TAKES_CHILDREN = msgspec.structs.replace(WHOLE, cascade=Cascade(referrers=True, children=True))
PROTECTS = msgspec.structs.replace(ONLY_DIGESTS, protects_children=True)


def plan(snapshot: RepositorySnapshot, verdicts: Verdicts, can: Capabilities = WHOLE) -> RepositoryPlan:
    closed = close(snapshot, verdicts, can)
    return plan_closed(snapshot, closed, can, TagFacts())


def steps(made: RepositoryPlan) -> list[tuple[str, object, tuple[Tag, ...]]]:
    return [
        (step.how, step.tag, ()) if isinstance(step, Untag) else ("remove", step.digest, step.tags)
        for step in made.steps
    ]


def kept(made: RepositoryPlan, tag: str) -> Kept:
    return next(each for each in made.kept if each.tag == tag)


def test_one_request_for_the_digest_takes_all_tags_of_an_image_that_goes_whole() -> None:
    made = plan(repository([image(1), image(2)], {"a": 1, "b": 1, "c": 2, "old": 2}), doom("a", "b", "old"))
    assert steps(made) == [("delete", "old", ()), ("remove", d(1), ("a", "b"))]


def test_the_last_tag_of_a_child_that_stays_is_not_deleted_where_that_takes_the_manifest() -> None:
    snapshot = repository([index(1, 2), image(2)], {"index": 1, "child": 2})
    made = plan(snapshot, doom("child"), TAKES_LAST)
    assert made.passes == ()
    assert kept(made, "child").reasons == (ChildOf(d(1)),)
    assert steps(plan(snapshot, doom("child"), WHOLE)) == [("delete", "child", ())]


def test_a_tag_beside_one_that_stays_is_deleted_even_there() -> None:
    assert steps(plan(repository([image(1)], {"old": 1, "new": 1}), doom("old"), TAKES_LAST)) == [("delete", "old", ())]


def test_the_proof_knows_that_a_last_tag_takes_its_manifest() -> None:
    snapshot = repository([index(1, 2), image(2)], {"index": 1, "child": 2})
    made = plan(snapshot, doom("child"), WHOLE)
    assert check_plan(snapshot, made) == ()
    assert any(str(d(2)) in finding for finding in check_plan(snapshot, made, TAKES_LAST))


def locked(snapshot: RepositorySnapshot, *tags: str) -> RepositorySnapshot:
    return msgspec.structs.replace(snapshot, locked={Tag(tag): "immutable" for tag in tags})


def test_a_locked_tag_stays_with_all_that_it_needs() -> None:
    snapshot = locked(repository([index(1, 2), image(2), image(3)], {"a": 1, "b": 3}), "a")
    made = plan(snapshot, doom("a", "b"))
    assert kept(made, "a").reasons == (LockedBy("immutable"),)
    assert made.kept_manifests == {d(1): Tagged(Tag("a")), d(2): ChildOf(d(1))}
    assert steps(made) == [("remove", d(3), (Tag("b"),))]


def test_a_lock_on_a_tag_that_stays_anyway_is_not_its_reason() -> None:
    verdicts: dict[Tag, Verdict] = {Tag("a"): Keep((LastTagged(),))}
    made = plan(locked(repository([image(1)], {"a": 1}), "a"), verdicts)
    assert kept(made, "a").reasons == (LastTagged(),)


def test_a_locked_signature_of_an_image_that_goes_stays() -> None:
    signature = fallback(1, ".sig")
    snapshot = locked(repository([image(1), image(2)], {"a": 1, signature: 2}), signature)
    made = plan(snapshot, doom("a"))
    assert kept(made, signature).reasons == (LockedBy("immutable"),)
    assert steps(made) == [("remove", d(1), (Tag("a"),))]
    assert check_plan(snapshot, made) == ()


def test_the_subject_of_a_referrer_that_stays_loses_its_name_only() -> None:
    snapshot = repository([index(1, 3), image(2, subject=1), image(3)], {"a": 1, "sbom": 2})
    made = plan(snapshot, doom("a"), TAKES_REFERRERS)
    assert steps(made) == [("delete", "a", ())]
    assert made.kept_manifests == {d(1): SubjectOf(d(2)), d(2): Tagged(Tag("sbom")), d(3): ChildOf(d(1))}
    whole = plan(snapshot, doom("a"), WHOLE)
    assert [step.digest for step in whole.steps] == [d(1), d(3)]


def test_a_name_that_cannot_go_alone_says_which_referrer_keeps_it() -> None:
    can = msgspec.structs.replace(ONLY_DIGESTS, cascade=TAKES_REFERRERS.cascade)
    snapshot = repository([image(1), image(2, subject=1)], {"a": 1, "sbom": 2})
    made = plan(snapshot, doom("a"), can)
    assert made.passes == ()
    assert kept(made, "a").reasons == (SubjectOf(d(2)),)


def test_the_proof_knows_that_a_subject_takes_its_referrers() -> None:
    snapshot = repository([image(1), image(2, subject=1), image(3)], {"a": 1, "sbom": 2})
    careless = RepositoryPlan(
        snapshot.repository,
        "toy",
        (Pass("manifests", (Remove(d(1), "", 0, (Tag("a"),), DELETE.reasons),)),),
        (Kept(Tag("sbom"), d(2), ()),),
        {d(2): Tagged(Tag("sbom"))},
    )
    assert any("sbom" in finding for finding in check_plan(snapshot, careless, TAKES_REFERRERS))


def test_the_newest_stays_where_the_last_tagged_manifest_cannot_go() -> None:
    snapshot = repository([image(1), image(2), image(3)], {"a": 1, "b": 2, "c": 3})
    verdicts = doom("a", "b", "c")

    def spared(**times: Mapping[Any, int]) -> set[Tag]:
        there = msgspec.structs.replace(snapshot, **times)
        fewer = keep_newest(there, close(there, verdicts), verdicts)
        assert fewer is not None
        return {tag for tag, verdict in fewer.items() if verdict == Keep((LastTagged(),))}

    put = {Tag("a"): 40, Tag("b"): 30, Tag("c"): 20}
    pushed = {d(1): 10, d(2): 30, d(3): 20}
    assert spared(put=put, pushed=pushed) == {"a"}, "an old manifest, tagged last"
    assert spared(pushed=pushed) == {"b"}
    assert spared(put={Tag("a"): 40, Tag("c"): 50}, pushed=pushed) == {"b"}, "it may be the newest"
    assert spared() == {"c"}


def test_nothing_is_spared_if_a_tag_stays_anyway_or_only_signatures_are_left() -> None:
    snapshot = repository([image(1), image(2)], {"a": 1, "b": 2})
    verdicts = doom("a")
    assert keep_newest(snapshot, close(snapshot, verdicts), verdicts) is None
    assert keep_newest(snapshot, close(snapshot, doom("a", "b")), {}) is None
    empty = repository([], {})
    assert keep_newest(empty, close(empty, {}), {}) is None


def test_a_signature_is_never_the_one_that_is_spared() -> None:
    signature = fallback(1, ".sig")
    snapshot = repository([image(1), image(2)], {"a": 1, signature: 2})
    snapshot = msgspec.structs.replace(snapshot, pushed={d(2): 99})
    verdicts = doom("a", signature)
    fewer = keep_newest(snapshot, close(snapshot, verdicts), verdicts)
    assert fewer is not None
    assert fewer[Tag("a")] == Keep((LastTagged(),))


def test_what_an_untagged_index_lists_stays_where_the_registry_protects_it() -> None:
    snapshot = repository([image(1), index(2, 1), image(3)], {"a": 1, "b": 3})
    assert steps(plan(snapshot, doom("a", "b"))) == [("remove", d(1), ("a",)), ("remove", d(3), ("b",))]
    made = plan(snapshot, doom("a", "b"), PROTECTS)
    assert steps(made) == [("remove", d(3), ("b",))]
    assert kept(made, "a").reasons == (ChildOf(d(2)),)


def test_an_index_that_goes_itself_protects_nothing() -> None:
    snapshot = repository([image(1), index(2, 1)], {"a": 1, "b": 2})
    assert removed(plan(snapshot, doom("a", "b"), PROTECTS)) == [{d(2)}, {d(1)}]


def test_an_index_stays_if_the_registry_would_take_along_what_stays() -> None:
    sbom = [image(1), image(2, subject=1), index(3, 1)]
    snapshot = repository(sbom, {"old": 3, "sbom": 2})
    made = plan(snapshot, doom("old"), TAKES_CHILDREN)
    assert made.kept_manifests == {d(1): SubjectOf(d(2)), d(2): Tagged(Tag("sbom")), d(3): IndexOf(d(1))}
    assert steps(made) == [("delete", "old", ())]
    assert check_plan(snapshot, made, TAKES_CHILDREN) == ()
    careless = plan(snapshot, doom("old"), TAKES_REFERRERS)
    assert steps(careless) == [("remove", d(3), ("old",))]
    assert check_plan(snapshot, careless, TAKES_REFERRERS) == ()
    assert "kept tag sbom would be lost" in check_plan(snapshot, careless, TAKES_CHILDREN)
    # A tag of its own that stays, or another index that stays, keeps a child from being taken.
    for tags, more in (({"base": 1}, []), ({"new": 4}, [index(4, 1)])):
        safe = repository([*sbom, *more], {"old": 3, "sbom": 2, **tags})
        made = plan(safe, doom("old"), TAKES_CHILDREN)
        assert steps(made) == [("remove", d(3), ("old",))]
        assert check_plan(safe, made, TAKES_CHILDREN) == ()


def test_an_index_that_keeps_its_tag_for_that_says_why() -> None:
    snapshot = repository([image(1), image(2, subject=1), index(3, 1)], {"old": 3, "sbom": 2})
    made = plan(snapshot, doom("old"), msgspec.structs.replace(ONLY_DIGESTS, cascade=TAKES_CHILDREN.cascade))
    assert kept(made, "old").reasons == (IndexOf(d(1)),)


def removed(made: RepositoryPlan) -> list[set[object]]:
    return [{step.digest for step in each.steps} for each in made.passes if each.kind == "manifests"]


def test_an_index_of_referrers_goes_before_the_subject_that_takes_them() -> None:
    snapshot = repository([image(1), index(2, 3), image(3, subject=1)], {"a": 1, fallback(1): 2})
    assert removed(plan(snapshot, doom("a"), TAKES_REFERRERS)) == [{d(2)}, {d(1)}, {d(3)}]
    assert removed(plan(snapshot, doom("a"))) == [{d(1)}, {d(2)}, {d(3)}]


def test_an_index_of_referrers_of_referrers_goes_before_every_subject() -> None:
    snapshot = repository([image(1), image(3, subject=1), image(4, subject=3), index(2, 4)], {"a": 1, "b": 2})
    assert removed(plan(snapshot, doom("a", "b"), TAKES_REFERRERS))[0] == {d(2)}


def test_of_doomed_tags_alone_on_a_manifest_that_stays_one_stays_where_the_last_tag_takes_it() -> None:
    snapshot = repository([index(1, 2), image(2)], {"keep": 1, "a": 2, "b": 2, "c": 2})
    made = plan(snapshot, doom("a", "b", "c"), TAKES_LAST)
    assert {each.tag for each in made.kept} == {"keep", "a"}
    assert steps(made) == [("delete", "b", ()), ("delete", "c", ())]
    assert check_plan(snapshot, made, TAKES_LAST) == ()


UNPROVEN = gentle("toy", tags=TagDeletion(), digests=DigestDeletion(tags_first=False, tombstones=MAY_GO))


def losing(last: LastTag) -> Capabilities:
    """By name, and when it is overwritten."""
    digests = DigestDeletion(tags_first=False, tombstones=last)
    return gentle("toy", tags=TagDeletion(last), digests=digests)


ANCHORS = losing(LastTag("goes-unanchored", takes_attached=False))
CASCADES = gentle("toy", tags=TagDeletion(LastTag("stays", takes_attached=True)), digests=None)
LIVES_BY_TAGS = gentle("toy", tags=TagDeletion(LastTag("goes-unlisted", takes_attached=True)), digests=None)
PART = repository([index(1, 2), image(2)], {"index": 1, "child": 2})


def test_a_manifest_that_stays_is_not_risked_where_nothing_shows_that_it_outlives_its_tag() -> None:
    for can in (UNPROVEN, losing(MAY_GO)):
        made = plan(PART, doom("child"), can)
        assert made.passes == ()
        assert kept(made, "child").reasons == (ChildOf(d(1)),)


def test_of_two_doomed_tags_there_one_goes() -> None:
    both = repository([index(1, 2), image(2)], {"index": 1, "child": 2, "same": 2})
    made = plan(both, doom("child", "same"), UNPROVEN)
    assert steps(made) == [("tombstone", "same", ())]
    assert kept(made, "child").reasons == (ChildOf(d(1)),)


def test_a_tag_beside_one_that_stays_can_be_overwritten_everywhere() -> None:
    shared = repository([image(1)], {"keep": 1, "old": 1})
    assert steps(plan(shared, doom("old"), UNPROVEN)) == [("tombstone", "old", ())]


def test_a_manifest_that_can_be_made_to_outlive_its_tag_is() -> None:
    assert steps(plan(PART, doom("child"), ANCHORS)) == [("anchor", "child", ())]


def test_the_last_tag_stays_where_it_would_take_the_signature_of_what_stays_along() -> None:
    signed = repository([index(1, 2), image(2), image(3)], {"index": 1, "child": 2, fallback(2, ".sig"): 3})
    assert steps(plan(signed, doom("child"), WHOLE)) == [("delete", "child", ())]
    made = plan(signed, doom("child"), CASCADES)
    assert made.passes == ()
    assert kept(made, "child").reasons == (ChildOf(d(1)),)
    unsigned = plan(PART, doom("child"), CASCADES)
    assert steps(unsigned) == [("delete", "child", ())]


def test_a_doomed_tag_beside_one_that_stays_names_that_whatever_else_holds_the_manifest() -> None:
    signature = fallback(1, ".sig")
    snapshot = repository([index(5, 1, 2), image(1), image(2)], {"index": 5, "old": 1, signature: 2, "same": 2})
    assert kept(plan(snapshot, doom("old", "same"), ONLY_DIGESTS), "same").reasons == (SharesDigestWith(signature),)


def test_a_referrer_that_lives_by_its_tag_keeps_it() -> None:
    snapshot = repository([image(1), image(2, subject=1)], {"keep": 1, "sbom": 2})
    made = plan(snapshot, doom("sbom"), LIVES_BY_TAGS)
    assert made.passes == ()
    assert kept(made, "sbom").reasons == (ReferrerOf(d(1)),)
    assert steps(plan(PART, doom("child"), LIVES_BY_TAGS)) == [("delete", "child", ())]


def test_the_last_tag_of_what_stays_is_overwritten_where_that_leaves_the_manifest() -> None:
    fates: dict[Fate, bool] = {"stays": True, "goes-unlisted": True, "goes-unanchored": False, "may-go": False}
    for fate, leaves in fates.items():
        can = gentle("toy", digests=DigestDeletion(tombstones=LastTag(fate, takes_attached=False)))
        made = plan(PART, doom("child"), can)
        assert steps(made) == [("tombstone", "child", ())] * leaves
        assert check_plan(PART, made, can) == ()


def test_a_tag_goes_by_its_name_where_nothing_goes_by_digest() -> None:
    made = plan(repository([image(1)], {"old": 1}), doom("old"), CASCADES)
    assert steps(made) == [("delete", "old", ())]


def test_nothing_is_pushed_to_anchor_a_manifest_that_keeps_another_tag() -> None:
    shared = repository([image(1)], {"keep": 1, "old": 1})
    assert steps(plan(shared, doom("old"), ANCHORS)) == [("delete", "old", ())]


def test_what_takes_a_signature_along_is_neither_anchored_nor_overwritten() -> None:
    signed = repository([index(1, 2), image(2), image(3)], {"index": 1, "child": 2, fallback(2, ".sig"): 3})
    anchors, leaves = LastTag("goes-unanchored"), LastTag("stays")
    overwrites = gentle("toy", digests=DigestDeletion(tombstones=leaves))
    for can, takes in ((ANCHORS, losing(anchors)), (OVERWRITES, overwrites)):
        assert len(plan(signed, doom("child"), can).steps) == 1
        assert kept(plan(signed, doom("child"), takes), "child").reasons == (ChildOf(d(1)),)


def test_a_tag_that_is_only_listed_spares_no_newest_one() -> None:
    snapshot = repository([image(1)], {"a": 1}, {"lost": "no manifest"})
    fewer = keep_newest(snapshot, close(snapshot, doom("a")), doom("a"))
    assert fewer == {Tag("a"): Keep((LastTagged(),))}


def test_the_only_tag_on_what_stays_is_not_overwritten_for_speed_where_that_drops_it() -> None:
    can = gentle("toy", digests=DigestDeletion(tombstones=MAY_GO, cost_grows=True))
    facts = TagFacts(written_once=frozenset({Tag("child")}))
    with patch("holystone.engine.planner.steps.tombstones_pay", return_value=True):
        made = plan_closed(PART, close(PART, doom("child"), can), can, facts)
    assert made.passes == ()
