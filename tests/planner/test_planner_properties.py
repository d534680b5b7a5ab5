"""Any plan, on any repository and registry: applied to a toy registry, it deletes what it says and nothing more."""

from collections.abc import Mapping
from random import Random
from unittest.mock import patch

import msgspec
from hypothesis import example, given, settings
from hypothesis import strategies as st

from holystone.engine.closure.close import Closed, close
from holystone.engine.model.capabilities import Capabilities, DigestDeletion, LastTag
from holystone.engine.model.codec import from_json, to_json
from holystone.engine.model.inventory import RepositorySnapshot
from holystone.engine.model.plan import Kept, Pass, Remove, RepositoryPlan, Untag
from holystone.engine.model.references import Tag
from holystone.engine.model.verdicts import Keep, Verdict, Verdicts
from holystone.engine.planner.check import check_plan
from holystone.engine.planner.facts import TagFacts
from holystone.engine.planner.repository import held_by, keep_marks, plan_closed
from tests.support.manifest_graphs import capabilities, doom, facts_for, image, index, repositories, repository
from tests.support.toy_registry import ToyRegistry, needs


class Case:
    def __init__(
        self, snapshot: RepositorySnapshot, verdicts: dict[Tag, Verdict], can: Capabilities, facts: TagFacts, fast: bool
    ) -> None:
        self.snapshot, self.verdicts, self.can, self.facts, self.fast = snapshot, verdicts, can, facts, fast

    def __repr__(self) -> str:
        return f"Case({self.snapshot}, {self.verdicts}, {self.can}, {self.facts}, {self.fast})"

    def plan(self, snapshot: RepositorySnapshot | None = None) -> tuple[Closed, RepositoryPlan]:
        snapshot = snapshot or self.snapshot
        verdicts: Verdicts | None = self.verdicts
        while verdicts is not None:
            closed = close(snapshot, verdicts, self.can)
            # Small repositories are never worth tombstones, so their cost is drawn instead of computed.
            with patch("holystone.engine.planner.steps.tombstones_pay", return_value=self.fast):
                plan = plan_closed(snapshot, closed, self.can, self.facts)
            verdicts = keep_marks(plan, self.facts.marks, verdicts)
        return closed, plan


@st.composite
def cases(draw: st.DrawFn) -> Case:
    snapshot, verdicts = draw(repositories())
    can, facts = draw(capabilities()), draw(facts_for(snapshot))
    return Case(snapshot, verdicts, can, facts, draw(st.booleans()))


some = settings(max_examples=60, deadline=None)
LISTS_ITSELF = Case(
    repository([image(0), index(3, 3, subject=0)], {"t0": 0, "t1": 3, "t2": 0}),
    doom("t1"),
    Capabilities("toy", digests=DigestDeletion(tombstones=LastTag("goes-unlisted"))),
    TagFacts(),
    False,
)
"""As nothing can whose digest is of its content. Whatever would hold it, it does not hold itself."""


@some
@example(LISTS_ITSELF)
@given(cases())
def test_kept_tags_keep_all_they_need_and_doomed_tags_go(case: Case) -> None:
    closed, plan = case.plan()
    assert proof(case, plan) == ()
    if not (case.can.digests or case.can.tags):
        return  # refused anyway: nothing could be applied
    registry = ToyRegistry(case.snapshot, case.can)
    registry.apply(plan)
    kept = {each.tag for each in plan.kept}
    assert registry.tags == {tag: at for tag, at in case.snapshot.tags.items() if tag in kept}
    needed = needs(case.snapshot, kept, subjects=case.can.cascade.referrers)
    needed &= case.snapshot.manifests.keys()
    assert needed <= registry.manifests.keys()
    kept_manifests = set(plan.kept_manifests) & case.snapshot.manifests.keys()
    assert kept_manifests <= registry.manifests.keys()
    assert needed <= kept_manifests
    if not (case.can.protects_children or case.can.collects_unlisted):
        assert needed == kept_manifests
    gone = case.snapshot.manifests.keys() - registry.manifests.keys()
    if case.can.protects_children and case.can.digests:
        assert not gone & {child for each in registry.manifests.values() for child in each.children}
    assert gone <= closed.doomed.keys()
    if case.can.digests:
        assert gone == closed.doomed.keys()


def proof(case: Case, plan: RepositoryPlan) -> tuple[str, ...]:
    return check_plan(case.snapshot, plan, case.can, marks=case.facts.marks)


def _outlives_tags(case: Case, closed: Closed, tag: Tag, last: LastTag) -> bool:
    digest = case.snapshot.tags[tag]
    if last.takes_attached and any(each.startswith(f"sha256-{digest.hex}") for each in case.snapshot.tags):
        return False
    indexes = [each.digest for each in case.snapshot.manifests.values() if digest in each.children]
    listed = last.manifest == "goes-unlisted" and any(index in closed.kept for index in indexes if index != digest)
    return listed or last.manifest in ("stays", "goes-unanchored")


def _another_stays(case: Case, tag: Tag, kept: Mapping[Tag, Kept]) -> bool:
    return any(other != tag and each.digest == case.snapshot.tags[tag] for other, each in kept.items())


