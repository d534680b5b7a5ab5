"""What came of putting back one tag or manifest."""

from typing import TypeAlias

from holystone.engine.model.outcomes import Failed
from holystone.engine.model.references import Digest
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
