"""What came of an undo, as values for reports."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from holystone.engine.errors import HolystoneError
from holystone.engine.executor.results import Stopped
from holystone.engine.model.outcomes import Failed, Outcome, is_settled
from holystone.engine.model.references import Digest, Repository, Tag
from holystone.engine.model.value import Value


class Restored(Value, frozen=True, tag="restored"):
    pass


class AlreadyThere(Value, frozen=True, tag="already-there"):
    pass


class TakenMeanwhile(Value, frozen=True, tag="taken-meanwhile"):
    """Somebody has given the tag to another manifest, so it was left alone."""

    now: Digest


class BlobsGone(Value, frozen=True, tag="blobs-gone"):
    """The registry does not have what the manifest needs any more: its garbage collection has run, or it keeps nothing
    that has lost its last tag."""

    why: str


class Unread(Value, frozen=True, tag="unread"):
    """It was not the run that deleted it, its bytes were never read, and the registry restores nothing by itself."""


class BytesDamaged(Value, frozen=True, tag="bytes-damaged"):
    """What the journal has of it is not what its digest says any more, and the registry neither has it nor restores
    it."""


class OtherDigest(Value, frozen=True, tag="other-digest"):
    """The same bytes are there, under a digest of another algorithm: the registry did not take the one it had."""

    now: Digest


UndoOutcome: TypeAlias = (
    Restored | AlreadyThere | TakenMeanwhile | BlobsGone | Unread | BytesDamaged | OtherDigest | Failed
)


def is_back(outcome: UndoOutcome) -> bool:
    return isinstance(outcome, Restored | AlreadyThere)


class PutBack(Value, frozen=True):
    tag: Tag | None
    """None for the manifest itself."""
    digest: Digest
    outcome: UndoOutcome


class Moved(Value, frozen=True):
    """A tag, or a manifest, that is not as the run found or left it, by somebody else's hand."""

    tag: Tag | None
    """None for a manifest."""
    was: Digest
    """Before the run."""
    now: Digest | None
    """None: it is not there any more."""


class RepositoryUndo(Value, frozen=True):
    repository: Repository
    put_back: tuple[PutBack, ...]
    """Manifests in the order of their digests, then tags in theirs."""
    moved: tuple[Moved, ...]
    """What the run had kept and is not as it was, in the same order: nothing for undo to do."""
    not_tried: int
    """Tags and manifests that were left to do when the repository was stopped."""
    stopped: Stopped | None
    tombstone: Outcome | None
    """What came of deleting a tombstone that the run left behind; None if there was none."""

    @property
    def back(self) -> tuple[PutBack, ...]:
        return tuple(each for each in self.put_back if is_back(each.outcome))

    @property
    def lost(self) -> tuple[PutBack, ...]:
        """What is not back, for whatever reason."""
        return tuple(each for each in self.put_back if not is_back(each.outcome))

    @property
    def not_back(self) -> tuple[PutBack, ...]:
        """What is not back, unless somebody else has taken its tag."""
        return tuple(each for each in self.lost if not isinstance(each.outcome, TakenMeanwhile))

    @property
    def moved_by_others(self) -> tuple[Moved, ...]:
        """Doomed tags that somebody has taken meanwhile, and what the run had kept and is not as it was."""
        taken = (
            Moved(each.tag, each.digest, each.outcome.now)
            for each in self.lost
            if isinstance(each.outcome, TakenMeanwhile)
        )
        return (*taken, *self.moved)

    @property
    def incomplete(self) -> bool:
        """Whether another attempt may put more back."""
        return (
            self.stopped is not None
            or any(isinstance(each.outcome, Failed) for each in self.put_back)
            or (self.tombstone is not None and not is_settled(self.tombstone))
        )

    def is_stopped_by(self, kind: type[HolystoneError]) -> bool:
        return self.stopped is not None and self.stopped.is_a(kind)


@dataclass(frozen=True, slots=True)
class UndoResult:
    repositories: Sequence[RepositoryUndo]
    """In the order of the plan; those that the run did not touch have nothing in them. They may be read anew each time.
    """
    is_part: bool = False
    """Not all that the run took away was to come back."""

    @property
    def put_back(self) -> tuple[PutBack, ...]:
        return tuple(each for repository in self.repositories for each in repository.put_back)

    @property
    def lost(self) -> tuple[PutBack, ...]:
        return tuple(each for repository in self.repositories for each in repository.lost)

    @property
    def not_tried(self) -> int:
        return sum(each.not_tried for each in self.repositories)

    @property
    def incomplete(self) -> bool:
        return any(each.incomplete for each in self.repositories)
