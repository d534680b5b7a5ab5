"""A mark says of another tag not to use it: without its mark a rejected stage would be used."""

from collections.abc import Mapping

import msgspec

from holystone.engine.closure.close import close
from holystone.engine.model.capabilities import SPARES_ALL, Capabilities, DigestDeletion, TagDeletion
from holystone.engine.model.inventory import RepositorySnapshot
from holystone.engine.model.plan import RepositoryPlan
from holystone.engine.model.reasons import MarkOf
from holystone.engine.model.references import Tag
from holystone.engine.model.verdicts import Keep, Verdicts
from holystone.engine.planner.check import check_plan
from holystone.engine.planner.facts import TagFacts
from holystone.engine.planner.repository import keep_marks, plan_closed
from tests.support.gentle import gentle
from tests.support.manifest_graphs import d, doom, fallback, image, index, repository

STAGE, MARK = Tag("s-1"), Tag("s-1-rejected")
MARKS = {MARK: STAGE}
FACTS = TagFacts(marks=MARKS, written_once=frozenset({STAGE, MARK}))

BY_NAME = gentle("toy", tags=TagDeletion(SPARES_ALL))
WHOLE = msgspec.structs.replace(BY_NAME, digests=DigestDeletion(tags_first=False, tombstones=SPARES_ALL))
DIGEST_ONLY = gentle("toy", digests=DigestDeletion())
OVERWRITES = gentle("toy", digests=DigestDeletion(tombstones=SPARES_ALL, cost_grows=True))

APART = repository([image(1), image(2), image(3)], {STAGE: 1, MARK: 2, "old": 3})
BESIDE_A_RECORD = repository([image(1), image(2)], {STAGE: 1, MARK: 2, "record": 2})


def plan(
    snapshot: RepositorySnapshot, verdicts: Verdicts, can: Capabilities = BY_NAME, facts: TagFacts = FACTS
) -> RepositoryPlan:
    return plan_closed(snapshot, close(snapshot, verdicts), can, facts)


def passes(made: RepositoryPlan) -> list[tuple[str, list[object]]]:
    return [(each.kind, [step.id for step in each.steps]) for each in made.passes]


def test_marks_go_when_everything_else_is_gone() -> None:
    everything = doom(STAGE, MARK, "old")
    by_name = plan(APART, everything)
    assert passes(by_name) == [
        ("untag", ["old", STAGE]),
        ("manifests", [d(1), d(3)]),
        ("untag", [MARK]),
        ("manifests", [d(2)]),
    ]
    assert by_name.marks == MARKS
    for can in (WHOLE, DIGEST_ONLY):
        assert passes(plan(APART, everything, can)) == [("manifests", [d(1), d(3)]), ("manifests", [d(2)])]


def test_a_mark_that_shares_its_manifest_with_a_record_gives_way_to_a_tombstone_of_its_own() -> None:
    made = plan(BESIDE_A_RECORD, doom(STAGE, MARK), OVERWRITES)
    assert passes(made) == [("manifests", [d(1)]), ("tombstone", [MARK])]


def test_what_lies_in_a_mark_goes_after_it() -> None:
    snapshot = repository(
        [image(1), index(2, 3), image(3), image(4, subject=2)], {STAGE: 1, MARK: 2, "child": 3, "referrer": 4}
    )
    made = plan(snapshot, doom(STAGE, MARK, "child", "referrer"), DIGEST_ONLY)
    assert passes(made) == [("manifests", [d(1)]), ("manifests", [d(2)]), ("manifests", [d(3), d(4)])]


def test_a_mark_alone_is_a_tag_like_any_other() -> None:
    made = plan(APART, doom("old", MARK), facts=TagFacts())
    assert passes(made) == [("untag", ["old", MARK]), ("manifests", [d(2), d(3)])]
    assert made.marks == {}


