"""What came of one deletion, and what went besides."""

from typing import TypeAlias

from holystone.engine.model.references import Digest, Tag
from holystone.engine.model.value import Value


class Deleted(Value, frozen=True, tag="deleted"):
    pass


class WouldDrop(Value, frozen=True, tag="would-drop"):
    """Left alone: the registry was seen to drop a manifest that stays together with its last tag, which it was not
    known to do, and this would be the last tag of another one."""

    seen: Digest
    """The manifest, which was pushed back."""


class AlreadyGone(Value, frozen=True, tag="already-gone"):
    pass


class MovedMeanwhile(Value, frozen=True, tag="moved-meanwhile"):
    """The tag points to another manifest than when it was planned, so it was left alone."""

    now: Digest


class Needed(Value, frozen=True, tag="needed"):
    """Something that appeared after the plan needs this manifest, so it was left alone."""

    by: str
    """A tag or digest."""


class Referenced(Value, frozen=True, tag="referenced"):
    """The server refuses: another manifest needs this one."""

    by: str


class StillReferenced(Value, frozen=True, tag="still-referenced"):
    """The registry refuses because something needs the manifest, and nothing that is to go is in its way, so that no
    later attempt can change it."""

    by: str


class StillServed(Value, frozen=True, tag="still-served"):
    """The registry said that it deleted it, or that it was gone, and gives it out all the same."""


class Locked(Value, frozen=True, tag="locked"):
    rule: str


class Forbidden(Value, frozen=True, tag="forbidden"):
    what: str


class Failed(Value, frozen=True, tag="failed"):
    error: str


class Late(Failed, frozen=True, tag="late"):
    """The request was not sent, since it could not go while the look before it was fresh. Never the last word: see
    `RepositoryWork`."""


Outcome: TypeAlias = (
    Deleted
    | WouldDrop
    | AlreadyGone
    | MovedMeanwhile
    | Needed
    | Referenced
    | StillReferenced
    | StillServed
    | Locked
    | Forbidden
    | Failed
)


def kind_of(outcome: Value) -> str:
    """What an outcome, of a deletion or of an undo, or a refusal is called in JSON, e.g. `deleted`."""
    return str(outcome.__struct_config__.tag)


def is_settled(outcome: Outcome) -> bool:
    """True if trying again cannot change it; the others are what `resume` tries again."""
    return not isinstance(outcome, Failed | Forbidden | Referenced | StillServed)


class Loss(Value, frozen=True):
    """Something that the plan kept is not there any more."""

    digest: Digest
    tag: Tag | None = None
    """None for a manifest that a kept tag needs."""
