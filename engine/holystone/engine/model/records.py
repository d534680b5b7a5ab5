"""What the journal gives back, as frozen values."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

import msgspec

from holystone.engine.model.manifests import Manifest, RawManifest
from holystone.engine.model.outcomes import Loss, Outcome
from holystone.engine.model.plan import StepId
from holystone.engine.model.references import Digest, Repository
from holystone.engine.model.sources import Moment

RunState: TypeAlias = Literal["beginning", "open", "finished", "undoing", "undone", "given-up", "damaged"]
"""`beginning` while its plan is written, which nobody is told of; `open` until there is nothing left to do, so also the
state of a run that was killed; `undoing` until an undo is through; `given-up` if a person has said that what is left of
it shall never be done; `damaged`, which is never written, if the record is not one that a run makes."""

_PARTS: Final = 8


class RunRecord(msgspec.Struct, frozen=True):
    id: str
    """Sortable and short enough to type, e.g. `20261123-161200-ab12` (UTC)."""
    started: Moment
    ended: Moment | None
    """None for an open run."""
    command: str
    state: RunState
    locks: bool = False
    """Locks of its own may be in its repositories, so that whoever goes on with it holds them and gives them back."""


class Tombstone(msgspec.Struct, frozen=True):
    """The manifest that takes the place of doomed tags, and the small blob it needs."""

    manifest: RawManifest
    config: bytes

    @property
    def parts(self) -> tuple[RawManifest, ...]:
        """The manifest under several digests; white space at the end of JSON means nothing. They share out the tags:
        a server deletes the tags of one digest one after the other, and pushes of one digest wait for each other.
        What is recorded gives the same parts to every later attempt, so this must never change."""
        bodies = (self.manifest.body + b"\n" * number for number in range(_PARTS))
        return tuple(RawManifest(Digest.of(body), self.manifest.media_type, body) for body in bodies)


@dataclass(frozen=True, slots=True)
class Journaled:
    """The manifests of one repository of a run. Their bytes, which may be gigabytes, are read one by one when they
    are needed."""

    whole: Mapping[Digest, Manifest | None]
    """None for bytes that are what their digest says, and cannot be understood."""
    damaged: frozenset[Digest]
    """Recorded, and not what their digest says any more: a bad disk, an old backup, another hand."""


class RepositoryRecord(msgspec.Struct, frozen=True):
    """What is recorded of one repository in one run."""

    repository: Repository
    tombstone: Tombstone | None
    outcomes: Mapping[StepId, Outcome]
    """The last one of each step that was tried."""
    tombstoned: frozenset[StepId]
    """Steps whose tag surely pointed to the tombstone once."""
    losses: tuple[Loss, ...] = ()
    """What was to stay and was not there when the run looked afterwards, by whoever's hand it went."""
    checked: bool = False
    """Whether it has looked, since the last outcome."""
