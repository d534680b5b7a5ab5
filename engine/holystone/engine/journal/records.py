"""What the journal gives back, as frozen values."""

from collections.abc import Mapping
from typing import Literal, TypeAlias

import msgspec

from holystone.engine.model.manifests import RawManifest
from holystone.engine.model.outcomes import Outcome
from holystone.engine.model.references import Repository

RunState: TypeAlias = Literal["open", "finished", "refused", "undoing", "undone"]
"""`open` until there is nothing left to do, so also the state of a run that was killed; `undoing` until an undo is
through."""


class RunRecord(msgspec.Struct, frozen=True):
    id: str
    """Sortable and short enough to type, e.g. `20261123-161200-ab12` (UTC)."""
    started: int
    """Unix seconds."""
    ended: int | None
    """Unix seconds; None for an open run."""
    command: str
    state: RunState


class Tombstone(msgspec.Struct, frozen=True):
    """The manifest that takes the place of doomed tags, and the small blob it needs."""

    manifest: RawManifest
    config: bytes

    @property
    def parts(self) -> tuple[RawManifest, ...]:
        """The manifest under several digests: white space at the end of JSON means nothing. One request that deletes
        very many tags takes the server long, one after the other, so each part gets some of them. What is recorded
        makes the same parts for every later attempt, so neither their number nor their form may ever change."""
        bodies = (self.manifest.body + b"\n" * number for number in range(_PARTS))
        return tuple(RawManifest(_digest(body), self.manifest.media_type, body) for body in bodies)

    def part_of(self, step: int) -> int:
        """Position of the part that a step's tag gets; few steps share one."""
        return step // _STEPS_A_PART % _PARTS


class Slice(msgspec.Struct, frozen=True):
    """What is recorded of one repository in one run. Steps are named by their position in `RepositoryPlan.steps`."""

    repository: Repository
    tombstone: Tombstone | None
    outcomes: Mapping[int, Outcome]
    """The last one of each step that was tried."""
    tombstoned: frozenset[int]
    """Steps whose tag surely pointed to the tombstone once."""
