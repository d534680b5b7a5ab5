"""Which steps are left, in which order, and what it costs to say so."""

from holystone.engine.executor.step_states import StepStates
from holystone.engine.model.outcomes import Deleted, Failed, Forbidden, Needed, Outcome, Referenced, StillServed
from holystone.engine.model.plan import Pass, StepId, Untag
from tests.support.manifest_graphs import d
from tests.support.small_plans import level, remove, repository_plan, untag
from tests.support.small_worlds import APP

B, A, C = untag("b", d(1)), untag("a", d(2)), untag("c", d(3))
LAST = remove(d(1), "x", "y")
PLAN = repository_plan(APP, Pass("untag", (B, A, C)), level(LAST))


def test_what_is_due_comes_in_the_order_of_the_plan_but_what_was_forbidden_last() -> None:
    states = StepStates(PLAN, {B.id: Forbidden("no"), A.id: Failed("500")})
    assert states.due_steps(Untag, PLAN.steps) == [A, C, B]
    assert states.due_steps(Untag, (C, A)) == [C, A]
    states.settle({C.id: Deleted()})
    assert states.due_steps(Untag, PLAN.steps) == [A, B]
    assert states.unsettled == [B.id, A.id, LAST.id]


def test_what_is_settled_is_not_due_and_what_waits_for_others_may_be_again() -> None:
    states = StepStates(PLAN, {A.id: Deleted(), B.id: Referenced("x")})
    assert states.due == {B.id, C.id, LAST.id}
    states.settle({B.id: Referenced("x"), C.id: Forbidden("no")})
    states.settle({LAST.id: Failed("a, which needs it, could not be removed")}, held=True)
    assert (states.due, states.not_tried) == (set(), 0)
    assert states.refused() == {B.id, LAST.id}
    assert states.forbidden(PLAN.steps) == [C]
    states.reopen(states.refused())
    assert (states.due, states.refused()) == ({B.id, LAST.id}, frozenset())


def test_a_tag_is_taken_by_one_step() -> None:
    states = StepStates(PLAN, {})
    assert [states.step_of(tag) for tag in states.doomed_tags] == [B, A, C, LAST, LAST]
    assert states.doomed_tags.keys() == {"a", "b", "c", "x", "y"}


def test_what_is_seen_again_by_any_of_its_names_was_not_taken_away() -> None:
    came: dict[StepId, Outcome] = {A.id: Deleted(), LAST.id: Deleted(), B.id: Needed("y"), C.id: Needed("elsewhere")}
    states = StepStates(PLAN, came)
    held = Failed("y, which needs it, could not be removed")
    assert states.still_served(LAST.tags[:1]) == {LAST.id: StillServed(), B.id: held}
    assert states.still_served([d(1)]) == {LAST.id: StillServed(), B.id: held}
    assert states.still_served([A.tag]) == {A.id: StillServed()}
    assert states.still_served([d(2)]) == {}, "only its tag was to go"


def test_what_is_left_is_not_copied_for_each_step_that_is_settled() -> None:
    """Else the time that a repository takes grows as the square of its tags."""
    states = StepStates(PLAN, {})
    due = states.due
    states.settle({A.id: Deleted()})
    states.settle({B.id: Failed("500")}, held=True)
    assert states.due is due == {C.id, LAST.id}
