from unittest.mock import patch

import msgspec
import pytest

from holystone.engine.closure.close import close
from holystone.engine.model.capabilities import SPARES_ALL, Capabilities, DigestDeletion, TagDeletion
from holystone.engine.model.delete_reasons import BeyondLimit
from holystone.engine.model.inventory import RepositorySnapshot
from holystone.engine.model.plan import MOST_BYTES, Kept, Pass, Remove, RepositoryPlan, Untag
from holystone.engine.model.reasons import (
    ChildOf,
    NotJudged,
    ReferrerOf,
    SharesDigestWith,
    Tagged,
    Unreadable,
    YoungerThan,
)
from holystone.engine.model.references import Tag
from holystone.engine.model.verdicts import Delete, Verdict
from holystone.engine.planner.cost import (
    PER_DELETE,
    PER_TAG,
    PER_TOMBSTONE,
    plain_seconds,
    tombstone_seconds,
    tombstones_pay,
)
from holystone.engine.planner.facts import TagFacts
from holystone.engine.planner.repository import plan_closed
from tests.support.gentle import gentle
from tests.support.manifest_graphs import DELETE, GRACE, NOW, d, doom, fallback, image, index, repository

DIGEST_ONLY = gentle("toy", digests=DigestDeletion())
OVERWRITES = gentle("toy")
GROWING = gentle("toy", digests=DigestDeletion(tombstones=SPARES_ALL, cost_grows=True))
BY_NAME = gentle("toy", tags=TagDeletion(SPARES_ALL))
WHY = DELETE.reasons
OLD, NEW = Tag("old"), Tag("new")
RESTED = TagFacts(created={OLD: NOW - GRACE}, as_of=NOW, grace=GRACE)
FRESH = TagFacts(written_once=frozenset({OLD}), created={OLD: NOW - 10}, as_of=NOW, grace=GRACE)


def plan(
    snapshot: RepositorySnapshot, verdicts: dict[Tag, Verdict], can: Capabilities, facts: TagFacts | None = None
) -> RepositoryPlan:
    return plan_closed(snapshot, close(snapshot, verdicts), can, facts or TagFacts())


def remove(number: int, *tags: Tag, reasons: object = WHY) -> Remove:
    media_type = image(number).media_type
    return Remove(d(number), media_type, 15, tags, reasons)  # type: ignore[arg-type]


SHARED = repository([image(1)], {"old": 1, "new": 1})


def test_by_name_first_then_manifests() -> None:
    made = plan(repository([image(1), image(2)], {"old": 1, "new": 2}), doom("old"), BY_NAME)
    assert made.passes == (Pass("untag", (Untag(OLD, d(1), "delete", WHY),)), Pass("manifests", (remove(1),)))
    assert made.kept == (Kept(NEW, d(2), (NotJudged(),)),)
    assert made.kept_manifests == {d(2): Tagged(NEW)}


def test_a_shared_digest_loses_only_the_doomed_name_where_siblings_are_spared() -> None:
    assert plan(SHARED, doom("old"), BY_NAME).passes == (Pass("untag", (Untag(OLD, d(1), "delete", WHY),)),)


def test_a_tombstone_where_deleting_by_name_is_not_safe() -> None:
    can = gentle("toy", tags=TagDeletion())
    assert plan(SHARED, doom("old"), can).passes == (Pass("tombstone", (Untag(OLD, d(1), "tombstone", WHY),)),)


def test_a_shared_digest_is_kept_where_nothing_is_safe() -> None:
    for can in (DIGEST_ONLY, gentle("toy", tags=TagDeletion(), digests=DigestDeletion())):
        made = plan(SHARED, doom("old"), can)
        assert made.passes == ()
        assert made.kept == (Kept(NEW, d(1), (NotJudged(),)), Kept(OLD, d(1), (SharesDigestWith(NEW),)))


def test_no_tombstone_where_its_digest_could_not_be_deleted() -> None:
    can = gentle("toy", tags=TagDeletion(), digests=None)
    assert plan(SHARED, doom("old"), can).passes == ()


