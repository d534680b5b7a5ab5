"""Which steps of a plan are due, and what came of the others."""

from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import TypeVar

import msgspec

from holystone.engine.model.outcomes import (
    AlreadyGone,
    Deleted,
    Failed,
    Forbidden,
    Needed,
    Outcome,
    Referenced,
    StillServed,
    is_settled,
)
from holystone.engine.model.plan import Pass, Plan, Remove, RepositoryPlan, Step, StepId, Untag
from holystone.engine.model.records import RepositoryRecord
from holystone.engine.model.references import Digest, Tag
from holystone.engine.ports import Spool

S = TypeVar("S", Untag, Remove)


class StepStates:
    def __init__(self, plan: RepositoryPlan, known: Mapping[StepId, Outcome]) -> None:
        """`known` are the outcomes of earlier attempts: what is settled is not due again."""
        self.repository = plan.repository
        self.steps: Mapping[StepId, Step] = {step.id: step for step in plan.steps}
        """In the order of the plan."""
        self.outcomes = dict(known)
        self.due = {step_id for step_id in self.steps if step_id not in known or not is_settled(known[step_id])}
        self._not_tried = set(self.due)
        self._held: set[StepId] = set()
        self._taken_by: dict[Tag, Step] = {tag: step for step in self.steps.values() for tag in step.tags}

    @property
    def not_tried(self) -> int:
        return len(self._not_tried)

    @property
    def doomed_tags(self) -> Mapping[Tag, Digest]:
        """Every tag that the plan takes away, with the manifest it pointed to when it was planned."""
        return {tag: step.digest for tag, step in self._taken_by.items()}

    @property
    def deleted_tags(self) -> Mapping[Tag, Digest]:
        return {
            tag: step.digest
            for tag, step in self._taken_by.items()
            if isinstance(self.outcomes.get(step.id), Deleted | AlreadyGone)
        }

    def gone_manifests(self, said: type[Deleted | AlreadyGone]) -> tuple[Digest, ...]:
        """Manifests that went without a tag: where tags went with the manifest, they tell whether it went."""
        return tuple(
            step.digest
            for step_id, step in self.steps.items()
            if isinstance(step, Remove) and not step.tags and isinstance(self.outcomes.get(step_id), said)
        )

    def still_served(self, there: Collection[Tag | Digest]) -> Mapping[StepId, Outcome]:
        """The outcomes, now that these are seen to be there, of the steps that are said to have taken them away, and of
        those that were left alone only because of them."""
        found: dict[StepId, Outcome] = {}
        reached = set[str](there)
        while True:
            more: dict[StepId, Outcome] = {}
            for step_id, step in self.steps.items():
                outcome = self.outcomes.get(step_id)
                if step_id in found:
                    continue
                if isinstance(outcome, Deleted | AlreadyGone) and any(each in there for each in _aims(step)):
                    more[step_id] = StillServed()
                elif isinstance(outcome, Needed) and outcome.by in reached:
                    more[step_id] = Failed(f"{outcome.by}, which needs it, could not be removed")
            if not more:
                return found
            found |= more
            reached |= {each for step_id in more for each in _aims(self.steps[step_id])}

    @property
    def due_tags(self) -> Mapping[Tag, tuple[Digest]]:
        return {tag: (step.digest,) for tag, step in self._taken_by.items() if step.id in self.due}

    @property
    def due_digests(self) -> frozenset[Digest]:
        return frozenset(self.steps[step_id].digest for step_id in self.due)

    def due_steps(self, kind: type[S], among: Iterable[Step]) -> Sequence[S]:
        """The steps among some that are due, in the same order, but last what was forbidden before, to hold up no
        other."""
        due = [step for step in among if isinstance(step, kind) and step.id in self.due]
        return sorted(due, key=lambda step: isinstance(self.outcomes.get(step.id), Forbidden))

    def settle(self, outcomes: Mapping[StepId, Outcome], *, held: bool = False) -> None:
        """`held`: they were not tried because something else has to go first."""
        self.outcomes.update(outcomes)
        self.due.difference_update(outcomes)  # `-=` of keys would copy the set for each step
        self._not_tried.difference_update(outcomes)
        if held:
            self._held |= {step_id for step_id, outcome in outcomes.items() if not is_settled(outcome)}
        else:
            self._held.difference_update(outcomes)

    def refused(self) -> frozenset[StepId]:
        """Steps that may succeed once others have."""
        return frozenset(
            step_id
            for step_id, outcome in self.outcomes.items()
            if step_id not in self.due and (isinstance(outcome, Referenced) or step_id in self._held)
        )

    def forbidden(self, among: Iterable[Step]) -> Sequence[Step]:
        return [step for step in among if step.id not in self.due and isinstance(self.outcomes.get(step.id), Forbidden)]

    @property
    def unsettled(self) -> Sequence[StepId]:
        """Steps that are left to do, in the order of the plan."""
        known = self.outcomes
        return [step_id for step_id in self.steps if step_id not in known or not is_settled(known[step_id])]

    def reopen(self, step_ids: Iterable[StepId]) -> None:
        self.due.update(step_ids)

    def dooms(self, tag: Tag) -> bool:
        """Whether the plan takes the tag away."""
        return tag in self._taken_by

    def step_of(self, tag: Tag) -> Step | None:
        """The step that takes the tag away; None if none does."""
        return self._taken_by.get(tag)

    def survivors(self, among: Iterable[Step] | None = None) -> Iterator[tuple[Digest, bool]]:
        """Manifests that should be gone by now and are not, and whether that is settled. Of all steps, or `among`
        some."""
        for step in self.steps.values() if among is None else among:
            if isinstance(step, Remove) and step.id not in self.due:
                outcome = self.outcomes.get(step.id)
                if not isinstance(outcome, Deleted | AlreadyGone):
                    yield step.digest, outcome is not None and is_settled(outcome)

    def stays_for_good(self, tag: Tag) -> bool:
        """What a tag that is still there says: False if it is a doomed one that a later attempt may take away."""
        step = self._taken_by.get(tag)
        return step is None or step.id in self.due or is_settled(self.outcomes[step.id])


def _aims(step: Step) -> tuple[str, ...]:
    """All that the step was to take away."""
    return (step.id, *step.tags)


async def remaining(
    plan: Plan, recorded: Callable[[RepositoryPlan], Awaitable[RepositoryRecord | None]], into: Spool[RepositoryPlan]
) -> Plan:
    """The plan without the steps that the journal calls settled. `into` has its repositories."""
    for each in plan.repositories:
        record = await recorded(each)
        into.append(_left(each, record.outcomes) if record else each)
    return msgspec.structs.replace(plan, repositories=into)


def _left(plan: RepositoryPlan, known: Mapping[StepId, Outcome]) -> RepositoryPlan:
    due = StepStates(plan, known).due
    passes = (Pass(each.kind, tuple(step for step in each.steps if step.id in due)) for each in plan.passes)
    return msgspec.structs.replace(plan, passes=tuple(each for each in passes if each.steps))
