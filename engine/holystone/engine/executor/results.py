"""What came of a run, as values: they can be told, kept, and sent to another process."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, Self, TypeAlias

from holystone.engine import errors
from holystone.engine.errors import Doubtful, HolystoneError, PlanDoubtful
from holystone.engine.model.outcomes import Loss, Outcome, is_settled, kind_of
from holystone.engine.model.plan import StepId
from holystone.engine.model.references import Digest, Repository, Tag
from holystone.engine.model.value import Value

_KINDS: Final = {
    name: kind for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, HolystoneError)
}


Limit: TypeAlias = Literal["time", "requests"]
"""What a budget is of."""


class Stopped(Value, frozen=True):
    """What stopped the work on a repository."""

    kind: str
    """The name of the error in `engine.errors`, or of the one there that it is a special case of."""
    message: str
    not_deleted: str = ""
    what_to_do: str = ""

    @classmethod
    def by(cls, error: HolystoneError) -> Self:
        kind = next(each.__name__ for each in type(error).__mro__ if each in _KINDS.values())
        return cls(kind, error.message, error.not_deleted, error.what_to_do)

    def is_a(self, kind: type[HolystoneError]) -> bool:
        return issubclass(_KINDS.get(self.kind, HolystoneError), kind)

    def __str__(self) -> str:
        return "\n".join(part for part in (self.message, self.not_deleted, self.what_to_do) if part)


class Looked(Value, frozen=True):
    """How a check found what was to stay, of one kind: tags, or manifests without one. `told`, `reached` and `others`
    together are all of it."""

    told: int = 0
    """Where they are, the listing says."""
    reached: int = 0
    """Looked at one by one: a deletion could have reached them, or it could not be told what could."""
    sampled: int = 0
    """Looked at one by one, of the others."""
    others: int = 0

    def __add__(self, other: "Looked") -> "Looked":
        return Looked(
            self.told + other.told,
            self.reached + other.reached,
            self.sampled + other.sampled,
            self.others + other.others,
        )


class Coverage(Value, frozen=True):
    """What a check looked at, of what was to stay. Tags that it did not look at are listed, or they are lost."""

    tags: Looked = Looked()
    manifests: Looked = Looked()
    """Those without a tag."""

    @property
    def looked_at(self) -> int:
        """One by one."""
        return sum(each.reached + each.sampled for each in (self.tags, self.manifests))

    @property
    def left_out(self) -> int:
        return sum(each.others - each.sampled for each in (self.tags, self.manifests))

    def __add__(self, other: "Coverage") -> "Coverage":
        return Coverage(self.tags + other.tags, self.manifests + other.manifests)


class CheckReport(Value, frozen=True):
    losses: tuple[Loss, ...]
    moved: tuple[Tag, ...]
    """Kept tags that somebody has put on another manifest since the plan was made: theirs to do, and no loss. Those
    that were looked at."""
    renewed: tuple[Tag, ...] = ()
    """Tags that were to go and are on another manifest now: whoever moved them was quicker, or pushed them anew."""
    served_tags: tuple[Tag, ...] = ()
    """Tags that the registry says are gone, and gives out all the same."""
    served_manifests: tuple[Digest, ...] = ()
    """Manifests likewise."""
    coverage: Coverage | None = None
    """None of a check that an earlier attempt made."""

    @property
    def served(self) -> tuple[Tag | Digest, ...]:
        return self.served_tags + self.served_manifests


class RepositoryResult(Value, frozen=True):
    repository: Repository
    outcomes: Mapping[StepId, Outcome]
    """What came of steps, earlier attempts included."""
    not_tried: int
    """Steps that were left to do when the repository was stopped."""
    stopped: Stopped | None
    """The one cause for what was not tried or not checked."""
    check: CheckReport | None
    """None if there was nothing to do, or the repository was stopped before."""
    mended: Mapping[Digest, Tag] = {}
    """What was to stay, went with its last tag, which is given, and was pushed back."""
    ours: frozenset[Digest] = frozenset()
    """Of what is lost, that of which this run took away the last tags."""

    @property
    def incomplete(self) -> bool:
        """Whether something is left for `resume`."""
        return self.stopped is not None or not all(map(is_settled, self.outcomes.values()))

    def is_stopped_by(self, kind: type[HolystoneError]) -> bool:
        return self.stopped is not None and self.stopped.is_a(kind)


class Halt(Value, frozen=True):
    """An attempt at a run was ended by its budget, and not because nothing was left to do."""

    budget: Limit
    """What of it was used up."""
    done: int
    """Steps that this attempt has settled."""
    left: int
    """Steps that were not tried."""

    @property
    def nights(self) -> int | None:
        """How many more attempts like this one it takes; None if this one has got nowhere."""
        return -(-self.left // self.done) if self.done > 0 else None


@dataclass(frozen=True, slots=True)
class RunResult:
    repositories: Sequence[RepositoryResult]
    """In the order of the plan; as there, they may be read anew each time."""
    halt: Halt | None = None

    @property
    def counts(self) -> Mapping[str, int]:
        """Steps by the tag of their outcome, e.g. `deleted`."""
        return Counter(kind_of(outcome) for each in self.repositories for outcome in each.outcomes.values())

    @property
    def settled(self) -> int:
        """Steps that no other attempt would change."""
        return sum(is_settled(outcome) for each in self.repositories for outcome in each.outcomes.values())

    @property
    def not_tried(self) -> int:
        return sum(each.not_tried for each in self.repositories)

    @property
    def incomplete(self) -> bool:
        return any(each.incomplete for each in self.repositories)

    @property
    def is_checked(self) -> bool:
        """Whether it is known what the run has left: every repository came to the check after its last deletion,
        without doubt, and nothing was found lost. Some steps may have failed."""
        return not self.losses and not any(each.stopped for each in self.repositories)

    @property
    def doubtful(self) -> bool:
        """Whether something stopped because answers could not be relied on."""
        return any(each.is_stopped_by(Doubtful) for each in self.repositories)

    @property
    def plan_is_doubtful(self) -> bool:
        """Whether the plan itself is doubtful, so that nobody should go on with it."""
        return any(each.is_stopped_by(PlanDoubtful) for each in self.repositories)

    @property
    def losses(self) -> tuple[tuple[Repository, Loss], ...]:
        return tuple((each.repository, loss) for each in self.repositories if each.check for loss in each.check.losses)