def test_a_tag_that_people_move_gets_a_tombstone_only_on_a_shared_digest() -> None:
    assert plan(SHARED, doom("old"), OVERWRITES, RESTED).passes[0].kind == "tombstone"
    alone = repository([image(1)], {"old": 1})
    assert plan(alone, doom("old"), OVERWRITES, RESTED).passes == (Pass("manifests", (remove(1, OLD),)),)


def test_a_young_tag_on_a_shared_digest_is_kept() -> None:
    kept = plan(SHARED, doom("old"), OVERWRITES, FRESH).kept
    assert kept[1] == Kept(OLD, d(1), (SharesDigestWith(NEW), YoungerThan(10, GRACE)))
    kept = plan(SHARED, doom("old"), DIGEST_ONLY, FRESH).kept
    assert kept[1] == Kept(OLD, d(1), (SharesDigestWith(NEW),)), "nor could it go when it is older"


def test_a_tag_that_people_move_and_of_unknown_age_is_kept_on_a_shared_digest() -> None:
    facts = TagFacts(as_of=NOW, grace=GRACE)
    assert plan(SHARED, doom("old"), OVERWRITES, facts).kept[1].reasons == (SharesDigestWith(NEW),)
    once = TagFacts(written_once=frozenset({OLD}), as_of=NOW, grace=GRACE)
    assert plan(SHARED, doom("old"), OVERWRITES, once).passes[0].kind == "tombstone"


def test_a_doomed_tag_on_the_child_of_a_kept_index_says_so() -> None:
    made = plan(repository([index(1, 2), image(2)], {"new": 1, "old": 2}), doom("old"), DIGEST_ONLY)
    assert made.kept[1] == Kept(OLD, d(2), (ChildOf(d(1)),))


def test_a_doomed_tag_on_a_referrer_of_a_kept_manifest_says_so() -> None:
    made = plan(repository([image(1), image(2, subject=1)], {"new": 1, "old": 2}), doom("old"), DIGEST_ONLY)
    assert made.kept[1] == Kept(OLD, d(2), (ReferrerOf(d(1)),))


def test_a_manifest_takes_all_its_tags_along_with_all_their_reasons() -> None:
    verdicts: dict[Tag, Verdict] = {OLD: DELETE, NEW: Delete((BeyondLimit("v1"), *WHY))}
    made = plan(SHARED, verdicts, DIGEST_ONLY)
    both = (BeyondLimit("v1"), *WHY)
    assert made.passes == (Pass("manifests", (remove(1, NEW, OLD, reasons=both),)),)
    assert made.doomed_tags == (NEW, OLD)


def test_one_pass_a_level_with_derived_reasons() -> None:
    snapshot = repository([image(1), image(2, subject=1), image(3)], {"old": 1, fallback(1, ".sig"): 3})
    made = plan(snapshot, doom("old"), DIGEST_ONLY)
    because = (ReferrerOf(d(1)),)
    assert made.passes == (
        Pass("manifests", (remove(1, OLD),)),
        Pass("manifests", (remove(2, reasons=because), remove(3, fallback(1, ".sig"), reasons=because))),
    )


def test_a_broken_tag_is_listed_without_digest() -> None:
    made = plan(repository([], {}, {"old": "manifest unknown"}), doom("old"), BY_NAME)
    assert made.kept == (Kept(OLD, None, (Unreadable("manifest unknown"),)),)


def test_the_manifest_of_a_kept_tag_is_expected_afterwards_though_it_was_not_read() -> None:
    assert plan(repository([], {"new": 1}), {}, BY_NAME).kept_manifests == {d(1): Tagged(NEW)}


def test_which_of_the_doomed_tags_are_written_once_is_in_the_plan() -> None:
    snapshot = repository([image(1), image(2)], {"old": 1, "new": 2})
    facts = TagFacts(written_once=frozenset({OLD, Tag("other")}))
    assert plan(snapshot, doom("old", "new"), BY_NAME, facts).doomed_written_once == (OLD,)


@pytest.mark.parametrize(("layers", "size"), [(-100, 0), (5, 15), (MOST_BYTES, MOST_BYTES)])
def test_what_a_manifest_says_of_its_size_is_taken_for_a_size(layers: int, size: int) -> None:
    snapshot = repository([msgspec.structs.replace(image(1), layers_size=layers)], {"old": 1})
    (step,) = plan(snapshot, doom("old"), DIGEST_ONLY).steps
    assert isinstance(step, Remove)
    assert step.size == size


