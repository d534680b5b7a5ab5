"""What came of one deletion, and what went besides."""

from typing import TypeAlias

import msgspec

from holystone.engine.model.references import Digest, Tag


class Deleted(msgspec.Struct, frozen=True, tag="deleted"):
    pass


class WouldDrop(msgspec.Struct, frozen=True, tag="would-drop"):
    """Left alone: the registry was seen to drop a manifest that stays together with its last tag, which it was not
    known to do, and this would be the last tag of another one."""

    seen: Digest
    """The manifest, which was pushed back."""


class AlreadyGone(msgspec.Struct, frozen=True, tag="already-gone"):
    pass


class MovedMeanwhile(msgspec.Struct, frozen=True, tag="moved-meanwhile"):
    """The tag points to another manifest than when it was planned, so it was left alone."""

    now: Digest


class Needed(msgspec.Struct, frozen=True, tag="needed"):
    """Something that appeared after the plan needs this manifest, so it was left alone."""

    by: str
    """A tag or digest."""


class Referenced(msgspec.Struct, frozen=True, tag="referenced"):
    """The server refuses: another manifest needs this one."""

    by: str


class StillReferenced(msgspec.Struct, frozen=True, tag="still-referenced"):
    """… and nothing that is to go is in its way, so that no later attempt can change it."""

    by: str


class StillServed(msgspec.Struct, frozen=True, tag="still-served"):
    """The registry said that it deleted it, or that it was gone, and gives it out all the same."""


class Locked(msgspec.Struct, frozen=True, tag="locked"):
    rule: str


class Forbidden(msgspec.Struct, frozen=True, tag="forbidden"):
    what: str


class Failed(msgspec.Struct, frozen=True, tag="failed"):
    error: str


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


def is_settled(outcome: Outcome) -> bool:
    """True if trying again cannot change it; the others are what `resume` tries again."""
    return not isinstance(outcome, Failed | Forbidden | Referenced | StillServed)


class Loss(msgspec.Struct, frozen=True):
    """Something that the plan kept is not there any more."""

    digest: Digest
    tag: Tag | None = None
    """None for a manifest that a kept tag needs."""
