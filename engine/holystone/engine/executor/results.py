"""What came of a run, as values for reports."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from holystone.engine.errors import Doubtful, HolystoneError, PlanDoubtful
from holystone.engine.model.outcomes import Loss, Outcome, is_settled
from holystone.engine.model.references import Digest, Repository, Tag


@dataclass(frozen=True, slots=True)
class CheckReport:
    losses: tuple[Loss, ...]
    moved: tuple[Tag, ...]
    """Kept tags that somebody has put on another manifest since the plan was made: theirs to do, and no loss."""
    renewed: tuple[Tag, ...] = ()
    """Tags that were to go and are on another manifest now: whoever moved them was quicker, or pushed them anew."""
    served: tuple[Tag | Digest, ...] = ()
    """Tags and manifests that the registry says are gone, and gives out all the same."""


@dataclass(frozen=True, slots=True)
class RepositoryResult:
    repository: Repository
    outcomes: Mapping[int, Outcome]
    """By position of the step in `RepositoryPlan.steps`, earlier attempts included."""
    not_tried: int
    """Steps that were left to do when the repository was stopped."""
    stopped: HolystoneError | None
    """The one cause for what was not tried or not checked."""
    check: CheckReport | None
    """None if there was nothing to do, or the repository was stopped before."""
    mended: Mapping[Digest, Tag] = field(default_factory=dict)
    """What was to stay, went with its last tag, which is given, and was pushed back."""
    ours: frozenset[Digest] = frozenset()
    """Of what is lost, that of which this run took away the last tags."""

    @property
    def incomplete(self) -> bool:
        """Whether something is left for `resume`."""
        return self.stopped is not None or not all(map(is_settled, self.outcomes.values()))


@dataclass(frozen=True, slots=True)
class RunResult:
    repositories: tuple[RepositoryResult, ...]
    """In the order of the plan."""

    @property
    def counts(self) -> Mapping[str, int]:
        """Steps by the tag of their outcome, e.g. `deleted`."""
        return Counter(
            str(outcome.__struct_config__.tag) for each in self.repositories for outcome in each.outcomes.values()
        )

    @property
    def not_tried(self) -> int:
        return sum(each.not_tried for each in self.repositories)

    @property
    def incomplete(self) -> bool:
        return any(each.incomplete for each in self.repositories)

    @property
    def doubtful(self) -> bool:
        """Whether something stopped because answers could not be relied on."""
        return any(isinstance(each.stopped, Doubtful) for each in self.repositories)

    @property
    def plan_is_doubtful(self) -> bool:
        """Whether the plan itself is doubtful, so that nobody should go on with it."""
        return any(isinstance(each.stopped, PlanDoubtful) for each in self.repositories)

    @property
    def losses(self) -> tuple[tuple[Repository, Loss], ...]:
        return tuple((each.repository, loss) for each in self.repositories if each.check for loss in each.check.losses)