def test_a_child_that_the_registry_lacks_is_not_expected_afterwards() -> None:
    assert plan(repository([index(1, 9)], {"new": 1}), {}, BY_NAME).kept_manifests == {d(1): Tagged(NEW)}


def test_a_registry_that_collects_by_itself_gets_no_digest_deletes() -> None:
    can = gentle("toy", tags=TagDeletion(), digests=None)
    made = plan(repository([image(1)], {"old": 1}), doom("old"), can)
    assert [each.kind for each in made.passes] == ["untag"]


def test_costs_agree_with_what_was_measured() -> None:
    assert abs(plain_seconds(3_000, 2_900, 2_900) - 81) < 1
    assert abs(plain_seconds(2_500, 2_000, 2_000) - 54) < 1
    assert abs(tombstone_seconds(2_500, 2_000, 2_000, 2_000) - 26) < 1


def test_a_tag_of_the_future_is_as_young_as_can_be() -> None:
    facts = TagFacts(as_of=10, created={Tag("a"): 20, Tag("b"): 5}, grace=5)
    assert facts.young(Tag("a")) == YoungerThan(age=0, grace=5)
    assert facts.young(Tag("b")) is None


def test_a_tombstone_costs_its_push_and_one_delete_more() -> None:
    assert plain_seconds(10, 4, 3) == pytest.approx(3 * (PER_DELETE + PER_TAG * 8))
    assert tombstone_seconds(10, 4, 3, 2) == pytest.approx(2 * PER_TOMBSTONE + plain_seconds(8, 2, 4))


def test_tombstones_pay_only_in_large_prunes() -> None:
    assert tombstones_pay(3_000, 2_900, 2_900, 2_900)
    assert tombstones_pay(2_500, 2_000, 2_000, 2_000)
    assert not tombstones_pay(500, 400, 400, 400)
    assert not tombstones_pay(700, 560, 560, 560), "they are faster, and not by half"
    assert not tombstones_pay(3_000, 2_900, 2_900, 0)
    assert not tombstones_pay(3_000, 100, 100, 100)
    assert not tombstones_pay(3_000, 2_900, 10, 2_900)


def test_large_prunes_overwrite_what_is_written_once_and_rested() -> None:
    count = 2_000
    names = [f"s{number}" for number in range(count)]
    snapshot = repository([image(number) for number in range(count)], {name: n for n, name in enumerate(names)})
    moved, young = Tag("s1"), Tag("s2")
    facts = TagFacts(
        written_once=frozenset(Tag(name) for name in names) - {moved},
        created={young: NOW, moved: NOW - 2 * GRACE},
        as_of=NOW,
        grace=GRACE,
    )
    growing = GROWING
    tombstones, manifests = plan(snapshot, doom(*names), growing, facts).passes
    assert tombstones.kind == "tombstone"
    assert len(tombstones.steps) == count - 2
    assert len(manifests.steps) == count
    left = {step.tags for step in manifests.steps if isinstance(step, Remove) and step.tags}
    assert left == {(moved,), (young,)}
    for can in (OVERWRITES, gentle("toy", digests=DigestDeletion(cost_grows=True))):
        assert [each.kind for each in plan(snapshot, doom(*names), can, facts).passes] == ["manifests"]


def test_tags_that_another_step_has_taken_away_slow_no_deletion_down() -> None:
    snapshot = repository(
        [image(1), image(2), image(3)],
        {"old": 1, "new": 1, "a": 2, "b": 3},
        {"new": "no configuration", "lost": "no manifest"},
    )
    facts = TagFacts(written_once=frozenset(map(Tag, ("old", "a", "b"))))
    with patch("holystone.engine.planner.steps.tombstones_pay", return_value=False) as asked:
        plan(snapshot, doom("old", "a", "b"), GROWING, facts)
    assert [call.args for call in asked.call_args_list] == [(4, 2, 2, 2)], "what is listed slows it, too"
