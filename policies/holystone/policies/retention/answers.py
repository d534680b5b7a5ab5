"""What an entry says of a tag: yes, no, or that it is not known."""

from typing import TypeAlias

import msgspec

from holystone.engine.model.policy_reasons import Doubt, EntryKey, Place
from holystone.engine.model.reasons import KeepReason
from holystone.engine.model.references import Tag

Answer: TypeAlias = bool | Doubt


class Standing(msgspec.Struct, frozen=True, gc=False):
    answer: Answer
    key: EntryKey | None = None
    """What decided it; None: everything that is asked for holds."""
    place: Place | None = None
    like: Tag | None = None
    """A tag that stays, whose image or commit it has."""
    because: tuple[KeepReason, ...] = ()
    """More of why it stays."""


KEPT = Standing(True)