@some
@given(cases())
def test_a_doomed_tag_goes_or_is_kept_with_a_reason(case: Case) -> None:
    closed, plan = case.plan()
    kept = {each.tag: each for each in plan.kept}
    assert sorted((*plan.doomed_tags, *kept)) == sorted(closed.verdicts)
    for tag, verdict in closed.verdicts.items():
        if isinstance(verdict, Keep):
            fixed = tag in case.facts.written_once
            assert kept[tag] == Kept(tag, case.snapshot.tags.get(tag), verdict.reasons, fixed)
        elif tag in kept:
            assert kept[tag].reasons
            assert case.snapshot.tags[tag] in closed.kept
            last = case.can.tags.last_tag if case.can.tags else None
            assert not (last and (_another_stays(case, tag, kept) or _outlives_tags(case, closed, tag, last)))
    assert all(step.reasons for step in plan.steps)
    assert len({step.id for step in plan.steps}) == len(plan.steps)


@some
@given(cases())
def test_tombstones_are_only_pushed_where_nobody_can_lose_a_move(case: Case) -> None:
    closed, plan = case.plan()
    for each in plan.passes:
        for step in each.steps:
            if isinstance(step, Untag):
                assert each.kind == ("tombstone" if step.how == "tombstone" else "untag")
                if step.how == "tombstone":
                    tombstones = case.can.digests.tombstones if case.can.digests else None
                    assert tombstones
                    assert not case.facts.young(step.tag)
                    assert step.tag in case.facts.written_once or step.digest in closed.kept
            else:
                assert each.kind == "manifests"
    for turn in _turns(case, plan):
        kinds = [each.kind for each in turn]
        assert kinds == sorted(kinds, key=["untag", "tombstone", "manifests"].index)


@some
@given(cases())
def test_manifests_go_in_the_order_of_the_closure_and_marks_last(case: Case) -> None:
    closed, plan = case.plan()
    level_of = {digest: number for number, level in enumerate(closed.levels) for digest in level}
    for turn in _turns(case, plan):
        removed = [[step.digest for step in each.steps] for each in turn if each.kind == "manifests"]
        levels = [{level_of[digest] for digest in each} for each in removed]
        assert levels == [{number} for number in sorted(set().union(*levels))]
    turn_of = {tag: number for number, turn in enumerate(_turns(case, plan)) for each in turn for tag in _tags(each)}
    held = held_by(case.snapshot, plan.marks)
    for mark, marked in plan.marks.items():
        assert turn_of[mark] == 1
        assert turn_of[marked] == 0 or marked in plan.marks or case.snapshot.tags[marked] in held


def _turns(case: Case, plan: RepositoryPlan) -> tuple[list[Pass], list[Pass]]:
    """The passes before any mark goes, and those from then on."""
    held = held_by(case.snapshot, plan.marks)
    late = [
        each.steps[0].digest in held if each.kind == "manifests" else not _tags(each).isdisjoint(plan.marks)
        for each in plan.passes
    ]
    first = late.index(True) if True in late else len(late)
    return list(plan.passes[:first]), list(plan.passes[first:])


def _tags(each: Pass) -> set[Tag]:
    return {tag for step in each.steps for tag in step.tags}


@some
@given(cases())
def test_planning_again_after_applying_finds_nothing_left(case: Case) -> None:
    if not case.can.digests:
        return  # untagged manifests stay, for the registry to collect
    _, plan = case.plan()
    registry = ToyRegistry(case.snapshot, case.can)
    registry.apply(plan)
    _, again = case.plan(registry.snapshot())
    assert again.passes == ()
    assert [each.tag for each in again.kept] == [each.tag for each in plan.kept]
    if case.can.protects_children or case.can.collects_unlisted:
        # What stayed only because its deletion would be refused, or take along too much, is nobody's candidate now.
        assert set(again.kept_manifests) <= set(plan.kept_manifests)
    else:
        # Which of several reasons is told may be another one: an attached tag is judged for itself once nothing doomed
        # is on its subject.
        assert again.kept_manifests.keys() == plan.kept_manifests.keys()


@some
@given(cases(), st.randoms(use_true_random=False))
def test_equal_input_gives_equal_bytes_in_any_order(case: Case, random: Random) -> None:
    shuffled = RepositorySnapshot(
        case.snapshot.repository,
        dict(random.sample(list(case.snapshot.tags.items()), len(case.snapshot.tags))),
        case.snapshot.broken,
        dict(random.sample(list(case.snapshot.manifests.items()), len(case.snapshot.manifests))),
        {},
    )
    _, plan = case.plan()
    other = Case(shuffled, dict(reversed(case.verdicts.items())), case.can, case.facts, case.fast)
    encoded = to_json(plan)
    assert encoded == to_json(other.plan()[1])
    assert from_json(encoded, RepositoryPlan) == plan


@some
@given(cases(), st.data())
def test_the_proof_finds_a_plan_that_takes_too_much(case: Case, data: st.DataObject) -> None:
    _, plan = case.plan()
    needed = sorted(needs(case.snapshot, {each.tag for each in plan.kept}) & case.snapshot.manifests.keys())
    if not needed:
        return
    victim = data.draw(st.sampled_from(needed))
    extra = Pass("manifests", (Remove(victim, "", 0, (), ()),))
    worse = msgspec.structs.replace(plan, passes=(*plan.passes, extra))
    findings = proof(case, worse)
    # Where a subject takes its referrers, what is told is that they would be lost.
    assert any(victim in finding for finding in findings) or (findings and case.can.cascade.referrers)
