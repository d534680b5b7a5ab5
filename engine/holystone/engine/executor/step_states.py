"""Which steps of a repository's plan are due, and what came of the others. Steps are named by their position."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import TypeAlias, TypeVar

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
from holystone.engine.model.plan import Remove, RepositoryPlan, Step, Untag
from holystone.engine.model.references import Digest, Tag

S = TypeVar("S", Untag, Remove)
Numbered: TypeAlias = tuple[int, S]


class StepStates:
    def __init__(self, plan: RepositoryPlan, known: Mapping[int, Outcome]) -> None:
        """`known` are the outcomes of earlier attempts: what is settled is not due again."""
        self.steps = plan.steps
        self.outcomes = dict(known)
        self.due = {number for number in range(len(self.steps)) if number not in known or not is_settled(known[number])}
        self._not_tried = set(self.due)
        self._held: set[int] = set()
        self._doomed: dict[Tag, tuple[int, Digest]] = {}
        for number, step in enumerate(self.steps):
            for tag in step.tags:
                self._doomed[tag] = (number, step.digest)

    @property
    def not_tried(self) -> int:
        return len(self._not_tried)

    @property
    def doomed_tags(self) -> Mapping[Tag, Digest]:
        """Every tag that the plan takes away, with the manifest it pointed to when it was planned."""
        return {tag: digest for tag, (_, digest) in self._doomed.items()}

    @property
    def deleted_tags(self) -> Mapping[Tag, Digest]:
        return {
            tag: digest
            for tag, (number, digest) in self._doomed.items()
            if isinstance(self.outcomes.get(number), Deleted | AlreadyGone)
        }

    def gone_manifests(self, said: type[Deleted | AlreadyGone]) -> tuple[Digest, ...]:
        """Manifests that went without a tag: where tags went with the manifest, they tell whether it went."""
        return tuple(
            step.digest
            for number, step in enumerate(self.steps)
            if isinstance(step, Remove) and not step.tags and isinstance(self.outcomes.get(number), said)
        )

    def still_served(self, there: Collection[Tag | Digest]) -> Mapping[int, Outcome]:
        """The outcomes, now that these are seen to be there, of the steps that are said to have taken them away, and of
        those that were left alone only because of them."""
        found: dict[int, Outcome] = {}
        reached = set(there)
        while True:
            more: dict[int, Outcome] = {}
            for number, step in enumerate(self.steps):
                outcome = self.outcomes.get(number)
                if number in found:
                    continue
                if isinstance(outcome, Deleted | AlreadyGone) and any(each in there for each in _aims(step)):
                    more[number] = StillServed()
                elif isinstance(outcome, Needed) and outcome.by in reached:
                    more[number] = Failed(f"{outcome.by}, which needs it, could not be removed")
            if not more:
                return found
            found |= more
            reached |= {each for number, outcome in more.items() for each in _aims(self.steps[number])}

    @property
    def due_tags(self) -> Mapping[Tag, tuple[Digest]]:
        return {tag: (digest,) for tag, (number, digest) in self._doomed.items() if number in self.due}

    @property
    def due_digests(self) -> frozenset[Digest]:
        return frozenset(self.steps[number].digest for number in self.due)

    def due_steps(self, kind: type[S], among: Iterable[int]) -> Iterator[Numbered[S]]:
        """The steps that are due, in the order of the plan, but those last that were forbidden before: they hold up no
        others."""
        order = sorted(
            self.due.intersection(among), key=lambda number: (isinstance(self.outcomes.get(number), Forbidden), number)
        )
        return ((number, step) for number in order if isinstance(step := self.steps[number], kind))

    def settle(self, outcomes: Mapping[int, Outcome], *, held: bool = False) -> None:
        """`held`: they were not tried because something else has to go first."""
        self.outcomes.update(outcomes)
        self.due -= outcomes.keys()
        self._not_tried -= outcomes.keys()
        if held:
            self._held |= {number for number, outcome in outcomes.items() if not is_settled(outcome)}
        else:
            self._held -= outcomes.keys()

    def refused(self) -> frozenset[int]:
        """Steps that may succeed once others have."""
        return frozenset(
            number
            for number, outcome in self.outcomes.items()
            if number not in self.due and (isinstance(outcome, Referenced) or number in self._held)
        )

    def forbidden(self, among: Iterable[int]) -> frozenset[int]:
        return frozenset(
            number for number in among if number not in self.due and isinstance(self.outcomes.get(number), Forbidden)
        )

    @property
    def unsettled(self) -> frozenset[int]:
        """Steps that are left to do."""
        return frozenset(
            n for n in range(len(self.steps)) if n not in self.outcomes or not is_settled(self.outcomes[n])
        )

    def reopen(self, numbers: Iterable[int]) -> None:
        self.due.update(numbers)

    def dooms(self, tag: Tag) -> bool:
        """Whether the plan takes the tag away."""
        return tag in self._doomed

    def number_of(self, tag: Tag) -> int | None:
        """The number of the step that takes the tag away; None if none does."""
        return self._doomed[tag][0] if tag in self._doomed else None

    def survivors(self, among: Iterable[int] | None = None) -> Iterator[tuple[Digest, bool]]:
        """Manifests that should be gone by now and are not, and whether that is settled. Of all steps, or `among`
        some."""
        for number in range(len(self.steps)) if among is None else among:
            step, outcome = self.steps[number], self.outcomes.get(number)
            if isinstance(step, Remove) and number not in self.due and not isinstance(outcome, Deleted | AlreadyGone):
                yield step.digest, outcome is not None and is_settled(outcome)

    def stays_for_good(self, tag: Tag) -> bool:
        """What a tag that is still there says: False if it is a doomed one that a later attempt may take away."""
        if tag not in self._doomed:
            return True
        number, _ = self._doomed[tag]
        return number in self.due or is_settled(self.outcomes[number])


def _aims(step: Step) -> tuple[Tag | Digest, ...]:
    return (step.tag,) if isinstance(step, Untag) else (step.digest, *step.tags)