def test_marks_are_not_overwritten_for_speed() -> None:
    many = {f"t-{number}": number for number in range(10, 4_000)}
    snapshot = repository(map(image, (1, 2, *many.values())), {STAGE: 1, MARK: 2, **many})
    facts = TagFacts(marks=MARKS, written_once=frozenset(snapshot.tags))
    first, *_, last = made = plan(snapshot, doom(*snapshot.tags), OVERWRITES, facts).passes
    assert [each.kind for each in made] == ["tombstone", "manifests", "manifests"]
    assert len(first.steps) == len(many) + 1
    assert last.steps[0].digest == d(2)


def again(snapshot: RepositorySnapshot, verdicts: Verdicts, can: Capabilities) -> RepositoryPlan:
    more = keep_marks(plan(snapshot, verdicts, can), MARKS, verdicts)
    assert more
    assert more[MARK] == Keep((MarkOf(STAGE),))
    made = plan(snapshot, more, can)
    assert keep_marks(made, MARKS, more) is None
    return made


def test_a_mark_stays_with_a_stage_that_the_registry_has_locked() -> None:
    locked = msgspec.structs.replace(APART, locked={STAGE: "immutable"})
    made = again(locked, doom(STAGE, MARK, "old"), BY_NAME)
    assert passes(made) == [("untag", ["old"]), ("manifests", [d(3)])]
    assert made.marks == {}


def test_a_mark_stays_with_a_stage_that_cannot_go_without_its_sibling() -> None:
    snapshot = repository([image(1), image(2)], {STAGE: 1, MARK: 2, "twin": 1})
    assert passes(again(snapshot, doom(STAGE, MARK), DIGEST_ONLY)) == []


def test_a_mark_stays_with_a_stage_that_is_broken() -> None:
    snapshot = repository([image(2)], {MARK: 2}, {STAGE: "its manifest is missing"})
    assert passes(again(snapshot, doom(STAGE, MARK), DIGEST_ONLY)) == []


def test_a_mark_that_cannot_go_itself_keeps_nothing() -> None:
    verdicts = doom(STAGE, MARK)
    made = plan(BESIDE_A_RECORD, verdicts, DIGEST_ONLY)
    assert keep_marks(made, MARKS, verdicts) is None
    assert passes(made) == [("manifests", [d(1)])]
    assert made.marks == {}


def test_a_mark_that_goes_with_its_stage_or_stays_with_it_anyway_keeps_nothing() -> None:
    everything = doom(STAGE, MARK)
    assert keep_marks(plan(APART, everything), MARKS, everything) is None
    both = repository([image(1), image(2)], {STAGE: 1, "twin": 1, MARK: 2, "record": 2})
    assert keep_marks(plan(both, everything, DIGEST_ONLY), MARKS, everything) is None


def test_what_is_no_mark_but_a_signature_is_not_tried_for_ever() -> None:
    snapshot = repository([image(1), image(2), image(3)], {"old": 1, fallback(1, ".sig"): 2, STAGE: 3})
    marks = {fallback(1, ".sig"): STAGE}
    verdicts = doom("old", fallback(1, ".sig"))
    more = keep_marks(plan(snapshot, verdicts), marks, verdicts)
    assert more
    made = plan(snapshot, more)
    assert keep_marks(made, marks, more) is None
    assert len(proof(snapshot, made, marks)) == 1


def proof(snapshot: RepositorySnapshot, made: RepositoryPlan, marks: Mapping[Tag, Tag] = MARKS) -> tuple[str, ...]:
    return check_plan(snapshot, made, marks=marks)


def test_the_proof_finds_a_mark_that_goes_without_its_stage() -> None:
    assert proof(APART, plan(APART, doom(STAGE, MARK))) == ()
    assert proof(APART, plan(APART, doom("old"))) == ()
    (finding,) = proof(APART, plan(APART, doom(MARK)))
    assert finding == f"tag {MARK} would be lost, but {STAGE}, which it marks, stays"
    broken = repository([image(2)], {MARK: 2}, {STAGE: "its manifest is missing"})
    assert len(proof(broken, plan(broken, doom(MARK)))) == 1


def test_the_proof_finds_a_plan_that_does_not_know_its_marks() -> None:
    made = msgspec.structs.replace(plan(APART, doom(STAGE, MARK)), marks={})
    assert proof(APART, made) == (f"tag {MARK} could be lost before {STAGE}, which it marks",)
